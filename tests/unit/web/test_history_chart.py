from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from carillon.imports.daily import Day, LastDays
from carillon.imports.models import ImportSetup
from carillon.web.history_chart import IMPORTS_FLOOR, IMPORTS_HEIGHT, Chart, charts

FIRST = date(2026, 11, 1)
counts = st.integers(0, 5000)
some_days = st.lists(st.tuples(counts, counts, counts, counts, counts, counts), min_size=30, max_size=30)


def chart_of(*days: tuple[int, ...], enabled: bool = True) -> list[Chart]:
    setup = ImportSetup(object="Contact", enabled=enabled)
    found = [Day(FIRST + timedelta(days=number), *counts) for number, counts in enumerate(days)]
    return charts([LastDays(setup, found)])


@given(some_days)
def test_every_outcome_of_a_day_is_seen_and_nothing_stands_out_of_the_chart(
    days: list[tuple[int, int, int, int, int, int]],
) -> None:
    (chart,) = chart_of(*days)

    for column in chart.columns:
        heights = [float(piece.height) for piece in column.pieces]
        shown = {piece.outcome for piece in column.pieces}
        assert shown == {name for name, _ in _outcomes(column.day) if getattr(column.day, name)}
        assert all(height >= 3.9 for height in heights)
        assert all(float(piece.y) >= IMPORTS_FLOOR - IMPORTS_HEIGHT - 0.3 for piece in column.pieces)
        assert bool(column.changed) == bool(column.day.changed)


def _outcomes(day: Day) -> list[tuple[str, int]]:
    return [
        (name, getattr(day, name)) for name in ("succeeded", "incomplete", "failed", "postponed", "missed")
    ]


def test_pieces_stand_on_one_another() -> None:
    (chart,) = chart_of((2, 0, 1, 1, 0))

    pieces = [(piece.outcome, piece.y, piece.height) for piece in chart.columns[0].pieces]
    assert pieces == [("succeeded", "60.0", "40.0"), ("failed", "40.0", "20.0"), ("missed", "20.0", "20.0")]


def test_one_import_does_not_fill_the_chart() -> None:
    (chart,) = chart_of((1, 0, 0, 0, 0), (0, 0, 0, 0, 0))

    assert chart.most == 3
    assert float(chart.columns[0].pieces[0].height) < IMPORTS_HEIGHT / 2


def test_a_day_is_told_in_words_and_days_without_imports_are_not_in_the_table() -> None:
    (chart,) = chart_of((3, 0, 0, 1, 1204), (0, 0, 0, 0, 0), (0, 0, 0, 0, 1))

    assert [column.words for column in chart.columns] == [
        "Nov 1: 3 succeeded, 1 missed; 1,204 records changed",
        "Nov 2: no import; 0 records changed",
        "Nov 3: no import; 1 record changed",
    ]
    assert [column.day.day.day for column in chart.newest_first] == [3, 1]


def test_an_import_that_is_off_and_did_nothing_has_no_chart() -> None:
    nothing, something = (0, 0, 0, 0, 0), (0, 0, 1, 0, 0)

    assert chart_of(nothing, enabled=False) == []
    assert [chart.is_empty for chart in chart_of(nothing)] == [True]
    assert [chart.is_empty for chart in chart_of(something, enabled=False)] == [False]
