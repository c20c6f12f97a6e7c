"""What a report's description says about reading it: whether it can be read whole, and by which columns.

Pure. A run gives at most 2,000 rows, so reading on needs filters and a sort of our own on the saved report; what
stands in their way is found here, before anything is run.
"""

import re
from dataclasses import dataclass

from carillon.salesforce.reports.describes import ReportColumn, ReportDescription

MOST_FILTERS = 20
COLUMN_LIMIT = 100
_MOST_WINDOW_COLUMNS = 3
TABULAR, JOINED = "TABULAR", "MULTI_BLOCK"

_CREATED = re.compile(r"(?:^|[.$_])created_?date$", re.IGNORECASE)
_MODIFIED = re.compile(r"(?:^|[.$_])(?:last_?modified_?date|last_update|system_?modstamp)$", re.IGNORECASE)
_FORMATS = {"SUMMARY": "a summary report", "MATRIX": "a matrix report"}


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One reason why a report cannot be read completely: what it is, and what to do about it."""

    code: str
    sentence: str
    remedy: str


def why_not_readable(
    report: ReportDescription, sobject: str, *, flatten: bool = False
) -> tuple[Obstacle, ...]:
    """All reasons, the weightiest first; none means that it can be read.

    `flatten` lets summary and matrix reports pass: they can be run without their groups.
    """
    found = [
        *why_not_format(report.format, flatten=flatten),
        *_of_rows(report),
        *_of_filters(report),
        *_of_id(report, sobject),
    ]
    return tuple(found)


def id_column(report: ReportDescription, sobject: str) -> ReportColumn | None:
    """The column with the id of the object's own record, the report's own before one that can be added."""
    own = {item.name for item in report.columns}
    others = [item for name, item in report.addable.items() if name not in own]
    for fits in (_says_it_is_id, _looks_like_id):
        for item in (*report.columns, *others):
            if fits(item, sobject):
                return item
    return None


def carries_time(column: ReportColumn) -> bool:
    """Whether cells hold a time of day, so that it can serve as Last Modified.

    Salesforce shows the standard Created Date and Last Modified Date as a day only, even where it calls them
    datetime; custom and formula date/time fields carry the time.
    """
    return column.type == "datetime" and not _is_standard_stamp(column)


def datetime_columns(report: ReportDescription) -> tuple[ReportColumn, ...]:
    """The report's own columns that carry a date with its time."""
    return tuple(item for item in report.columns if carries_time(item))


def window_columns(report: ReportDescription, sobject: str) -> tuple[ReportColumn, ...]:
    """The date columns to part the report by, best first: the record's own Created Date is never empty and never
    changes, other moments of the record are as fine, days and dates of related records are coarse.
    """
    own = {item.name for item in report.columns}
    others = [item for name, item in report.addable.items() if name not in own]
    usable = [
        item for item in (*report.columns, *others) if item.filterable and item.type in ("datetime", "date")
    ]
    usable.sort(key=lambda item: (_window_rank(item, sobject.lower()), item.name not in own, item.name))
    return tuple(usable[:_MOST_WINDOW_COLUMNS])


def never_moves(column: ReportColumn, sobject: str) -> bool:
    """Whether it is the record's own Created Date."""
    return _is_own(column, sobject.lower()) and bool(_CREATED.match(_path(column)[-1]))


def only_grows(column: ReportColumn, sobject: str) -> bool:
    """Whether a record's date stays or moves on to the present, as its own Created and Last Modified do."""
    modified = _is_own(column, sobject.lower()) and _MODIFIED.match(_path(column)[-1])
    return bool(modified) or never_moves(column, sobject)


def why_not_format(given: str, *, flatten: bool = False) -> list[Obstacle]:
    """What is to be said against a report of this format, known before it is described."""
    if given == JOINED:
        return [
            Obstacle(
                "joined",
                "The report is a joined report; Salesforce does not give its rows to other programs.",
                "Save one block of it as a tabular report of its own and choose that.",
            )
        ]
    if given == TABULAR or flatten:
        return []
    what = _FORMATS.get(given, "a report with groups")
    return [
        Obstacle(
            "not_tabular",
            f"The report is {what}, not a tabular one.",
            "In the report builder remove all row and column groups and save it; it is then tabular.",
        )
    ]


def _of_rows(report: ReportDescription) -> list[Obstacle]:
    found = []
    if report.limits_rows:
        found.append(
            Obstacle(
                "row_limit",
                "The report has a row limit, so it never shows all people its filters let through.",
                "In the report builder remove 'Row Limit' from the filters and save it.",
            )
        )
    if report.historical:
        found.append(
            Obstacle(
                "historical",
                "The report compares historical snapshots; such a report can't be read past 2,000 rows.",
                "Build a report of the same people without historical trending and choose that.",
            )
        )
    return found


def _of_filters(report: ReportDescription) -> list[Obstacle]:
    if len(report.filters) < MOST_FILTERS:
        return []
    return [
        Obstacle(
            "filters",
            f"The report has {len(report.filters)} filters, as many as Salesforce allows; reading past 2,000 rows "
            "needs one more.",
            "Remove a filter, or join several into one (values separated by commas mean 'or').",
        )
    ]


def _of_id(report: ReportDescription, sobject: str) -> list[Obstacle]:
    column = id_column(report, sobject)
    if column is not None and column.filterable:
        return []
    name = f"The report {report.name}"
    other = "Lead" if sobject == "Contact" else "Contact"
    if column is None and id_column(report, other):
        return [
            Obstacle(
                "no_id",
                f"{name} is a report of {other}s: it has no column with the id of the {sobject}.",
                f"Choose a report of {sobject}s, or choose this one for the import of {other}s.",
            )
        ]
    said = (
        f"has no column with the id of the {sobject}" if column is None else "does not allow filters on ids"
    )
    return [
        Obstacle(
            "no_id",
            f"{name} {said}, so its rows can't be tied to people.",
            f"Choose a report whose type is about {sobject}s, and add the column '{sobject} ID' to it.",
        )
    ]


def _says_it_is_id(column: ReportColumn, sobject: str) -> bool:
    return column.type == "id" and column.entity_field.lower() == f"{sobject}.id".lower()


def _looks_like_id(column: ReportColumn, sobject: str) -> bool:
    # Columns that are not in the report, and all columns of old versions, come without their field.
    if column.type != "id" or column.entity_field:
        return False
    name, wanted = column.name.lower(), sobject.lower()
    parts = re.split(r"[.$]", name)
    return name == f"{wanted}_id" or parts[-2:] == [wanted, "id"] or column.label.lower() == f"{wanted} id"


def _is_standard_stamp(column: ReportColumn) -> bool:
    source = column.entity_field or column.name
    return not source.lower().endswith("__c") and bool(_CREATED.search(source) or _MODIFIED.search(source))


def _path(column: ReportColumn) -> list[str]:
    return re.split(r"[.$]", (column.entity_field or column.name).lower())


def _is_own(column: ReportColumn, sobject: str) -> bool:
    path = _path(column)
    return path[0] == sobject if len(path) == 2 else len(path) == 1


def _window_rank(column: ReportColumn, sobject: str) -> tuple[bool, int]:
    name = _path(column)[-1]
    # From the start of the name: ACCOUNT_CREATED_DATE is another record's.
    kind = 0 if _CREATED.match(name) else 2 if _MODIFIED.match(name) else 1
    return not (_is_own(column, sobject) and column.type == "datetime"), kind
