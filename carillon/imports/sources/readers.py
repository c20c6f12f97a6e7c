"""The reader that fits a plan's source."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from carillon.imports.bulk_reads import BulkReads
from carillon.imports.plan import REPORT_ONLY, ImportPlan
from carillon.imports.reading import Part, Reader
from carillon.imports.sources.by_ids import ByIdsReader
from carillon.imports.sources.report_rows import ReportRowsReader
from carillon.imports.watermark import Key
from carillon.salesforce.client import Client


class SourceReader(Protocol):
    """What a walk asks of a source. `was_short` says that something had to be read again to be whole; `is_own_sweep`
    that a whole read says by itself who is in the source."""

    is_own_sweep: bool

    @property
    def was_short(self) -> bool: ...

    def records(self, watermark: datetime | None, cursor: Key | None) -> Iterator[Part]: ...
    def ids(self) -> Iterator[list[str]]: ...
    def members(self, ids: Sequence[str]) -> Iterator[list[Any]]: ...
    def existing(self, ids: Sequence[str]) -> set[str]: ...
    def first(self, most: int) -> list[Any]: ...


def reader_of(
    client: Client, plan: ImportPlan, record: type[msgspec.Struct], jobs: BulkReads | None = None
) -> SourceReader:
    """`record` is the type of the mapper's records, which may have further fields. Large list views are read by `jobs`."""
    if plan.report is None:
        return Reader(client, plan, record, jobs)
    kind = ReportRowsReader if plan.report.way == REPORT_ONLY else ByIdsReader
    return kind(client, plan, plan.report, record)
