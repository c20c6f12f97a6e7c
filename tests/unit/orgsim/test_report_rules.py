"""The rules of reports that need no org: filter logic, values, days, and what a cell shows."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgsim.catalog import standard_schema
from orgsim.errors import ApiError
from orgsim.reports.cells import Style, cell_maker, total
from orgsim.reports.definition import Report
from orgsim.reports.filters import split_values
from orgsim.reports.logic import combined
from orgsim.reports.operators import OPERATORS, is_allowed
from orgsim.reports.periods import Calendar, Span, duration_groups
from orgsim.reports.stock import STOCK
from orgsim.reports.types import Known, report_types, type_view
from orgsim.soql.filters import Sql

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 2, 3, 30, tzinfo=UTC)
CALENDAR = Calendar(NOW, NEW_YORK)
STYLE = Style(NEW_YORK, "en_US", 66.0, False)


def known(name: str, report_type: str = "ContactList") -> Known:
    view = type_view(report_type, standard_schema())
    assert view is not None
    return view.columns[name]


def refused(work: Callable[[], object]) -> int | None:
    """The status of the refusal, None when there was none; any other error fails the test."""
    try:
        work()
    except ApiError as error:
        return error.status
    return None


class TestLogic:
    @staticmethod
    def value_of(logic: str | None, *truths: bool | None) -> bool:
        """What the logic says of filters that are true, false, or unknown to SQL."""
        words = {True: "1", False: "0", None: "NULL"}
        condition = combined(logic, [Sql(words[truth]) for truth in truths])
        assert condition is not None
        (found,) = sqlite3.connect(":memory:").execute(f"SELECT {condition.text}").fetchone()
        return bool(found)

    def test_without_logic_all_must_hold(self) -> None:
        assert self.value_of(None, True, True) is True
        assert self.value_of("  ", True, False) is False
        assert combined(None, []) is None

    def test_not_of_unknown_is_true(self) -> None:
        assert self.value_of("NOT 1", None) is True
        assert self.value_of("not (1 or 2)", None, False) is True

    @given(st.data(), st.integers(1, 5))
    def test_it_means_what_it_says(self, data: st.DataObject, count: int) -> None:
        truths = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
        text, wanted = data.draw(expressions(truths))
        every = " AND ".join(f"({n} OR NOT {n})" for n in range(1, count + 1))

        assert (
            self.value_of(f"({text}) AND {every}" if count > 1 else f"({text}) AND (1 OR NOT 1)", *truths)
            is wanted
        )

    @given(st.text(alphabet="()123 ANDORT", max_size=20))
    def test_anything_else_is_refused_in_words(self, text: str) -> None:
        assert refused(lambda: combined(text, [Sql("1"), Sql("0")])) in (None, 400)


def expressions(truths: list[bool]) -> st.SearchStrategy[tuple[str, bool]]:
    """Texts of filter logic over the filters, each with its value."""
    leaf = st.integers(1, len(truths)).map(lambda n: (str(n), truths[n - 1]))

    def larger(inner: st.SearchStrategy[tuple[str, bool]]) -> st.SearchStrategy[tuple[str, bool]]:
        pairs = st.tuples(inner, inner)
        return st.one_of(
            pairs.map(lambda p: (f"({p[0][0]} AND {p[1][0]})", p[0][1] and p[1][1])),
            pairs.map(lambda p: (f"({p[0][0]} OR {p[1][0]})", p[0][1] or p[1][1])),
            inner.map(lambda p: (f"(NOT {p[0]})", not p[1])),
        )

    return st.recursive(leaf, larger, max_leaves=5)


class TestValues:
    @pytest.mark.parametrize(
        ("text", "values"),
        [
            ("", [""]),
            ("a", ["a"]),
            (" a , b ", ["a", "b"]),
            ('"a, b",c', ["a, b", "c"]),
            ('say ""', ['say ""']),
            ("a,,b", ["a", "", "b"]),
        ],
    )
    def test_commas_separate_unless_quoted(self, text: str, values: list[str]) -> None:
        assert split_values(text) == values

    def test_ids_take_comparisons_only_by_the_switch(self) -> None:
        assert is_allowed("id", "greaterThan", id_comparison=True)
        assert not is_allowed("id", "greaterThan", id_comparison=False)
        assert not is_allowed("id", "contains", id_comparison=True)
        assert "greaterThan" not in OPERATORS["id"]


class TestDays:
    def test_today_is_the_users(self) -> None:
        assert CALENDAR.today == date(2026, 11, 1)

    @pytest.mark.parametrize("text", ["LAST 7 DAYS", "last_n_days:7", " Last  7  days "])
    def test_relative_days_come_in_words_and_literals(self, text: str) -> None:
        assert CALENDAR.read(text, exact=True, moments=False) == Span("2026-10-25", "2026-11-02")

    def test_days_of_moments_begin_at_the_users_midnight(self) -> None:
        span = CALENDAR.read("2026-11-01", exact=True, moments=True)

        # The day that summer time ends has 25 hours.
        assert span == Span("2026-11-01T04:00:00.000+0000", "2026-11-02T05:00:00.000+0000")

    def test_a_moment_is_one_second(self) -> None:
        span = CALENDAR.read("2026-11-01T04:00:00Z", exact=True, moments=True)

        assert span == Span("2026-11-01T04:00:00.000+0000", "2026-11-01T04:00:01.000+0000")

    @given(st.text(max_size=25))
    def test_any_other_text_is_refused_in_words(self, text: str) -> None:
        assert refused(lambda: CALENDAR.read(text, exact=True, moments=True)) in (None, 400)

    def test_a_formula_beyond_the_calendar(self) -> None:
        with pytest.raises(ApiError, match="The date formula is too large"):
            CALENDAR.read("LAST 9999999 DAYS", exact=True, moments=True)

    def test_every_duration_offered_can_be_used(self) -> None:
        for group in duration_groups(CALENDAR)[1:]:
            durations = group["standardDateFilterDurations"]
            assert isinstance(durations, list)
            for entry in durations:
                first, last = CALENDAR.duration(entry["value"])
                assert (first.isoformat(), last.isoformat()) == (entry["startDate"], entry["endDate"])
                assert first <= last


class TestCells:
    @pytest.mark.parametrize("name", sorted(c.name for c in report_types()["ContactList"].columns))
    def test_nothing_is_a_dash_in_every_column(self, name: str) -> None:
        assert cell_maker(known(name), STYLE)(None, None) == {"label": "-", "value": None}

    @pytest.mark.parametrize(
        ("locale", "label"), [("en_US", "6/21/2016, 12:05 AM"), ("en_GB", "21/06/2016, 00:05")]
    )
    def test_moments_follow_the_locale(self, locale: str, label: str) -> None:
        style = Style(ZoneInfo("GMT"), locale, 66.0, False)

        cell = cell_maker(known("Contact.Last_Modified_Date_Time__c"), style)(
            "2016-06-21T00:05:09.000+0000", None
        )

        assert cell["label"] == label

    @pytest.mark.parametrize(
        ("value", "data_type", "label", "number"),
        [
            (1234, "int", "1,234", 1234),
            (16000.01, "currency", "$16,000.01", 16000.01),
            (50_000_000.0, "currency", "$50,000,000", 50_000_000),
            (60.0, "percent", "60%", 60),
            (None, "double", "-", None),
        ],
    )
    def test_totals_are_plain_numbers(
        self, value: float | None, data_type: str, label: str, number: float | None
    ) -> None:
        assert total(value, data_type, STYLE) == {"label": label, "value": number}


class TestStock:
    @pytest.mark.parametrize("report", STOCK, ids=lambda report: report.name)
    def test_every_column_it_names_exists(self, report: Report) -> None:
        view = type_view(report.report_type, standard_schema())
        assert view is not None
        named = {
            *report.detail_columns,
            *(f.column for f in report.filters),
            *(g.name for g in (*report.groupings_down, *report.groupings_across)),
            report.date_column,
        }

        assert named <= view.columns.keys()

    def test_every_column_of_every_type_has_a_field(self) -> None:
        for report_type in report_types().values():
            view = type_view(report_type.name, standard_schema())
            assert view is not None
            assert {column.name for column in report_type.columns} <= view.columns.keys()

    def test_the_columns_of_a_type_have_types_that_can_be_filtered(self) -> None:
        for name in report_types():
            view = type_view(name, standard_schema())
            assert view is not None
            assert {column.data_type for column in view.columns.values()} <= OPERATORS.keys()
