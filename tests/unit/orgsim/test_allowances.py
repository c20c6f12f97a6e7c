import pytest

from orgsim.clock import OrgClock
from orgsim.errors import ApiError
from orgsim.limits import Allowances


@pytest.fixture
def clock() -> OrgClock:
    return OrgClock()


@pytest.fixture
def allowances(clock: OrgClock) -> Allowances:
    return Allowances(clock)


def test_an_allowance_is_taken_until_nothing_is_left(allowances: Allowances) -> None:
    allowances.set_limit("HourlySyncReportRuns", 2)

    taken = [allowances.take("HourlySyncReportRuns") for _ in range(3)]

    assert taken == [True, True, False]
    assert allowances.remaining("HourlySyncReportRuns") == 0


def test_more_than_is_left_takes_nothing(allowances: Allowances) -> None:
    allowances.set_limit("DailyBulkV2QueryFileStorageMB", 10)

    assert not allowances.take("DailyBulkV2QueryFileStorageMB", 11)
    assert allowances.used("DailyBulkV2QueryFileStorageMB") == 0


@pytest.mark.parametrize(
    ("name", "seconds"), [("HourlySyncReportRuns", 3_600), ("DailyBulkV2QueryJobs", 86_400)]
)
def test_what_was_taken_comes_back_when_its_window_has_passed(
    allowances: Allowances, clock: OrgClock, name: str, seconds: int
) -> None:
    allowances.take(name, 7)

    clock.offset_seconds = seconds * 0.9
    before = allowances.used(name)
    clock.offset_seconds = seconds + 1

    assert (before, allowances.used(name)) == (7, 0)


def test_a_level_stays_taken_until_it_is_given_back(allowances: Allowances, clock: OrgClock) -> None:
    allowances.take("ConcurrentSyncReportRuns", 2)
    clock.offset_seconds = 1_000_000
    allowances.give_back("ConcurrentSyncReportRuns")

    assert allowances.used("ConcurrentSyncReportRuns") == 1


def test_requests_beyond_the_daily_limit_are_refused(allowances: Allowances) -> None:
    allowances.set_limit("DailyApiRequests", 1)
    allowances.count()

    with pytest.raises(ApiError, match=r"TotalRequests Limit exceeded\.") as caught:
        allowances.count()

    assert (caught.value.status, caught.value.error_code) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert allowances.header() == "api-usage=1/1"


def test_an_unknown_allowance_is_named(allowances: Allowances) -> None:
    with pytest.raises(LookupError, match="no limit Nothing"):
        allowances.take("Nothing")


def test_every_entry_of_limits_has_a_maximum_and_what_is_left(allowances: Allowances) -> None:
    allowances.take("HourlyAsyncReportRuns", 5)

    entries = allowances.answer()

    assert entries["HourlyAsyncReportRuns"] == {"Max": 1200, "Remaining": 1195}
    assert entries["PermissionSets"]["CreateCustom"] == {"Max": 1000, "Remaining": 1000}
    assert list(entries) == sorted(entries)
