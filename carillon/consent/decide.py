"""What a number's consent is, and what each new statement about it changes. Pure.

The state of a number is the latest statement of each kind, nothing else. So it depends on which statements there
are and not on the order in which they were learnt, and the ledger replays to it in any order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum


class Says(StrEnum):
    """What a value, a record or a push says. The first two are also what a number can be."""

    IN = "opted_in"
    OUT = "opted_out"
    BLANK = "blank"
    UNCLEAR = "unclear"


class Authority(StrEnum):
    PERSON = "person"
    STAFF = "staff"
    SILENCE = "silence"


class Kind(StrEnum):
    """What can be said of a number. Each is a field of State."""

    PERSON_OUT = "person_out"
    PERSON_IN = "person_in"
    # An admin lifts a person's STOP, for a written reason.
    LIFTED = "lifted"
    STAFF_OUT = "staff_out"
    STAFF_IN = "staff_in"
    # Nobody said anything, and the setup takes that for this.
    SILENCE_OUT = "silence_out"
    SILENCE_IN = "silence_in"
    # A text that is likely an opt-out; somebody found that it is none.
    LIKELY = "likely"
    CLEARED = "cleared"


TIGHTENING = frozenset({Kind.PERSON_OUT, Kind.STAFF_OUT, Kind.SILENCE_OUT, Kind.LIKELY})
# Where an opted-in statement of unknown time stands: it lifts nothing.
BEFORE_EVERYTHING = datetime(1970, 1, 1, tzinfo=UTC)
# Likely opt-outs that nobody looked at count as opt-outs after so many business days.
REVIEW_BUSINESS_DAYS = 10
# Between the two outer ones all days are that it is anywhere.
_TIME_ZONES = (timedelta(hours=-12), timedelta(), timedelta(hours=14))
_CLOCKS_PUT_FORWARD = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class When:
    """When something happened, as well as it is known: not before `earliest`, not after `latest`."""

    earliest: datetime | None = None
    latest: datetime | None = None
    is_now: bool = False

    @staticmethod
    def at(moment: datetime) -> "When":
        return When(moment, moment)

    @staticmethod
    def on(day: date, zone: tzinfo) -> "When":
        """Some time of a local day."""
        begin = datetime(day.year, day.month, day.day, tzinfo=zone)
        after = day + timedelta(days=1)
        end = datetime(after.year, after.month, after.day, tzinfo=zone) - timedelta(microseconds=1)
        return When(begin.astimezone(UTC), end.astimezone(UTC))

    def counted(self, kind: Kind, learnt_at: datetime) -> datetime:
        """The moment at which a statement counts: an opt-out as late as it can have been, everything else as early.
        Nothing counts later than it was learnt."""
        if self.is_now:
            return learnt_at
        if kind in TIGHTENING:
            return min(self.latest or learnt_at, learnt_at)
        return min(self.earliest or BEFORE_EVERYTHING, learnt_at)


NOW = When(is_now=True)
UNKNOWN = When()


@dataclass(frozen=True, slots=True)
class Statement:
    """A `weak` one counts only when it changes something: a record's value at first sight is nobody's act. One that
    says of a silent number what silence said before `renews` counts too: silence is read anew with each mapping."""

    kind: Kind
    counts_at: datetime
    weak: bool = False
    renews: datetime | None = None


@dataclass(frozen=True, slots=True)
class State:
    """The latest statement of each kind. Ties fall to opted out."""

    person_out: datetime | None = None
    person_in: datetime | None = None
    lifted: datetime | None = None
    staff_out: datetime | None = None
    staff_in: datetime | None = None
    silence_out: datetime | None = None
    silence_in: datetime | None = None
    likely: datetime | None = None
    cleared: datetime | None = None

    @property
    def is_stopped_by_person(self) -> bool:
        return _stands(self.person_out, self.person_in, self.lifted)

    @property
    def is_stopped_by_staff(self) -> bool:
        return _stands(self.staff_out, self.staff_in, self.person_in, self.lifted)

    @property
    def is_stopped_by_silence(self) -> bool:
        """Silence gives way to whatever anybody said, whenever that was."""
        spoken = self.person_in or self.staff_in or self.lifted
        return not spoken and _stands(self.silence_out, self.silence_in)

    @property
    def is_opted_out(self) -> bool:
        return self.is_stopped_by_person or self.is_stopped_by_staff or self.is_stopped_by_silence

    @property
    def is_suppressed(self) -> bool:
        """Not texted although not opted out: a likely opt-out that nobody decided about."""
        decided = self.person_out is not None and self.likely is not None and self.person_out >= self.likely
        return not decided and _stands(self.likely, self.cleared, self.person_in, self.lifted)

    @property
    def status(self) -> Says:
        return Says.OUT if self.is_opted_out else Says.IN

    @property
    def authority(self) -> Authority:
        """Whose word the status is."""
        if self.is_opted_out:
            stopped = (self.is_stopped_by_person, self.is_stopped_by_staff)
            return Authority.PERSON if stopped[0] else Authority.STAFF if stopped[1] else Authority.SILENCE
        spoken = [at for at in (self.person_in, self.lifted, self.staff_in) if at]
        if not spoken:
            return Authority.SILENCE
        return Authority.PERSON if max(spoken) == self.person_in else Authority.STAFF

    @property
    def since(self) -> datetime | None:
        """When it was said that the status is what it is; None when nobody ever said anything."""
        if self.is_opted_out:
            stopped = {Authority.PERSON: self.person_out, Authority.STAFF: self.staff_out}
            return stopped.get(self.authority, self.silence_out)
        spoken = [at for at in (self.person_in, self.lifted, self.staff_in, self.silence_in) if at]
        return max(spoken, default=None)

    @property
    def spoken_at(self) -> datetime | None:
        """When the person, or staff who opt out, last said something. An opt-in by staff is no word here: a record that
        contradicts a STOP says it again and again."""
        spoken = (self.person_out, self.person_in, self.lifted, self.staff_out)
        return max((at for at in spoken if at), default=None)

    def after(self, statement: Statement) -> "State":
        known = getattr(self, statement.kind.value)
        if known is not None and known >= statement.counts_at:
            return self
        return replace(self, **{statement.kind.value: statement.counts_at})


@dataclass(frozen=True, slots=True)
class RecordView:
    """A Salesforce record that has the number, as far as its opt-out field is concerned.

    `holds` is what it last held, None when that can't be known; `waiting` what the newest push wants that is not
    settled, `sent` what a push sent whose answer never came. `is_fresh`: it is seen with this number for the first time.
    `is_put_back`: it held an opt-out, and others took that out.
    """

    salesforce_id: str
    holds: Says | None
    waiting: Says | None = None
    sent: Says | None = None
    is_fresh: bool = False
    is_put_back: bool = False

    @property
    def assured(self) -> Says | None:
        """What it will hold when nothing else happens; None when that can't be known."""
        if self.waiting is not None:
            return self.waiting
        return self.holds if self.sent in (None, self.holds) else None


@dataclass(frozen=True, slots=True)
class Current:
    """A number before a decision: `records` are those whose opt-out field is mapped."""

    state: State = State()
    records: Sequence[RecordView] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """`told` are the statements that count; `pushes` the records, by id, that must be told the new status. A
    `conflict` is a record that wants to opt in somebody who said STOP."""

    state: State
    told: tuple[Statement, ...]
    pushes: tuple[str, ...]
    conflict: bool


def decide(current: Current, statements: Iterable[Statement]) -> Decision:
    """The one decision about a number. The status that `pushes` carry is that of the new state."""
    state, told = current.state, []
    for statement in sorted(statements, key=lambda one: one.weak):
        after = state.after(statement)
        if not statement.weak or _counts(statement, state, after):
            told.append(statement)
            state = after
    flipped = state.status != current.state.status
    pushes = tuple(
        view.salesforce_id for view in current.records if _must_be_told(view, state, flipped=flipped)
    )
    conflict = state.is_stopped_by_person and any(one.kind is Kind.STAFF_IN for one in told)
    return Decision(state, tuple(told), pushes, conflict)


class Refusal(StrEnum):
    """Why a member's decision is not taken. From REVIEWED on: it is not about how things are now."""

    NOT_OPTED_OUT = "not_opted_out"
    NEEDS_STAFF = "needs_staff"
    NEEDS_ADMIN = "needs_admin"
    NEEDS_REASON = "needs_reason"
    REVIEWED = "reviewed"
    WROTE_AGAIN = "wrote_again"
    KEPT = "kept"
    ACCEPTED = "accepted"
    OVERTAKEN = "overtaken"


def opting_in(state: State, *, is_admin: bool, reason: str) -> Kind | Refusal:
    """What it is when a member opts a number back in, or why that may not be. Texters opt in only what staff opted
    out; a person's STOP is lifted by an admin who writes down why."""
    if not state.is_opted_out:
        return Refusal.NOT_OPTED_OUT
    if state.is_stopped_by_person:
        if not is_admin:
            return Refusal.NEEDS_ADMIN
        return Kind.LIFTED if reason.strip() else Refusal.NEEDS_REASON
    if state.is_stopped_by_silence and not state.is_stopped_by_staff and not is_admin:
        return Refusal.NEEDS_ADMIN
    return Kind.STAFF_IN


def review_due(received_at: datetime) -> datetime:
    """Ten business days after a likely opt-out, wherever that is counted: of all time zones the earliest. Holidays count
    as business days: that is the earlier end, too."""
    utc = received_at.astimezone(UTC)
    return min(_after_business_days(utc + ahead) - ahead for ahead in _TIME_ZONES) - _CLOCKS_PUT_FORWARD


def _after_business_days(local: datetime) -> datetime:
    due, left = local, REVIEW_BUSINESS_DAYS
    while left:
        due += timedelta(days=1)
        left -= due.weekday() < 5
    return due


def _stands(out: datetime | None, *lifting: datetime | None) -> bool:
    return out is not None and all(at is None or out >= at for at in lifting)


def _counts(weak: Statement, before: State, after: State) -> bool:
    if (after.status, after.authority) != (before.status, before.authority):
        return True
    if not before.is_opted_out or before.authority is not Authority.SILENCE:
        return False
    known = before.silence_out
    return weak.kind is Kind.SILENCE_OUT and bool(weak.renews and known and known < weak.renews)


def _must_be_told(view: RecordView, state: State, *, flipped: bool) -> bool:
    assured = view.assured
    if assured is state.status:
        return False
    says_nothing = assured in (Says.BLANK, Says.UNCLEAR)
    if state.is_opted_out:
        # A record that says nothing agrees with silence.
        return not says_nothing or state.authority is not Authority.SILENCE
    # Where it says nothing and the number is opted in, it is told when that is news to either of them.
    return not says_nothing or flipped or (view.is_fresh and assured is Says.BLANK)
