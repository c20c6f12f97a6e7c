"""Reads SOSL: `FIND {Osei} IN NAME FIELDS RETURNING Contact(Id, Name WHERE Title != null LIMIT 5), Lead LIMIT 9`.

A record is found when each word of the search is a whole word of one of its fields, whatever its case; `*` stands for
any letters, `?` for one, quotes keep words together. OR, NOT, parentheses, WITH and USING are refused, in inferred words.
"""

import re
from dataclasses import dataclass

from orgsim.errors import ApiError
from orgsim.soql import fold
from orgsim.soql.errors import unread_letter

MOST_RECORDS = 2_000
_SEARCH = re.compile(
    r"\s*FIND\s*\{(?P<term>(?:\\.|[^}\\])*)\}(?:\s+IN\s+(?P<scope>ALL|NAME|EMAIL|PHONE|SIDEBAR)\s+FIELDS)?"
    r"(?:\s+RETURNING\s+(?P<returning>.+?))?(?:\s+LIMIT\s+(?P<limit>\d{1,9}))?\s*",
    re.IGNORECASE | re.DOTALL,
)
_RETURNED = re.compile(r"\s*(?P<sobject>\w+)\s*(?:\((?P<inside>[^)]*)\))?\s*(?:,|$)")
_CLAUSE = re.compile(r"\b(?:WHERE|ORDER\s+BY|LIMIT)\b", re.IGNORECASE)
_CLAUSES = ["FIELDS", "WHERE", "ORDER BY", "LIMIT"]
_PHRASE = re.compile(r'"([^"]*)"|(\S+)')
_WORD = re.compile(r"[\w*?]+")
# Signs that a search has to escape, in quotes as well (documented; two of them recorded).
_RESERVED = re.compile(r"\\.|([&|!{}\[\]^~:'+-])", re.DOTALL)

Phrase = tuple[str, ...]
"""Folded words that follow each other; `*` and `?` in them are wildcards."""


@dataclass(frozen=True, slots=True)
class Returned:
    """One object of RETURNING; `where` and `order` are SOQL, empty for none."""

    sobject: str
    fields: str = "Id"
    where: str = ""
    order: str = ""
    limit: int = MOST_RECORDS


@dataclass(frozen=True, slots=True)
class Search:
    """No `returned` means every object that is searched."""

    phrases: tuple[Phrase, ...]
    scope: str
    returned: tuple[Returned, ...]
    limit: int


def malformed(message: str) -> ApiError:
    return ApiError(400, "MALFORMED_SEARCH", message)


def parse(text: str) -> Search:
    """Raises ApiError."""
    if not re.match(r"\s*FIND\s*\{", text, re.IGNORECASE):
        raise malformed("No search term found. The search term must be enclosed in braces.")
    match = _SEARCH.fullmatch(text)
    if match is None:
        raise malformed(f"unexpected token in: {text}")
    _refuse_reserved(text, match.span("term"))
    scope = (match["scope"] or "ALL").upper()
    return Search(
        _phrases(match["term"]), scope, tuple(_returned(match["returning"] or "")), _most(match["limit"])
    )


def _refuse_reserved(text: str, term: tuple[int, int]) -> None:
    for sign in _RESERVED.finditer(text, *term):
        if sign[1]:
            what = f"mismatched character '{sign[1]}' expecting '}}'"
            raise malformed(unread_letter("MALFORMED_SEARCH", text, sign.start(), what).message)


def _phrases(term: str) -> tuple[Phrase, ...]:
    """A sign after a backslash is no wildcard, and no part of a word either."""
    phrases = []
    for quoted, plain in _PHRASE.findall(re.sub(r"\\.", " ", term)):
        if plain.upper() in ("OR", "NOT") or set(plain) & set("()"):
            raise malformed(f"unexpected token: {plain}")
        words = tuple(_WORD.findall(fold(quoted or plain)))
        if words and plain.upper() != "AND":
            phrases.append(words)
    if not phrases or any(len("".join(words).strip("*?")) < 2 for words in phrases):
        raise malformed(f"search term must be longer than one character: {term}")
    return tuple(phrases)


def _returned(text: str) -> list[Returned]:
    found, position, shape = [], 0, _outline(text)
    while position < len(text):
        match = _RETURNED.match(shape, position)
        if match is None:
            raise malformed(f"unexpected token: {text[position:].strip()}")
        inside = slice(*match.span("inside")) if match["inside"] else slice(0)
        clauses = _clauses(text[inside], shape[inside])
        found.append(
            Returned(
                match["sobject"],
                clauses["FIELDS"] or "Id",
                clauses.get("WHERE", ""),
                clauses.get("ORDER BY", ""),
                _most(clauses.get("LIMIT")),
            )
        )
        position = match.end()
    return found


def _clauses(text: str, shape: str) -> dict[str, str]:
    """`Id, Name WHERE a = 1 LIMIT 2` -> {"FIELDS": "Id, Name", "WHERE": "a = 1", "LIMIT": "2"}."""
    marks = list(_CLAUSE.finditer(shape))
    names = ["FIELDS", *(" ".join(mark[0].upper().split()) for mark in marks)]
    if names != [name for name in _CLAUSES if name in names]:
        raise malformed(f"unexpected token in: {text}")
    starts, ends = [0, *(mark.end() for mark in marks)], [*(mark.start() for mark in marks), len(text)]
    return {name: text[start:end].strip() for name, start, end in zip(names, starts, ends, strict=True)}


def _outline(text: str) -> str:
    """The text with what stands in quotes or in inner brackets blotted out, sign by sign."""
    shape = re.sub(r"'(?:\\.|[^'\\])*'", lambda match: "_" * len(match[0]), text, flags=re.DOTALL)
    signs, depth = [], 0
    for sign in shape:
        depth -= sign == ")"
        signs.append("_" if depth > 1 or (depth == 1 and sign in "()") else sign)
        depth += sign == "("
    return "".join(signs)


def _most(limit: str | None) -> int:
    if limit is None:
        return MOST_RECORDS
    if not re.fullmatch(r"\d{1,9}", limit):
        raise malformed(f"unexpected token: {limit}")
    return min(int(limit), MOST_RECORDS)


def like(phrase: Phrase) -> str:
    """A LIKE pattern of SOQL that every text with the phrase fits, and others too."""
    return "%" + "%".join(word.replace("*", "%").replace("?", "_") for word in phrase) + "%"


def pattern(phrase: Phrase) -> re.Pattern[str]:
    """What finds the phrase, word for word, in a folded text."""
    words = (re.escape(word).replace(r"\*", r"\w*").replace(r"\?", r"\w") for word in phrase)
    return re.compile(r"(?<!\w)" + r"\W+".join(words) + r"(?!\w)")
