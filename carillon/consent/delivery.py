"""When a push is tried again, and what an org's answer makes of it. Pure.

A push is never given up: what passes by itself waits longer and longer, what the org refuses is tried again each night,
and only what others put back again and again stops, at once or from one import to the next: nobody wins such a fight.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import Enum

from carillon.salesforce.records.refusals import Kind

# Of one record: busy rows are free again after moments.
FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=15)
# Of a whole org, which gets one attempt after each: an outage, and what only people can mend.
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE_FOR_PEOPLE = timedelta(minutes=15)
# Written once, and twice more.
MOST_REVERTS = 3
AFTER_A_REVERT = timedelta(seconds=20)
# What imports find put back is corrected so often; and anew when that was so long ago.
MOST_CORRECTIONS = 3
FORGOTTEN_AFTER = timedelta(days=30)
PUT_BACK = (
    "Others put this record back again and again after it was corrected, so it is not corrected by itself any more.",
    "Look for a sync, an integration or a scheduled flow that writes to the opt-out field, then try again.",
)
# Refusals, each night: two to three o'clock in the east of the United States.
NIGHT = time(7)
NIGHT_LASTS = timedelta(hours=1)
# More than so many a second are gathered for so long, instead of a call for each.
AT_ONCE_BELOW = 50
LATELY = timedelta(seconds=1)
GATHERED_FOR = 0.5


class Course(Enum):
    """What to do about a refusal."""

    AGAIN = "again"
    FOLLOW = "follow"
    ON_ACCOUNT = "on the account"
    REFUSED = "refused"


_COURSES = {
    Kind.TRANSIENT: Course.AGAIN,
    Kind.GONE: Course.FOLLOW,
    Kind.CONVERTED: Course.FOLLOW,
    # Of a contact it may say that it is the shadow of a person account.
    Kind.ACCESS: Course.ON_ACCOUNT,
}


@dataclass(frozen=True, slots=True)
class Turn:
    """`now`, and a fresh number from 0 to 1, so that many who failed together don't come back together."""

    now: datetime
    jitter: float


def course(kind: Kind, object_name: str) -> Course:
    found = _COURSES.get(kind, Course.REFUSED)
    return Course.REFUSED if found is Course.ON_ACCOUNT and object_name != "Contact" else found


def field_on_account(name: str) -> str:
    """What a contact's field is called on the account of a person account."""
    custom = name.removesuffix("__c")
    return f"{custom}__pc" if custom != name else f"Person{name}"


def after_failure(attempts: int, turn: Turn) -> datetime:
    """When a push is tried again after so many attempts, the last of which will pass by itself."""
    return turn.now + _growing(FIRST_WAIT, LONGEST_WAIT, attempts, turn.jitter)


def after_refusal(turn: Turn) -> datetime:
    """The next night, some time in it."""
    tonight = datetime.combine(turn.now.date(), NIGHT, turn.now.tzinfo)
    night = tonight if tonight > turn.now else tonight + timedelta(days=1)
    return night + NIGHT_LASTS * turn.jitter


def after_revert(reverts: int, turn: Turn) -> datetime | None:
    """When it is written again, after `reverts` before this one; None when that has been enough."""
    return None if reverts + 1 >= MOST_REVERTS else turn.now + AFTER_A_REVERT * (reverts + 1)


@dataclass(frozen=True, slots=True)
class Earlier:
    """The last push of an opt-out to a record: what it answered, and `reverts` of the push."""

    answers: datetime
    reverts: int


def put_backs(earlier: Earlier | None, spoken_at: datetime | None, now: datetime) -> int:
    """How often others put the record back since the person or staff last said something, this time included."""
    if earlier is None or now - earlier.answers > FORGOTTEN_AFTER:
        return 1
    return 1 if spoken_at and spoken_at > earlier.answers else earlier.reverts + 1


def pause_after(failures: int, turn: Turn, *, passes: bool) -> datetime:
    """Until when the org is left alone, after so many failures of the whole in a row; `passes` by itself."""
    longest = LONGEST_PAUSE if passes else LONGEST_PAUSE_FOR_PEOPLE
    return turn.now + _growing(FIRST_PAUSE, longest, failures, turn.jitter)


def gathering(taken_lately: int) -> float:
    """How many seconds to wait before the next claim, after so many pushes of the last second."""
    return GATHERED_FOR if taken_lately > AT_ONCE_BELOW else 0.0


def _growing(first: timedelta, longest: timedelta, times: int, jitter: float) -> timedelta:
    """Doubled each time up to the longest, of which at least half is waited."""
    full = min(longest, first * 2.0 ** min(max(times - 1, 0), 30))
    return full * (0.5 + jitter / 2)
