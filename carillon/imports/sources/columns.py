"""What the columns of a report are to an import: which holds the last change, which field of the object a column
shows, and which filter leaves converted leads out. Pure.
"""

import re
from collections import Counter

from carillon.salesforce.describes import ObjectDescribe
from carillon.salesforce.reports.checks import (
    MOST_FILTERS,
    carries_time,
    datetime_columns,
    never_moves,
    only_grows,
)
from carillon.salesforce.reports.describes import ReportColumn, ReportDescription
from carillon.salesforce.reports.request import Condition

# Reading on past 2,000 rows takes up to two filters: the bounds of a window.
_FILTERS_TO_READ_ON = 2
_CHANGED = re.compile(r"modif|last.?update|systemmodstamp|changed", re.IGNORECASE)
_CONVERTED = frozenset({"converted", "lead.isconverted", "lead$isconverted", "isconverted"})
_PICKLISTS = frozenset({"picklist", "multipicklist"})
_FALSE = frozenset({"false", "0"})


def type_of(column: ReportColumn) -> str:
    """The type of the values its cells hold: the standard stamps are called datetime, and hold days."""
    return "date" if column.type == "datetime" and not carries_time(column) else column.type


def modified_column(report: ReportDescription) -> ReportColumn | None:
    """The column that looks like the date and time of the last change; None when there is none."""
    for column in datetime_columns(report):
        if _CHANGED.search(f"{column.name} {column.label}"):
            return column
    return None


def day_column(report: ReportDescription, sobject: str) -> ReportColumn | None:
    """The standard Last Modified Date of the object, which shows the day only."""
    for column in report.columns:
        if only_grows(column, sobject) and not never_moves(column, sobject) and not carries_time(column):
            return column
    return None


def field_path(column: ReportColumn, sobject: str) -> str:
    """The field or path of the object that a column says it shows; "" when it doesn't say."""
    owner, _, path = column.entity_field.partition(".")
    if not path:
        return ""
    return path if owner.lower() == sobject.lower() else column.entity_field


def picklists(report: ReportDescription, describe: ObjectDescribe) -> dict[str, dict[str, str]]:
    """The values of the picklists that columns show, by column and label: reports show labels. A label that several
    values have names none of them."""
    found: dict[str, dict[str, str]] = {}
    for column in report.columns:
        field = describe.field(field_path(column, describe.name))
        if field is None or field.type not in _PICKLISTS:
            continue
        counted = Counter(one.label for one in field.picklist_values)
        found[column.name] = {
            one.label: one.value for one in field.picklist_values if counted[one.label] == 1
        }
    return found


def has_room(report: ReportDescription, more: int) -> bool:
    """Whether so many filters of ours fit beside the saved ones and those that reading on takes."""
    return len(report.filters) + more + _FILTERS_TO_READ_ON <= MOST_FILTERS


def leaves_converted_out(report: ReportDescription) -> bool:
    """Whether the report's own filters leave converted leads out, whatever joins them."""
    return report.boolean_filter is None and any(
        one.operator == "equals" and one.column.lower() in _CONVERTED and one.value.lower() in _FALSE
        for one in report.filters
    )


def unconverted(report: ReportDescription) -> Condition | None:
    """The filter that leaves converted leads out; None when the report offers no column for it."""
    for name in (*(column.name for column in report.columns), *report.addable):
        column = report.column(name)
        if column and column.filterable and _CONVERTED & {name.lower(), column.entity_field.lower()}:
            return Condition(name, "equals", "False")
    return None


_OPERATORS = {
    "equals": "is",
    "notEqual": "is not",
    "lessThan": "is less than",
    "greaterThan": "is greater than",
    "lessOrEqual": "is at most",
    "greaterOrEqual": "is at least",
    "contains": "contains",
    "notContain": "does not contain",
    "startsWith": "starts with",
    "includes": "includes",
    "excludes": "excludes",
}


def filters_in_words(report: ReportDescription) -> str:
    """The report's own filters as a sentence."""
    words = []
    for number, one in enumerate(report.filters, 1):
        column = report.column(one.column)
        what = column.label if column else one.column
        says = f"{what} {_OPERATORS.get(one.operator, one.operator)} {one.value or 'blank'}"
        words.append(f"{number}. {says}" if report.boolean_filter else says)
    joined = "; ".join(words)
    if report.boolean_filter:
        joined = f"{report.boolean_filter}: {joined}"
    sentences = [f"Only those where {joined}."] if joined else []
    dates = report.date_filter
    if dates and (dates.duration != "CUSTOM" or dates.start or dates.end):
        column = report.column(dates.column)
        span = " to ".join(day for day in (dates.start, dates.end) if day)
        sentences.append(f"{column.label if column else dates.column}: {span or dates.duration}.")
    return " ".join(sentences) or "All rows of its report type, without a filter of its own."
