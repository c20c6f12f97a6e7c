"""What may go stale is read in full once a day, counted in the setup's time zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.imports.refresh import Freshness, refresh

NEW_YORK = "America/New_York"
# Seven in the evening of the first of May in New York.
LAST = datetime(2026, 5, 1, 23, 0, tzinfo=UTC)


def known(at: datetime | None = LAST, zone: str = NEW_YORK, *fields: str) -> Freshness:
    return Freshness(at, zone, fields or ("Owner.Name",))


@pytest.mark.parametrize(
    ("hours", "zone", "due"),
    [
        (1, NEW_YORK, False),
        (4.9, NEW_YORK, False),
        (5, NEW_YORK, True),
        (1, "UTC", True),
        (0.5, "Pacific/Chatham", False),
        (12, "Pacific/Chatham", False),
        (13, "Pacific/Chatham", True),
    ],
)
def test_the_first_import_of_a_day_of_the_setup_is_in_full(hours: float, zone: str, due: bool) -> None:
    assert refresh(known(LAST, zone), LAST + timedelta(hours=hours)).due is due


def test_a_setup_that_was_never_read_in_full_is() -> None:
    assert refresh(known(None), LAST).due


def test_without_such_a_field_nothing_is_read_in_full() -> None:
    assert refresh(Freshness(None, NEW_YORK, ()), LAST + timedelta(days=9)) == refresh(
        Freshness(LAST, NEW_YORK, frozenset()), LAST
    )
    assert not refresh(Freshness(None, NEW_YORK, ()), LAST).due


def test_the_reason_names_the_fields_and_the_day_s_zone() -> None:
    one = refresh(known(), LAST + timedelta(days=1))
    many = refresh(known(LAST, NEW_YORK, "Z__c", "Account.Name", "Owner.Name"), LAST + timedelta(days=1))

    assert one.reason == (
        "Everything is read, as once a day (America/New_York): Owner.Name may go stale: formulas and fields of"
        " related records change without touching the record."
    )
    assert "Account.Name and 2 more may go stale" in many.reason


def test_what_the_budget_does_not_allow_is_put_off_and_it_is_said() -> None:
    found = refresh(known(), LAST + timedelta(days=1), affordable=False)

    assert not found.due
    assert found.reason.startswith("Only changes are read: the API budget is too small")
    assert refresh(known(), LAST + timedelta(hours=1), affordable=False).reason == ""


@given(
    minutes=st.integers(0, 60 * 24 * 400),
    zone=st.sampled_from([NEW_YORK, "Australia/Sydney", "Pacific/Chatham", "UTC", "Pacific/Apia"]),
)
def test_it_is_due_exactly_once_a_local_day(minutes: int, zone: str) -> None:
    now = LAST + timedelta(minutes=minutes)

    due = refresh(known(LAST, zone), now).due

    assert due is (now.astimezone(ZoneInfo(zone)).date() > LAST.astimezone(ZoneInfo(zone)).date())
    assert not refresh(known(now, zone), now).due
