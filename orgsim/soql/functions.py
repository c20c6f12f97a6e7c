"""The functions of SOQL that stand for a value of one row: date functions, toLabel() and FORMAT(), as SQL.

Date functions of a date/time read it in UTC, as an org does unless convertTimezone() is asked for.
"""

from orgsim.soql.ast import Call, Path
from orgsim.soql.errors import SoqlError, located, unsupported
from orgsim.soql.resolve import Names, Target
from orgsim.soql.values import Filtered

AGGREGATES = frozenset({"count", "count_distinct", "sum", "avg", "min", "max"})
_KNOWN = frozenset({"format", "convertcurrency", "converttimezone", "distance", "geolocation", "grouping"})
_LOCAL = "converttimezone"
_YEAR = "CAST(substr({c}, 1, 4) AS INTEGER)"
_MONTH = "CAST(substr({c}, 6, 2) AS INTEGER)"
_DAY = "CAST(substr({c}, 9, 2) AS INTEGER)"
_DAY_OF_YEAR = "CAST(strftime('%j', substr({c}, 1, 10)) AS INTEGER)"
_QUARTER = f"(({_MONTH} + 2) / 3)"
_DATE_FUNCTIONS = {
    "calendar_year": _YEAR,
    "calendar_quarter": _QUARTER,
    "calendar_month": _MONTH,
    "fiscal_year": _YEAR,
    "fiscal_quarter": _QUARTER,
    "fiscal_month": _MONTH,
    "day_in_year": _DAY_OF_YEAR,
    "day_in_month": _DAY,
    "day_in_week": "(CAST(strftime('%w', substr({c}, 1, 10)) AS INTEGER) + 1)",
    "week_in_year": f"(({_DAY_OF_YEAR} + 6) / 7)",
    "week_in_month": f"(({_DAY} + 6) / 7)",
    "hour_in_day": "CAST(substr({c}, 12, 2) AS INTEGER)",
    "day_only": "substr({c}, 1, 10)",
}
_NEED_TIME = frozenset({"hour_in_day", "day_only"})


def filterable(names: Names, path: Path) -> Filtered:
    target = names.target(path)
    if not target.field.filterable:
        reason = f"field '{target.field.name}' can not be filtered in a query call"
        raise located("INVALID_FIELD", names.text, path.pos, reason)
    return filtered_target(target)


def filtered_target(target: Target) -> Filtered:
    return Filtered(target.field.name, target.field.type, target.sql, target.nullable, target.pos)


def row_function(names: Names, call: Call) -> Filtered:
    """A function over one row's value. Raises SoqlError for one that is unknown, unsupported or misused."""
    if call.function == "tolabel":
        target = names.target(only_path(names, call))
        return Filtered(target.field.name, "string", label_sql(target), target.nullable, call.pos)
    sql = _DATE_FUNCTIONS.get(call.function)
    if sql is None:
        raise refused_function(names, call)
    target, column = _dated(names, call)
    if target.field.type != "datetime" and (target.field.type != "date" or call.function in _NEED_TIME):
        reason = f"function {call.name} can not be applied to field '{target.field.name}'"
        raise located("INVALID_FIELD", names.text, call.pos, reason)
    kind = "date" if call.function == "day_only" else "int"
    return Filtered(call.name, kind, sql.format(c=column), target.nullable, call.pos)


def _dated(names: Names, call: Call) -> tuple[Target, str]:
    """The field a date function reads and its SQL, in the user's zone where `convertTimezone(field)` is asked for."""
    argument = call.args[0] if len(call.args) == 1 else None
    if not (isinstance(argument, Call) and argument.function == _LOCAL):
        target = names.target(only_path(names, call))
        return target, target.sql
    target = names.target(only_path(names, argument))
    if target.field.type != "datetime":
        reason = f"function {argument.name} can not be applied to field '{target.field.name}'"
        raise located("INVALID_FIELD", names.text, argument.pos, reason)
    return target, f"soql_local({target.sql}, {quoted(names.context.time_zone)})"


def formatted_sql(names: Names, target: Target) -> str:
    """The value of FORMAT(field): as the user's locale writes it; a picklist by its label."""
    value = label_sql(target) if target.field.type == "picklist" else target.sql
    return f"soql_format({value}, {quoted(target.field.type)}, {quoted(names.context.time_zone)})"


def refused_function(names: Names, call: Call) -> SoqlError:
    if call.function in _KNOWN:
        return unsupported(f"The function {call.name}()")
    if call.function in AGGREGATES:
        reason = f"Aggregate function {call.name}() is only allowed in SELECT, HAVING and ORDER BY"
    else:
        reason = f"unexpected token: '{call.name}'"
    return located("MALFORMED_QUERY", names.text, call.pos, reason)


def only_path(names: Names, call: Call) -> Path:
    """The one field a function is applied to."""
    argument = call.args[0] if len(call.args) == 1 else None
    if isinstance(argument, Path):
        return argument
    if isinstance(argument, Call):
        raise unsupported(f"{call.name}() of another function")
    raise located("MALFORMED_QUERY", names.text, call.pos, f"{call.name}() needs exactly one field")


def label_sql(target: Target) -> str:
    """The picklist value as its label; values outside the picklist stay as they are."""
    labels = {value: label for value, label in target.field.label_of.items() if value != label}
    if not labels:
        return target.sql
    if target.field.type == "multipicklist":
        raise unsupported("toLabel() of a multi-select picklist")
    cases = " ".join(f"WHEN {quoted(value)} THEN {quoted(label)}" for value, label in labels.items())
    return f"CASE {target.sql} {cases} ELSE {target.sql} END"


def quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
