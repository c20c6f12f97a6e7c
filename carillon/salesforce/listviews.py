"""List views of an object: the list, one view's description, and the ids of its first rows.

Salesforce lists only the views shared with the API user. Ids come with 18 characters in the list and 15 in
descriptions and results; here they always have 18.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from carillon.salesforce.answers import error_of
from carillon.salesforce.errors import Forbidden, MalformedAnswer, NotFound, SalesforceError
from carillon.salesforce.orgs import decode, id_18
from carillon.salesforce.pages import same_instance_path


@dataclass(frozen=True, slots=True)
class ListViewSummary:
    """A view without `soql_compatible` has no query that could be run."""

    id: str
    label: str
    developer_name: str
    soql_compatible: bool


@dataclass(frozen=True, slots=True)
class ListViewColumn:
    """`field` is an API name or a path such as Owner.Alias; hidden columns are selected but not shown."""

    field: str
    label: str
    type: str
    hidden: bool


@dataclass(frozen=True, slots=True)
class ListViewDescription:
    """`where_condition` is the decoded tree as Salesforce gives it, for explaining the filter in words only."""

    id: str
    query: str
    scope: str | None
    columns: tuple[ListViewColumn, ...]
    where_condition: Any


class _Summary(msgspec.Struct):
    id: str
    label: str | None = None
    developerName: str | None = None
    soqlCompatible: bool | None = None


class _Summaries(msgspec.Struct):
    listviews: list[_Summary]
    done: bool = True
    nextRecordsUrl: str | None = None


class _Column(msgspec.Struct):
    fieldNameOrPath: str
    label: str | None = None
    type: str | None = None
    hidden: bool = False


class _Description(msgspec.Struct):
    id: str
    columns: list[_Column]
    query: str | None = None
    scope: str | None = None
    whereCondition: Any = None


class _Cell(msgspec.Struct):
    fieldNameOrPath: str
    value: Any = None


class _Row(msgspec.Struct):
    columns: list[_Cell]


class _Results(msgspec.Struct):
    records: list[_Row]
    done: bool


def summaries_of(body: bytes) -> tuple[list[ListViewSummary], str]:
    """One page of the list and the path of the next one, "" after the last."""
    said = decode(body, _Summaries)
    views = [
        ListViewSummary(
            id=id_18(item.id),
            label=item.label or item.developerName or item.id,
            developer_name=item.developerName or "",
            soql_compatible=item.soqlCompatible is True,
        )
        for item in said.listviews
    ]
    if not said.done and not said.nextRecordsUrl:
        raise MalformedAnswer("Salesforce's list of list views says there is more, but not where.")
    return views, same_instance_path(said.nextRecordsUrl) if said.nextRecordsUrl else ""


def view_error_of(status: int, body: bytes) -> SalesforceError:
    """As error_of; but a view that is not shared, which is refused with 404 or 403 (neither documented), is not found."""
    error = error_of(status, body)
    if isinstance(error, Forbidden):
        return NotFound("The list view is not shared with the API user.")
    return error


def description_of(body: bytes) -> ListViewDescription:
    said = decode(body, _Description)
    columns = tuple(
        ListViewColumn(
            item.fieldNameOrPath, item.label or item.fieldNameOrPath, item.type or "string", item.hidden
        )
        for item in said.columns
    )
    return ListViewDescription(id_18(said.id), said.query or "", said.scope, columns, said.whereCondition)


def result_ids_of(body: bytes) -> tuple[list[str], bool]:
    """The ids of a result's rows in their order, and whether these are all rows of the view."""
    said = decode(body, _Results)
    return [_row_id(row) for row in said.records], said.done


def _row_id(row: _Row) -> str:
    for cell in row.columns:
        if cell.fieldNameOrPath.lower() == "id" and isinstance(cell.value, str):
            return id_18(cell.value)
    raise MalformedAnswer("A row of the list view's result has no id.")
