"""Time zones by the names people know them by. Pure, but for the zones this machine knows."""

from difflib import get_close_matches
from functools import cache
from zoneinfo import available_timezones

from carillon.imports.windows import EASTERN

ZONES_OF_THE_US = {
    EASTERN: "Eastern time",
    "America/Chicago": "Central time",
    "America/Denver": "Mountain time",
    "America/Phoenix": "Mountain time without daylight saving",
    "America/Los_Angeles": "Pacific time",
    "America/Anchorage": "Alaska time",
    "Pacific/Honolulu": "Hawaii time",
}
NEAR = 3
_CONTINENTS = frozenset(
    [
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Europe",
        "Indian",
        "Pacific",
    ]
)


def city_of(zone: str) -> str:
    return zone.rpartition("/")[2].replace("_", " ")


@cache
def zones_of_cities() -> tuple[str, ...]:
    """Every zone that is named after a place: those of the United States first, Eastern first of all."""
    others = (zone for zone in available_timezones() if zone.partition("/")[0] in _CONTINENTS)
    return (*ZONES_OF_THE_US, *sorted(zone for zone in others if zone not in ZONES_OF_THE_US))


def zone_called(entered: str) -> str:
    """The zone that is meant by its own name or by its city, where only one has it; else what was entered."""
    if entered in available_timezones():
        return entered
    words = _plain(entered)
    found = [zone for zone in (*zones_of_cities(), "UTC") if words in (_plain(zone), _plain(city_of(zone)))]
    return found[0] if len(found) == 1 else entered


def not_a_zone(entered: str) -> str:
    """A sentence that names zones like it, if there are any."""
    if not entered.strip():
        return "Choose a time zone, such as America/New_York."
    near = " or ".join(_near(_plain(entered)))
    if near:
        return f"{entered!r} is not a time zone. Did you mean {near}?"
    return (
        f"{entered!r} is not a time zone. They are named after large cities: choose one with the same time, such as"
        " America/New_York for Eastern time."
    )


def _near(words: str) -> list[str]:
    """The zones whose name or city looks like it, the likeliest first."""
    known = [
        zone for zone, name in ZONES_OF_THE_US.items() if name.partition(" ")[0].lower() in words.split()
    ]
    if known:
        return known
    cities: dict[str, list[str]] = {}
    for zone in zones_of_cities():
        cities.setdefault(_plain(city_of(zone)), []).append(zone)
    city = words.rpartition("/")[2]
    inside = [name for name in cities if len(city) > 2 and f" {city}" in f" {name}"]
    names = inside or get_close_matches(city, [name for name in cities if name[:1] == city[:1]], NEAR, 0.7)
    return [zone for name in names for zone in cities[name]][:NEAR]


def _plain(text: str) -> str:
    return " ".join(text.lower().replace("_", " ").split())
