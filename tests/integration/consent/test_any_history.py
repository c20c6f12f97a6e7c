"""Whatever happens in whatever order: texts, members, staff in Salesforce, imports of fresh and stale pages, pushes that
fail at every step, merges and numbers that change. The org is a dictionary here, with a clock of its own."""

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import Max
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from carillon.accounts.models import Member, Role, Workspace
from carillon.consent import actions, importing, pushes, queries, verify
from carillon.consent.actions import MayNot
from carillon.consent.decide import Authority, Current, Kind, Says, State, Statement, decide
from carillon.consent.importing import Sighting
from carillon.consent.keywords import Meaning, understand
from carillon.consent.models import (
    UNSENT,
    Consent,
    ConsentEvent,
    ConsentPush,
    OptOutMapping,
    PushState,
    Review,
)
from carillon.consent.pushes import Claimed
from carillon.consent.reading import Seen
from carillon.contacts.models import Contact
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from tests.integration.consent.people import (
    ANN,
    BEA,
    PICKLIST,
    a_mapping,
    a_member,
    acknowledge,
    put_off,
    record_id,
    refuse,
)

NUMBERS = [ANN, BEA]
# Most of it happens to one number, or too little happens to each.
number = st.sampled_from([ANN, ANN, ANN, BEA])
value = st.sampled_from(["Yes", "No", None])


@dataclass(frozen=True)
class Record:
    """A record in the org."""

    salesforce_id: str
    number: str
    value: str | None
    stamp: datetime
    by_us: bool = False


@dataclass(frozen=True)
class SetOut:
    """Staff opted a record out in the org, unlike what it was known to hold: the so-manieth thing that happened, when
    this was the newest push."""

    at: int
    newest_push: int


class History(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.workspace = Workspace.objects.create(name=uuid.uuid4().hex)
        a_mapping(self.workspace, PICKLIST)
        self.admin, self.texter = a_member(self.workspace, Role.ADMIN), a_member(self.workspace, Role.TEXTER)
        self.clock = datetime(2026, 3, 1, tzinfo=UTC)
        self.org: dict[str, Record] = {}
        self.pages: list[Record] = []
        self.under_way: dict[int, Claimed] = {}
        # Pushes under way: when they were claimed, and whether with no time to look first.
        self.claimed: dict[int, tuple[int, bool]] = {}
        self.happened = 0
        self.known: dict[str, Record] = {}
        self.set_out: dict[str, SetOut] = {}
        self.opted_in: dict[str, int] = {}
        self.written: dict[str, list[int]] = {}
        self.stopped: dict[str, bool] = {}
        self.keys: list[tuple[str, str, str]] = []
        self.run = uuid.uuid4()

    @initialize(is_ahead=st.booleans())
    def an_org(self, is_ahead: bool) -> None:
        """Its clock goes by seconds, and is months behind ours or an hour ahead."""
        if is_ahead:
            self.clock = now().replace(microsecond=0) + timedelta(hours=1)
        for number, value in ((ANN, "Yes"), (BEA, "No")):
            self.save(Record(record_id(), number, value, self.clock))
        self.everything_is_imported()

    # What happens in the org

    def save(self, record: Record, *, ticks: int = 1, by_us: bool = False) -> None:
        self.clock += timedelta(seconds=ticks)
        self.org[record.salesforce_id] = replace(record, stamp=self.clock, by_us=by_us)

    def staff_save(self, record: Record, *, ticks: int = 1) -> None:
        before, known = self.org.get(record.salesforce_id), self.known.get(record.salesforce_id)
        self.save(record, ticks=ticks)
        if before and before.value == record.value:
            return
        self.set_out.pop(record.salesforce_id, None)
        if record.value == "Yes" and before:
            self.is_opted_in(record.number)
        elif record.value == "No" and (known is None or known.value != "No"):
            newest = ConsentPush.objects.aggregate(newest=Max("pk"))["newest"] or 0
            self.set_out[record.salesforce_id] = SetOut(self.moment(), newest)

    def is_opted_in(self, number: str) -> None:
        self.opted_in[number] = self.moment()

    def moment(self) -> int:
        self.happened += 1
        return self.happened

    def is_known(self, record: Record) -> None:
        known = self.known.get(record.salesforce_id)
        if known is None or record.stamp >= known.stamp:
            self.known[record.salesforce_id] = record

    def chosen(self, index: int) -> Record:
        """The first ones more often than the others."""
        return list(self.org.values())[min(index, 9 - index) % len(self.org)]

    @rule(number=st.sampled_from([*NUMBERS, ""]), value=value)
    def somebody_new(self, number: str, value: str | None) -> None:
        if len(self.org) < 4:
            self.staff_save(Record(record_id(), number, value, self.clock))

    @precondition(lambda self: self.org)
    @rule(index=st.integers(0, 9), value=value, ticks=st.integers(0, 2))
    def staff_change_the_value(self, index: int, value: str | None, ticks: int) -> None:
        self.staff_save(replace(self.chosen(index), value=value), ticks=ticks)

    @precondition(lambda self: self.org)
    @rule(index=st.integers(0, 9), value=value)
    def staff_change_the_value_and_it_is_imported(self, index: int, value: str | None) -> None:
        record = self.chosen(index)
        self.staff_save(replace(record, value=value))
        self.store([self.org[record.salesforce_id]])
        self.the_run_ends(apply=True)

    @precondition(lambda self: self.org)
    @rule(index=st.integers(0, 9), number=st.sampled_from([*NUMBERS, ""]))
    def staff_change_the_number(self, index: int, number: str) -> None:
        self.staff_save(replace(self.chosen(index), number=number))

    @precondition(lambda self: len(self.org) > 1)
    @rule(winner=st.integers(0, 9), loser=st.integers(0, 9), takes_value=st.booleans())
    def staff_merge(self, winner: int, loser: int, takes_value: bool) -> None:
        master, gone = self.chosen(winner), self.chosen(loser)
        if master.salesforce_id == gone.salesforce_id:
            return
        self.staff_save(replace(master, value=gone.value if takes_value else master.value))
        del self.org[gone.salesforce_id]
        self.pages = [page for page in self.pages if page.salesforce_id != gone.salesforce_id]
        stored = {c.salesforce_id: c for c in Contact.objects.filter(workspace=self.workspace)}
        contact = stored.get(gone.salesforce_id)
        if contact is None or master.salesforce_id not in stored:
            return
        contact.delete()
        actions.join(
            workspace=self.workspace,
            loser=gone.salesforce_id,
            loser_number=contact.mobile_number,
            master=master.salesforce_id,
            master_number=stored[master.salesforce_id].mobile_number,
        )

    # What people say

    @rule(number=number, words=st.sampled_from(["STOP", "STOP", "START", "stop texting me", "HELP"]))
    def a_text(self, number: str, words: str) -> None:
        key = uuid.uuid4().hex
        self.deliver_text(number, words, key)
        if understand(words) in (Meaning.STOP, Meaning.START, Meaning.LIKELY_STOP):
            self.keys.append((number, words, key))
        if understand(words) in (Meaning.STOP, Meaning.START):
            self.stopped[number] = words == "STOP"
        if words == "START":
            self.is_opted_in(number)

    @precondition(lambda self: self.keys)
    @rule(index=st.integers(0, 99))
    def a_text_again(self, index: int) -> None:
        assert self.deliver_text(*self.keys[index % len(self.keys)]).was_known

    def deliver_text(self, number: str, words: str, key: str) -> actions.Outcome:
        return actions.text_received(
            workspace=self.workspace,
            number=number,
            words=words,
            meaning=understand(words),
            message_id=key,
        )

    @rule(number=number)
    def a_texter_opts_out(self, number: str) -> None:
        actions.opt_out(workspace=self.workspace, number=number, by=self.texter)

    @rule(number=number, is_admin=st.booleans(), reason=st.sampled_from(["", "asked by e-mail"]))
    def a_member_opts_in(self, number: str, is_admin: bool, reason: str) -> None:
        by: Member = self.admin if is_admin else self.texter
        try:
            actions.opt_in(workspace=self.workspace, number=number, by=by, reason=reason)
        except MayNot:
            return
        if self.stopped.get(number):
            assert is_admin
            assert reason
        self.stopped[number] = False
        self.is_opted_in(number)

    @rule(is_opt_out=st.booleans())
    def a_review_ends(self, is_opt_out: bool) -> None:
        review = Review.objects.filter(workspace=self.workspace, closed_at=None).first()
        if review:
            found = Consent.objects.get(pk=review.consent_id).number
            actions.close_review(review=review, is_opt_out=is_opt_out, by=self.texter)
            self.stopped[found] = self.stopped.get(found, False) or is_opt_out

    @rule()
    def the_mapping_is_saved_anew(self) -> None:
        """Another field, in which this org happens to hold the same."""
        known = OptOutMapping.objects.get(workspace=self.workspace)
        field = replace(known.as_entered, field=f"Texting_{known.version}__c")
        actions.set_mapping(workspace=self.workspace, object_name="Contact", field=field, by=None)

    # Imports

    @precondition(lambda self: self.org)
    @rule(index=st.integers(0, 9))
    def a_page_is_fetched(self, index: int) -> None:
        self.pages.append(self.chosen(index))

    @precondition(lambda self: self.pages)
    @rule(index=st.integers(0, 99))
    def a_fetched_page_is_stored(self, index: int) -> None:
        self.store([self.pages.pop(index % len(self.pages))])

    @precondition(lambda self: self.org)
    @rule()
    def everything_is_imported(self) -> None:
        self.store(list(self.org.values()))

    @rule(apply=st.booleans())
    def the_run_ends(self, apply: bool) -> None:
        if apply:
            importing.apply_staged(workspace=self.workspace, run=self.run)
        else:
            importing.drop_staged(workspace=self.workspace, run=self.run)
        self.run = uuid.uuid4()

    def store(self, records: list[Record], *, is_asked: bool = False) -> None:
        rows = []
        for record in records:
            contact = Contact.objects.filter(
                workspace=self.workspace, salesforce_id=record.salesforce_id
            ).first()
            before = contact.mobile_number if contact else None
            if contact is None:
                contact = Contact(
                    workspace=self.workspace, object="Contact", salesforce_id=record.salesforce_id
                )
            if before is None or record.stamp >= contact.system_modstamp:
                contact.mobile_number, contact.system_modstamp = record.number, record.stamp
                contact.save()
            seen = Seen(record.value, record.stamp, record.stamp, record.by_us, is_asked and not record.by_us)
            rows.append(Sighting(record.salesforce_id, contact.mobile_number, before, seen))
            self.is_known(record)
        importing.import_batch(workspace=self.workspace, object_name="Contact", rows=rows, run=self.run)

    # Pushes

    @rule()
    def a_worker_does_its_work(self) -> None:
        self.a_worker_claims(0)
        while self.under_way:
            self.end(self.under_way.pop(min(self.under_way)), "read back")

    @rule(hours=st.sampled_from([0, 1]))
    def a_worker_claims(self, hours: int) -> None:
        for push in self.claim(timedelta(hours=hours, seconds=1), limit=2):
            self.under_way[push.id] = push

    def claim(self, later: timedelta, limit: int = 200) -> list[Claimed]:
        """As the worker does it: where a late opt-in goes it looks first, and hears who is opted out there."""
        moment = now() + later
        late = pushes.late_opt_ins(self.workspace.pk, ["Contact"], now=moment, most=limit, but=())
        looked = [self.org[record] for _, record in late if record in self.org]
        if out := [record for record in looked if record.value == "No"]:
            self.store(out, is_asked=True)
        heard = {record for _, record in late}
        claimed = pushes.claim(workspace_id=self.workspace.pk, now=moment, limit=limit, heard=heard)
        self.claimed |= {one.id: (self.moment(), one.salesforce_id not in heard) for one in claimed}
        return claimed

    @precondition(lambda self: self.under_way)
    @rule(
        how=st.sampled_from(["read back", "answer lost", "never sent", "refused", "reverted", "worker dies"])
    )
    def a_push_ends(self, how: str) -> None:
        self.end(self.under_way.pop(min(self.under_way)), how)

    def end(self, push: Claimed, how: str) -> None:
        record = self.org.get(push.salesforce_id)
        if how in ("read back", "answer lost", "reverted") and record:
            self.written.setdefault(push.salesforce_id, []).append(push.id)
            self.nothing_of_staff_is_written_over(push)
            # Writing what is there changes nothing, but Salesforce stamps it all the same.
            self.save(replace(record, value=str(push.value)), by_us=True)
            if how == "reverted":
                self.save(replace(self.org[push.salesforce_id], value=record.value), ticks=0, by_us=True)
        # It may have been taken for abandoned, and given to another worker: then nothing comes of it.
        if how in ("read back", "reverted") and record:
            acknowledge(push.id, self.org[push.salesforce_id].value, self.clock)
            self.is_known(self.org[push.salesforce_id])
        elif how == "refused" or record is None:
            refuse(push.id, CarillonError("No.", "Mend it."))
        elif how != "worker dies":
            put_off(push.id)

    @precondition(lambda self: self.org)
    @rule(index=st.integers(0, 9), words=st.sampled_from(["STOP", "START"]), value=value)
    def staff_do_not_agree(self, index: int, words: str, value: str | None) -> None:
        """What a person says is delivered, and staff change it again: chance alone seldom comes so far."""
        record = self.chosen(index)
        if record.number:
            self.a_text(number=record.number, words=words)
            self.a_worker_does_its_work()
            self.staff_change_the_value_and_it_is_imported(index=index, value=value)

    @precondition(lambda self: self.org)
    @rule(index=st.integers(0, 9), other=st.integers(0, 9), value=value)
    def staff_opt_out_what_was_read_already(self, index: int, other: int, value: str | None) -> None:
        self.staff_change_the_value(index=index, value=value, ticks=1)
        read = list(self.org.values())
        self.staff_change_the_value(index=other, value="No", ticks=1)
        self.store(read)
        self.the_run_ends(apply=True)
        self.a_worker_does_its_work()

    # What always holds

    @invariant()
    def nobody_who_said_stop_may_be_texted(self) -> None:
        standings = queries.standings(self.workspace, NUMBERS)
        for number, stopped in self.stopped.items():
            assert not (stopped and standings[number].may_be_texted)

    def nothing_of_staff_is_written_over(self, push: Claimed) -> None:
        """By an opt-in, unless somebody said it after staff opted out, or it was on its way by then."""
        set_out = self.set_out.pop(push.salesforce_id, None)
        if set_out is None or push.value == "No":
            return
        consent = ConsentPush.objects.values_list("consent__number", flat=True).get(pk=push.id)
        said = {self.opted_in.get(number, 0) for number in (consent, self.org[push.salesforce_id].number)}
        claimed, is_prompt = self.claimed[push.id]
        on_its_way = claimed < set_out.at or (is_prompt and push.id <= set_out.newest_push)
        assert on_its_way or max(said) > set_out.at, (push, set_out, self.opted_in)

    def the_ledger_replays(self) -> None:
        assert list(verify.differences(self.workspace)) == []
        for consent in Consent.objects.filter(workspace=self.workspace):
            state = State()
            for event in ConsentEvent.objects.filter(consent=consent).order_by("version"):
                state = decide(Current(state), [Statement(Kind(event.kind), event.counts_at)]).state
                assert state.status == event.status
            assert state == queries.state_of(consent)
            assert (state.is_opted_out, state.is_suppressed) == (consent.is_opted_out, consent.is_suppressed)
            open_reviews = Review.objects.filter(consent=consent, closed_at=None).count()
            assert open_reviews == state.is_suppressed

    def each_text_is_in_the_ledger_once(self) -> None:
        found = ConsentEvent.objects.filter(workspace=self.workspace, key_hash__isnull=False)
        assert found.count() == len(self.keys)

    def pushes_of_a_record_are_written_in_order(self) -> None:
        for written in self.written.values():
            assert written == sorted(written)
        newest: dict[str, int] = {}
        for push in ConsentPush.objects.filter(workspace=self.workspace).order_by("pk"):
            earlier = newest.get(push.salesforce_id, 0)
            assert push.pk > earlier
            newest[push.salesforce_id] = push.pk
        unsent = ConsentPush.objects.filter(workspace=self.workspace, state__in=UNSENT)
        assert all(push.pk == newest[push.salesforce_id] for push in unsent)

    def teardown(self) -> None:
        """The ledger holds, and at rest both sides agree for every record."""
        self.the_ledger_replays()
        self.each_text_is_in_the_ledger_once()
        for record in list(self.org.values()):
            # What others changed in the second of our acknowledgement is heard when it is changed again.
            if not record.by_us:
                self.save(record)
        for _ in range(6):
            self.store(list(self.org.values()))
            importing.apply_staged(workspace=self.workspace, run=self.run)
            # What others put back too often is corrected when a person says so.
            pushes.retry_all(workspace_id=self.workspace.pk, now=now())
            ConsentPush.objects.filter(workspace=self.workspace, state=PushState.SENT).update(
                sent_at=now() - timedelta(days=1)
            )
            for push in self.claim(timedelta(hours=2)):
                self.end(push, "read back")
        standings = queries.standings(self.workspace, NUMBERS)
        rules = OptOutMapping.objects.get(workspace=self.workspace).rules
        for record in self.org.values():
            if not record.number:
                continue
            standing, says = standings[record.number], rules.says(record.value)
            if says is Says.BLANK:
                assert standing.status is Says.IN or standing.authority is Authority.SILENCE
            else:
                assert says is standing.status, (record, standing)
        self.the_ledger_replays()
        self.pushes_of_a_record_are_written_in_order()
        self.nobody_who_said_stop_may_be_texted()


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("histories", [12, pytest.param(150, marks=pytest.mark.soak)])
def test_no_history_breaks_the_promises(histories: int) -> None:
    """The same histories in every run; others in the soak."""
    run_state_machine_as_test(
        History,
        settings=settings(
            max_examples=histories,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=histories == 12,
            database=None,
        ),
    )
