"""Report folders with their reports, who may run what is in them, and the first rows of each report."""

from dataclasses import dataclass, field
from itertools import islice

import msgspec

from orgsim.calls import Answer
from orgsim.errors import ApiError
from orgsim.ids import normalise
from orgsim.org import Org
from orgsim.pages.record_data import address_of
from orgsim.pages.visit import Route, Visit
from orgsim.reports.definition import FORMATS, ROW_COUNT, Report
from orgsim.reports.running import MAY_NOT_RUN, Running
from orgsim.reports.shelf import any_report, by_id, is_shared
from orgsim.reports.types import report_types
from orgsim.soql import SoqlError
from orgsim.store import on

ROWS = 50
_ADDRESS = "/orgsim/reports"
# Reports are run as in this version of the API.
_BASE = "/services/data/v66.0"


@dataclass(frozen=True, slots=True)
class Shown:
    report: Report
    type: str
    format: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder, and whether the API user sees it."""

    id: str
    name: str
    shared: bool
    reports: list[Shown] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Found:
    """What a run gave: the first rows, each with the address of its record, and how many there are in all."""

    labels: list[str]
    rows: list[tuple[str, list[str]]]
    count: int | None = None
    grouped: bool = False
    trouble: str = ""


def _shown(report: Report) -> Shown:
    types = report_types()
    label = types[report.report_type].label if report.report_type in types else report.report_type
    return Shown(report, label, FORMATS[report.report_format])


def _shelves(org: Org) -> list[Shelf]:
    connection = org.store.reader()
    hidden = {folder for (folder,) in connection.execute("SELECT id FROM hidden_folder")}
    rows = connection.execute(on("Folder", "SELECT Id, Name FROM {table} ORDER BY Name"))
    shelves = {folder: Shelf(folder, name, folder not in hidden) for folder, name in rows}
    for (report_id,) in connection.execute(
        on("Report", "SELECT Id FROM {table} WHERE IsDeleted = 0 ORDER BY Name")
    ):
        report = any_report(org.store, report_id)
        shelves[report.folder_id].reports.append(_shown(report))
    return list(shelves.values())


def _index(visit: Visit) -> Answer:
    may_run = not visit.org.store.meta(MAY_NOT_RUN)
    return visit.page("reports.html", "reports", shelves=_shelves(visit.org), may_run=may_run)


def _open(visit: Visit) -> Answer:
    found = by_id(visit.org.store, visit.parts["id"])
    if found is None or found[1]:
        return visit.message("There is no such report", "It may have been deleted.", 404)
    report = found[0]
    sql = on("Folder", "SELECT Name FROM {table} WHERE Id = ?")
    (folder,) = visit.org.store.reader().execute(sql, (report.folder_id,)).fetchone()
    return visit.page(
        "report.html",
        "reports",
        shown=_shown(report),
        folder=folder,
        shared=is_shared(visit.org.store, report),
        found=_run(visit, report),
    )


class _Cell(msgspec.Struct):
    label: str
    value: object = None


class _Row(msgspec.Struct, rename="camel"):
    data_cells: list[_Cell]


class _Fact(msgspec.Struct):
    aggregates: list[_Cell]
    rows: list[_Row] = []


class _Metadata(msgspec.Struct, rename="camel"):
    detail_columns: list[str]
    aggregates: list[str]


class _Column(msgspec.Struct):
    label: str


class _Extended(msgspec.Struct, rename="camel"):
    detail_column_info: dict[str, _Column]


class _Result(msgspec.Struct, rename="camel"):
    """What this page shows of the API's answer to a run."""

    fact_map: dict[str, _Fact]
    report_metadata: _Metadata
    report_extended_metadata: _Extended


def _run(visit: Visit, report: Report) -> Found:
    """The report as the registrar runs it, through the run of the API."""
    running = Running(visit.org, visit.registrar(), _BASE)
    try:
        answer = running.result(running.prepared(report, None), details=True)
    except (ApiError, SoqlError) as error:
        return Found([], [], trouble=error.message)
    result = msgspec.convert(answer, _Result)
    metadata, columns = result.report_metadata, result.report_extended_metadata.detail_column_info
    rows = islice((row for fact in result.fact_map.values() for row in fact.rows), ROWS)
    totals = dict(zip(metadata.aggregates, result.fact_map["T!T"].aggregates, strict=False))
    count = totals[ROW_COUNT].value if ROW_COUNT in totals else None
    return Found(
        [columns[name].label for name in metadata.detail_columns],
        [_row(row.data_cells) for row in rows],
        count if isinstance(count, int) else None,
        grouped=len(result.fact_map) > 1,
    )


def _row(cells: list[_Cell]) -> tuple[str, list[str]]:
    """The address of the record a row is about, when its first column holds an id, and the row's texts."""
    first = cells[0].value if cells else None
    record_id = normalise(first) if isinstance(first, str) else None
    texts = ["" if cell.value is None else cell.label for cell in cells]
    return address_of(record_id) if record_id else "", texts


def _share(visit: Visit) -> Answer:
    folder, name = visit.form.get("folder", ""), visit.form.get("name", "")
    if visit.form.get("shared") == "yes":
        done = f"The folder {name} is shared with the API user."
        return visit.did(_ADDRESS, lambda: visit.scenario.share_report_folder(folder), done)
    done = f"The folder {name} is no longer shared with the API user."
    return visit.did(_ADDRESS, lambda: visit.scenario.unshare_report_folder(folder), done)


def _permit(visit: Visit) -> Answer:
    if visit.form.get("granted") == "yes":
        return visit.did(_ADDRESS, visit.scenario.grant_run_reports, "The API user may run reports again.")
    return visit.did(_ADDRESS, visit.scenario.ungrant_run_reports, "The API user may no longer run reports.")


def _delete(visit: Visit) -> Answer:
    report = visit.form.get("report", "")
    done = f"The report {visit.form.get('name', '')} is deleted."
    return visit.did(_ADDRESS, lambda: visit.scenario.delete_report(report), done)


ROUTES: tuple[Route, ...] = (
    ("GET", _ADDRESS, _index),
    ("GET", "/lightning/r/(?:Report/)?(?P<id>00O[0-9A-Za-z]{12}(?:[0-9A-Za-z]{3})?)/view", _open),
    ("POST", f"{_ADDRESS}/share", _share),
    ("POST", f"{_ADDRESS}/permit", _permit),
    ("POST", f"{_ADDRESS}/delete", _delete),
)
