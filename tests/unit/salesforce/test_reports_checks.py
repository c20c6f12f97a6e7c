from typing import Any

import pytest

from carillon.salesforce.reports.checks import (
    carries_time,
    datetime_columns,
    id_column,
    never_moves,
    only_grows,
    why_not_readable,
    window_columns,
)
from carillon.salesforce.reports.describes import ReportColumn, ReportFilter
from tests.unit.salesforce.paper_report import CREATED, ID, NAME, described

FORMULA = ReportColumn("Contact.Changed__c", "Changed", "datetime", "Contact.Changed__c")
MODIFIED = ReportColumn("LAST_UPDATE", "Last Modified Date", "date", "Contact.LastModifiedDate")
ACCOUNT_ID = ReportColumn("ACCOUNT_ID", "Account ID", "id", "Account.Id")
ACCOUNT_CREATED = ReportColumn("ACCOUNT_CREATED_DATE", "Account: Created", "datetime", "Account.CreatedDate")


def addable(*columns: ReportColumn) -> dict[str, ReportColumn]:
    return {item.name: item for item in columns}


def test_a_plain_tabular_report_with_the_id_can_be_read() -> None:
    assert why_not_readable(described(), "Contact") == ()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"format": "SUMMARY"}, "not_tabular"),
        ({"format": "MATRIX"}, "not_tabular"),
        ({"format": "MULTI_BLOCK"}, "joined"),
        ({"limits_rows": True}, "row_limit"),
        ({"historical": True}, "historical"),
        ({"filters": (ReportFilter("A", "equals", "b"),) * 20}, "filters"),
        ({"columns": (NAME,)}, "no_id"),
        ({"columns": (NAME, ACCOUNT_ID)}, "no_id"),
        ({"columns": (ReportColumn("CONTACT_ID", "Contact ID", "id", "Contact.Id", filterable=False),)}, "no_id"),
    ],
)  # fmt: skip
def test_what_stands_in_the_way_is_named_with_a_remedy(changes: dict[str, Any], code: str) -> None:
    (obstacle,) = why_not_readable(described(**changes), "Contact")

    assert obstacle.code == code
    assert obstacle.sentence.endswith(".")
    assert obstacle.remedy.endswith(".")


def test_groups_can_be_flattened_but_joined_reports_cannot() -> None:
    assert why_not_readable(described(format="MATRIX"), "Contact", flatten=True) == ()
    assert why_not_readable(described(format="MULTI_BLOCK"), "Contact", flatten=True)


def test_hidden_details_are_no_obstacle() -> None:
    assert why_not_readable(described(shows_details=False), "Contact") == ()


@pytest.mark.parametrize(
    ("name", "label", "sobject"),
    [
        ("CONTACT_ID", "Kontakt-ID", "Contact"),
        ("Contact$Id", "Contact: Contact ID", "Contact"),
        ("Contact.Id", "Id", "Contact"),
        ("CUST_ID", "Contact ID", "Contact"),
        ("LEAD_ID", "Lead ID", "Lead"),
    ],
)
def test_an_id_column_without_its_field_is_known_by_name_or_label(
    name: str, label: str, sobject: str
) -> None:
    column = ReportColumn(name, label, "id")

    assert id_column(described(columns=(NAME,), addable=addable(ACCOUNT_ID, column)), sobject) == column


def test_the_field_decides_before_the_name() -> None:
    misnamed = ReportColumn("CONTACT_ID", "Contact ID", "id", "Account.Id")
    custom = ReportColumn("CUST", "Key", "id", "Contact.Id")

    assert id_column(described(columns=(misnamed, custom)), "Contact") == custom
    assert id_column(described(columns=(misnamed,)), "Contact") is None


def test_the_standard_stamps_are_days_whatever_their_type_says() -> None:
    assert carries_time(FORMULA)
    assert not carries_time(CREATED)
    assert not carries_time(MODIFIED)
    assert not carries_time(ReportColumn("LAST_UPDATE", "Last Modified", "datetime"))
    assert datetime_columns(described(columns=(ID, CREATED, FORMULA))) == (FORMULA,)


def test_the_records_own_created_date_parts_a_report_best() -> None:
    report = described(
        columns=(ID, MODIFIED, FORMULA), addable=addable(ACCOUNT_CREATED, CREATED, MODIFIED, FORMULA)
    )

    assert window_columns(report, "Contact") == (CREATED, FORMULA, ACCOUNT_CREATED)


def test_other_records_dates_are_told_by_their_name_where_the_field_is_not_said() -> None:
    nameless = [ReportColumn(name, name, "datetime") for name in ("ACCOUNT_CREATED_DATE", "CREATED_DATE")]
    report = described(columns=(ID,), addable=addable(*nameless))

    assert window_columns(report, "Contact") == tuple(reversed(nameless))


@pytest.mark.parametrize(
    ("column", "grows", "stays"),
    [
        (CREATED, True, True),
        (MODIFIED, True, False),
        (FORMULA, False, False),
        (ACCOUNT_CREATED, False, False),
    ],
)
def test_only_the_records_own_stamps_are_never_set_back(
    column: ReportColumn, grows: bool, stays: bool
) -> None:
    assert only_grows(column, "Contact") is grows
    assert never_moves(column, "Contact") is stays


def test_columns_that_cannot_be_filtered_part_nothing() -> None:
    hidden = ReportColumn("CREATED_DATE", "Created", "datetime", "Contact.CreatedDate", filterable=False)

    assert window_columns(described(addable=addable(hidden)), "Contact") == ()
