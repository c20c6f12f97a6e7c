"""The ids of a report: read whole, or known not to be. Converted leads are left out, by the report's own filter where
its type has a column for it, else by asking for them by id."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from carillon.imports.plan import ImportPlan, ReportSource
from carillon.imports.reading import ID_LIST_BYTES
from carillon.imports.sources.columns import has_room, leaves_converted_out, unconverted
from carillon.lib.errors import CarillonError
from carillon.salesforce.client import Client
from carillon.salesforce.reports.proof import Completeness, Verdict
from carillon.salesforce.reports.reading import ReportPage, ReportReading
from carillon.salesforce.reports.request import Condition
from carillon.salesforce.soql import id_condition, id_list_chunks

# People may be added to a report while it is read; a second reading then mostly meets it at rest.
TRIES = 2


class NotProven(CarillonError):
    """A report could not be shown to have been read whole."""

    def __init__(self, report: str, completeness: Completeness | None) -> None:
        said = completeness.sentence if completeness else "It was not read to its end."
        super().__init__(
            f"The report {report} could not be shown to be complete, also when it was read again: {said}",
            "Nothing was taken off the list. Import again at a quieter time; if it stays so, use a list view.",
        )


class _WithId(msgspec.Struct, gc=False):
    Id: str


@dataclass(frozen=True, slots=True)
class Members:
    """Distinct ids in ascending order; `completeness` is what is known about whether they are all."""

    ids: tuple[str, ...]
    completeness: Completeness | None

    @property
    def is_proven(self) -> bool:
        return is_proven(self.completeness)


class Report:
    """One report, read by one client."""

    def __init__(self, client: Client, plan: ImportPlan, source: ReportSource) -> None:
        self._client = client
        self._object = plan.object
        self._source = source
        self._unconverted = self._left_out()
        # Set when converted leads can't be left out by the report itself.
        self._ask_for_converted = (
            plan.object == "Lead" and not self._unconverted and not leaves_converted_out(source.report)
        )

    @property
    def name(self) -> str:
        return self._source.report.name

    def members(self) -> Members:
        """Read twice at most, until it is proven."""
        found = Members((), None)
        for _ in range(TRIES):
            reading = self.reading(())
            ids = [row.id for page in reading for row in page.rows]
            kept = set(ids) - self.converted(ids)
            found = Members(tuple(sorted(kept)), reading.completeness)
            if found.is_proven:
                break
        return found

    def reading(self, columns: tuple[str, ...], *where: Condition) -> ReportReading:
        return self._client.reports.rows(
            self._source.report, self._object, columns=columns, where=(*self._unconverted, *where)
        )

    def pages(self, reading: ReportReading) -> Iterator[tuple[ReportPage, set[str]]]:
        """Each page with the ids on it that are no members."""
        for page in reading:
            yield page, self.converted([row.id for row in page.rows])

    def converted(self, ids: Sequence[str]) -> set[str]:
        """Those of these leads that were converted and that the report did not leave out."""
        if not self._ask_for_converted:
            return set()
        found: set[str] = set()
        for chunk in id_list_chunks(ids, ID_LIST_BYTES):
            soql = " ".join(("SELECT Id FROM Lead WHERE IsConverted = true AND", id_condition(chunk)))
            for page in self._client.query(soql, _WithId):
                found.update(_id_of(record) for record in page.records)
        return found

    def _left_out(self) -> tuple[Condition, ...]:
        report = self._source.report
        if self._object != "Lead" or leaves_converted_out(report) or not has_room(report, 2):
            return ()
        condition = unconverted(report)
        return (condition,) if condition else ()


def is_proven(completeness: Completeness | None) -> bool:
    return completeness is not None and completeness.verdict is Verdict.PROVEN


def _id_of(record: Any) -> str:
    return str(record.Id)
