"""What the org's reports offer a setup: found by folder and name on the org's side, described when one is chosen.
Kept five minutes, as list views are.
"""

from dataclasses import dataclass, replace
from hashlib import sha256

from django.core.cache import cache

from carillon.accounts.models import Workspace
from carillon.connections.clients import connection_for
from carillon.imports.catalog import (
    KEEP_SECONDS,
    FieldChoice,
    ReportOffer,
    SourceChoice,
    SourceFields,
    SourceUnusable,
    cache_key,
    choice_of,
    forget,
    left_out,
    own_fields,
    related_choices,
    signed_in,
)
from carillon.imports.models import ReportWay, SourceType
from carillon.imports.opt_out import opt_out_choices, shown_as_columns
from carillon.imports.planning import Fields, field_of
from carillon.imports.sources.choice import runs_of_an_import
from carillon.imports.sources.columns import (
    day_column,
    field_path,
    filters_in_words,
    modified_column,
    type_of,
)
from carillon.salesforce.client import Client
from carillon.salesforce.describes import ObjectDescribe
from carillon.salesforce.errors import SalesforceError
from carillon.salesforce.ids import as_typed
from carillon.salesforce.reports.checks import (
    datetime_columns,
    id_column,
    why_not_format,
    why_not_readable,
)
from carillon.salesforce.reports.describes import ReportColumn, ReportDescription
from carillon.salesforce.reports.errors import ReportGone, ReportNotShared
from carillon.salesforce.reports.reading import MOST_ROWS
from carillon.salesforce.reports.resource import ReportSummary

# As many as a person looks through; there may be thousands.
MOST_SHOWN = 100
MOST_FOLDERS = 500
_HOURLY = "HourlySyncReportRuns"


@dataclass(frozen=True, slots=True)
class ReportsFound:
    """The first reports that match, by folder and name, and the first folders; `more` and `more_folders` say that there
    are others."""

    reports: tuple[SourceChoice, ...]
    more: bool
    folders: tuple[str, ...]
    more_folders: bool


def reports(workspace: Workspace, *, text: str = "", folder: str = "", refresh: bool = False) -> ReportsFound:
    """Reports in folders shared with the API user. Raises SalesforceError, CarillonError."""
    connection = connection_for(workspace.pk)
    if refresh:
        forget(connection)
    asked = sha256(f"{folder}\n{text}".encode()).hexdigest()
    key = cache_key("reports", connection, asked)
    found: ReportsFound | None = cache.get(key)
    if found is None:
        with signed_in(workspace) as client:
            listed = list(client.reports.find(text, folder=folder, most=MOST_SHOWN + 1))
            folders = _folders(client)
        choices = tuple(_choice(report) for report in listed[:MOST_SHOWN])
        found = ReportsFound(
            choices,
            len(listed) > MOST_SHOWN,
            tuple(dict.fromkeys(folders[:MOST_FOLDERS])),
            len(folders) > MOST_FOLDERS,
        )
        cache.set(key, found, KEEP_SECONDS)
    return found


def find_report(workspace: Workspace, wanted: str) -> SourceChoice:
    """The report given by id, of 15 or 18 characters as people type it, by API name or name. Raises SourceUnusable when
    there isn't exactly one."""
    text = wanted.strip()
    connection = connection_for(workspace.pk)
    key = cache_key("report_named", connection, sha256(text.encode()).hexdigest())
    found: tuple[SourceChoice, ...] | None = cache.get(key)
    if found is None:
        with signed_in(workspace) as client:
            found = tuple(_choice(report) for report in client.reports.named(text)) if text else ()
        # One that was not there may be shared in the next minute.
        if found:
            cache.set(key, found, KEEP_SECONDS)
    typed = as_typed(text)
    exactly = [one for one in found if one.id == typed or one.api_name == text] or list(found)
    if len(exactly) == 1:
        return exactly[0]
    if exactly:
        raise SourceUnusable(
            f"More than one report is called {wanted}.", "Give its id or its API name (Report Unique Name)."
        )
    raise SourceUnusable(
        f"There is no report {wanted or '(none chosen)'} that the API user can see.",
        "Check the spelling, or share its folder with the API user (View is enough).",
    )


def report_fields(workspace: Workspace, object: str, report_id: str, way: str) -> SourceFields:  # noqa: A002
    """What can be mapped from a report that is read in this way. Raises SourceUnusable, SalesforceError,
    CarillonError."""
    source = find_report(workspace, report_id)
    if not source.usable:
        raise SourceUnusable(source.why_not, "Choose another report.")
    connection = connection_for(workspace.pk)
    way = way or ReportWay.BY_IDS.value
    key = cache_key("report_fields", connection, f"{object}:{source.id}:{way}")
    found: SourceFields | None = cache.get(key)
    if found is None:
        with signed_in(workspace) as client:
            found = _read(client, object, source, way)
        cache.set(key, found, KEEP_SECONDS)
    return found


def _read(client: Client, sobject: str, source: SourceChoice, way: str) -> SourceFields:
    try:
        report = client.reports.describe(source.id)
    except (ReportGone, ReportNotShared) as error:
        raise SourceUnusable(str(error), error.remedy) from None
    for obstacle in why_not_readable(report, sobject):
        raise SourceUnusable(obstacle.sentence, obstacle.remedy)
    offer = _offer(client, report, sobject, way)
    fields = Fields(client.describe(sobject), client.describe)
    offered: tuple[FieldChoice, ...]
    if way == ReportWay.REPORT_ONLY:
        offered = tuple(choice for one in report.columns if (choice := _column(one, fields.describe)))
    else:
        offered = _shown(report, sobject, fields)
    found = SourceFields(source, offered, (), _warnings(report, offer), filters_in_words(report), None, offer)
    consents = opt_out_choices(fields.describe)
    if way == ReportWay.REPORT_ONLY:
        return replace(found, opt_outs=shown_as_columns(consents, [one.also for one in offered]))
    names = {choice.name for choice in offered}
    return replace(
        found,
        others=tuple(choice for choice in own_fields(fields.describe) if choice.name not in names),
        related=related_choices(fields, names),
        left_out=left_out(fields.describe),
        opt_outs=consents,
    )


def _offer(client: Client, report: ReportDescription, sobject: str, way: str) -> ReportOffer:
    identification = id_column(report, sobject)
    modified, day = modified_column(report), day_column(report, sobject)
    rows = _rows(client, report)
    alone = way == ReportWay.REPORT_ONLY
    return ReportOffer(
        way=way,
        identification=identification.name if identification else "",
        identification_label=identification.label if identification else "",
        modified=modified.name if modified and alone else "",
        day=_time_choice(day) if day else None,
        times=tuple(_time_choice(one) for one in datetime_columns(report)),
        rows=rows,
        runs=None if rows is None else runs_of_an_import(rows, alone=alone),
        hourly_runs=_hourly_runs(client),
        too_long=rows is not None and rows > MOST_ROWS,
    )


def _rows(client: Client, report: ReportDescription) -> int | None:
    try:
        return client.reports.count(report)
    except SalesforceError:
        return None


def _hourly_runs(client: Client) -> int | None:
    try:
        limit = client.limits().get(_HOURLY)
    except SalesforceError:
        return None
    return limit.max if limit else None


def _folders(client: Client) -> list[str]:
    try:
        return client.reports.folders(MOST_FOLDERS + 1)
    except SalesforceError:
        return []


def _choice(report: ReportSummary) -> SourceChoice:
    why_not = why_not_format(report.format)
    return SourceChoice(
        report.id,
        report.name,
        report.developer_name,
        not why_not,
        f"{why_not[0].sentence} {why_not[0].remedy}" if why_not else "",
        SourceType.REPORT.value,
        report.folder or "No folder",
    )


def _time_choice(column: ReportColumn) -> FieldChoice:
    return FieldChoice(column.name, column.label, type_of(column), ())


def _column(column: ReportColumn, describe: ObjectDescribe) -> FieldChoice | None:
    return choice_of(field_of(column, describe), also=field_path(column, describe.name))


def _shown(report: ReportDescription, sobject: str, fields: Fields) -> tuple[FieldChoice, ...]:
    """The fields that the report's columns show, as far as it says which they are."""
    found: dict[str, FieldChoice] = {}
    for column in report.columns:
        path = field_path(column, sobject)
        field = fields.find(path) if path else None
        choice = choice_of(field, also=column.name) if field else None
        if choice:
            found.setdefault(choice.name, choice)
    return tuple(found.values())


def _warnings(report: ReportDescription, offer: ReportOffer) -> tuple[str, ...]:
    warnings = []
    if report.scope.lower() in ("user", "team"):
        warnings.append(
            f"This report shows the records of whoever opens it (scope {report.scope}). The import opens it as the"
            " API user, who usually owns none: in Salesforce set its filter Show Me to all records."
        )
    if offer.too_long:
        warnings.append(
            f"The report has {offer.rows:,} rows. Salesforce gives 2,000 of them in a run, so above {MOST_ROWS:,} it"
            " takes too many runs and the import would end as failed: choose a list view with the same filter"
            " instead; it has no such limit."
        )
    if offer.rows == 0:
        warnings.append("The API user sees nobody in this report.")
    return tuple(warnings)
