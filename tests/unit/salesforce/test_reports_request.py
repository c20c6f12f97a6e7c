import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.salesforce.reports.describes import ReportColumn, ReportFilter
from carillon.salesforce.reports.errors import ReportColumnMissing, ReportNotReadable
from carillon.salesforce.reports.request import Condition, own_columns, removed_columns, run_metadata, wrapped
from tests.unit.salesforce.paper_report import CREATED, ID, NAME, described

AFTER = Condition("CONTACT_ID", "greaterThan", "003000000000001AAA")


def saved_filter(number: int) -> ReportFilter:
    given = {
        "column": "LAST_NAME",
        "filterType": "fieldValue",
        "isRunPageEditable": True,
        "operator": "equals",
        "value": f"A,{number}",
    }
    return ReportFilter("LAST_NAME", "equals", f"A,{number}", given)


def test_a_run_is_flat_counted_and_sorted_by_one_column() -> None:
    body = run_metadata(described(), ["LAST_NAME"], sort="CONTACT_ID", unique="CONTACT_ID")

    assert body == {
        "reportFormat": "TABULAR",
        "groupingsDown": [],
        "groupingsAcross": [],
        "detailColumns": ["LAST_NAME", "CONTACT_ID"],
        "sortBy": [{"sortColumn": "CONTACT_ID", "sortOrder": "Asc"}],
        "aggregates": ["RowCount", "u!CONTACT_ID"],
        "hasRecordCount": True,
        "hasDetailRows": True,
    }


def test_saved_filters_are_sent_along_unchanged_before_ours() -> None:
    body = run_metadata(described(filters=(saved_filter(1),)), ["CONTACT_ID"], conditions=[AFTER])

    assert body["reportFilters"] == [
        dict(saved_filter(1).given),
        {"column": "CONTACT_ID", "operator": "greaterThan", "value": "003000000000001AAA"},
    ]
    assert "reportBooleanFilter" not in body


def test_saved_filters_are_left_alone_when_there_is_none_to_add() -> None:
    body = run_metadata(described(filters=(saved_filter(1),), boolean_filter="1"), ["CONTACT_ID"])

    assert "reportFilters" not in body
    assert "reportBooleanFilter" not in body


def test_the_boolean_filter_names_every_filter() -> None:
    report = described(filters=(saved_filter(1), saved_filter(2)), boolean_filter="1 OR 2")

    body = run_metadata(report, ["CONTACT_ID"], conditions=[AFTER, AFTER])

    assert body["reportBooleanFilter"] == "(1 OR 2) AND 3 AND 4"


def test_a_column_that_can_be_added_is_asked_for_though_the_report_lacks_it() -> None:
    body = run_metadata(described(columns=(NAME,), addable={"CONTACT_ID": ID}), ["CONTACT_ID"])

    assert body["detailColumns"] == ["CONTACT_ID"]


@pytest.mark.parametrize("ask", [{"columns": ["PHONE3"]}, {"columns": [], "sort": "PHONE3"}])
def test_a_column_the_report_cannot_have_is_named(ask: dict[str, Any]) -> None:
    with pytest.raises(ReportColumnMissing, match="PHONE3") as missing:
        run_metadata(described(), **ask)

    assert missing.value.column == "PHONE3"


def test_a_chart_of_groups_is_taken_off_with_them() -> None:
    report = described(format="SUMMARY", groupings=("OWNER",), has_chart=True)

    assert run_metadata(report, ["CONTACT_ID"])["chart"] is None
    assert own_columns(report) == ("OWNER", "CONTACT_ID", "LAST_NAME")


def test_the_21st_filter_and_the_100th_column_are_refused() -> None:
    full = described(filters=tuple(saved_filter(number) for number in range(20)))
    wide = described(columns=tuple(ReportColumn(f"C{n}", "C", "string") for n in range(100)))

    with pytest.raises(ReportNotReadable, match="20 filters"):
        run_metadata(full, ["CONTACT_ID"], conditions=[AFTER])
    with pytest.raises(ReportNotReadable, match="100 columns"):
        run_metadata(wide, [item.name for item in wide.columns])


@given(
    st.recursive(
        st.integers(1, 5).map(str),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(" ".join),
            inner.map(lambda text: f"NOT ({text})"),
        ),
        max_leaves=6,
    ),
    st.integers(1, 3),
    st.lists(st.booleans(), min_size=8, max_size=8),
)
def test_a_wrapped_filter_lets_through_what_the_old_one_does_and_ours_do(
    old: str, further: int, met: list[bool]
) -> None:
    def holds(text: str) -> bool:
        python = re.sub(r"\d+", lambda number: str(met[int(number[0]) - 1]), text)
        return bool(eval(python.replace("AND", "and").replace("OR", "or").replace("NOT", "not")))

    assert holds(wrapped(old, 5, 5 + further)) == (holds(old) and all(met[5 : 5 + further]))


def test_the_date_column_of_the_type_may_sort_a_run() -> None:
    assert run_metadata(described(), ["CONTACT_ID"], sort=CREATED.name)["detailColumns"] == [
        "CONTACT_ID",
        "CREATED_DATE",
    ]


def test_a_column_taken_out_of_the_report_is_named_though_a_run_could_add_it() -> None:
    assert removed_columns(described(), ["LAST_NAME", "CREATED_DATE"]) == ("CREATED_DATE",)
