"""One run of a report: asked for at once, and in the background when that takes too long or is used up.

A run gives at most 2,000 rows; `all_data` says whether these are all, and the counts always cover all of them.
Background runs have a limit of their own, twice as high; their result is deleted once it is read.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import msgspec

from carillon.salesforce.caller import JSON, Caller
from carillon.salesforce.errors import MalformedAnswer, SalesforceError, Unavailable, Unreachable
from carillon.salesforce.ids import to_18
from carillon.salesforce.kinds import CallKind
from carillon.salesforce.orgs import decode, id_18
from carillon.salesforce.reports.errors import (
    ReportFailed,
    ReportLimitExceeded,
    ReportTimedOut,
    report_error_of,
)
from carillon.salesforce.reports.request import ROW_COUNT
from carillon.salesforce.transport import Answer, Call


@dataclass(frozen=True, slots=True)
class Patience:
    """How a background run is waited for, in seconds."""

    first_wait: float = 1.0
    longest_wait: float = 15.0
    whole: float = 1800.0


class Cell(msgspec.Struct, frozen=True):
    label: str | None = None
    value: Any = None


@dataclass(frozen=True, slots=True)
class ReportRun:
    """`columns` name the cells of each row in order; the counts, of all rows, are None where the org gives none."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    all_data: bool
    row_count: int | None
    unique_count: int | None
    answered_at: datetime


class Runner(Protocol):
    """Whatever runs one report with metadata posted; `count` is how many runs there were."""

    count: int

    def run(self, metadata: Mapping[str, Any], *, details: bool = True) -> ReportRun: ...


class Runs:
    """Runs of one report. Once a run at once is refused or too slow, all further ones go to the background."""

    def __init__(self, caller: Caller, report_id: str, patience: Patience | None = None) -> None:
        self._caller = caller
        self._path = f"{caller.base}/analytics/reports/{to_18(report_id)}"
        self._patience = patience or Patience()
        self.in_background = False
        self.count = 0

    def run(self, metadata: Mapping[str, Any], *, details: bool = True) -> ReportRun:
        """Raises one of reports_errors, or what the transport raises."""
        self.count += 1
        question = f"?includeDetails={'true' if details else 'false'}"
        body = {"reportMetadata": metadata}
        if not self.in_background:
            try:
                return self._caller.send(self._post(CallKind.REPORT_RUN, self._path + question, body), run_of)
            except (ReportTimedOut, ReportLimitExceeded, Unavailable, Unreachable):
                self.in_background = True
        return self._run_in_background(question, body)

    def _run_in_background(self, question: str, body: object) -> ReportRun:
        call = self._post(CallKind.REPORT_START, f"{self._path}/instances{question}", body)
        instance = self._caller.send(call, lambda answer: decode(answer.body, _Instance))
        path = f"{self._path}/instances/{id_18(instance.id)}"
        try:
            return self._result_of(path)
        finally:
            # What is left behind is gone after a day: not worth failing for.
            with contextlib.suppress(SalesforceError):
                self._caller.send(_call(CallKind.REPORT_DELETE, path, "DELETE"), lambda answer: None)

    def _result_of(self, path: str) -> ReportRun:
        wait, waited = self._patience.first_wait, 0.0
        while True:
            self._caller.transport.pause(wait)
            waited += wait
            done = self._caller.send(_call(CallKind.REPORT_POLL, path), _finished)
            if done is not None:
                return done
            if waited >= self._patience.whole:
                raise ReportTimedOut("Salesforce did not finish the report in the background in time.")
            wait = min(wait * 2, self._patience.longest_wait)

    def _post(self, kind: str, path: str, body: object) -> Call:
        return Call(
            kind=kind,
            path=path,
            method="POST",
            headers={"Content-Type": JSON},
            content=msgspec.json.encode(body),
            refuse=report_error_of,
        )


class _Aggregate(msgspec.Struct):
    value: Any = None


class _Row(msgspec.Struct):
    dataCells: list[Cell]


class _Fact(msgspec.Struct):
    aggregates: list[_Aggregate] | None = None
    rows: list[_Row] | None = None


class _RunMetadata(msgspec.Struct):
    detailColumns: list[str]
    aggregates: list[str] | None = None


class _Run(msgspec.Struct):
    allData: bool
    factMap: dict[str, _Fact]
    reportMetadata: _RunMetadata


class _Status(msgspec.Struct):
    status: str | None = None


class _Polled(msgspec.Struct):
    attributes: _Status


class _Instance(msgspec.Struct):
    id: str


def run_of(answer: Answer) -> ReportRun:
    """The run an answer holds; raises MalformedAnswer."""
    said = decode(answer.body, _Run)
    if answer.answered_at is None:
        raise MalformedAnswer("Salesforce's answer with the rows of a report carries no time.")
    columns = tuple(said.reportMetadata.detailColumns)
    # Where the groups were not taken off, rows sit in the deepest of them.
    rows = tuple(tuple(row.dataCells) for fact in said.factMap.values() for row in fact.rows or ())
    if any(len(row) != len(columns) for row in rows):
        raise MalformedAnswer("A row of the report has more or fewer cells than the report has columns.")
    counts = _counts(said)
    unique = [count for name, count in counts.items() if name.startswith("u!")]
    return ReportRun(
        columns=columns,
        rows=rows,
        all_data=said.allData,
        row_count=counts.get(ROW_COUNT.lower()),
        unique_count=unique[0] if unique else None,
        answered_at=answer.answered_at,
    )


def _counts(said: _Run) -> dict[str, int]:
    """The grand totals that are whole numbers, by the lower-case name of the aggregate."""
    total = said.factMap.get("T!T")
    if total is None:
        raise MalformedAnswer("Salesforce's answer with the rows of a report has no grand total.")
    named = zip(said.reportMetadata.aggregates or (), total.aggregates or (), strict=False)
    return {
        name.lower(): int(item.value)
        for name, item in named
        if isinstance(item.value, int | float) and not isinstance(item.value, bool)
    }


def _finished(answer: Answer) -> ReportRun | None:
    status = (decode(answer.body, _Polled).attributes.status or "").lower()
    if status == "success":
        return run_of(answer)
    if status == "error":
        raise ReportFailed("Salesforce began the report in the background and gave it up.")
    return None


def _call(kind: str, path: str, method: str = "GET") -> Call:
    return Call(kind=kind, path=path, method=method, refuse=report_error_of)
