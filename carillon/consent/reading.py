"""What a Salesforce record says about consent: its value under the mapping, and whether it *speaks*. Pure.

A record speaks only when what its value says differs from what the record last held, as imported or as acknowledged by
the org after a push, and it was modified since. A stale page says nothing in either direction.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum

from carillon.consent.decide import UNKNOWN, Kind, Says, When


class FieldKind(StrEnum):
    CHECKBOX = "checkbox"
    PICKLIST = "picklist"


@dataclass(frozen=True, slots=True)
class OptOutField:
    """The opt-out field of an object as an admin maps it, "" for none; `picklist` values are API values."""

    field: str = ""
    kind: FieldKind = FieldKind.CHECKBOX
    unchecked_means_opted_in: bool = True
    opted_in_value: str = ""
    opted_out_value: str = ""
    empty_means_opted_in: bool = False

    def __str__(self) -> str:
        if not self.field:
            return "no field"
        if self.kind is FieldKind.CHECKBOX:
            return (
                f"{self.field}, {'unchecked' if self.unchecked_means_opted_in else 'checked'} means opted in"
            )
        empty = ", empty means opted in" if self.empty_means_opted_in else ""
        return f"{self.field}, “{self.opted_in_value}” means opted in and “{self.opted_out_value}” opted out{empty}"

    def rules(self, version: int, since: datetime, *, is_read: bool = False) -> "Mapping":
        return Mapping(
            version,
            since,
            FieldKind(self.kind),
            self.unchecked_means_opted_in,
            self.opted_in_value,
            self.opted_out_value,
            self.empty_means_opted_in,
            is_read,
        )


@dataclass(frozen=True, slots=True)
class Mapping:
    """The opt-out field of one object. `version` grows, and `since` moves, with each change of what values mean;
    `is_read` once an import read every record under it.

    A checkbox has a polarity: *unchecked means opted in* (it is an opt-out box), or the contrary. A picklist has two
    values, and may let *empty* mean opted in."""

    version: int
    since: datetime
    kind: FieldKind
    unchecked_means_opted_in: bool = True
    opted_in_value: str = ""
    opted_out_value: str = ""
    empty_means_opted_in: bool = False
    is_read: bool = False

    def says(self, value: str | bool | None) -> Says:
        """What a value from the org says; picklists compare by API value."""
        if self.kind is FieldKind.CHECKBOX:
            if not isinstance(value, bool):
                return Says.UNCLEAR
            return Says.IN if value != self.unchecked_means_opted_in else Says.OUT
        if value is None or value == "":
            return Says.IN if self.empty_means_opted_in else Says.BLANK
        if value == self.opted_out_value:
            return Says.OUT
        return Says.IN if value == self.opted_in_value else Says.UNCLEAR

    def value_for(self, status: Says) -> str | bool:
        """What a push writes for `IN` or `OUT`."""
        if self.kind is FieldKind.CHECKBOX:
            return (status is Says.OUT) == self.unchecked_means_opted_in
        return self.opted_out_value if status is Says.OUT else self.opted_in_value


@dataclass(frozen=True, slots=True)
class Held:
    """What is known of a record whose opt-out field was read or written before.

    `stamp` is its SystemModstamp when it was last imported or acknowledged, `acknowledged_at` the org's time of the last
    acknowledgement. Whatever it says next, it says after `answers`, which is our time: that of the statement that was
    pushed, or when what it holds was learnt. `waiting` and `sent` as in RecordView.
    `is_merged`: another record was merged into it since, so its value may be that one's.
    """

    says: Says
    version: int
    stamp: datetime
    acknowledged_at: datetime | None = None
    answers: datetime | None = None
    waiting: Says | None = None
    sent: Says | None = None
    is_merged: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """A record as an import read it. `by_us`: last modified by our API user. `by_others`: it was asked for just now, and
    somebody else modified it last."""

    value: str | bool | None
    stamp: datetime
    modified_at: datetime | None = None
    by_us: bool = False
    by_others: bool = False


class Heard(Enum):
    FIRST_SIGHT = "first sight"
    # Seen before, under a mapping that is no more: first sight of what its value says now.
    FIRST_SIGHT_AGAIN = "first sight again"
    SPOKE = "spoke"
    SILENT = "silent"
    # Nothing to learn from it: an older page, or what a push of ours wrote or will write over.
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Speech:
    """What a record says (`says`), and with what weight (`heard`). An unclear value is a record issue."""

    heard: Heard
    says: Says
    modified_at: datetime
    answers: datetime | None = None

    def statement(self, mapping: Mapping) -> tuple[Kind, When, bool] | None:
        """What is said of the record's number, when, and whether it is weak; None for nothing. Weak ones renew what
        was said before `mapping.since`."""
        if self.heard is Heard.SPOKE:
            if self.says is Says.OUT:
                return Kind.STAFF_OUT, UNKNOWN, False
            # It was said after what it answers, whatever the two clocks show.
            answered = self.answers and self.answers + timedelta(microseconds=1)
            return Kind.STAFF_IN, When.at(max(self.modified_at, answered or self.modified_at)), False
        if self.heard not in (Heard.FIRST_SIGHT, Heard.FIRST_SIGHT_AGAIN):
            return None
        # Nobody knows since when a record holds what it holds at first sight.
        if self.says is Says.OUT:
            return Kind.STAFF_OUT, UNKNOWN, True
        if self.says in (Says.BLANK, Says.UNCLEAR):
            return Kind.SILENCE_OUT, UNKNOWN, True
        if self.heard is Heard.FIRST_SIGHT_AGAIN:
            return Kind.SILENCE_IN, When.at(mapping.since), True
        return None


def listen(held: Held | None, seen: Seen, mapping: Mapping) -> Speech:
    """What a record that was read says, given what it last held; `held` None at first sight."""
    says = mapping.says(seen.value)
    heard = _heard(held, seen, says, mapping.version)
    return Speech(heard, says, seen.modified_at or seen.stamp, held.answers if held else None)


def _heard(held: Held | None, seen: Seen, says: Says, version: int) -> Heard:
    if held is None:
        return Heard.FIRST_SIGHT
    if seen.stamp < held.stamp:
        return Heard.STALE
    if held.version != version:
        return Heard.FIRST_SIGHT_AGAIN
    if says is held.says:
        return Heard.SILENT
    # Stamps have whole seconds. Of a change in the second of the acknowledgement only an opt-out by others is believed;
    # and while an answer is awaited, what we wrote may be an earlier push's whose answer never came, either. But an
    # opt-out that others saved last may be theirs, and an opt-in that waits is about to be written over it.
    is_tie = held.acknowledged_at == seen.stamp
    may_be_staffs = says is Says.OUT and held.waiting is Says.IN and seen.by_others
    is_ours = (says is held.sent and not may_be_staffs) or (held.sent is not None and seen.by_us)
    if is_ours or (is_tie and (seen.by_us or says is not Says.OUT)):
        return Heard.STALE
    if held.waiting is Says.OUT and says is not Says.OUT:
        return Heard.STALE
    if says is Says.OUT:
        return Heard.SPOKE
    if says is Says.IN and not (seen.by_us or held.is_merged):
        return Heard.SPOKE
    return Heard.SILENT
