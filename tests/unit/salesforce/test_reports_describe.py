import json
from typing import Any

import pytest

from carillon.salesforce.errors import MalformedAnswer
from carillon.salesforce.reports.describes import (
    ReportColumn,
    ReportSort,
    StandardDateFilter,
    report_of,
)

REPORT = "00O58000000qu8XEAQ"


def described(metadata: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"reportMetadata": {"id": REPORT[:15]} | metadata} | more).encode()


def test_a_description_of_today_is_read_whole() -> None:
    stored = {
        "column": "CREATED_DATE",
        "filterType": "fieldValue",
        "isRunPageEditable": True,
        "operator": "lessThan",
        "value": "2019-07-19T04:00:00Z",
    }
    body = described(
        {
            "name": "People",
            "reportFormat": "SUMMARY",
            "reportType": {"type": "ContactList", "label": "Contacts & Accounts"},
            "detailColumns": ["CONTACT_ID", "LAST_UPDATE"],
            "groupingsDown": [{"name": "OWNER_FULL_NAME", "sortOrder": "Asc", "dateGranularity": "None"}],
            "groupingsAcross": [{"name": "TYPE"}],
            "reportFilters": [stored],
            "reportBooleanFilter": "1",
            "sortBy": [{"sortColumn": "LAST_UPDATE", "sortOrder": "Desc"}],
            "standardDateFilter": {
                "column": "CREATED_DATE",
                "durationValue": "CUSTOM",
                "startDate": None,
                "endDate": None,
            },
            "scope": "organization",
            "hasDetailRows": False,
            "topRows": {"rowLimit": 100, "direction": "Asc"},
            "crossFilters": [{}],
            "historicalSnapshotDates": ["TODAY"],
            "chart": {"chartType": "Donut"},
        },
        reportExtendedMetadata={
            "detailColumnInfo": {
                "LAST_UPDATE": {
                    "dataType": "date",
                    "entityColumnName": "Contact.LastModifiedDate",
                    "filterable": True,
                    "isLookup": False,
                    "label": "Last Modified Date",
                    "uniqueCountable": True,
                }
            },
            "groupingColumnInfo": {"TYPE": {"dataType": "picklist", "label": "Type", "groupingLevel": 0}},
        },
        reportTypeMetadata={
            "categories": [
                {
                    "label": "General",
                    "columns": {
                        "LAST_UPDATE": {"label": "Last Modified", "dataType": "datetime"},
                        "EMAIL": {"label": "Email", "dataType": "email", "filterable": False},
                    },
                }
            ]
        },
    )

    report = report_of(body)

    assert report.id == REPORT
    assert report.columns[1] == ReportColumn(
        "LAST_UPDATE", "Last Modified Date", "date", "Contact.LastModifiedDate", True, True, False
    )
    assert report.column("LAST_UPDATE") == report.columns[1] == report.addable["LAST_UPDATE"]
    assert report.column("EMAIL") == ReportColumn("EMAIL", "Email", "email", filterable=False)
    assert report.column("TYPE") == ReportColumn("TYPE", "Type", "picklist")
    assert report.column("PHONE") is None
    assert report.groupings == ("OWNER_FULL_NAME", "TYPE")
    assert dict(report.filters[0].given) == stored
    assert report.sort_by == (ReportSort("LAST_UPDATE", "Desc"),)
    assert report.date_filter == StandardDateFilter("CREATED_DATE", "CUSTOM", None, None)
    assert (report.limits_rows, report.historical, report.has_chart, report.shows_details) == (
        True,
        True,
        True,
        False,
    )
    assert report.cross_filters == 1


def test_an_old_version_says_little_and_is_read_all_the_same() -> None:
    body = described(
        {
            "detailColumns": ["SALUTATION", "UNSAID"],
            "reportFilters": None,
            "reportBooleanFilter": None,
            "currency": None,
        },
        reportExtendedMetadata={
            "detailColumnInfo": {"SALUTATION": {"label": "Salutation", "dataType": "picklist"}}
        },
    )

    report = report_of(body)

    assert report.name == REPORT[:15]
    assert report.format == "TABULAR"
    assert report.columns == (
        ReportColumn("SALUTATION", "Salutation", "picklist"),
        ReportColumn("UNSAID", "UNSAID", "string"),
    )
    assert (report.groupings, report.filters, report.boolean_filter, report.date_filter) == (
        (),
        (),
        None,
        None,
    )
    assert (report.limits_rows, report.historical, report.shows_details) == (False, False, True)


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"reportMetadata": {"id": "no id"}}', b"\xff"])
def test_an_answer_that_is_no_description_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        report_of(body)
