"""What the org offers a setup: list views and fields. Asked when a setup page needs it, kept five minutes. Reports are
in report_catalog.

A person waits for these answers, so the client gives up sooner than in an import.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.core.cache import cache

from carillon.accounts.models import Workspace
from carillon.connections.clients import client_for, connection_for, sign_in
from carillon.connections.models import SalesforceConnection
from carillon.connections.usage import recorded
from carillon.imports.models import SourceType
from carillon.imports.planning import Field, Fields
from carillon.imports.related import related_fields
from carillon.imports.values import contact_types, why_not
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from carillon.salesforce.client import Client
from carillon.salesforce.describes import ObjectDescribe
from carillon.salesforce.errors import SalesforceError, UnsupportedListQuery
from carillon.salesforce.explain import explain
from carillon.salesforce.listviews import ListViewDescription
from carillon.salesforce.soql import ListQuery, compose, id_condition, parse_list_view_query
from carillon.salesforce.transport import Retry

KEEP_SECONDS = 300
# Ids that fit into one query.
_COMPARED = 400
_WAIT = Retry(budget_seconds=4, read_timeout=20)


@dataclass(frozen=True, slots=True)
class SourceChoice:
    """A list view or report the API user can see; when not `usable`, `why_not` says why. `folder` is a report's."""

    id: str
    label: str
    api_name: str
    usable: bool
    why_not: str = ""
    type: str = SourceType.LIST_VIEW.value
    folder: str = ""


@dataclass(frozen=True, slots=True)
class FieldChoice:
    """A field that can be mapped; `contact_types` are the contact field types it may go to, natural one first. `also` is
    the column of a report that shows the field, or the field that a column shows. `may_go_stale`: it can change without
    its record being touched."""

    name: str
    label: str
    salesforce_type: str
    contact_types: tuple[str, ...]
    also: str = ""
    may_go_stale: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A field that can't be mapped, and why."""

    name: str
    label: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReportOffer:
    """A chosen report, read in one `way`: the columns found for Contact Identification and Last Modified ("" where
    there is none), and what it costs. `day` is a Last Modified column without time; `times` are the
    columns that carry one. `rows` and `hourly_runs` are None where the org doesn't say."""

    way: str
    identification: str
    identification_label: str
    modified: str
    day: FieldChoice | None
    times: tuple[FieldChoice, ...]
    rows: int | None
    runs: int | None
    hourly_runs: int | None
    too_long: bool


@dataclass(frozen=True, slots=True)
class SourceFields:
    """A chosen source: its columns, the object's other fields, some of related records, those that can't be mapped,
    and what an admin should know about it."""

    source: SourceChoice
    columns: tuple[FieldChoice, ...]
    others: tuple[FieldChoice, ...]
    warnings: tuple[str, ...]
    filter_in_words: str
    people: int | None
    report: ReportOffer | None = None
    related: tuple[FieldChoice, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def choices(self) -> tuple[FieldChoice, ...]:
        return (*self.columns, *self.others, *self.related)

    def find(self, name: str) -> FieldChoice | None:
        wanted = name.lower()
        return next((c for c in self.choices if c.name.lower() == wanted), None)


class SourceUnusable(CarillonError):
    """The list view or report can't be imported."""


def list_views(workspace: Workspace, object: str, *, refresh: bool = False) -> list[SourceChoice]:  # noqa: A002
    """List views of the object that the API user can see, by label. Raises SalesforceError, CarillonError."""
    connection = connection_for(workspace.pk)
    if refresh:
        forget(connection)
    key = cache_key("list_views", connection, object)
    found: list[SourceChoice] | None = cache.get(key)
    if found is None:
        with signed_in(workspace) as client:
            summaries = client.list_views(object)
        found = [
            SourceChoice(
                view.id,
                view.label,
                view.developer_name,
                view.soql_compatible,
                "" if view.soql_compatible else "Salesforce can't express this list view as a query.",
            )
            for view in sorted(summaries, key=lambda view: (view.label.lower(), view.id))
        ]
        cache.set(key, found, KEEP_SECONDS)
    return found


def find_source(workspace: Workspace, object: str, wanted: str) -> SourceChoice:  # noqa: A002
    """The list view given by id, API name or label. Raises SourceUnusable when there isn't exactly one."""
    choices = list_views(workspace, object)
    text = wanted.strip()
    for matches in (
        [c for c in choices if c.id == text or (len(text) == 15 and c.id[:15] == text)],
        [c for c in choices if c.api_name.lower() == text.lower()],
        [c for c in choices if c.label.lower() == text.lower()],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise SourceUnusable(
                f"More than one list view is called {wanted}.", "Give its id or API name instead."
            )
    raise SourceUnusable(
        f"There is no list view {wanted or '(none chosen)'} that the API user can see.",
        "Check the spelling, or share it with a public group that holds the API user.",
    )


def source_fields(workspace: Workspace, object: str, source_id: str) -> SourceFields:  # noqa: A002
    """What can be mapped from a list view. Raises SourceUnusable, SalesforceError, CarillonError."""
    source = find_source(workspace, object, source_id)
    if not source.usable:
        raise SourceUnusable(source.why_not, "Choose another list view.")
    connection = connection_for(workspace.pk)
    key = cache_key("source_fields", connection, f"{object}:{source.id}")
    found: SourceFields | None = cache.get(key)
    if found is None:
        with signed_in(workspace) as client:
            found = _read_source(client, object, source)
        cache.set(key, found, KEEP_SECONDS)
    return found


@contextmanager
def fields_of(workspace: Workspace, object: str) -> Iterator[Fields]:  # noqa: A002
    """Looks up any field or path of the object, as long as the block lasts."""
    with signed_in(workspace) as client:
        yield Fields(client.describe(object), client.describe)


@contextmanager
def signed_in(workspace: Workspace) -> Iterator[Client]:
    """A client for a page that waits: it gives up soon. Raises SalesforceError, CarillonError."""
    connection = connection_for(workspace.pk)
    with client_for(connection, retry=_WAIT) as client, recorded(client, connection):
        sign_in(client, connection)
        yield client


def cache_key(kind: str, connection: SalesforceConnection, rest: str) -> str:
    return f"{kind}:{connection.pk}:{connection.updated_at.timestamp()}:{rest}"


def forget(connection: SalesforceConnection) -> None:
    """Makes every process ask the org again: its time is part of each key."""
    connection.updated_at = now()
    connection.save(update_fields=["updated_at"])


def _read_source(client: Client, sobject: str, source: SourceChoice) -> SourceFields:
    view = client.list_view(sobject, source.id)
    try:
        query = parse_list_view_query(view.query)
    except UnsupportedListQuery as error:
        raise SourceUnusable(str(error), error.remedy) from None
    fields = Fields(client.describe(sobject), client.describe)
    named = [found for column in view.columns if not column.hidden and (found := fields.find(column.field))]
    columns = tuple(choice for field in named if (choice := choice_of(field)))
    names = {choice.name for choice in columns}
    others = tuple(choice for choice in own_fields(fields.describe) if choice.name not in names)
    people = _count(client, query)
    warnings = (*_warnings(view, people), *_compared_with_results(client, sobject, source, query, people))
    labels = {field.name: field.label for field in fields.describe.fields}
    words = explain(view.where_condition, labels)
    return SourceFields(
        source,
        columns,
        others,
        warnings,
        words,
        people,
        related=related_choices(fields, names),
        left_out=left_out(fields.describe),
    )


def own_fields(describe: ObjectDescribe) -> list[FieldChoice]:
    own = [
        choice_of(Field(field.name, field.label, field.type, field.calculated)) for field in describe.fields
    ]
    return sorted((choice for choice in own if choice), key=lambda choice: choice.label.lower())


def choice_of(field: Field, *, also: str = "") -> FieldChoice | None:
    """None for a field that has no single value."""
    types = contact_types(field.type)
    return (
        FieldChoice(field.name, field.label, field.type, types, also, field.may_go_stale) if types else None
    )


def related_choices(fields: Fields, besides: Collection[str]) -> tuple[FieldChoice, ...]:
    """Some fields of related records, those left out that are among the choices already."""
    found = (choice_of(field) for field in related_fields(fields) if field.name not in besides)
    return tuple(choice for choice in found if choice)


def left_out(describe: ObjectDescribe) -> tuple[LeftOut, ...]:
    return tuple(
        LeftOut(field.name, field.label, why_not(field.type))
        for field in describe.fields
        if not contact_types(field.type)
    )


def _count(client: Client, query: ListQuery, *conditions: str) -> int | None:
    """How many records the source holds now; None when the org won't say (some can't be counted in time)."""
    lead_rule = ("IsConverted = false",) if query.sobject.lower() == "lead" else ()
    try:
        return client.count(compose(query, ("COUNT()",), conditions=(*lead_rule, *conditions)))
    except SalesforceError:
        return None


def _compared_with_results(
    client: Client, sobject: str, source: SourceChoice, query: ListQuery, people: int | None
) -> tuple[str, ...]:
    """Salesforce's own rows of the list beside those of our query: the same people, or a warning."""
    try:
        shown, all_shown = client.list_view_result_ids(sobject, source.id)
    except SalesforceError:
        return ()
    if sobject == "Lead" or people is None or not shown:
        return ()
    if all_shown and len(shown) != people:
        return (f"Salesforce shows {len(shown):,} records in this list, but its query finds {people:,}.",)
    sample = shown[:_COMPARED]
    found = _count(client, query, id_condition(sample))
    if found is not None and found != len(sample):
        return (f"Of {len(sample):,} records Salesforce shows in this list, its query finds {found:,}.",)
    return ()


def _warnings(view: ListViewDescription, people: int | None) -> tuple[str, ...]:
    warnings = []
    if view.scope and view.scope != "everything":
        warnings.append(
            f"This list view shows the records of whoever opens it (scope {view.scope}). The import opens it as the"
            " API user, who usually owns none: choose a view of all records instead."
        )
    if people == 0:
        warnings.append("The API user sees nobody in this list view.")
    return tuple(warnings)
