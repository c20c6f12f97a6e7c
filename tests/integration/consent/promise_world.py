"""The real things of consent over a simulated org, for tests that let anything happen in any order: processes that die
at any statement, imports of pages that are stale when they arrive, and what both sides hold in the end."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.test import Client

from carillon.accounts.models import Role, Workspace
from carillon.connections.actions import save_connection
from carillon.consent import audit, lines, push, pushes, queries, store, verify
from carillon.consent.decide import Authority, Says
from carillon.consent.models import ConsentEvent, ConsentPush, PushState, RecordValue
from carillon.consent.push import Means
from carillon.consent.reading import FieldKind, OptOutField
from carillon.contacts import remembered
from carillon.contacts.models import Contact
from carillon.imports.actions import save_setup, setup_for
from carillon.imports.drafts import SetupDraft, draft_of
from carillon.imports.models import ImportRun, Mode, RunStatus
from carillon.imports.runner import Options, execute
from carillon.imports.runs import Request
from carillon.lib.clock import now
from carillon.messaging import actions as messaging
from carillon.messaging import addresses, credentials, sending
from carillon.messaging.carriers import twilio
from carillon.messaging.models import Direction, Message, Purpose
from carillon.messaging.states import State
from carillon.salesforce.transport import Retry
from orgsim.errors import ApiError
from orgsim.staff import API_USER_ID
from orgsim.testing import OrgSim
from orgsim.viewdef import Leaf
from tests.integration.consent.people import a_member

OUT_BOX = OptOutField("SMS_Opt_Out__c")
IN_BOX = replace(OUT_BOX, unchecked_means_opted_in=False)
PICKLIST = OptOutField(
    "Texting_Preference__c", FieldKind.PICKLIST, opted_in_value="Yes", opted_out_value="No"
)
EMPTY_IS_IN = replace(PICKLIST, empty_means_opted_in=True)
PHONES = {f"+1212555010{place}": f"(212) 555-010{place}" for place in (1, 2, 3)}
NUMBERS = list(PHONES)
STOP, START, LIKELY, HELP = "STOP", "START", "please stop texting me", "HELP"
# Those with this name are not in the list that is imported.
OUTSIDE = "Outside"
_FIELDS = ("SMS_Opt_Out__c", "Texting_Preference__c")
_RETRY = Retry(budget_seconds=1, read_timeout=5, first_wait=0.01, longest_wait=0.01, most_attempts=2)
# Nobody answers there: what the carrier reports of a text gets lost.
_NOWHERE = "http://127.0.0.1:9"


class Killed(BaseException):
    """The process died. Nothing of it goes on, and nothing catches this."""


@dataclass(frozen=True, slots=True)
class OrgRecord:
    """A living record as the org has it. `number` is E.164 or empty."""

    id: str
    object: str
    number: str
    name: str
    values: dict[str, str | bool | None]
    by_us: bool

    def value(self, field: str) -> str | bool | None:
        return self.values[field]


@dataclass(slots=True)
class Said:
    """What the people of one number said, as far as nobody may overlook it."""

    stopped: bool = False
    likely: bool = False
    # START, or a lift, at any time: an older request does not stand against it.
    started: bool = False

    def heard(self, text: str) -> None:
        if text == STOP:
            self.stopped, self.likely = True, False
        elif text == START:
            self.lifted()
        elif text == LIKELY:
            self.likely = True

    def lifted(self) -> None:
        self.stopped, self.likely, self.started = False, False, True

    @property
    def is_silent(self) -> bool:
        return self.stopped or self.likely


class World:
    def __init__(self, org: OrgSim) -> None:
        self.org = org
        self._empty_the_org()
        self.workspace = Workspace.objects.create(name=uuid.uuid4().hex)
        self.admin, self.texter = a_member(self.workspace, Role.ADMIN), a_member(self.workspace, Role.TEXTER)
        self.ahead = timedelta()
        # Records that staff opted out in Salesforce, with their number then, until somebody opts that in.
        self.set_out: dict[str, str] = {}
        save_connection(
            workspace=self.workspace,
            host=org.url,
            client_id="orgsim-client",
            client_secret="orgsim-secret",
            by=None,
        )
        for object_name, source in (("Contact", "People"), ("Lead", "AllLeads")):
            draft = SetupDraft(
                source=source,
                first_name="FirstName",
                last_name="LastName",
                mobile_number="MobilePhone",
                opt_out=OUT_BOX,
            )
            save_setup(setup=setup_for(self.workspace, object_name), draft=draft, by=None)
        self.texting = messaging.save_texting(
            workspace=self.workspace,
            draft=messaging.TextingDraft(
                "simulated",
                _NOWHERE,
                "Ask us.",
                "No more texts.",
                confirms="we",
                quiet_until=0,
                quiet_from=24,
            ),
            by=None,
        )

    def close(self) -> None:
        self.fresh_process()
        self._nothing_meanwhile()
        with connection.cursor() as cursor:
            cursor.execute("delete from procrastinate_jobs")

    def _empty_the_org(self) -> None:
        self.mend_the_org()
        self.org.set_clock_offset(0)
        self.org.expire_sessions()
        for object_name in ("Contact", "Lead"):
            for record in self.org.ids(object_name):
                self.org.delete(record)
        self.org.empty_recycle_bin()
        self.org.purge_delete_log()

    def mend_the_org(self) -> None:
        self.org.clear_faults()
        self.org.clear_automation()

    # Time, and processes

    def time_passes(self, seconds: float) -> None:
        """For both sides."""
        self.ahead += timedelta(seconds=seconds)
        self.org.set_clock_offset(self.org.org.clock.offset_seconds + seconds)

    def clock(self) -> datetime:
        return now() + self.ahead + timedelta(seconds=1)

    def fresh_process(self) -> None:
        line = lines._lines.pop(self.workspace.pk, None)
        if line:
            line.client.close()
        connection.close()

    def runs(self, work: Callable[[], Any], dies_at: int | None) -> bool:
        """Whether the work came to its end. `dies_at`: the process dies instead of its so-manieth statement, and whatever
        it had not committed is gone."""
        if dies_at is None:
            work()
            return True
        try:
            with _dying(dies_at):
                work()
        except Killed:
            self.fresh_process()
            return False
        return True

    @contextmanager
    def meanwhile(self, act: Callable[[], Any] | None, *, after: int) -> Iterator[None]:
        """Something happens when the org has made an answer that did not arrive yet: what it says is stale then."""
        happened: list[BaseException | None] = []
        answers = 0

        def hook(path: str, body: bytes) -> bytes:
            nonlocal answers
            answers += 1
            if act and not happened and answers > after:
                happened.append(None)
                try:
                    act()
                except BaseException as error:
                    happened.append(error)
                finally:
                    connection.close()
            return body

        self.org.mangle(hook)
        try:
            yield
        finally:
            self._nothing_meanwhile()
        for error in happened:
            if error:
                raise error

    def _nothing_meanwhile(self) -> None:
        self.org.org.faults._manglers.clear()

    # What Carillon does

    def imports(self, object_name: str, mode: Mode = Mode.CHANGES) -> ImportRun:
        return execute(Request(setup_for(self.workspace, object_name), mode), Options(retry=_RETRY))

    def delivers(self) -> int:
        # As each minute.
        pushes.withdraw_unmapped(self.clock())
        means = Means(
            clock=self.clock,
            sleep=self.time_passes,
            jitter=lambda: 1.0,
            patience=lambda pushes, is_failing: _RETRY,
        )
        return push.deliver(self.workspace.pk, means)

    def maps(self, object_name: str, field: OptOutField) -> None:
        setup = setup_for(self.workspace, object_name)
        save_setup(setup=setup, draft=replace(draft_of(setup), opt_out=field), by=None)

    def is_texted(self, number: str, words: str, sid: str) -> int:
        """The carrier's signed call of the webhook; the status of the answer."""
        url = addresses.inbound_url(self.texting)
        fields = {
            "MessageSid": sid,
            "AccountSid": self.texting.account_sid,
            "From": number,
            "To": self.texting.numbers[0],
            "Body": words,
            "NumMedia": "0",
        }
        signed = {twilio.SIGNATURE_HEADER: twilio.sign(credentials.auth_token(self.texting), url, fields)}
        client, form = Client(raise_request_exception=False), "application/x-www-form-urlencoded"
        return client.post(
            url.removeprefix(_NOWHERE), urlencode(fields), content_type=form, headers=signed
        ).status_code

    def writes(self, number: str) -> None:
        """A member's text waits."""
        Message.objects.create(
            workspace=self.workspace,
            direction=Direction.OUT,
            number=number,
            state=State.QUEUED,
            purpose=Purpose.MEMBER,
            try_at=now(),
        )

    def sends(self) -> None:
        waiting = Message.objects.filter(workspace=self.workspace, state=State.QUEUED).order_by("pk")
        for pk in list(waiting.values_list("pk", flat=True)):
            sending.send(pk)

    def left(self) -> dict[int, tuple[str, str]]:
        """Number and purpose of each text that was handed to the carrier."""
        out = Message.objects.filter(
            workspace=self.workspace, direction=Direction.OUT, handed_over_at__isnull=False
        )
        return {text.pk: (text.number, text.purpose) for text in out}

    def may_be_texted(self, number: str) -> bool:
        return queries.standings(self.workspace, [number])[number].may_be_texted

    # What people in Salesforce do

    def staff(self, act: Callable[..., Any], *args: Any, **values: Any) -> bool:
        """Whether the org took it."""
        with suppress(ApiError):
            act(*args, **values)
            return True
        return False

    def creates(self, object_name: str, number: str, **values: Any) -> bool:
        # A contact without an account is its owner's alone.
        more = {"Company": "Home"} if object_name == "Lead" else {"AccountId": self.org.ids("Account")[0]}
        values = {"LastName": "Person", "MobilePhone": PHONES.get(number, ""), **more, **values}
        return self.staff(self.org.create, object_name, **values)

    def records(self) -> list[OrgRecord]:
        numbers = {given: number for number, given in PHONES.items()}
        found = []
        for object_name, living in (
            ("Contact", "IsDeleted = 0"),
            ("Lead", "IsDeleted = 0 AND IsConverted = 0"),
        ):
            rows = self.org.store.reader().execute(
                f"SELECT Id, MobilePhone, LastName, LastModifiedById, {', '.join(_FIELDS)} FROM {object_name}"
                f" WHERE {living} ORDER BY Id"
            )
            for record, phone, name, by, box, choice in rows:
                values = {_FIELDS[0]: bool(box), _FIELDS[1]: choice}
                number = numbers.get(phone, "")
                found.append(OrgRecord(record, object_name, number, name, values, by == API_USER_ID))
        return found

    def edits(self, record: OrgRecord, **values: Any) -> None:
        before = self._says(record.id)
        self.staff(self.org.edit, record.id, **values)
        now = self._says(record.id)
        if now is before:
            return
        self.set_out.pop(record.id, None)
        # Of one that is known to be opted out nobody sees that it was opted out once more.
        known = RecordValue.objects.filter(workspace=self.workspace, salesforce_id=record.id, says=Says.OUT)
        if now is Says.IN:
            self.is_opted_in(record.number)
        elif now is Says.OUT and not known.exists():
            # Whatever opt-in is older than a moment is late.
            self.time_passes(pushes.LATE_AFTER.seconds)
            self.set_out[record.id] = record.number

    def is_opted_in(self, number: str) -> None:
        stored = Contact.objects.filter(workspace=self.workspace, mobile_number=number)
        here = set(stored.values_list("salesforce_id", flat=True))
        here |= {record.id for record in self.records() if record.number == number}
        here |= {record for record, of in self.set_out.items() if of == number}
        self.set_out = {record: of for record, of in self.set_out.items() if record not in here}

    def written_over(self) -> list[OrgRecord]:
        """What staff opted out, and we opted in although nobody said so since."""
        ours = [record for record in self.records() if record.id in self.set_out and record.by_us]
        return [record for record in ours if self._says(record.id) is Says.IN]

    def _says(self, record_id: str) -> Says | None:
        """A living record under the mapping; None where no field is mapped."""
        fields = store.fields_of(self.workspace.pk)
        for record in self.records():
            if record.id == record_id and record.object in fields:
                field, rules = fields[record.object]
                return rules.says(record.value(field))
        return None

    # At rest

    def comes_to_rest(self) -> None:
        """Everything works again, what waits is done, and somebody presses *Retry* where others put it back too often."""
        self.mend_the_org()
        for record in self.records():
            self.org.unlock_row(record.id)
        for _ in range(3):
            self.time_passes(90_000)
            pushes.retry_all(workspace_id=self.workspace.pk, now=self.clock())
            self.delivers()
            for object_name in ("Contact", "Lead"):
                run = self.imports(object_name, Mode.EVERYTHING)
                assert run.status == RunStatus.SUCCEEDED, run.error
            # Who is not in the list is read by the night alone.
            self.audits(repair=True)
            self.delivers()
            if not self.differences():
                break
        self.sends()

    def audits(self, *, repair: bool) -> list[audit.Difference]:
        """What the audit lists; nothing where no field is mapped any more."""
        listed: list[audit.Difference] = []
        with suppress(audit.NoOptOutField):
            audit.run(self.workspace, repair=repair, tell=listed.append)
        return listed

    def differences(self) -> list[str]:
        """Where both sides disagree without a visible reason."""
        records = {record.id: record for record in self.records()}
        stored = {one.salesforce_id: one for one in Contact.objects.filter(workspace=self.workspace)}
        erased = remembered.erased(self.workspace.pk, list(records))
        # What is gone for good looks like what is hidden: that it can't be told is shown.
        found = [
            f"under way: {one.salesforce_id} {one.state} {one.error}"
            for one in queries.pending(self.workspace)
            if one.salesforce_id in records or one.state != PushState.FAILED
        ]
        for record in records.values():
            person = stored.get(record.id)
            if person is None:
                if record.name != OUTSIDE and record.id not in erased:
                    found.append(f"not stored: {record}")
                continue
            if (record.name != OUTSIDE) != person.in_source or person.object != record.object:
                found.append(f"in the list or not: {record} {person.in_source}")
            # Who is not in the list is as they were read last.
            number = person.mobile_number
            if record.name != OUTSIDE and number != record.number:
                found.append(f"number: {record} {number}")
        found += self.disagreeing().values()
        for known in stored.keys() - records.keys():
            if stored[known].in_source:
                found.append(f"not in the org any more: {known}")
        return found

    def disagreeing(self) -> dict[str, str]:
        """Living records of people who are stored, that hold something else than their number is; with why."""
        standings = queries.standings(self.workspace, NUMBERS)
        fields = store.fields_of(self.workspace.pk)
        numbers = {
            one.salesforce_id: one.mobile_number for one in Contact.objects.filter(workspace=self.workspace)
        }
        found = {}
        for record in self.records():
            number = numbers.get(record.id)
            if number and record.object in fields:
                field, rules = fields[record.object]
                says, standing = rules.says(record.value(field)), standings[number]
                if not _agree(says, standing):
                    found[record.id] = f"{record} says {says}, but {standing}"
        return found

    def the_ledger_is_whole(self) -> None:
        assert list(verify.differences(self.workspace)) == []
        unsettled = ConsentPush.objects.filter(workspace=self.workspace, state__in=["failed", "reverted"])
        assert all(one.error for one in unsettled)

    def lines(self, *causes: str) -> list[ConsentEvent]:
        found = ConsentEvent.objects.filter(workspace=self.workspace, cause__in=causes)
        return list(found.order_by("pk"))


def _agree(says: Says, standing: queries.Standing) -> bool:
    """A record that says nothing agrees with silence, and with an opt-in."""
    if says in (Says.BLANK, Says.UNCLEAR):
        return standing.status is Says.IN or standing.authority is Authority.SILENCE
    return says is standing.status


@contextmanager
def _dying(at: int) -> Iterator[None]:
    executed = 0

    def execute_or_die(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        nonlocal executed
        executed += 1
        # Taking back what is not committed is the server's, when a client is gone.
        if executed > at and not sql.startswith(("ROLLBACK", "RELEASE")):
            raise Killed
        return execute(sql, *rest)

    with connection.execute_wrapper(execute_or_die):
        yield


def people_view(org: OrgSim) -> None:
    org.add_list_view(
        "Contact", "People", where=Leaf(field="LastName", operator="notEquals", values=(f"'{OUTSIDE}'",))
    )
