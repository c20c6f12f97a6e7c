"""Reports and bulk queries of any org, read whole."""

import msgspec
import pytest

from carillon.salesforce.client import Client
from carillon.salesforce.errors import QueryRejected
from carillon.salesforce.reports.checks import why_not_readable
from carillon.salesforce.reports.errors import ReportGone, ReportNotShared
from carillon.salesforce.reports.proof import Verdict

_PATIENCE_SECONDS = 300


class _Row(msgspec.Struct):
    Id: str
    LastName: str | None
    SystemModstamp: str


def _rows(rows: list[_Row | msgspec.Raw]) -> dict[str, _Row]:
    return {row.Id: row for row in rows if isinstance(row, _Row)}


def test_a_bulk_query_gives_what_pages_give(any_org: Client) -> None:
    soql = "SELECT Id, LastName, SystemModstamp FROM Contact"

    job = any_org.bulk.create(soql)
    try:
        complete = any_org.bulk.wait(job, seconds=_PATIENCE_SECONDS)
        by_bulk = [row for page in any_org.bulk.pages(complete, _Row) for row in page.records]
        in_parallel = [
            row for rows in any_org.bulk.pages_in_parallel(complete, _Row, threads=2) for row in rows
        ]
    finally:
        any_org.bulk.delete(job.id)

    by_page = [row for page in any_org.query(soql, _Row) for row in page.records]
    assert len(by_bulk) == len(_rows(by_bulk)) == complete.processed
    assert _rows(by_bulk).keys() == _rows(by_page).keys() == _rows(in_parallel).keys()
    assert {id_: row.LastName for id_, row in _rows(by_bulk).items()} == {
        id_: row.LastName for id_, row in _rows(by_page).items()
    }


def test_a_bulk_query_that_is_wrong_is_refused_at_once(any_org: Client) -> None:
    with pytest.raises(QueryRejected):
        any_org.bulk.create("SELECT No_Such_Field__c FROM Contact")


def test_a_report_that_can_be_read_is_read_whole(any_org: Client) -> None:
    for summary in any_org.reports.find(tabular_only=True, most=20):
        report = any_org.reports.describe(summary.id)
        if why_not_readable(report, "Contact"):
            continue
        reading = any_org.reports.rows(report, "Contact", at_most=6_000)

        ids = [row.id for page in reading for row in page.rows]

        assert len(ids) == len(set(ids))
        assert all(len(record_id) == 18 for record_id in ids)
        completeness = reading.completeness
        assert completeness is not None
        assert completeness.verdict in (Verdict.PROVEN, Verdict.CHANGED)
        return
    pytest.skip("this org has no report of contacts that can be read")


def test_a_report_that_is_not_there_is_told_apart(any_org: Client) -> None:
    with pytest.raises((ReportGone, ReportNotShared)):
        any_org.reports.describe("00O000000000000")
