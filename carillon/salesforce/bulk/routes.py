"""Which of Salesforce's two ways a read of so many records takes: pages of the REST API, or a bulk job.

Counted in API calls, which are what an org rations. REST: one a page of 2,000. Bulk: one to create the job, one each
time it is looked at, one a set of a quarter of a million records, one to delete it; a job of half a minute is looked at
five times (after 1, 3, 7, 15 and 31 seconds). The two meet at 16,000 records: up to there REST pages cost no more calls
and need not wait for a job. `python -m benchmarks bulk` counts the calls and shows what each record costs.
"""

from enum import StrEnum

PAGE = 2_000
SET = 250_000
# A set is held in memory as one answer, twice for a moment. A value of a record takes some 24 bytes of CSV with its quotes and comma.
SET_BYTES = 24_000_000
VALUE_BYTES = 24
LOOKS = 5
THRESHOLD = 16_000


class Route(StrEnum):
    REST = "rest"
    BULK = "bulk"


def choose(count: int, page: int = PAGE) -> Route:
    """The way for a read of `count` records, where pages of the REST API hold `page` of them: fewer than 2,000 when the
    records are large."""
    return Route.BULK if count * PAGE > THRESHOLD * page else Route.REST


def set_size(columns: int) -> int:
    """How many records of so many columns to ask for at once."""
    return min(SET, SET_BYTES // (VALUE_BYTES * columns))


def rest_calls(count: int) -> int:
    return max(1, -(-count // PAGE))


def bulk_calls(count: int, columns: int = 1) -> int:
    """Create, look, fetch each set, delete."""
    return 1 + LOOKS + max(1, -(-count // set_size(columns))) + 1
