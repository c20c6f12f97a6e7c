"""Parses SOQL text into the query's tree; bad syntax is MALFORMED_QUERY in the words of an org."""

import re
from collections.abc import Collection
from dataclasses import replace
from typing import Any, cast

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from orgsim.soql.ast import (
    And,
    Call,
    Comparison,
    Condition,
    Kind,
    Literal,
    Not,
    Operand,
    Or,
    Ordering,
    Path,
    Query,
    SelectItem,
    Source,
    TypeOf,
)
from orgsim.soql.errors import SoqlError, located, unread_letter

MAX_LENGTH = 100_000

_STRING = re.compile(r"'[^'\\]*(?:\\.[^'\\]*)*'", re.DOTALL)
_WORD = re.compile(r"[\w.:-]+|<=|>=|!=|<>|.", re.DOTALL)
_HALF_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]*")
# No token of SOQL has one of these in it; recorded for the double quote.
_NO_LETTERS = frozenset('"#$@`~^|\\[]{}')
_LETTER = re.compile(r"[A-Za-z_]")
_SPACES = re.compile(r"\s+")
_DOT = re.compile(r"\s*\.\s*")
_KINDS = {
    "STRING": Kind.STRING,
    "NUMBER": Kind.NUMBER,
    "CURRENCY": Kind.CURRENCY,
    "DATETIME": Kind.DATETIME,
    "DATE": Kind.DATE,
    "TIME": Kind.TIME,
    "DATE_LITERAL": Kind.DATE_LITERAL,
    "TRUE": Kind.BOOLEAN,
    "FALSE": Kind.BOOLEAN,
    "NULL": Kind.NULL,
    "BIND": Kind.BIND,
}
_NOT_AN_ALIAS = frozenset({"group", "first", "last"})


def _pos(token: Token) -> int:
    return token.start_pos or 0


def _literal(token: Token) -> Literal:
    return Literal(_KINDS[token.type], str(token), _pos(token))


def _path(token: Token) -> Path:
    return Path(tuple(_DOT.split(str(token))), _pos(token))


class _Build(Transformer[Token, Any]):
    """One method a grammar rule; lark calls them bottom up while parsing, so no tree is ever built."""

    def path(self, children: list[Token]) -> Path:
        return _path(children[0])

    def empty_call(self, children: list[Token]) -> Call:
        return Call(str(children[0]), (), _pos(children[0]))

    def call(self, children: list[Any]) -> Call:
        return Call(str(children[0]), tuple(children[1:]), _pos(children[0]))

    def argument(self, children: list[Operand]) -> Operand:
        return children[0]

    def literal(self, children: list[Token]) -> Literal:
        return _literal(children[0])

    def strings(self, children: list[Token]) -> tuple[Literal, ...]:
        start = _pos(children[0])
        found = _STRING.finditer(children[0])
        return tuple(Literal(Kind.STRING, match[0], start + match.start()) for match in found)

    def bound_list(self, children: list[Token]) -> tuple[Literal, ...]:
        return (_literal(children[0]),)

    def mixed_list(self, children: list[Literal]) -> tuple[Literal, ...]:
        return tuple(children)

    def semi_join(self, children: list[Query]) -> Query:
        return children[0]

    def list_op(self, children: list[Token]) -> str:
        return _SPACES.sub(" ", children[0].lower())

    @v_args(inline=True)
    def compare(self, operand: Operand, op: Token, value: Literal) -> Comparison:
        name = op.lower()
        return Comparison(operand, "!=" if name == "<>" else name, value)

    @v_args(inline=True)
    def compare_list(self, operand: Operand, op: str, value: tuple[Literal, ...] | Query) -> Comparison:
        return Comparison(operand, op, value)

    def negation(self, children: list[Condition]) -> Not:
        return Not(children[0])

    def conjunction(self, children: list[Condition]) -> And:
        return And(tuple(children))

    def disjunction(self, children: list[Condition]) -> Or:
        return Or(tuple(children))

    def plain_item(self, children: list[Operand]) -> SelectItem:
        return SelectItem(children[0], None)

    @v_args(inline=True)
    def aliased_item(self, operand: Operand, alias: Token) -> SelectItem:
        return SelectItem(operand, _alias(alias))

    def child_item(self, children: list[Query]) -> SelectItem:
        return SelectItem(children[0], None)

    def typeof_item(self, children: list[TypeOf]) -> SelectItem:
        return SelectItem(children[0], None)

    def names(self, children: list[Token]) -> tuple[Path, ...]:
        return tuple(_path(token) for token in children)

    @v_args(inline=True)
    def when(self, name: Token, fields: tuple[Path, ...]) -> tuple[str, tuple[Path, ...]]:
        return str(name), fields

    def typeof(self, children: list[Any]) -> TypeOf:
        return TypeOf(_path(children[0]), tuple(children[1:-1]), children[-1] or ())

    def data_category(self, children: list[Any]) -> str:
        return "DATA CATEGORY"

    def source(self, children: list[Token]) -> Source:
        return Source(_path(children[0]), _alias(children[1]) if len(children) > 1 else None)

    def ordering(self, children: list[Any]) -> Ordering:
        operand, direction, nulls = children
        return Ordering(operand, direction == "DESC", nulls == "NULLS_LAST")

    def with_filter(self, children: list[Any]) -> str:
        return str(children[0])

    def endings(self, children: list[Token]) -> tuple[str, ...]:
        return tuple(_SPACES.sub(" ", token.upper()) for token in children)

    def _first(self, children: list[Any]) -> Any:
        return children[0] if children else None

    def _first_type(self, children: list[Token]) -> str | None:
        return children[0].type if children else None

    def _all(self, children: list[Any]) -> tuple[Any, ...]:
        return tuple(children)

    def _first_literal(self, children: list[Token]) -> Literal | None:
        return _literal(children[0]) if children else None

    direction = nulls = _first_type
    scope = where = with_clause = having = start = otherwise = _first
    items = sources = operands = order = _all
    limit = offset = _first_literal

    def group(self, children: list[tuple[Operand, ...]]) -> tuple[Operand, ...]:
        return children[0] if children else ()

    def query(self, clauses: list[Any]) -> Query:
        return Query("", *clauses)


class _Misplaced(Exception):
    """A token the grammar takes but SOQL does not."""

    def __init__(self, token: str, pos: int) -> None:
        super().__init__(token)
        self.token = token
        self.pos = pos


def _alias(token: Token) -> str:
    """An alias is a plain word, and not one of the few that the reference reserves."""
    if "." in token or token.lower() in _NOT_AN_ALIAS:
        raise _Misplaced(str(token), _pos(token))
    return str(token)


_LARK = Lark.open("grammar.lark", rel_to=__file__, parser="lalr", lexer="contextual", transformer=_Build())


def parse(text: str) -> Query:
    """The tree of `text`. Raises SoqlError, MALFORMED_QUERY, for anything that is not SOQL."""
    if not text.strip():
        raise SoqlError("MALFORMED_QUERY", "SOQL statements cannot be empty or null")
    if len(text) > MAX_LENGTH:
        raise SoqlError("MALFORMED_QUERY", f"SOQL statements cannot be longer than {MAX_LENGTH} characters.")
    try:
        query = cast("Query", _LARK.parse(text))
    except UnexpectedInput as error:
        raise _refusal(text, error) from error
    except _Misplaced as error:
        raise _unexpected(text, error.token, error.pos) from error
    return replace(query, text=text)


def _refusal(text: str, error: UnexpectedInput) -> SoqlError:
    expected: Collection[str] = ()
    if isinstance(error, UnexpectedToken):
        expected = error.expected
        if error.token.type == "$END":
            return _unexpected(text, "<EOF>", len(text))
    elif isinstance(error, UnexpectedCharacters):
        expected = error.allowed or ()
    pos = error.pos_in_stream or 0
    match = _WORD.match(text, pos)
    found = match[0] if match else "<EOF>"
    if _HALF_INSTANT.fullmatch(found):
        # A "+" sent unencoded arrives as a space; the lexer of an org stops there.
        return _unreadable(text, pos + len(found))
    if found == "'" and not _STRING.match(text, pos):
        what = "mismatched character '<EOF>' expecting '''"
        return unread_letter("MALFORMED_QUERY", text, len(text), what)
    if found in _NO_LETTERS:
        return _unreadable(text, pos)
    if "STRING" in expected and "DATETIME" in expected and _LETTER.match(found):
        return located("MALFORMED_QUERY", text, pos, f"expecting a colon, found '{found}'")
    return _unexpected(text, found, pos)


def _unreadable(text: str, pos: int) -> SoqlError:
    what = f"no viable alternative at character '{text[pos : pos + 1] or '<EOF>'}'"
    return unread_letter("MALFORMED_QUERY", text, pos, what)


def _unexpected(text: str, token: str, pos: int) -> SoqlError:
    return located("MALFORMED_QUERY", text, pos, f"unexpected token: '{token}'")
