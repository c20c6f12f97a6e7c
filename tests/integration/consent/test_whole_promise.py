"""Whatever happens in whatever order, over a real org: texts by the carrier's webhook, members, staff in Salesforce,
imports fresh, stale and cut off, pushes, a carrier, and processes that die anywhere. What people said is kept here a
second time, in the simplest words there are: for each number who said what."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, timedelta
from typing import Any

import pytest
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

from carillon.accounts.models import Member
from carillon.consent import actions, audit, jobs, queries, staff
from carillon.consent.actions import MayNot
from carillon.consent.decide import When
from carillon.consent.models import ConflictState, Consent, ConsentConflict, Review
from carillon.contacts.models import Contact
from carillon.imports.erasing import erase
from carillon.imports.models import Mode, RunStatus
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from carillon.salesforce.errors import SalesforceError
from orgsim.testing import OrgSim
from tests.integration.consent.promise_world import (
    EMPTY_IS_IN,
    HELP,
    IN_BOX,
    LIKELY,
    NUMBERS,
    OUT_BOX,
    OUTSIDE,
    PHONES,
    PICKLIST,
    START,
    STOP,
    OrgRecord,
    Said,
    World,
    people_view,
)

pytestmark = [
    # A process that died closes nothing.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.django_db(transaction=True),
]

MEMBERS_OWN = ("member", "request", "review")
# Most of it happens to one number, or too little happens to each.
number = st.sampled_from([NUMBERS[0], NUMBERS[0], *NUMBERS])
index = st.integers(0, 9)
# Most processes live; those that die do so early or late.
death = st.one_of(st.none(), st.integers(0, 90))
early_death = st.one_of(st.none(), st.integers(0, 12))
words = st.sampled_from([STOP, STOP, START, LIKELY, HELP])
objects = st.sampled_from(["Contact", "Contact", "Lead"])


class Promise(RuleBasedStateMachine):
    org: OrgSim

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.org)
        self.workspace = self.world.workspace
        self.said = {one: Said() for one in NUMBERS}
        self.texts: list[tuple[str, str, str]] = []
        self.members_lines = 0
        self.left: set[int] = set()

    @initialize(ahead=st.sampled_from([-3600, 0, 3600]), shared=st.booleans())
    def an_org_that_was_imported(self, ahead: int, shared: bool) -> None:
        self.org.set_clock_offset(ahead)
        for number in (NUMBERS[0], NUMBERS[0] if shared else NUMBERS[1], NUMBERS[2]):
            assert self.world.creates("Contact", number)
        for number in NUMBERS[:2]:
            assert self.world.creates("Lead", number)
        for object_name in ("Contact", "Lead"):
            assert self.world.imports(object_name).status == RunStatus.SUCCEEDED

    # What people text

    @rule(number=number, text=words, dies_at=early_death)
    def a_text(self, number: str, text: str, dies_at: int | None) -> None:
        sid = f"SM{uuid.uuid4().hex}"
        if not self.world.runs(lambda: self.the_carrier_brings(number, text, sid), dies_at):
            # Nobody answered the carrier, so it calls again.
            self.the_carrier_brings(number, text, sid)
        self.taken(number, text, sid)
        assert text == HELP or self.world.may_be_texted(number) is (text == START)

    def the_carrier_brings(self, number: str, text: str, sid: str) -> None:
        assert self.world.is_texted(number, text, sid) == 200

    def taken(self, number: str, text: str, sid: str) -> None:
        self.said[number].heard(text)
        if text == START:
            self.world.is_opted_in(number)
        self.texts.append((number, text, sid))

    @precondition(lambda self: self.texts)
    @rule(index=st.integers(0, 99))
    def the_carrier_brings_a_text_again(self, index: int) -> None:
        before = {one: self.world.may_be_texted(one) for one in NUMBERS}
        self.the_carrier_brings(*self.texts[index % len(self.texts)])
        assert before == {one: self.world.may_be_texted(one) for one in NUMBERS}

    @rule(number=number)
    def a_member_writes(self, number: str) -> None:
        self.world.writes(number)

    @rule(dies_at=early_death)
    def texts_are_sent(self, dies_at: int | None) -> None:
        self.world.runs(self.world.sends, dies_at)

    # What members do

    def member_acts(self, act: Callable[[], Any], dies_at: int | None) -> bool:
        """Whether it was done: then there is a line of it."""
        with suppress(MayNot, staff.TooLate):
            self.world.runs(act, dies_at)
        lines = len(self.world.lines(*MEMBERS_OWN))
        done = lines - self.members_lines
        assert done in (0, 1)
        self.members_lines = lines
        return bool(done)

    @rule(number=number, days_ago=st.sampled_from([None, None, 0, 3]), dies_at=early_death)
    def a_member_opts_out(self, number: str, days_ago: int | None, dies_at: int | None) -> None:
        """Of their own, or as somebody asked some days ago."""
        requested = None if days_ago is None else When.on((now() - timedelta(days=days_ago)).date(), UTC)

        def act() -> None:
            actions.opt_out(
                workspace=self.workspace, number=number, by=self.world.texter, requested=requested
            )

        done = self.member_acts(act, dies_at)
        said = self.said[number]
        if done and (days_ago == 0 or (days_ago == 3 and not said.started)):
            said.stopped = True
        if done and days_ago in (None, 0):
            assert not self.world.may_be_texted(number)

    @rule(
        number=number,
        is_admin=st.booleans(),
        reason=st.sampled_from(["", "asked by e-mail"]),
        dies_at=early_death,
    )
    def a_member_opts_in(self, number: str, is_admin: bool, reason: str, dies_at: int | None) -> None:
        by = self.world.admin if is_admin else self.world.texter

        def act() -> None:
            actions.opt_in(workspace=self.workspace, number=number, by=by, reason=reason)

        done = self.member_acts(act, dies_at)
        if done:
            self.world.is_opted_in(number)
        if done and self.said[number].stopped:
            assert is_admin
            assert reason
            self.said[number].lifted()
        assert not done or self.world.may_be_texted(number) is not self.said[number].likely

    @rule(number=number, is_admin=st.booleans(), dies_at=early_death)
    def a_member_takes_it_back(self, number: str, is_admin: bool, dies_at: int | None) -> None:
        by: Member = self.world.admin if is_admin else self.world.texter
        consent = Consent.objects.filter(workspace=self.workspace, number=number).first()
        undoable = staff.undoable(consent, by, now()) if consent else None
        if consent is None or undoable is None:
            return
        of_person = consent.events.filter(
            version=undoable.version, kind__in=["person_out", "lifted"]
        ).exists()
        done = self.member_acts(
            lambda: staff.undo(workspace=self.workspace, number=number, version=undoable.version, by=by),
            dies_at,
        )
        if done and undoable.is_opt_out:
            self.world.is_opted_in(number)
        if done and of_person:
            if undoable.is_opt_out:
                self.said[number].lifted()
            else:
                self.said[number].stopped = True

    @precondition(lambda self: any(said.likely for said in self.said.values()))
    @rule(is_opt_out=st.booleans(), by_itself=st.booleans(), dies_at=early_death)
    def a_review_ends(self, is_opt_out: bool, by_itself: bool, dies_at: int | None) -> None:
        review = Review.objects.filter(workspace=self.workspace, closed_at=None).order_by("pk").first()
        if review is None:
            return
        number = Consent.objects.get(pk=review.consent_id).number

        def act() -> None:
            if by_itself:
                Review.objects.filter(pk=review.pk).update(due_at=now())
                jobs.close_due_reviews(now())
            else:
                actions.close_review(review=review, is_opt_out=is_opt_out, by=self.world.texter)

        if self.member_acts(act, dies_at) and number in self.said:
            self.said[number].likely = False
            self.said[number].stopped |= is_opt_out or by_itself

    @rule(is_accepted=st.booleans(), dies_at=early_death)
    def a_conflict_is_decided(self, is_accepted: bool, dies_at: int | None) -> None:
        conflict = ConsentConflict.objects.filter(
            workspace=self.workspace, state=ConflictState.CORRECTED
        ).first()
        if conflict is None:
            return
        number = Consent.objects.get(pk=conflict.consent_id).number

        def act() -> None:
            if is_accepted:
                actions.accept_conflict(conflict=conflict, by=self.world.admin, reason="asked in person")
            else:
                staff.keep_conflict(conflict=conflict, by=self.world.texter)

        if self.member_acts(act, dies_at):
            self.said[number].lifted()
            self.world.is_opted_in(number)

    @precondition(lambda self: Contact.objects.filter(workspace=self.workspace).count() > 3)
    @rule(index=index, dies_at=death)
    def a_person_is_erased(self, index: int, dies_at: int | None) -> None:
        people = list(Contact.objects.filter(workspace=self.workspace).order_by("salesforce_id"))
        person = people[index % len(people)]
        salesforce_id, number = person.salesforce_id, person.mobile_number
        self.world.runs(
            lambda: erase(workspace=self.workspace, salesforce_id=salesforce_id, by=self.world.admin), dies_at
        )
        is_erased = not Contact.objects.filter(workspace=self.workspace, salesforce_id=salesforce_id).exists()
        if is_erased and number:
            self.said[number] = Said(stopped=True, started=self.said[number].started)

    # What people do in Salesforce

    def chosen(self, index: int) -> OrgRecord | None:
        """The first ones more often than the others."""
        records = self.world.records()
        return records[min(index, 9 - index) % len(records)] if records else None

    def edit(self, index: int, ticks: int, **values: Any) -> None:
        record = self.chosen(index)
        if record:
            self.world.time_passes(ticks)
            self.world.edits(record, **values)

    @rule(number=st.sampled_from([*NUMBERS, ""]), object_name=objects, is_out=st.booleans())
    def somebody_new(self, number: str, object_name: str, is_out: bool) -> None:
        if len(self.world.records()) < 8:
            self.world.creates(object_name, number, SMS_Opt_Out__c=is_out)

    @rule(
        index=index,
        box=st.booleans(),
        choice=st.sampled_from(["Yes", "No", None, "Unsure"]),
        ticks=st.integers(0, 2),
    )
    def staff_change_the_value(self, index: int, box: bool, choice: str | None, ticks: int) -> None:
        self.edit(index, ticks, SMS_Opt_Out__c=box, Texting_Preference__c=choice)

    @rule(index=index, number=st.sampled_from([*NUMBERS, ""]), ticks=st.integers(0, 2))
    def staff_change_the_number(self, index: int, number: str, ticks: int) -> None:
        self.edit(index, ticks, MobilePhone=PHONES.get(number, ""))

    @rule(index=index, name=st.sampled_from([OUTSIDE, "Inside"]))
    def a_person_leaves_the_list_or_comes_back(self, index: int, name: str) -> None:
        record = self.chosen(index)
        if record and record.object == "Contact":
            self.edit(index, 1, LastName=name)

    @rule(winner=index, loser=index, takes_value=st.booleans())
    def staff_merge(self, winner: int, loser: int, takes_value: bool) -> None:
        master, gone = self.chosen(winner), self.chosen(loser)
        if master and gone and master.id != gone.id and master.object == gone.object:
            self.world.time_passes(1)
            values = {"SMS_Opt_Out__c": gone.value("SMS_Opt_Out__c")} if takes_value else {}
            self.world.staff(self.org.merge, master.id, (gone.id,), values)

    @rule(index=index)
    def staff_convert(self, index: int) -> None:
        leads = [one for one in self.world.records() if one.object == "Lead"]
        if leads:
            self.world.time_passes(1)
            self.world.staff(self.org.convert, leads[index % len(leads)].id)

    @rule(index=index, for_good=st.booleans())
    def staff_delete(self, index: int, for_good: bool) -> None:
        record = self.chosen(index)
        if record and len(self.world.records()) > 2:
            self.world.time_passes(1)
            self.world.staff(self.org.hard_delete if for_good else self.org.delete, record.id)

    @rule(index=index)
    def staff_undelete(self, index: int) -> None:
        rows = self.org.store.reader().execute(
            "SELECT Id FROM Contact WHERE IsDeleted = 1 AND MasterRecordId IS NULL UNION ALL"
            " SELECT Id FROM Lead WHERE IsDeleted = 1 AND MasterRecordId IS NULL ORDER BY Id"
        )
        deleted = [row[0] for row in rows]
        if deleted:
            self.world.time_passes(1)
            self.world.staff(self.org.undelete, deleted[index % len(deleted)])

    # What is in the way

    @rule(
        trouble=st.sampled_from(["rule", "put back", "down", "cut", "session", "busy", "no right", "works"]),
        object_name=objects,
        after=st.integers(0, 6),
    )
    def the_org_is_difficult(self, trouble: str, object_name: str, after: int) -> None:
        org = self.org
        match trouble:
            case "rule":
                org.set_validation_rule(object_name, "SMS_Opt_Out__c = true", "Ask the registrar first.")
            case "put back":
                org.set_flow(object_name, "SMS_Opt_Out__c", put_back=True)
            case "down":
                org.fail_next(503, times=20, after=after)
            case "cut":
                org.drop_connection(times=1, after=after)
            case "session":
                org.expire_sessions()
            case "busy" if record := self.chosen(after):
                org.lock_row(record.id, times=2)
            case "no right":
                org.set_validation_rule(object_name, "SMS_Opt_Out__c = false", "Never again.", name="Other")
            case _:
                self.world.mend_the_org()

    @rule(seconds=st.sampled_from([1, 20, 100, 3_700, 90_000]))
    def time_passes(self, seconds: int) -> None:
        self.world.time_passes(seconds)

    # What Carillon does

    @rule(dies_at=death)
    def pushes_are_delivered(self, dies_at: int | None) -> None:
        self.world.runs(self.world.delivers, dies_at)

    @rule(number=number, text=st.sampled_from([STOP, START]), dies_at=st.integers(4, 30))
    def a_worker_dies_on_the_way(self, number: str, text: str, dies_at: int) -> None:
        self.a_text(number, text, None)
        self.world.runs(self.world.delivers, dies_at)

    @rule(object_name=objects, mode=st.sampled_from(list(Mode)), dies_at=death)
    def an_import(self, object_name: str, mode: Mode, dies_at: int | None) -> None:
        self.world.runs(lambda: self.world.imports(object_name, mode), dies_at)

    @rule(
        job=st.sampled_from(["Contact", "Contact", "Lead", "deliver"]),
        mode=st.sampled_from(list(Mode)),
        text=st.sampled_from([STOP, START, None]),
        number=number,
        index=index,
        is_out=st.booleans(),
        after=st.integers(0, 20),
    )
    def something_happens_meanwhile(
        self, job: str, mode: Mode, text: str | None, number: str, index: int, is_out: bool, after: int
    ) -> None:
        sid = f"SM{uuid.uuid4().hex}"

        def act() -> None:
            if text:
                self.the_carrier_brings(number, text, sid)
                self.taken(number, text, sid)
            else:
                self.edit(index, 0, SMS_Opt_Out__c=is_out)

        with self.world.meanwhile(act, after=after):
            if job == "deliver":
                self.world.delivers()
                # What was on its way is written.
                self.world.set_out.clear()
            else:
                self.world.imports(job, mode)

    @rule(is_out=st.booleans(), index=index, text=st.sampled_from([STOP, START]))
    def staff_do_not_agree(self, is_out: bool, index: int, text: str) -> None:
        """What a person says is delivered, staff change it again, and it is imported: chance alone seldom comes so far."""
        record = self.chosen(index)
        if record and record.number:
            self.a_text(record.number, text, None)
            self.world.delivers()
            self.edit(index, 1, SMS_Opt_Out__c=is_out)
            self.world.imports(record.object)

    @rule(field=st.sampled_from([OUT_BOX, OUT_BOX, IN_BOX, PICKLIST, EMPTY_IS_IN, None]), object_name=objects)
    def another_field_is_mapped(self, field: Any, object_name: str) -> None:
        self.world.set_out.clear()
        with suppress(CarillonError, SalesforceError):
            self.world.maps(object_name, field or actions.OptOutField())

    @rule(repair=st.booleans(), dies_at=death)
    def the_night(self, repair: bool, dies_at: int | None) -> None:
        def act() -> None:
            listed: list[audit.Difference] = []
            with suppress(CarillonError, SalesforceError):
                living = {record.id for record in self.world.records()}
                differing = self.world.disagreeing().keys()
                audit.run(self.workspace, repair=repair, tell=listed.append)
                # Who was deleted, as far as imports know, is not compared; a converted lead is, and lives no more.
                deleted = Contact.objects.filter(workspace=self.workspace, absence="deleted")
                compared = differing - set(deleted.values_list("salesforce_id", flat=True))
                # A repair may opt out the numbers of records that it looks at afterwards.
                assert repair or {one.salesforce_id for one in listed} & living == compared
                pushed = {one.salesforce_id for one in queries.pending(self.workspace)}
                assert all(one.done.words for one in listed if one.salesforce_id in pushed)

        self.world.runs(act, dies_at)

    # What always holds

    @invariant()
    def nobody_who_said_stop_may_be_texted(self) -> None:
        for number, said in self.said.items():
            assert not (said.is_silent and self.world.may_be_texted(number)), number

    @invariant()
    def nothing_that_staff_opted_out_is_written_over(self) -> None:
        assert self.world.written_over() == []

    @invariant()
    def only_answers_leave_to_them(self) -> None:
        left = self.world.left()
        for pk in left.keys() - self.left:
            number, purpose = left[pk]
            assert purpose == "help" or self.world.may_be_texted(number) is (purpose == "member")
        self.left |= left.keys()

    @rule(is_time=st.sampled_from([False, False, False, True]))
    def sometimes_comes_to_rest(self, is_time: bool) -> None:
        if is_time:
            self.comes_to_rest()

    def comes_to_rest(self) -> None:
        self.world.comes_to_rest()
        assert self.world.differences() == []
        # Only what is gone or hidden may be left, as a refused push: it can't be compared.
        assert self.world.audits(repair=False) == []

    def teardown(self) -> None:
        try:
            self.comes_to_rest()
            self.world.the_ledger_is_whole()
            self.nobody_who_said_stop_may_be_texted()
            self.only_answers_leave_to_them()
            said = [one for one in self.texts if one[1] != HELP]
            assert len(self.world.lines("text")) == len(said)
            assert len(self.world.lines(*MEMBERS_OWN)) == self.members_lines
        finally:
            self.world.close()


@pytest.fixture(scope="module")
def org() -> Iterator[OrgSim]:
    with OrgSim(contacts=1, leads=1) as running:
        people_view(running)
        yield running


def run(org: OrgSim, **chosen: Any) -> None:
    machine = type("PromiseOverOrg", (Promise,), {"org": org})
    run_state_machine_as_test(
        machine, settings=settings(deadline=None, suppress_health_check=list(HealthCheck), **chosen)
    )


@pytest.mark.slow
def test_no_history_breaks_the_promise(org: OrgSim) -> None:
    run(org, max_examples=5, stateful_step_count=25, derandomize=True, database=None)


@pytest.mark.soak
def test_no_history_of_many_breaks_the_promise(org: OrgSim) -> None:
    run(org, max_examples=150, stateful_step_count=40, print_blob=True)
