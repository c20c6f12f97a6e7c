"""A time zone is found by its city, and what is no zone is told with those that look like it."""

import pytest

from carillon.imports.time_zones import not_a_zone, zone_called


@pytest.mark.parametrize(
    ("entered", "zone"),
    [
        ("America/Denver", "America/Denver"),
        ("Denver", "America/Denver"),
        (" new  york", "America/New_York"),
        ("europe/london", "Europe/London"),
        ("utc", "UTC"),
        ("Louisville", "Louisville"),
        ("Boston", "Boston"),
        ("", ""),
    ],
)
def test_a_zone_is_meant_by_its_city_where_only_one_has_it(entered: str, zone: str) -> None:
    assert zone_called(entered) == zone


@pytest.mark.parametrize(
    ("entered", "near"),
    [
        ("Louisville", "Did you mean America/Kentucky/Louisville or America/Louisville?"),
        ("Eastern time", "Did you mean America/New_York?"),
        ("York", "Did you mean America/New_York?"),
        ("Chigaco", "Did you mean America/Chicago?"),
        ("Boston", "such as America/New_York for Eastern time."),
        ("Europe/Sidney", "Did you mean Australia/Sydney?"),
        ("Mars/Olympus_Mons", "They are named after large cities"),
        ("", "Choose a time zone"),
    ],
)
def test_what_is_no_zone_is_told_with_those_like_it(entered: str, near: str) -> None:
    assert near in not_a_zone(entered)
