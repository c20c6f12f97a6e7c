"""The chart of the last days on Import History: what is drawn where. Across in percent of the width, so that it fits
any; down in pixels. Colours and patterns are the stylesheet's and the template's."""

from collections.abc import Sequence
from dataclasses import dataclass

from carillon.imports.daily import Day, LastDays
from carillon.imports.models import ImportSetup
from carillon.web.schedule_form import zones

IMPORTS_HEIGHT, IMPORTS_FLOOR = 80.0, 100.0
CHANGED_HEIGHT, CHANGED_FLOOR = 46.0, 176.0
# Smaller ones could not be seen.
LEAST = 4.0
# One import a day must not look like a full one.
LEAST_SCALE = 3
# From the floor up.
OUTCOMES = {
    "succeeded": "Succeeded",
    "incomplete": "Incomplete",
    "failed": "Failed",
    "postponed": "Postponed",
    "missed": "Missed",
}
_LABEL_EACH = 7


@dataclass(frozen=True, slots=True)
class Piece:
    outcome: str
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Column:
    """One day. `x` and `middle` are percents; `label` is empty on most days."""

    day: Day
    x: str
    middle: str
    label: str
    words: str
    pieces: tuple[Piece, ...]
    changed: Piece | None


@dataclass(frozen=True, slots=True)
class Total:
    outcome: str
    label: str
    number: int


@dataclass(frozen=True, slots=True)
class Chart:
    """`most` and `most_changed` are what the full height stands for."""

    setup: ImportSetup
    zone: str
    columns: tuple[Column, ...]
    totals: tuple[Total, ...]
    changed: int
    most: int
    most_changed: int

    @property
    def is_empty(self) -> bool:
        return not self.changed and not any(total.number for total in self.totals)

    @property
    def newest_first(self) -> list[Column]:
        """The days on which anything was."""
        return [column for column in reversed(self.columns) if column.day.imports or column.day.changed]


def charts(found: Sequence[LastDays]) -> list[Chart]:
    """One of each setup that is on, or that had imports."""
    made = [_chart(one) for one in found]
    return [chart for chart in made if chart.setup.enabled or not chart.is_empty]


def _chart(one: LastDays) -> Chart:
    days = one.days
    most = max(LEAST_SCALE, *(day.imports for day in days))
    most_changed = max(1, *(day.changed for day in days))
    return Chart(
        one.setup,
        dict(zones()).get(one.setup.timezone, one.setup.timezone),
        tuple(_column(number, len(days), day, most, most_changed) for number, day in enumerate(days)),
        tuple(
            Total(outcome, label, sum(getattr(day, outcome) for day in days))
            for outcome, label in OUTCOMES.items()
        ),
        sum(day.changed for day in days),
        most,
        most_changed,
    )


def _column(number: int, of: int, day: Day, most: int, most_changed: int) -> Column:
    name = f"{day.day:%b} {day.day.day}"
    labelled = (of - 1 - number) % _LABEL_EACH == 0
    return Column(
        day,
        f"{number * 100 / of:.3f}%",
        f"{(number + 0.5) * 100 / of:.3f}%",
        name if labelled else "",
        f"{name}: {_in_words(day)}",
        _pieces(day, most),
        _bar("changed", CHANGED_FLOOR, max(LEAST / 2, day.changed * CHANGED_HEIGHT / most_changed))
        if day.changed
        else None,
    )


def _in_words(day: Day) -> str:
    imports = [f"{getattr(day, outcome):,} {outcome}" for outcome in OUTCOMES if getattr(day, outcome)]
    return f"{', '.join(imports) or 'no import'}; {day.changed:,} record{'' if day.changed == 1 else 's'} changed"


def _pieces(day: Day, most: int) -> tuple[Piece, ...]:
    """On top of one another. Each can be seen; what that takes too much is taken from the highest."""
    heights = {
        outcome: max(LEAST, getattr(day, outcome) * IMPORTS_HEIGHT / most)
        for outcome in OUTCOMES
        if getattr(day, outcome)
    }
    if heights:
        highest = max(heights, key=lambda outcome: heights[outcome])
        heights[highest] -= max(0.0, sum(heights.values()) - IMPORTS_HEIGHT)
    floor, pieces = IMPORTS_FLOOR, []
    for outcome, height in heights.items():
        pieces.append(_bar(outcome, floor, height))
        floor -= height
    return tuple(pieces)


def _bar(outcome: str, floor: float, height: float) -> Piece:
    return Piece(outcome, f"{floor - height:.1f}", f"{height:.1f}")
