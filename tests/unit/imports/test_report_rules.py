"""The rules of a report as import source: what columns are, what cells become, and which way takes fewer calls."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.imports.mapping import Mapper
from carillon.imports.plan import BY_IDS, REPORT_ONLY, ImportPlan, MappedField, ReportSource
from carillon.imports.sources.choice import (
    IDS_IN_A_FILTER,
    RUN_ROWS,
    by_id_filters,
    by_ids_is_cheaper,
    calls,
    runs_of_an_import,
)
from carillon.imports.sources.columns import (
    day_column,
    field_path,
    filters_in_words,
    has_room,
    leaves_converted_out,
    modified_column,
    picklists,
    type_of,
    unconverted,
)
from carillon.imports.sources.rows import Rows, changed_since, chosen, stamp
from carillon.imports.sources.rows import given as as_given
from carillon.imports.values import is_moment
from carillon.salesforce.describes import FieldDescribe, ObjectDescribe, PicklistValue
from carillon.salesforce.reports.cells import CellValue, Unreadable
from carillon.salesforce.reports.describes import ReportColumn, ReportFilter, StandardDateFilter
from carillon.salesforce.reports.request import Condition
from tests.unit.imports.plans import ID, PLAN
from tests.unit.salesforce.paper_report import described

FORMULA = ReportColumn("Contact.Changed__c", "Last Modified Date/Time", "datetime", "Contact.Changed__c")
OTHER_TIME = ReportColumn("Contact.Applied__c", "Applied", "datetime", "Contact.Applied__c")
MODIFIED = ReportColumn("LAST_UPDATE", "Last Modified Date", "date", "Contact.LastModifiedDate")
CREATED = ReportColumn("CREATED_DATE", "Created Date", "datetime", "Contact.CreatedDate")
LAST_NAME = ReportColumn("LAST_NAME", "Last Name", "string", "Contact.LastName")
PHONE = ReportColumn("PHONE3", "Mobile", "phone", "Contact.MobilePhone")
PROGRAM = ReportColumn("Contact.Program__c", "Program", "picklist", "Contact.Program__c")
NOW = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)


def source(way: str = REPORT_ONLY, **changes: object) -> ReportSource:
    report = described(columns=(FORMULA, LAST_NAME, PHONE, PROGRAM), **changes)
    return ReportSource(report, way, "CONTACT_ID", FORMULA.name if way == REPORT_ONLY else "")


def plan(way: str = REPORT_ONLY, **changes: object) -> ImportPlan:
    return replace(
        PLAN,
        first_name="FIRST_NAME",
        first_name_fallback="",
        last_name="LAST_NAME",
        mobile_number="PHONE3",
        user_identification="",
        additional=(MappedField("Contact.Program__c", "picklist", "program", "choice"),),
        report=source(way, **changes),
    )


def test_the_last_change_is_found_among_columns_with_a_time() -> None:
    assert modified_column(described(columns=(CREATED, OTHER_TIME, FORMULA))) == FORMULA
    assert modified_column(described(columns=(CREATED, OTHER_TIME, MODIFIED))) is None


def test_the_standard_last_modified_is_known_as_a_day() -> None:
    assert day_column(described(columns=(CREATED, MODIFIED)), "Contact") == MODIFIED
    assert day_column(described(columns=(CREATED, FORMULA)), "Contact") is None


@pytest.mark.parametrize(("column", "kind"), [(CREATED, "date"), (FORMULA, "datetime"), (PHONE, "phone")])
def test_a_standard_stamp_holds_days_whatever_it_is_called(column: ReportColumn, kind: str) -> None:
    assert type_of(column) == kind


@pytest.mark.parametrize(
    ("entity", "path"),
    [("Contact.MobilePhone", "MobilePhone"), ("Account.Name", "Account.Name"), ("", ""), ("Contact", "")],
)
def test_a_column_shows_a_field_of_the_object_or_a_path(entity: str, path: str) -> None:
    assert field_path(replace(PHONE, entity_field=entity), "Contact") == path


def test_reports_show_labels_of_picklists_and_imports_store_values() -> None:
    choices = (
        PicklistValue("NUR", "Nursing", active=True),
        PicklistValue("ENG", "Engineering", active=False),
        PicklistValue("A", "Twice", active=True),
        PicklistValue("B", "Twice", active=True),
    )
    field = FieldDescribe(
        name="Program__c",
        label="Program",
        type="picklist",
        length=80,
        nillable=True,
        updateable=True,
        filterable=True,
        sortable=True,
        calculated=False,
        custom=True,
        relationship_name=None,
        reference_to=(),
        picklist_values=choices,
        compound_field_name=None,
    )

    values = picklists(described(columns=(PROGRAM, PHONE)), ObjectDescribe("Contact", "Contact", (field,)))

    assert values == {"Contact.Program__c": {"Nursing": "NUR", "Engineering": "ENG"}}
    known = values["Contact.Program__c"]
    assert [chosen(shown, known) for shown in ("Nursing", "Twice", "Nursing; Engineering", None)] == [
        "NUR",
        "Twice",
        "NUR;ENG",
        None,
    ]


CONVERTED = ReportColumn("CONVERTED", "Converted", "boolean")


def test_converted_leads_are_filtered_out_where_the_report_type_knows_them() -> None:
    knows = described(addable={"CONVERTED": CONVERTED})
    by_field = described(columns=(ReportColumn("C", "Is it", "boolean", "Lead.IsConverted"),))

    assert unconverted(knows) == Condition("CONVERTED", "equals", "False")
    assert unconverted(by_field) == Condition("C", "equals", "False")
    assert unconverted(described(addable={})) is None


@pytest.mark.parametrize(
    ("value", "logic", "left_out"),
    [("False", None, True), ("0", None, True), ("True", None, False), ("False", "1 OR 2", False)],
)
def test_a_filter_of_the_report_itself_is_enough(value: str, logic: str | None, left_out: bool) -> None:
    report = described(filters=(ReportFilter("CONVERTED", "equals", value),), boolean_filter=logic)

    assert leaves_converted_out(report) is left_out


@pytest.mark.parametrize(("saved", "fits"), [(0, True), (16, True), (17, False)])
def test_filters_of_ours_must_leave_room_for_reading_on(saved: int, fits: bool) -> None:
    assert has_room(described(filters=(ReportFilter("A", "equals", "b"),) * saved), 2) is fits


def test_filters_are_told_in_words() -> None:
    one = ReportFilter("PHONE3", "notEqual", "")
    two = ReportFilter("Contact.Program__c", "equals", "Nursing")
    report = described(columns=(PHONE, PROGRAM), filters=(one, two))

    assert filters_in_words(report) == "Only those where Mobile is not blank; Program is Nursing."
    assert filters_in_words(replace(report, boolean_filter="1 OR 2")) == (
        "Only those where 1 OR 2: 1. Mobile is not blank; 2. Program is Nursing."
    )
    this_month = StandardDateFilter("LAST_UPDATE", "THIS_MONTH", "2026-05-01", "2026-05-31")
    dated = described(columns=(MODIFIED,), filters=(), date_filter=this_month)
    assert filters_in_words(dated) == "Last Modified Date: 2026-05-01 to 2026-05-31."


def test_a_row_is_mapped_as_a_record_is() -> None:
    made = Rows(plan())
    values: dict[str, CellValue] = {
        FORMULA.name: NOW,
        "LAST_NAME": "Okafor",
        "PHONE3": "(212) 555-0123",
        "FIRST_NAME": "Zoë",
    }
    row = [values.get(name) for name in made.columns]

    batch = Mapper(plan()).page([made.record(ID, row, NOW + timedelta(hours=1))])

    (stored,) = batch.rows
    assert (stored.first_name, stored.last_name, stored.mobile_as_given) == (
        "Zoë",
        "Okafor",
        "(212) 555-0123",
    )
    assert stored.system_modstamp == stored.source_modified_at == "2026-05-01T12:00:00.000+0000"
    assert stored.fields == '{"program":null}'
    assert batch.issues == []


@pytest.mark.parametrize(("modified", "shown"), [(None, "-"), (date(2026, 5, 1), "2026-05-01")])
def test_a_row_without_a_last_change_counts_as_changed_now_and_says_so(
    modified: date | None, shown: str
) -> None:
    made = Rows(plan())
    values: dict[str, CellValue] = {FORMULA.name: modified, "LAST_NAME": "Okafor", "PHONE3": "(212) 555-0123"}
    row = [values.get(name) for name in made.columns]

    batch = Mapper(plan()).page([made.record(ID, row, NOW)])

    assert batch.rows[0].system_modstamp == stamp(NOW)
    assert [(issue.code, issue.value) for issue in batch.issues] == [("not_a_datetime", shown)]


def test_cells_are_given_as_a_query_writes_them() -> None:
    eastern = datetime(2026, 5, 1, 8, 0, tzinfo=timezone(timedelta(hours=-4)))

    given_now = [as_given(value) for value in (eastern, date(2026, 5, 1), Unreadable("n/a"), 5, True, None)]

    assert given_now == ["2026-05-01T12:00:00.000+0000", "2026-05-01", "n/a", 5, True, None]


@given(
    st.integers(0, 7 * 10**9 * 10**6).map(
        lambda micros: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    )
)
def test_every_moment_is_written_in_the_form_of_the_cursor(moment: datetime) -> None:
    """Never later than the moment, and a filter of a report takes it too: no change is left out."""
    written = stamp(moment)

    assert is_moment(written)
    assert datetime.fromisoformat(written) <= moment
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", changed_since("C", moment).value)


@given(changed=st.integers(0, 10**6), page=st.integers(1, 2000), members=st.integers(0, 10**5))
def test_the_way_taken_is_never_the_dearer_one(changed: int, page: int, members: int) -> None:
    first = min(changed, page)
    rest = -(-(changed - first) // page) if changed else 0
    by_ids = -(-members // 500)

    taken = by_ids if by_ids_is_cheaper(changed, first, members, per_call=500) else rest

    assert taken == min(by_ids, rest)


@given(missing=st.integers(1, 10**5), rows=st.integers(0, 10**5))
def test_rows_are_asked_for_by_id_only_while_that_takes_no_more_runs(missing: int, rows: int) -> None:
    by_filters = -(-missing // IDS_IN_A_FILTER)
    whole = max(1, -(-rows // RUN_ROWS))

    assert by_id_filters(missing, rows) is (by_filters <= whole)


def test_it_takes_a_call_to_learn_that_there_is_nothing() -> None:
    assert (calls(0, 2000), calls(2000, 2000), calls(2001, 2000)) == (1, 1, 2)
    assert (runs_of_an_import(10_000, alone=False), runs_of_an_import(10_000, alone=True)) == (5, 6)


@pytest.mark.parametrize(
    "changes",
    [
        {"filters": (ReportFilter("PHONE3", "equals", "1"),)},
        {"boolean_filter": "1 OR 2"},
        {"scope": "user"},
        {"cross_filters": 1},
        {"id": "00O000000000002EAA"},
        {"date_filter": StandardDateFilter("CREATED_DATE", "THIS_MONTH", None, None)},
    ],
)
def test_what_decides_who_is_in_the_report_makes_the_next_import_whole(changes: dict[str, Any]) -> None:
    assert plan(**changes).fingerprint("00D") != plan().fingerprint("00D")


def test_the_way_and_the_kind_of_source_are_in_the_fingerprint() -> None:
    prints = {plan(REPORT_ONLY).fingerprint("00D"), plan(BY_IDS).fingerprint("00D")}

    assert len(prints | {replace(plan(), report=None).fingerprint("00D")}) == 3


def test_the_passing_days_of_a_relative_range_change_nothing() -> None:
    def of(start: str, duration: str) -> str:
        return plan(date_filter=StandardDateFilter("CREATED_DATE", duration, start, None)).fingerprint("00D")

    assert of("2026-05-01", "LAST_7_DAYS") == of("2026-05-02", "LAST_7_DAYS")
    assert of("2026-05-01", "CUSTOM") != of("2026-05-02", "CUSTOM")


def test_a_list_views_fingerprint_is_what_it_was_before_there_were_reports() -> None:
    """Else every import would be whole once more after the upgrade."""
    assert replace(PLAN, beside=("Name",)).fingerprint("00D") == PLAN.fingerprint("00D")
    assert PLAN.fingerprint("00D") == "b58b991b7e4b5f40cefbcb26503915b02f0bd37296ccdb04b397e3288d90aafd"
