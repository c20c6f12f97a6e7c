"""Writes pushes to an org and reads back what it stored: one in a single call, many in collections of 200 with one read
for all. A collection is sent only after the one before was answered, so that no two of ours want the lock of one
account. What an answer means is decided in `delivery`."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from carillon.consent import delivery
from carillon.consent.delivery import Course, Turn
from carillon.consent.pushes import Claimed, Ending, Gone, PutOff, ReadBack, Refused
from carillon.salesforce.client import PERSON_ACCOUNT_FIELD, Client
from carillon.salesforce.errors import QueryRejected, SalesforceError
from carillon.salesforce.errors import Refused as CallRefused
from carillon.salesforce.records.fates import Fate, Whereabouts
from carillon.salesforce.records.refusals import WriteRefusal
from carillon.salesforce.records.stored import Record
from carillon.salesforce.records.writing import RecordUpdate, Unanswered, Written
from carillon.salesforce.soql import parse_datetime

STAMP = "SystemModstamp"
_HIDDEN = (
    "The record is gone for good, or hidden from the API user.",
    "Share it with the API user in Salesforce. If it was deleted for good, nothing is left to do.",
)

# No sharing rule reaches such a contact: it follows an account's sharing, and has none.
PRIVATE = (
    "The API user may see this contact but not edit it: it has no account, so it is private to its owner.",
    "Give Modify All on Contact under Object Settings in Setup > Permission Sets, the one assigned to the API user, or"
    " give the contact an account in Salesforce. Edit and sharing rules do not reach private contacts. Then retry.",
)


@dataclass(slots=True)
class Carried:
    """How pushes ended, those whose record lives on as another, and those whose record Salesforce shows no trace of. A
    push in none of them was not answered: `error` says what kept the org as a whole from answering."""

    endings: list[Ending] = field(default_factory=list)
    moved: list[tuple[Claimed, Fate]] = field(default_factory=list)
    hidden: list[Claimed] = field(default_factory=list)
    error: SalesforceError | None = None


def carry_out(client: Client, claimed: Sequence[Claimed], turn: Turn) -> Carried:
    work = _Work(client, turn)
    try:
        work.write(claimed)
        work.write_on_accounts()
        work.follow()
    except SalesforceError as error:
        work.carried.error = error
    return work.carried


def ended_hidden(push: Claimed, turn: Turn) -> Ending:
    return Refused(push.id, *_HIDDEN, delivery.after_refusal(turn))


class _Work:
    def __init__(self, client: Client, turn: Turn) -> None:
        self.carried = Carried()
        self._client, self._turn = client, turn
        self._to_follow: list[Claimed] = []
        self._to_account: list[tuple[Claimed, WriteRefusal]] = []

    def write(self, claimed: Sequence[Claimed]) -> None:
        by_object: dict[str, list[Claimed]] = {}
        for push in claimed:
            by_object.setdefault(push.object, []).append(push)
        many = [push for same in by_object.values() if len(same) > 1 for push in same]
        if many:
            self._write_many(many)
        for same in by_object.values():
            if len(same) == 1:
                self._write_one(same[0])

    def _write_one(self, push: Claimed) -> None:
        try:
            outcome = self._client.records.update_and_read(
                push.object, push.salesforce_id, {push.field: push.value}, [push.field, STAMP]
            )
        except (CallRefused, QueryRejected) as error:
            self._refuse(push, str(error), error.remedy)
            return
        if isinstance(outcome, WriteRefusal):
            self._refused(push, outcome)
        else:
            self._stored(push, outcome.record)

    def _write_many(self, claimed: Sequence[Claimed]) -> None:
        changes = [RecordUpdate(one.object, one.salesforce_id, {one.field: one.value}) for one in claimed]
        written: list[Claimed] = []
        spoilt: list[Claimed] = []
        unanswered: SalesforceError | None = None
        for push, outcome in zip(claimed, self._client.records.update_many(changes), strict=True):
            match outcome:
                case Written():
                    written.append(push)
                case WriteRefusal():
                    self._refused(push, outcome)
                case Unanswered(error=CallRefused()):
                    spoilt.append(push)
                case Unanswered():
                    unanswered = outcome.error
        self._read_back(written)
        if unanswered:
            raise unanswered
        # Something in the collection spoils it: alone the others go through.
        for push in spoilt:
            self._write_one(push)

    def _read_back(self, written: Sequence[Claimed]) -> None:
        for name, field_name in dict.fromkeys((one.object, one.field) for one in written):
            same = [one for one in written if one.object == name]
            try:
                records = self._client.records.read_many(
                    name, [one.salesforce_id for one in same], [field_name, STAMP]
                )
            except QueryRejected as error:
                for push in same:
                    self._refuse(push, str(error), error.remedy)
                continue
            for push, record in zip(same, records, strict=True):
                self._stored(push, record)

    def _stored(self, push: Claimed, record: Record | None) -> None:
        if record is None:
            self._to_follow.append(push)
            return
        value, stamp = record.values[push.field], parse_datetime(str(record.values[STAMP]))
        known = value if isinstance(value, str | bool) else None
        again_at = delivery.after_revert(push.reverts, self._turn)
        self.carried.endings.append(ReadBack(push.id, known, stamp, again_at))

    def _refused(self, push: Claimed, refusal: WriteRefusal) -> None:
        match delivery.course(refusal.kind, push.object):
            case Course.AGAIN:
                self._put_off(push, refusal.sentence)
            case Course.FOLLOW:
                self._to_follow.append(push)
            case Course.ON_ACCOUNT:
                self._to_account.append((push, refusal))
            case Course.REFUSED:
                self._refuse(push, refusal.sentence, refusal.remedy)

    def _refuse(self, push: Claimed, sentence: str, remedy: str) -> None:
        self.carried.endings.append(Refused(push.id, sentence, remedy, delivery.after_refusal(self._turn)))

    def _put_off(self, push: Claimed, sentence: str) -> None:
        again_at = delivery.after_failure(push.attempts, self._turn)
        self.carried.endings.append(PutOff(push.id, again_at, sentence))

    def write_on_accounts(self) -> None:
        """Contacts that are the shadow of a person account are written there, and read back as contacts."""
        if not self._to_account:
            return
        persons = self._persons()
        changes = [
            RecordUpdate("Account", account, {delivery.field_on_account(push.field): push.value})
            for push, account in persons
        ]
        written: list[Claimed] = []
        for (push, _), outcome in zip(persons, self._client.records.update_many(changes), strict=True):
            match outcome:
                case Written():
                    written.append(push)
                case WriteRefusal(transient=True):
                    self._put_off(push, outcome.sentence)
                case WriteRefusal():
                    self._refuse(push, outcome.sentence, outcome.remedy)
                case Unanswered():
                    raise outcome.error
        self._read_back(written)

    def _persons(self) -> list[tuple[Claimed, str]]:
        """Those that are, with their accounts; the others are refused."""
        ids = [push.salesforce_id for push, _ in self._to_account]
        found = self._accounts_of(ids)
        private = {
            push.salesforce_id
            for (push, _), record in zip(self._to_account, found, strict=True)
            if record and record.values["AccountId"] is None
        }
        if private and not self._client.describe("Contact").updateable:
            private = set()
        persons: list[tuple[Claimed, str]] = []
        for (push, refusal), record in zip(self._to_account, found, strict=True):
            if record and record.values.get(PERSON_ACCOUNT_FIELD) is True:
                persons.append((push, str(record.values["AccountId"])))
            elif push.salesforce_id in private:
                self._refuse(push, *PRIVATE)
            else:
                self._refuse(push, refusal.sentence, refusal.remedy)
        return persons

    def _accounts_of(self, ids: Sequence[str]) -> Sequence[Record | None]:
        """The first asks for what orgs without person accounts don't have."""
        for names in ([PERSON_ACCOUNT_FIELD, "AccountId"], ["AccountId"]):
            try:
                return self._client.records.read_many("Contact", ids, names)
            except QueryRejected:
                continue
        return [None] * len(ids)

    def follow(self) -> None:
        """Deleted, merged and converted records."""
        for name in dict.fromkeys(one.object for one in self._to_follow):
            same = [one for one in self._to_follow if one.object == name]
            try:
                fates = self._client.living(name, [one.salesforce_id for one in same])
            except QueryRejected as error:
                for push in same:
                    self._refuse(push, str(error), error.remedy)
                continue
            for push in same:
                self._followed(push, fates[push.salesforce_id])

    def _followed(self, push: Claimed, fate: Fate) -> None:
        match fate.whereabouts:
            case Whereabouts.LIVING if fate.id != push.salesforce_id:
                self.carried.moved.append((push, fate))
            case Whereabouts.LIVING:
                self._put_off(push, "Salesforce says that the record is gone, and shows it.")
            case Whereabouts.DELETED:
                self.carried.endings.append(Gone(push.id))
            case _:
                self.carried.hidden.append(push)
