"""What can happen to an org's reports, as scenario verbs."""

from zoneinfo import ZoneInfo

import msgspec

from orgsim.org import Org
from orgsim.reports import shelf
from orgsim.reports.definition import Report
from orgsim.reports.running import MAY_NOT_RUN
from orgsim.reports.types import report_types

_FIRST_FOLDER = "Texting_Reports"
_FIXED = frozenset({"id", "position"})


class ReportVerbs:
    """Reports are named by name, API name or id. Definitions are written as in orgsim/reports/definition.py."""

    org: Org

    def add_report(
        self,
        name: str,
        columns: list[str],
        report_type: str = "ContactList",
        folder: str = _FIRST_FOLDER,
        settings: dict[str, object] | None = None,
    ) -> str:
        """A new report; its id. `settings` holds other parts of the definition: filters, sort, report_format ..."""
        if report_type not in report_types():
            raise LookupError(
                f"there is no report type {report_type}; there are: {', '.join(report_types())}"
            )
        words = "".join(character if character.isalnum() else " " for character in name)
        report = Report(
            id="",
            position=0,
            folder_id=shelf.any_folder(self.org.store, folder),
            name=name,
            developer_name="_".join(words.split()),
            report_type=report_type,
            detail_columns=tuple(columns),
        )
        return self._saved(_changed(report, settings or {})).id

    def set_report(self, report: str, settings: dict[str, object]) -> None:
        """Change parts of a report's definition: `{"filters": [{"column": ...}], "scope": "user"}`."""
        self._saved(_changed(shelf.any_report(self.org.store, report), settings))

    def remove_report_column(self, report: str, column: str) -> None:
        found = shelf.any_report(self.org.store, report)
        if column not in found.detail_columns:
            raise LookupError(f"the report {found.name} has no column {column}")
        left = tuple(name for name in found.detail_columns if name != column)
        self._saved(msgspec.structs.replace(found, detail_columns=left))

    def delete_report(self, report: str) -> None:
        found = shelf.any_report(self.org.store, report)
        shelf.delete(self.org.store, found.id, self.org.clock.stamp())

    def _saved(self, report: Report) -> Report:
        return shelf.save(self.org.store, report, self.org.clock.stamp())

    def add_report_folder(self, name: str) -> str:
        """A new folder, shared with the API user; its id."""
        return shelf.save_folder(self.org.store, name, self.org.clock.stamp()).id

    def share_report_folder(self, folder: str) -> None:
        shelf.set_shared(self.org.store, shelf.any_folder(self.org.store, folder), shared=True)

    def unshare_report_folder(self, folder: str) -> None:
        """Take a folder, and the reports in it, from the API user."""
        shelf.set_shared(self.org.store, shelf.any_folder(self.org.store, folder), shared=False)

    def grant_run_reports(self) -> None:
        self.org.store.set_meta(MAY_NOT_RUN, "")

    def ungrant_run_reports(self) -> None:
        """Take the user permission Run Reports from the API user."""
        self.org.store.set_meta(MAY_NOT_RUN, "yes")

    def set_report_delay(self, seconds: float) -> None:
        """How long an asynchronous report run takes."""
        self.org.reports.delay = seconds

    def fail_report_instances(self, times: int = 1) -> None:
        """The next asynchronous runs end in the status Error."""
        self.org.reports.failing = times

    def time_out_reports(self, times: int = 1) -> None:
        """The next synchronous runs fail as those that need more than two minutes."""
        self.org.reports.timing_out = times

    def set_user_region(self, username: str, time_zone: str, locale: str = "en_US") -> None:
        """The time zone and locale of a user: report labels and relative dates follow them, and weeks begin as usual
        there. LookupError for a zone or user there is none of."""
        ZoneInfo(time_zone)
        with self.org.store.writing() as connection:
            sql = "UPDATE User SET TimeZoneSidKey = ?, LocaleSidKey = ? WHERE Username = ?"
            if not connection.execute(sql, (time_zone, locale, username)).rowcount:
                raise LookupError(f"there is no user {username}")


def _changed(report: Report, settings: dict[str, object]) -> Report:
    """Raises ValueError for a part that a definition doesn't have, ValidationError for one of the wrong type."""
    unknown = set(settings) - (set(report.__struct_fields__) - _FIXED)
    if unknown:
        raise ValueError(f"a report has no {', '.join(sorted(unknown))}")
    whole = msgspec.to_builtins(report) | msgspec.to_builtins(settings)
    return msgspec.convert(whole, type=Report)
