"""Report folders with their reports, and who may run what is in them."""

from dataclasses import dataclass, field

from orgsim.calls import Answer
from orgsim.org import Org
from orgsim.pages.visit import Route, Visit
from orgsim.reports.definition import FORMATS, Report
from orgsim.reports.running import MAY_NOT_RUN
from orgsim.reports.shelf import any_report
from orgsim.reports.types import report_types
from orgsim.store import on

_ADDRESS = "/orgsim/reports"


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


def _shelves(org: Org) -> list[Shelf]:
    connection = org.store.reader()
    hidden = {folder for (folder,) in connection.execute("SELECT id FROM hidden_folder")}
    rows = connection.execute(on("Folder", "SELECT Id, Name FROM {table} ORDER BY Name"))
    shelves = {folder: Shelf(folder, name, folder not in hidden) for folder, name in rows}
    types = report_types()
    for (report_id,) in connection.execute(
        on("Report", "SELECT Id FROM {table} WHERE IsDeleted = 0 ORDER BY Name")
    ):
        report = any_report(org.store, report_id)
        label = types[report.report_type].label if report.report_type in types else report.report_type
        shelves[report.folder_id].reports.append(Shown(report, label, FORMATS[report.report_format]))
    return list(shelves.values())


def _index(visit: Visit) -> Answer:
    may_run = not visit.org.store.meta(MAY_NOT_RUN)
    return visit.page("reports.html", "reports", shelves=_shelves(visit.org), may_run=may_run)


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
    ("POST", f"{_ADDRESS}/share", _share),
    ("POST", f"{_ADDRESS}/permit", _permit),
    ("POST", f"{_ADDRESS}/delete", _delete),
)
