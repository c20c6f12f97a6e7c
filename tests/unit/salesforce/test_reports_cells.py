from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.salesforce.reports.cells import CellValue, Unreadable, cell_value, record_id_of
from carillon.salesforce.reports.describes import ReportColumn

EDNA = "003580000025sonAAA"


def column(kind: str, *, lookup: bool | None = None) -> ReportColumn:
    return ReportColumn("A_COLUMN", "A Column", kind, lookup=lookup)


@pytest.mark.parametrize(
    ("kind", "label", "value", "expected"),
    [
        ("string", "Ms.", "Ms.", "Ms."),
        ("picklist", "Consulting", "Consulting", "Consulting"),
        ("phone", "(650) 867-3450", "(650) 867-3450", "(650) 867-3450"),
        ("string", "-", None, None),
        ("string", "", "", None),
        ("string", "-", "", None),
        ("string", "-", "-", "-"),
        ("date", "-", None, None),
        ("string", "345 Shoreline Park<br>Mountain View", "345 Shoreline Park<br>Mountain View", "345 Shoreline Park\nMountain View"),
        ("textarea", "a<br />b &amp; &lt;br&gt;", "a<br />b &amp; &lt;br&gt;", "a\nb & <br>"),
        ("string", "AT&amp;T", "AT&amp;T", "AT&amp;T"),
        ("id", "003580000025son", EDNA, EDNA),
        ("id", "003580000025son", None, None),
        ("id", "003580000025son", "003580000025son", EDNA),
        ("int", "12", 12, 12),
        ("int", "20", 20.0, 20),
        ("double", "1.5", 1.5, 1.5),
        ("percent", "60%", 60, 60),
        ("currency", "$16,000.01", 16000.01, 16000.01),
        ("currency", "$16,000.01", {"amount": 16000.01, "currency": None}, 16000.01),
        ("currency", "-", {"amount": None, "currency": None}, None),
        ("boolean", "true", True, True),
        ("boolean", "wahr", False, False),
        ("boolean", "false", "false", False),
        ("date", "1/13/2021", "2021-01-14", date(2021, 1, 14)),
        ("date", "1/13/2021", "2021-01-14T03:12:09Z", date(2021, 1, 14)),
        ("datetime", "21/06/2016", "2016-06-21", date(2016, 6, 21)),
        ("datetime", "1/13/2021, 7:12 PM", "2021-01-14T03:12:09Z", datetime(2021, 1, 14, 3, 12, 9, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_a_cell_is_read_by_the_type_of_its_column(
    kind: str, label: str, value: Any, expected: CellValue
) -> None:
    assert cell_value(column(kind), label, value) == expected


@pytest.mark.parametrize("lookup", [None, True])
def test_a_name_is_its_label_where_the_value_is_a_record(lookup: bool | None) -> None:
    assert cell_value(column("string", lookup=lookup), "Edna", EDNA) == "Edna"


@pytest.mark.parametrize(
    ("kind", "value"),
    [("int", "many"), ("int", True), ("boolean", "maybe"), ("date", "soon"), ("datetime", 5), ("id", "x")],
)
def test_a_value_of_another_type_is_kept_as_unreadable(kind: str, value: Any) -> None:
    assert cell_value(column(kind), "as shown", value) == Unreadable("as shown")


@given(
    st.integers(0, 4 * 10**12).map(lambda number: datetime.fromtimestamp(number / 1000, UTC)),
    st.sampled_from(["Z", "+0000", "+00:00", "-0530", "+13:45"]),
    st.sampled_from(["seconds", "milliseconds"]),
)
def test_a_moment_is_the_same_however_its_zone_and_fraction_are_written(
    moment: datetime, zone: str, precision: str
) -> None:
    digits = zone.replace(":", "")
    sign = -1 if zone.startswith("-") else 1
    shift = timedelta() if zone == "Z" else sign * timedelta(hours=int(digits[1:3]), minutes=int(digits[3:]))
    written = moment.replace(tzinfo=None).isoformat(timespec=precision)

    read = cell_value(column("datetime"), "shown", written + zone)

    assert read == datetime.fromisoformat(written).replace(tzinfo=timezone(shift))
    assert isinstance(read, datetime)
    assert read.tzinfo is UTC


@given(st.text(min_size=1))
def test_plain_text_comes_back_as_it_is(text: str) -> None:
    assert cell_value(column("phone"), text, text) == text


def test_the_record_of_a_cell_is_its_value_before_its_label() -> None:
    assert record_id_of("Edna", EDNA) == EDNA
    assert record_id_of("003580000025son", None) == EDNA
    assert record_id_of("-", None) is None
