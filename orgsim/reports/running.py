"""A report seen or run by a user: finds the report, checks permission, reads the request, composes the answer."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from orgsim.org import Org, Viewer
from orgsim.reports import engine, metadata, shelf, wanted
from orgsim.reports.asked import Asked, Group, aggregate_of, asked_of
from orgsim.reports.cells import Style
from orgsim.reports.definition import Json, Report, metadata_of
from orgsim.reports.errors import bad, may_not_run, no_privilege, unavailable
from orgsim.reports.facts import facts
from orgsim.reports.periods import Calendar
from orgsim.reports.types import TypeView, type_view
from orgsim.soql.resolve import Names

_LIMIT_FLAG_SINCE = 50
_COLORS_SINCE = 40
# Key of the store's meta: set when the API user has no Run Reports permission.
MAY_NOT_RUN = "run_reports_taken"


@dataclass(frozen=True, slots=True)
class User:
    """The running user's days, way of writing, and the people whose records are "my team's"."""

    calendar: Calendar
    style: Style
    team: tuple[str, ...]


@contextmanager
def _snapshot(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Rows, groups and counts of one run are those of one moment, whatever is written meanwhile."""
    connection.execute("BEGIN")
    try:
        yield connection
    finally:
        connection.execute("COMMIT")


@dataclass(frozen=True, slots=True)
class Running:
    """One user's way to the reports of an org, in one version of the API; `base` is `/services/data/v66.0`."""

    org: Org
    viewer: Viewer
    base: str

    @property
    def version(self) -> float:
        return float(self.base.rsplit("/v", 1)[1])

    @property
    def _connection(self) -> sqlite3.Connection:
        return self.org.store.reader()

    def user(self) -> User:
        sql = "SELECT TimeZoneSidKey, LocaleSidKey FROM User WHERE Id = ?"
        zone, locale = self._connection.execute(sql, (self.viewer.user_id,)).fetchone()
        own = ZoneInfo(zone)
        milliseconds = self.org.switches["report_datetime"] == "milliseconds"
        below = self._connection.execute("SELECT Id FROM User WHERE ManagerId = ?", (self.viewer.user_id,))
        return User(
            calendar=Calendar(self.org.clock.now(), own, locale),
            style=Style(own, locale, self.version, milliseconds),
            team=(self.viewer.user_id, *(user_id for (user_id,) in below)),
        )

    def check_permission(self) -> None:
        if self.viewer.is_api_user and self.org.store.meta(MAY_NOT_RUN):
            raise may_not_run()

    def report(self, report_id: str) -> Report:
        """Raises 403 for an id that no report ever had (recorded), 404 for one that is deleted or not shared."""
        self.check_permission()
        found = shelf.by_id(self.org.store, report_id)
        if found is None:
            raise no_privilege()
        report, deleted = found
        if deleted or (self.viewer.is_api_user and not shelf.is_shared(self.org.store, report)):
            raise unavailable()
        return report

    def recently_viewed(self) -> Iterable[Report]:
        self.check_permission()
        return shelf.viewed(self.org.store, hidden=not self.viewer.is_api_user)

    def view(self, type_name: str) -> TypeView:
        view = type_view(type_name, self.viewer.schema)
        if view is None:
            raise no_privilege()
        return view

    def describe(self, report: Report) -> Json:
        user = self.user()
        view = self.view(report.report_type)
        own = metadata.stored_metadata(report, view, user.calendar)
        columns = [view.columns[name] for name in report.detail_columns if name in view.columns]
        aggregates = [aggregate_of(name, view) for name in report.aggregates]
        sides = tuple(
            tuple(Group(view.columns[g.name], g.date_granularity, False, None) for g in side if g.name in view.columns)
            for side in (report.groupings_down, report.groupings_across)
        )  # fmt: skip
        return {
            "attributes": self.attributes(report),
            "reportExtendedMetadata": metadata.extended(columns, aggregates, sides, self.version),
            "reportMetadata": metadata.shaped(own, self.version),
            "reportTypeMetadata": metadata.type_metadata(view, user.calendar, self.version),
        }

    def attributes(self, report: Report) -> Json:
        url = f"{self.base}/analytics/reports/{report.id}"
        return {
            "describeUrl": f"{url}/describe",
            "instancesUrl": f"{url}/instances",
            "reportId": report.id,
            "reportName": report.name,
            "type": "Report",
        }

    def prepared(self, report: Report | None, posted: Json | None) -> "Prepared":
        """A run of a report, or of what was posted alone, with everything checked; raises the 400s."""
        user = self.user()
        if report is not None:
            view = self.view(report.report_type)
            stored = metadata.stored_metadata(report, view, user.calendar)
        else:
            view = self.view(_posted_type(posted or {}))
            stored = metadata_of(blank_report(view), view.type.label)
        merged = metadata.with_dates(wanted.over(stored, posted or {}), user.calendar)
        read = wanted.read(merged)
        asked = asked_of(read, view, user.calendar)
        scene = self._scene(user, view)
        # Compiling the filters now lets a wrong one be refused when an asynchronous run is asked for.
        engine.select(asked, scene, self._connection)
        return Prepared(report, merged, read, asked, scene, user)

    def _scene(self, user: User, view: TypeView) -> engine.Scene:
        names = Names("", self.viewer.schema, self.org.context(self.viewer), view.sobject, "t", {})
        accepted = self.org.switches["report_id_comparison"] == "accepted"
        return engine.Scene(names, user.calendar, accepted, self.viewer.user_id, user.team)

    def result(self, prepared: "Prepared", *, details: bool) -> Json:
        """The answer of a run: aggregates of all rows, and with `details` the first 2,000 of them."""
        asked, style = prepared.asked, prepared.user.style
        rows = details and asked.has_detail_rows
        with _snapshot(self._connection) as connection:
            found = facts(connection, engine.select(asked, prepared.scene, connection), style, rows=rows)
        if prepared.report is not None:
            shelf.note_run(self.org.store, prepared.report.id, self.org.clock.stamp())
        answer: Json = {
            "attributes": self.attributes(prepared.report) if prepared.report else _NOT_SAVED,
            "allData": found.all_data,
            "factMap": found.fact_map,
            "groupingsAcross": {"groupings": found.across},
            "groupingsDown": {"groupings": found.down},
            "hasDetailRows": rows,
            "reportExtendedMetadata": metadata.extended_of(asked, self.version),
            "reportMetadata": metadata.shaped(prepared.metadata, self.version),
        }
        if self.version >= _COLORS_SINCE:
            answer["picklistColors"] = {}
        if self.version >= _LIMIT_FLAG_SINCE:
            answer["hasExceededTabularRowLimit"] = not found.all_data and asked.format == "TABULAR"
        return answer


@dataclass(frozen=True, slots=True)
class Prepared:
    report: Report | None
    metadata: Json
    wanted: wanted.Wanted
    asked: Asked
    scene: engine.Scene
    user: User


_NOT_SAVED: Json = {
    "describeUrl": None,
    "instancesUrl": None,
    "reportId": None,
    "reportName": None,
    "type": "Report",
}


def _posted_type(posted: Json) -> str:
    """The report type of a report that isn't saved: its name, or an object with it."""
    found = posted.get("reportType")
    name = found.get("type") if isinstance(found, dict) else found
    if not isinstance(name, str):
        raise bad("Specify a valid report type because null is invalid.")
    return name


def blank_report(view: TypeView) -> Report:
    return Report(
        id="",
        position=0,
        folder_id="",
        name="",
        developer_name="",
        report_type=view.type.name,
        detail_columns=(),
        date_column="",
    )
