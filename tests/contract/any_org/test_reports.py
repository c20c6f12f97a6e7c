"""Reports of any org, read whole."""

import pytest

from carillon.salesforce.client import Client
from carillon.salesforce.reports.checks import why_not_readable
from carillon.salesforce.reports.errors import ReportGone, ReportNotShared
from carillon.salesforce.reports.proof import Verdict


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
