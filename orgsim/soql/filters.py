r"""Conditions as SQL with an org's logic, which has two values: a comparison is true or false, never unknown.

`= 'x'`, `<`, `LIKE` are false for null, `!= 'x'` and `NOT (...)` of them are true. NOT is pushed down to the single
comparisons, so that each is written once in its plain or its complemented form and plain ones can use an index.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orgsim.soql.ast import And, Comparison, Condition, Kind, Literal, Not, Operand, Or, Query
from orgsim.soql.errors import SoqlError, located
from orgsim.soql.plan import Parameter, QueryContext
from orgsim.soql.text import fold, like_pattern
from orgsim.soql.values import (
    Family,
    Filtered,
    Range,
    Value,
    bad_escape,
    refuse_unusable,
    string_value,
    value_of,
)

_COMPLEMENT = {"=": "<>", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_OPERATORS = {
    Family.BOOLEAN: frozenset({"=", "!=", "in", "not in"}),
    Family.CHOICES: frozenset({"=", "!=", "in", "not in", "includes", "excludes"}),
    Family.TEXT: frozenset({"=", "!=", "<", "<=", ">", ">=", "like", "in", "not in"}),
}
_USUAL = frozenset({"=", "!=", "<", "<=", ">", ">=", "in", "not in"})
_MAX_DEPTH = 60
_FLAT = 40


@dataclass(frozen=True, slots=True)
class Sql:
    text: str
    params: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class Filters:
    """Compiles conditions; what an operand is (a field, an aggregate) and what a sub-query gives is for the caller."""

    text: str
    context: QueryContext
    operand: Callable[[Operand], Filtered]
    subquery: Callable[[Query, Operand], Sql]

    def sql(self, condition: Condition, *, negated: bool = False, depth: int = 0) -> Sql:
        if depth > _MAX_DEPTH:
            raise SoqlError("QUERY_TOO_COMPLICATED", "The query's conditions are nested too deeply.")
        if isinstance(condition, Not):
            return self.sql(condition.term, negated=not negated, depth=depth + 1)
        if isinstance(condition, Comparison):
            return self._comparison(condition, negated)
        terms = [self.sql(term, negated=negated, depth=depth + 1) for term in condition.terms]
        word = "AND" if isinstance(condition, And) != negated else "OR"
        plain = joined(word, terms)
        if isinstance(condition, Or) and not negated:
            return self._keyset(condition) or plain
        return plain

    def _keyset(self, condition: Or) -> Sql | None:
        """`a > X OR (a = X AND b > Y)` over fields that are never null, as the row value `(a, b) > (X, Y)`.

        That is how clients page by key; SQLite seeks to a row value in an index on (a, b), but reads the OR
        form as two searches and a sort.
        """
        if len(condition.terms) != 2:
            return None
        first, second = condition.terms
        if isinstance(first, And):
            first, second = second, first
        if not (isinstance(first, Comparison) and isinstance(second, And) and len(second.terms) == 2):
            return None
        same, then = second.terms
        if not (isinstance(same, Comparison) and isinstance(then, Comparison)):
            return None
        if first.op not in (">", "<") or then.op not in (first.op, first.op + "=") or same.op != "=":
            return None
        return self._row_value(first, same, then)

    def _row_value(self, first: Comparison, same: Comparison, then: Comparison) -> Sql | None:
        leading, equal, trailing = (self.operand(c.operand) for c in (first, same, then))
        if leading.sql != equal.sql or not (_is_exact(leading) and _is_exact(trailing)):
            return None
        values = [self._plain_value(c, f) for c, f in ((first, leading), (same, equal), (then, trailing))]
        if values[0] != values[1] or any(v is None or isinstance(v, Range) for v in values):
            return None
        params = tuple(v for v in (values[0], values[2]) if v is not None and not isinstance(v, Range))
        return Sql(f"({leading.sql}, {trailing.sql}) {then.op} (?, ?)", params)

    def _plain_value(self, comparison: Comparison, filtered: Filtered) -> Value:
        if isinstance(comparison.value, Literal):
            return value_of(comparison.value, filtered, self.text, self.context)
        return None

    def _comparison(self, comparison: Comparison, negated: bool) -> Sql:
        filtered = self.operand(comparison.operand)
        op = comparison.op
        if op in ("!=", "not in", "excludes"):
            op = {"!=": "=", "not in": "in", "excludes": "includes"}[op]
            negated = not negated
        self._check_operator(comparison.op, filtered)
        value = comparison.value
        if isinstance(value, Query):
            return _semi_join(self.subquery(value, comparison.operand), filtered, negated)
        if isinstance(value, tuple):
            test = self._choices if op == "includes" else self._listed
            return test(value, filtered, negated)
        if op == "like":
            return self._like(value, filtered, negated)
        return _compared(op, value_of(value, filtered, self.text, self.context), filtered, negated)

    def _check_operator(self, op: str, filtered: Filtered) -> None:
        family = filtered.family
        if family is not None and op not in _OPERATORS.get(family, _USUAL):
            name = {Family.ID: "id", Family.NUMBER: "number"}.get(family, filtered.type)
            reason = f"invalid operator on {name} field"
            raise located("INVALID_QUERY_FILTER_OPERATOR", self.text, filtered.pos, reason)

    def _listed(self, literals: tuple[Literal, ...], filtered: Filtered, negated: bool) -> Sql:
        values = [value_of(literal, filtered, self.text, self.context) for literal in literals]
        plain = [v for v in values if v is not None and v != "" and not isinstance(v, Range)]
        tests = [_compared("=", v, filtered, negated) for v in values if isinstance(v, Range)]
        if plain:
            tests.append(_among(plain, filtered, negated))
        if None in values or "" in values:
            tests.append(_compared("=", None, filtered, negated))
        return joined("AND" if negated else "OR", tests)

    def _like(self, literal: Literal, filtered: Filtered, negated: bool) -> Sql:
        refuse_unusable(literal, self.text)
        if literal.kind is Kind.NULL:
            return Sql("1" if negated else "0")
        if literal.kind is not Kind.STRING:
            value_of(literal, filtered, self.text, self.context)
        try:
            pattern = like_pattern(literal.raw)
        except ValueError as error:
            raise bad_escape(literal, self.text, str(error)) from error
        column, folded = _folded(filtered, pattern, collate=False)
        word = "NOT LIKE" if negated else "LIKE"
        return _with_null(Sql(f"{column} {word} ? ESCAPE '\\'", (folded,)), filtered, null_is=negated)

    def _choices(self, literals: tuple[Literal, ...], filtered: Filtered, negated: bool) -> Sql:
        """INCLUDES: any of the literals, each of which may ask for several values at once: `'A;B'`."""
        tests = []
        for literal in literals:
            value_of(literal, filtered, self.text, self.context)
            wanted = string_value(literal, self.text).split(";") if literal.kind is Kind.STRING else []
            if not any(wanted):
                tests.append(_compared("=", None, filtered, negated))
                continue
            found = "= 0" if negated else "> 0"
            stored = f"';' || soql_fold({filtered.sql}) || ';'"
            each = [Sql(f"instr({stored}, ?) {found}", (f";{fold(name)};",)) for name in wanted if name]
            test = joined("OR" if negated else "AND", each)
            tests.append(_with_null(test, filtered, null_is=negated))
        return joined("AND" if negated else "OR", tests)


def joined(word: str, terms: Sequence[Sql]) -> Sql:
    """The terms with AND or OR between them; long lists as a balanced tree, for SQLite's limit on depth is 1,000."""
    if len(terms) == 1:
        return terms[0]
    params = tuple(p for term in terms for p in term.params)
    if len(terms) <= _FLAT:
        return Sql("(" + f" {word} ".join(term.text for term in terms) + ")", params)
    middle = len(terms) // 2
    left, right = joined(word, terms[:middle]), joined(word, terms[middle:])
    return Sql(f"({left.text} {word} {right.text})", params)


def _is_exact(filtered: Filtered) -> bool:
    return not filtered.nullable and filtered.family in (
        Family.ID,
        Family.NUMBER,
        Family.DATE,
        Family.DATETIME,
    )


def _with_null(test: Sql, filtered: Filtered, *, null_is: bool) -> Sql:
    """SQL's unknown counts as false in a WHERE, so only a test that null passes needs to say so."""
    if not (null_is and filtered.nullable):
        return test
    return Sql(f"({filtered.sql} IS NULL OR {test.text})", test.params)


def _compared(op: str, value: Value, filtered: Filtered, negated: bool) -> Sql:
    if op == "=" and (value is None or value == ""):
        return Sql(f"{filtered.sql} IS {'NOT ' if negated else ''}NULL")
    if value is None:
        return Sql("1" if negated else "0")
    if isinstance(value, Range):
        test = _against_range(_COMPLEMENT[op] if negated else op, value, filtered.sql)
    else:
        column, param = _folded(filtered, value)
        test = Sql(f"{column} {_COMPLEMENT[op] if negated else op} ?", (param,))
    return _with_null(test, filtered, null_is=negated)


def _semi_join(ids: Sql, filtered: Filtered, negated: bool) -> Sql:
    test = Sql(f"{filtered.sql} {'NOT IN' if negated else 'IN'} ({ids.text})", ids.params)
    return _with_null(test, filtered, null_is=negated)


def _against_range(op: str, span: Range, column: str) -> Sql:
    """A date literal is a whole range: `>` means after its end, `>=` from its start, `<=` to its end."""
    if op == "=":
        return Sql(f"({column} >= ? AND {column} < ?)", (span.start, span.end))
    if op == "<>":
        return Sql(f"({column} < ? OR {column} >= ?)", (span.start, span.end))
    bound = span.start if op in ("<", ">=") else span.end
    return Sql(f"{column} {'<' if op in ('<', '<=') else '>='} ?", (bound,))


def _among(values: list[Parameter], filtered: Filtered, negated: bool) -> Sql:
    column, params = filtered.sql, values
    if filtered.family in (Family.TEXT, Family.CHOICES):
        if all(str(value).isascii() for value in values):
            column = f"{column} COLLATE NOCASE"
        else:
            column, params = f"soql_fold({column})", [fold(str(value)) for value in values]
    marks = ", ".join("?" * len(params))
    test = Sql(f"{column} {'NOT IN' if negated else 'IN'} ({marks})", tuple(params))
    return _with_null(test, filtered, null_is=negated)


def _folded(filtered: Filtered, value: Parameter, *, collate: bool = True) -> tuple[str, Parameter]:
    """Column and parameter whose SQL comparison ignores case; see orgsim.soql.text for why ASCII needs no fold."""
    if filtered.family not in (Family.TEXT, Family.CHOICES):
        return filtered.sql, value
    if str(value).isascii():
        return (f"{filtered.sql} COLLATE NOCASE" if collate else filtered.sql), value
    return f"soql_fold({filtered.sql})", fold(str(value))
