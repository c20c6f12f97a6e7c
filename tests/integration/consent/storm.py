"""A storm with real processes: people text the webhook, staff click, imports run, people work in the org and the org is in
trouble, while web and workers are killed. Then it is calm, and `at_rest` says which promises were broken."""

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
from django.db import connection

from carillon.accounts.models import Member, Role, Workspace
from carillon.consent import actions, audit, lines, push, queries
from carillon.consent.keywords import Meaning, understand
from carillon.consent.ledger import hash_of
from carillon.consent.models import ConsentEvent, ConsentPush, PushState, RecordValue, StagedFlip
from carillon.consent.push import Means
from carillon.consent.reading import FieldKind, OptOutField
from carillon.contacts.models import Contact
from carillon.imports.actions import request_run
from carillon.imports.drafts import SetupDraft
from carillon.imports.models import ImportSetup, Mode, RunStatus
from carillon.imports.runner import Options, execute
from carillon.imports.runs import Request
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from carillon.messaging import addresses, credentials, sending
from carillon.messaging.actions import TextingDraft, save_texting
from carillon.messaging.carriers import twilio
from carillon.messaging.models import Message, Purpose, Texting
from carillon.messaging.states import State
from carillon.salesforce.soql import parse_datetime
from orgsim.staff import API_USER_ID
from orgsim.testing import OrgSim
from tests.integration.commands import carillon
from tests.integration.consent.org_people import FIELD, IMPATIENT, impatient
from tests.integration.consent.people import a_member
from tests.integration.consent.storm_processes import IMPORTS, URGENT, WEB, CarriersLog, Processes
from tests.integration.imports.conftest import connected_setup

STUBBORN = "Stubborn"
_WORDS = ("STOP", "STOP", "START", "stop!", "HELP", "Unsubscribe", "Hello there")


class Person:
    """Somebody who texts, one text after the other; each until it is taken, as a carrier does, and some twice."""

    def __init__(self, number: str) -> None:
        self.number = number
        self.said: list[tuple[str, Meaning]] = []

    def text(self, client: httpx.Client, texting: Texting, port: int, rng: random.Random) -> None:
        words, sid = rng.choice(_WORDS), f"SM{uuid.uuid4().hex}"
        fields = {
            "MessageSid": sid,
            "AccountSid": texting.account_sid,
            "From": self.number,
            "To": texting.numbers[0],
            "Body": words,
            "NumMedia": "0",
        }
        url = addresses.inbound_url(texting)
        signed = {twilio.SIGNATURE_HEADER: twilio.sign(credentials.auth_token(texting), url, fields)}
        path, deadline = f"http://127.0.0.1:{port}{urlsplit(url).path}", time.monotonic() + 60
        for _ in range(1 + (rng.random() < 0.2)):
            while not _taken(client, path, fields, signed):
                assert time.monotonic() < deadline, "the webhook takes nothing"
                time.sleep(0.05)
        self.said.append((sid, understand(words)))

    @property
    def last_word(self) -> Meaning | None:
        decisive = [meaning for _, meaning in self.said if meaning in (Meaning.STOP, Meaning.START)]
        return decisive[-1] if decisive else None


def _taken(client: httpx.Client, url: str, fields: dict[str, str], headers: dict[str, str]) -> bool:
    try:
        return client.post(url, data=fields, headers=headers).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def empty_queue() -> None:
    """Django empties only its own tables after a test."""
    with connection.cursor() as cursor:
        cursor.execute(
            "truncate procrastinate_jobs, procrastinate_workers, procrastinate_periodic_defers cascade"
        )


def prepared(org: OrgSim, log: CarriersLog, *, seed: int, people: int) -> "Storm":
    """Everybody is imported, so many of them text, and the simulated carrier confirms nothing by itself."""
    workspace = Workspace.objects.create(name="Admissions")
    draft = SetupDraft(
        source="AllContacts",
        first_name="FirstName",
        last_name="LastName",
        mobile_number="MobilePhone",
        opt_out=OptOutField(FIELD, FieldKind.CHECKBOX),
    )
    setup = connected_setup(workspace, org, draft)
    done = execute(Request(setup, Mode.EVERYTHING), Options(retry=IMPATIENT))
    assert done.status == RunStatus.SUCCEEDED, done.error
    texting = save_texting(
        workspace=workspace,
        draft=TextingDraft("simulated", log.url, "Ask us.", "No more texts.", confirms="we"),
        by=None,
    )
    numbers = Contact.objects.exclude(mobile_number="").order_by("pk").values_list("mobile_number", flat=True)
    texting_people = [Person(number) for number in dict.fromkeys(numbers)][:people]
    return Storm(
        org, setup, a_member(workspace, Role.TEXTER), texting, log, random.Random(seed), texting_people
    )


@dataclass
class Storm:
    """`touched` are the numbers about which staff said something, here or in the org; `left` are pushes that killed
    workers left under way."""

    org: OrgSim
    setup: ImportSetup
    texter: Member
    texting: Texting
    log: CarriersLog
    rng: random.Random
    people: list[Person] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    kills: Counter[str] = field(default_factory=Counter)
    clicks: int = 0
    left: int = 0

    @property
    def workspace(self) -> Workspace:
        return self.setup.workspace

    def rage(self, processes: Processes, *, texts: int, threads: int = 3, pace: float = 0.1) -> None:
        """Until all texts are taken; one of the processes is always about to be killed. `pace`: seconds between two
        texts of a thread, about."""
        self._make_some_stubborn()
        texters = [
            threading.Thread(
                target=self._texts, args=(processes.port, place, threads, texts // threads, pace)
            )
            for place in range(threads)
        ]
        for thread in texters:
            thread.start()
        kill_at = time.monotonic()
        while any(thread.is_alive() for thread in texters):
            self.rng.choice([self._click, self._click, self._edit, self._trouble, self._import])()
            if time.monotonic() > kill_at:
                self._kill(processes)
                kill_at = time.monotonic() + self.rng.random() * 3
            time.sleep(pace / threads)

    def _texts(self, port: int, place: int, threads: int, count: int, pace: float) -> None:
        rng, mine = random.Random(place), self.people[place::threads]
        with httpx.Client(timeout=10) as client:
            for _ in range(count):
                rng.choice(mine).text(client, self.texting, port, rng)
                time.sleep(pace * 2 * rng.random())

    def _kill(self, processes: Processes) -> None:
        """At any moment; or in the middle of a delivery, between the claim and the acknowledgement."""
        name = self.rng.choice([WEB, URGENT, URGENT, IMPORTS]) if self.left else URGENT
        if name == URGENT:
            # Written and not answered; or not written yet.
            self.rng.choice([lambda: self.org.slow(0.3, path_contains="/composite"), self._down])()
            deadline = time.monotonic() + (3 if self.left else 30)
            under_way = ConsentPush.objects.filter(workspace=self.workspace, state=PushState.SENT)
            while time.monotonic() < deadline and under_way.count() <= self.left:
                time.sleep(0.005)
            self.left = under_way.count()
        processes.kill(name)
        processes.start(name)
        self.kills[name] += 1

    def _make_some_stubborn(self) -> None:
        """The org refuses to let some people's box be ticked."""
        for contact in self._contacts()[: len(self.people) // 10]:
            self.org.edit(contact.salesforce_id, LastName=STUBBORN)
        rule = f"LastName = '{STUBBORN}' AND {FIELD} = true"
        self.org.set_validation_rule("Contact", rule, "Ask the dean.")

    def _contacts(self) -> list[Contact]:
        return list(Contact.objects.filter(workspace=self.workspace).exclude(mobile_number="").order_by("pk"))

    def _click(self) -> None:
        number = self.rng.choice(self.people).number
        self.touched.add(number)
        click = self.rng.choice([actions.opt_out, actions.opt_in])
        # Not everything may be said: a texter does not lift a person's STOP.
        with suppress(CarillonError):
            click(workspace=self.workspace, number=number, by=self.texter, reason="They said so.")
            self.clicks += 1

    def _edit(self) -> None:
        contact = self.rng.choice(self._contacts())
        self.touched.add(contact.mobile_number)
        value = self.rng.random() < 0.5
        # The rule holds for everybody in the org.
        with suppress(Exception):
            self.org.edit(contact.salesforce_id, **{FIELD: value})

    def _trouble(self) -> None:
        record = self.rng.choice(self._contacts()).salesforce_id
        troubles: list[Callable[[], None]] = [
            self._down,
            lambda: self.org.drop_connection(times=1, path_contains="/composite"),
            lambda: self.org.slow(0.2, times=2, path_contains="/composite"),
            lambda: self.org.lock_row(record, times=2),
            self.org.expire_sessions,
        ]
        if self.rng.random() < 0.4:
            self.rng.choice(troubles)()

    def _down(self) -> None:
        self.org.fail_next(503, times=2, path_contains="/composite")

    def _import(self) -> None:
        if self.rng.random() < 0.1:
            with suppress(CarillonError):
                request_run(setup=self.setup, mode=self.rng.choice(list(Mode)), by=None)

    def calm_down(self) -> None:
        """The trouble is over, the processes are gone; what a minute and a half would bring comes at once."""
        self.org.clear_faults()
        lines.hang_up(self.workspace.pk)
        for _ in range(2):
            with suppress(CarillonError):
                execute(Request(self.setup, Mode.CHANGES), Options(retry=IMPATIENT))
            self._deliver()
        for message in Message.objects.filter(state=State.QUEUED):
            sending.send(message.pk)

    def _deliver(self) -> None:
        moving = [PushState.WAITING, PushState.SENT, PushState.REVERTED]
        for minutes in range(2, 60, 5):
            push.deliver(self.workspace.pk, _means_in(timedelta(minutes=minutes)))
            if not ConsentPush.objects.filter(workspace=self.workspace, state__in=moving).exists():
                return

    def at_rest(self) -> list[str]:
        """What is wrong, in words; nothing when all promises were kept."""
        wrong = [*self._wrong_words(), *self._disagreeing(after_the_audit=False)]
        audit.run(self.workspace, repair=True)
        self._deliver()
        wrong += self._disagreeing(after_the_audit=True)
        return [*wrong, *self._wrong_words(), *self._wrong_in_ledger(), *self._wrong_texts()]

    def _wrong_in_ledger(self) -> Iterator[str]:
        decisive = [
            sid
            for one in self.people
            for sid, meaning in one.said
            if meaning in (Meaning.STOP, Meaning.START)
        ]
        found = [bytes(one.key_hash) for one in ConsentEvent.objects.exclude(key_hash=None) if one.key_hash]
        if sorted(found) != sorted(hash_of(sid) for sid in decisive):
            yield f"{len(decisive)} texts count, and the ledger has {len(found)}"
        clicked = ConsentEvent.objects.filter(cause="member").count()
        if clicked != self.clicks:
            yield f"staff said {self.clicks} things, and the ledger has {clicked}"
        verified = carillon("consent", "verify")
        if verified.code:
            yield verified.err

    def _wrong_words(self) -> Iterator[str]:
        """A person's STOP stands, whatever anybody else says; START stands where nobody else said anything."""
        standings = queries.standings(self.workspace, [one.number for one in self.people])
        for person in self.people:
            number, may_be_texted = person.number, standings[person.number].may_be_texted
            is_theirs = person.last_word is Meaning.STOP or number not in self.touched
            if is_theirs and person.last_word and may_be_texted is not (person.last_word is Meaning.START):
                yield f"{number} said {person.last_word} last: {self._story(number)}"

    def _story(self, number: str) -> str:
        """The ledger's lines of a number, newest first, and what became of its pushes."""
        said = [
            f"{one.kind} by {one.cause} {one.learnt_at:%T.%f}"
            for one in queries.timeline(self.workspace, number)
        ]
        pushed = [
            f"{one.salesforce_id} {one.wanted} {one.state} {one.sent_at or one.created_at:%T.%f}"
            for one in queries.pushes_of(self.workspace, number)
        ]
        return "; ".join([*said, *pushed])

    def _disagreeing(self, *, after_the_audit: bool) -> Iterator[str]:
        sql = f"SELECT Id, {FIELD}, SystemModstamp, LastModifiedById FROM Contact WHERE IsDeleted = 0"
        holds = {row[0]: row[1:] for row in self.org.store.reader().execute(sql)}
        contacts = self._contacts()
        standings = queries.standings(self.workspace, [one.mobile_number for one in contacts])
        told = ConsentPush.objects.filter(state__in=[PushState.FAILED, PushState.REVERTED]).exclude(error="")
        # An opt-in waits for an admin, or for the next import.
        flips = StagedFlip.objects.values_list("salesforce_id", flat=True)
        excused = {*told.values_list("salesforce_id", flat=True), *flips}
        acknowledged = dict(RecordValue.objects.values_list("salesforce_id", "acknowledged_at"))
        for contact in contacts:
            record, standing = contact.salesforce_id, standings[contact.mobile_number]
            if record not in holds or record in excused:
                continue
            is_out, stamp, by = holds[record]
            if bool(is_out) is not standing.may_be_texted:
                continue
            # An opt-in in the very second of an acknowledgement can't be told from what was there before: the audit can.
            if after_the_audit or by == API_USER_ID or parse_datetime(stamp) != acknowledged.get(record):
                yield f"{record} holds {bool(is_out)} since {stamp} by {by}: {self._story(contact.mobile_number)}"

    def _wrong_texts(self) -> Iterator[str]:
        """Nothing but one confirmation for a STOP, and the answer to HELP."""
        if len(set(self.log.sent)) != len(self.log.sent):
            yield "a text was sent twice"
        sent = {
            str(one.public_id): one for one in Message.objects.select_related("answers").exclude(answers=None)
        }
        for text, number in self.log.sent:
            message = sent.get(text)
            asked = understand(message.answers.body) if message and message.answers else None
            wanted = {Purpose.CONFIRMATION: Meaning.STOP, Purpose.HELP: Meaning.HELP}
            if (
                message is None
                or message.number != number
                or wanted.get(Purpose(message.purpose)) is not asked
            ):
                yield f"{number} was texted for no reason"


def _means_in(ahead: timedelta) -> Means:
    return Means(clock=lambda: now() + ahead, sleep=lambda seconds: None, patience=impatient)
