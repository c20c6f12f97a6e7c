"""One filter of a report as SQL.

Several values, separated by commas, mean any of them. Text compares without case, ids by their bytes, in the order
they are sorted by. "Not equal" and "does not contain" are true of an empty value; a blank value asks for emptiness.
"""

import csv
from dataclasses import dataclass

from orgsim.reports.errors import bad_column, bad_condition, bad_id, bad_value, not_in_filters
from orgsim.reports.operators import is_allowed
from orgsim.reports.periods import Calendar, Span
from orgsim.reports.types import Known
from orgsim.soql.ast import Path
from orgsim.soql.filters import Sql, joined
from orgsim.soql.functions import label_sql
from orgsim.soql.resolve import Names, Target
from orgsim.soql.text import fold, full_id

_SQL = {
    "equals": "=",
    "notEqual": "<>",
    "lessThan": "<",
    "greaterThan": ">",
    "lessOrEqual": "<=",
    "greaterOrEqual": ">=",
}
_NEGATIVE = frozenset({"notEqual", "notContain", "excludes"})
_NUMBERS = frozenset({"int", "double", "percent", "currency"})
_BOOLEANS = {"true": 1, "1": 1, "false": 0, "0": 0}
_ID_LENGTHS = (15, 18)


@dataclass(frozen=True, slots=True)
class Condition:
    """A column, one operator and the text of the value as the client wrote it."""

    known: Known
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class Compiler:
    """`names` gathers the joins that the conditions need."""

    names: Names
    calendar: Calendar
    id_comparison: bool

    def sql(self, condition: Condition) -> Sql:
        """Raises the 400 for an operator or a value that the column doesn't take."""
        known, operator = condition.known, condition.operator
        if known.is_long:
            raise not_in_filters()
        if not known.filterable:
            raise bad_column(known.name)
        if not is_allowed(known.data_type, operator, id_comparison=self.id_comparison):
            raise bad_condition(operator)
        target = self.target(known)
        values = self._values(condition)
        tests = [self._test(condition, target, value) for value in values]
        return joined("AND" if operator in _NEGATIVE else "OR", tests)

    def target(self, known: Known) -> Target:
        return self.names.target(path_of(known.column.path))

    def _values(self, condition: Condition) -> list[str]:
        number = condition.known.data_type in _NUMBERS
        if number and condition.operator not in ("equals", "notEqual"):
            return [condition.value.replace(",", "").strip()]
        return split_values(condition.value)

    def _test(self, condition: Condition, target: Target, value: str) -> Sql:
        known, operator = condition.known, condition.operator
        if known.data_type == "boolean":
            return _boolean(target, operator, value, known)
        if not value:
            return _against_nothing(target, operator)
        if known.is_moment:
            return self._moment(known, target, operator, value)
        if known.data_type == "id":
            return _identity(target, operator, value)
        if known.data_type in _NUMBERS:
            return _with_null(_number(target, operator, value, known), target, operator)
        if known.data_type == "multipicklist":
            return _with_null(_choices(target, operator, value), target, operator)
        if known.data_type == "picklist" and operator in ("equals", "notEqual"):
            return _with_null(_picked(target, operator, value), target, operator)
        return _with_null(_text(target, operator, value), target, operator)

    def _moment(self, known: Known, target: Target, operator: str, value: str) -> Sql:
        span = self.calendar.read(
            value, exact=known.data_type == "datetime", moments=known.field.type == "datetime"
        )
        return _with_null(_spanned(target.sql, operator, span), target, operator)


def path_of(dotted: str) -> Path:
    return Path(tuple(dotted.split(".")), 0)


def split_values(text: str) -> list[str]:
    """`a, "b,c"` -> a; b,c. An empty text is one empty value."""
    if "," not in text and '"' not in text:
        return [text.strip()]
    return [value.strip() for value in next(csv.reader([text], skipinitialspace=True), [""])] or [""]


def _with_null(test: Sql, target: Target, operator: str) -> Sql:
    if operator in _NEGATIVE and target.nullable:
        return Sql(f"({target.sql} IS NULL OR {test.text})", test.params)
    return test


def _against_nothing(target: Target, operator: str) -> Sql:
    """A blank value: every text there is comes after nothing."""
    if operator in ("notEqual", "greaterThan", "notContain", "excludes"):
        return Sql(f"{target.sql} IS NOT NULL")
    if operator in ("equals", "lessOrEqual", "contains", "startsWith", "includes"):
        return Sql(f"{target.sql} IS NULL")
    return Sql("1" if operator == "greaterOrEqual" else "0")


def _boolean(target: Target, operator: str, value: str, known: Known) -> Sql:
    wanted = _BOOLEANS.get(value.lower())
    if wanted is None:
        raise bad_value(value, known.name)
    return Sql(f"coalesce({target.sql}, 0) {_SQL[operator]} ?", (wanted,))


def _identity(target: Target, operator: str, value: str) -> Sql:
    if operator == "startsWith":
        # A range, so that the index on ids serves: no character of an id comes after z.
        return Sql(f"{target.sql} BETWEEN ? AND ?", (value, value + "~"))
    if len(value) not in _ID_LENGTHS:
        raise bad_id(value)
    record_id = full_id(value)
    if record_id is None:
        raise bad_id(value)
    return _with_null(Sql(f"{target.sql} {_SQL[operator]} ?", (record_id,)), target, operator)


def _number(target: Target, operator: str, value: str, known: Known) -> Sql:
    try:
        number = float(value.lstrip("$").rstrip("%"))
    except ValueError:
        raise bad_value(value, known.name) from None
    return Sql(f"{target.sql} {_SQL[operator]} ?", (number,))


def _choices(target: Target, operator: str, value: str) -> Sql:
    stored = f"';' || soql_fold({target.sql}) || ';'"
    if operator in ("equals", "notEqual"):
        return Sql(f"soql_fold({target.sql}) {_SQL[operator]} ?", (fold(value),))
    found = "> 0" if operator == "includes" else "= 0"
    each = [Sql(f"instr({stored}, ?) {found}", (f";{fold(name.strip())};",)) for name in value.split(";")]
    return joined("AND" if operator == "includes" else "OR", each)


def _picked(target: Target, operator: str, value: str) -> Sql:
    """Picklists match by what is shown and by the API value."""
    wanted = fold(value)
    same = [v.value for v in target.field.picklist if wanted in (fold(v.label), fold(v.value))]
    tests = [_text(target, operator, stored) for stored in dict.fromkeys([*same, value])]
    return joined("AND" if operator == "notEqual" else "OR", tests)


def _text(target: Target, operator: str, value: str) -> Sql:
    shown = label_sql(target) if target.field.type == "picklist" and operator not in _SQL else target.sql
    if operator in _SQL:
        if value.isascii():
            return Sql(f"{target.sql} COLLATE NOCASE {_SQL[operator]} ?", (value,))
        return Sql(f"soql_fold({target.sql}) {_SQL[operator]} ?", (fold(value),))
    escaped = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    pattern = f"{escaped}%" if operator == "startsWith" else f"%{escaped}%"
    word = "NOT LIKE" if operator == "notContain" else "LIKE"
    if value.isascii():
        return Sql(f"({shown}) {word} ? ESCAPE '\\'", (pattern,))
    return Sql(f"soql_fold({shown}) {word} ? ESCAPE '\\'", (fold(pattern),))


def _spanned(column: str, operator: str, span: Span) -> Sql:
    """A day is a whole range: `greaterThan` means after its end, `greaterOrEqual` from its start."""
    if operator == "equals":
        return Sql(f"({column} >= ? AND {column} < ?)", (span.start, span.end))
    if operator == "notEqual":
        return Sql(f"({column} < ? OR {column} >= ?)", (span.start, span.end))
    bound = span.start if operator in ("lessThan", "greaterOrEqual") else span.end
    return Sql(f"{column} {'<' if operator.startswith('less') else '>='} ?", (bound,))
