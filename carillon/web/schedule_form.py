"""The Import Schedule section of the Contact Import form: windows, time zone, and when each window starts next."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms

from carillon.imports.drafts import SetupDraft
from carillon.imports.time_zones import ZONES_OF_THE_US, city_of, zone_called, zones_of_cities
from carillon.imports.windows import EASTERN, WINDOWS, Schedule, next_start
from carillon.web.forms import PageForm

FIELDS = ("windows", "timezone")


@dataclass(frozen=True, slots=True)
class WindowLine:
    """One window's checkbox. `here` is its next start in the chosen zone and `eastern` in Eastern time, which is
    left out where it would say the same; `at` is the moment itself. No time is known in a zone that does not exist."""

    window: str
    chosen: bool
    here: str
    eastern: str
    at: datetime | None


class ScheduleForm(PageForm):
    windows = forms.MultipleChoiceField(
        required=False, choices=[(window, window) for window in WINDOWS], widget=forms.CheckboxSelectMultiple
    )
    timezone = forms.CharField(
        required=False,
        max_length=64,
        label="Time zone",
        help_text="Type a city, such as Denver or Sydney, and choose.",
        widget=forms.TextInput(
            attrs={"list": "zones", "type": "search", "autocomplete": "off", "spellcheck": "false"}
        ),
    )

    def __init__(self, draft: SetupDraft, data: Mapping[str, Any] | None = None) -> None:
        # What was sent without this section leaves the schedule as it is.
        self._draft = draft
        sent = data if data is not None and "timezone" in data else None
        super().__init__(sent, initial={name: getattr(draft, name) for name in FIELDS})

    def is_valid(self) -> bool:
        return super().is_valid() if self.is_bound else True

    def into(self, draft: SetupDraft) -> SetupDraft:
        """The draft with the schedule that was entered."""
        timezone = zone_called(str(self["timezone"].value() or "").strip())
        return replace(draft, timezone=timezone, windows=tuple(self["windows"].value() or ()))

    @property
    def any_window(self) -> bool:
        return bool(self["windows"].value())

    def lines(self, seed: str, now: datetime) -> list[WindowLine]:
        """`seed` as in the setup's own schedule, so that what is shown is what will be."""
        entered = self.into(self._draft)
        if entered.timezone not in available_timezones():
            return [WindowLine(window, window in entered.windows, "", "", None) for window in WINDOWS]
        schedule = Schedule(entered.timezone, WINDOWS, seed)
        return [_line(schedule, window, window in entered.windows, now) for window in WINDOWS]


def _line(schedule: Schedule, window: str, chosen: bool, now: datetime) -> WindowLine:
    at = next_start(schedule, window, now).at
    eastern = "" if schedule.timezone == EASTERN else f"{_wall(at, EASTERN)} Eastern"
    return WindowLine(
        window, chosen, f"{_wall(at, schedule.timezone)} {_short(schedule.timezone)}", eastern, at
    )


def _wall(at: datetime, timezone: str) -> str:
    return f"{at.astimezone(ZoneInfo(timezone)):%a, %b %-d, %H:%M}"


def _short(timezone: str) -> str:
    return "Eastern" if timezone == EASTERN else f"in {city_of(timezone)}"


@cache
def zones() -> tuple[tuple[str, str], ...]:
    """Zones to choose from with a name people know them by: those of the United States first, Eastern first of all."""
    others = zones_of_cities()[len(ZONES_OF_THE_US) :]
    return (*ZONES_OF_THE_US.items(), ("UTC", "UTC"), *((zone, city_of(zone)) for zone in others))
