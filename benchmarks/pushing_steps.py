"""What `pushing` does beside the processes that it measures: brings texts to the webhook at a pace, asks for imports, and
looks in the org's own file at what became of them."""

import http.client
import itertools
import json
import sqlite3
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

FIELD = "SMS_Opt_Out__c"
RATE = 20
STEADY_SECONDS = 30
STORM = 10_000
STORM_SECONDS = 60
OUTAGE, _STEP = timedelta(hours=1), timedelta(seconds=5)
PATIENCE = 400
CALLERS = 16
_SPREAD = """
select c.number, max(extract(epoch from p.settled_at)::float), bool_and(p.state = 'acknowledged')
from consent_consentpush p join consent_consent c on c.id = p.consent_id where p.id > %s group by c.number
"""
# Each claim of pushes is written with one call, and has one moment.
_WRITES = "select count(distinct sent_at), coalesce(sum(attempts), 0) from consent_consentpush where id > %s"
_ALONE = """
select c.mobile_number from contacts_contact c where c.mobile_number <> '' and not exists (
    select 1 from consent_consent o where o.workspace_id = c.workspace_id and o.number = c.mobile_number)
group by c.mobile_number having count(*) = 1 order by min(c.id)
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """When a text was sent, by the wall clock, and how many seconds the webhook took to answer."""

    number: str
    at: float
    seconds: float


class Carrier:
    """Calls the webhook as the workspace's carrier does, `CALLERS` at once at most."""

    def __init__(self, port: int, path: str, account_sid: str, auth_token: str) -> None:
        from twilio.request_validator import RequestValidator

        self._port, self._path, self._account = port, path, account_sid
        self._validator = RequestValidator(auth_token)
        self._here = threading.local()
        self._sids = itertools.count()

    def text(self, number: str, body: str = "STOP", sid: str = "") -> Sent:
        fields = {
            "MessageSid": sid or f"SM{next(self._sids)}",
            "AccountSid": self._account,
            "From": number,
            "To": "+12025550100",
            "Body": body,
            "NumMedia": "0",
        }
        url = f"http://127.0.0.1:{self._port}{self._path}"
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": self._validator.compute_signature(url, fields),
        }
        at, begun = time.time(), time.perf_counter()
        connection = self._connection()
        connection.request("POST", self._path, urlencode(fields), headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"the webhook answered {answer.status}")
        return Sent(number, at, time.perf_counter() - begun)

    def texts(self, numbers: Sequence[str], seconds: float, *, sid: str = "") -> list[Sent]:
        """One after the other at an even pace, later when the webhook does not keep up."""
        begun = time.monotonic()

        def at_its_time(place: int) -> Sent:
            time.sleep(max(0.0, begun + seconds * place / len(numbers) - time.monotonic()))
            return self.text(numbers[place], sid=sid)

        with ThreadPoolExecutor(CALLERS) as pool:
            return list(pool.map(at_its_time, range(len(numbers))))

    def _connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._here, "connection"):
            self._here.connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection: http.client.HTTPConnection = self._here.connection
        return connection


def figures(port: int, org_file: str) -> list[list[str]]:
    from benchmarks.texts import prepare

    carrier = Carrier(port, **prepare(0, confirms="carrier"))
    numbers = _lone_numbers()
    steady = RATE * STEADY_SECONDS
    if len(numbers) < 1 + steady + STORM:
        raise RuntimeError(f"{len(numbers):,} numbers are too few")
    # The first one signs in.
    carrier.texts(numbers[:1], 1.0)
    _wait()
    rows = [_bare_webhook(carrier, numbers[0]), _bare_org()]
    rows.append(_measured(carrier, f"{RATE} a second", numbers[1 : 1 + steady], STEADY_SECONDS, org_file))
    with _Imports() as imports:
        storm = numbers[1 + steady : 1 + steady + STORM]
        rows.append(_measured(carrier, "a storm, during imports", storm, STORM_SECONDS, org_file))
    rows.append(imports.row())
    return rows


def _bare_webhook(carrier: Carrier, number: str) -> list[str]:
    """The same call for a text that came before: signed, answered, nothing done."""
    sent = carrier.texts([number] * 200, 10.0, sid="SMagain")
    return ["a text that came before", "200", *_spread([one.seconds for one in sent])]


def _bare_org() -> list[str]:
    """One change and its read-back, without us."""
    from carillon.consent import lines

    workspace, record = _workspace(), _a_record()
    client = lines.open_line(workspace.pk).client
    times = []
    for _ in range(200):
        begun = time.perf_counter()
        client.records.update_and_read("Contact", record, {FIELD: True}, [FIELD, "SystemModstamp"])
        times.append(time.perf_counter() - begun)
    return ["the call of the org alone", "200", "", "", *_spread(times)]


def _measured(carrier: Carrier, what: str, numbers: list[str], seconds: float, org_file: str) -> list[str]:
    from django.db import connection

    from carillon.consent.models import ConsentPush

    first = ConsentPush.objects.latest("pk").pk
    sent = carrier.texts(numbers, seconds)
    last = time.time()
    _wait()
    after = time.time() - last
    with connection.cursor() as cursor:
        cursor.execute(_SPREAD, [first])
        settled = {number: at for number, at, done in cursor.fetchall() if done}
        cursor.execute(_WRITES, [first])
        calls, attempts = cursor.fetchone()
    delays = [settled[one.number] - one.at for one in sent if one.number in settled]
    lasted = max(one.at for one in sent) - min(one.at for one in sent)
    return [
        f"{what} ({lasted:.0f} s)",
        f"{len(sent):,}",
        *_spread([one.seconds for one in sent]),
        *_spread(delays),
        f"{max(delays):.2f}",
        f"{after:.1f}",
        f"{calls:,} ({attempts:,})",
        f"{len(numbers) - _opted_out(org_file, numbers):,}",
    ]


def _opted_out(org_file: str, numbers: Sequence[str]) -> int:
    """How many of the numbers the org itself has as opted out."""
    from carillon.contacts.models import Contact

    people = Contact.objects.filter(mobile_number__in=numbers)
    records = list(people.values_list("salesforce_id", flat=True))
    with sqlite3.connect(f"file:{org_file}?mode=ro", uri=True) as org:
        found = dict(org.execute(f"SELECT Id, {FIELD} FROM Contact"))
    return sum(bool(found[record]) for record in records)


class _Imports:
    """One import of everything after the other, by the worker, as long as the block lasts."""

    def __enter__(self) -> "_Imports":
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self._since = _database_now()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        from carillon.imports.actions import request_run
        from carillon.imports.models import ImportRun, ImportSetup, Mode

        setup = ImportSetup.objects.get()
        while not self._over.is_set():
            run = request_run(setup=setup, mode=Mode.EVERYTHING, by=None)
            while ImportRun.objects.get(pk=run.pk).is_open:
                time.sleep(0.2)

    def row(self) -> list[str]:
        from carillon.consent.models import ConsentEvent
        from carillon.imports.models import ImportRun

        runs = ImportRun.objects.filter(queued_at__gte=self._since)
        went_well = sum(run.status == "succeeded" for run in runs)
        undone = ConsentEvent.objects.filter(run__isnull=False, status="opted_in").count()
        records = sum(run.received for run in runs)
        return [
            f"imports beside it: {len(runs)}, {went_well} succeeded, {records:,} records, {undone} opted in"
        ]


def outage(port: int, token: str, org_file: str) -> dict[str, Any]:
    """The org is down for an hour of a clock that is moved on, with no worker; people text all the while."""
    from carillon.consent import lines, push
    from carillon.consent.models import ConsentPush, Delivery
    from carillon.consent.push import Means

    workspace, skipped = _workspace(), [timedelta(0)]

    def clock() -> datetime:
        return _database_now() + skipped[0]

    def skip(seconds: float) -> None:
        skipped[0] += timedelta(seconds=seconds)

    means = Means(clock=clock, sleep=skip)
    numbers = _lone_numbers()[:STORM]
    verb(port, token, "fail_next", status=503, times=1_000_000)
    first = ConsentPush.objects.latest("pk").pk
    begun, told = clock(), 0
    while clock() < begun + OUTAGE:
        until = int(len(numbers) * min(1.0, (clock() - begun + _STEP) / OUTAGE))
        for place in range(told, until):
            _say(workspace, numbers[place], _words(place))
        told = until
        push.deliver(workspace.pk, means)
        skip(_STEP.total_seconds())
    tries = Delivery.objects.get().failures
    verb(port, token, "clear_faults")
    waiting = ConsentPush.objects.filter(pk__gt=first, state__in=["waiting", "failed"]).count()
    skip(61)
    back, before = clock(), lines.open_line(workspace.pk).client.transport.total_calls
    in_first_minute = 0
    while push.deliver(workspace.pk, means):
        if clock() < back + timedelta(minutes=1):
            in_first_minute = lines.open_line(workspace.pk).client.transport.total_calls - before
    seconds = (clock() - back).total_seconds()
    out = {number for place, number in enumerate(numbers) if _words(place)[-1] == "STOP"}
    wrong = len(out) - _opted_out(org_file, sorted(out)) + _opted_out(org_file, sorted(set(numbers) - out))
    return {
        "tries while it is down": tries,
        "waiting when it is back": waiting,
        "calls in the first minute": in_first_minute,
        "seconds until all is told": round(seconds, 1),
        "wrong in the org": wrong,
    }


def _words(place: int) -> tuple[str, ...]:
    """Each fifth comes back, and each tenth leaves again."""
    return ("STOP", "START", "STOP")[: 1 + (place % 5 == 0) + (place % 10 == 0)]


def _say(workspace: Any, number: str, words: Sequence[str]) -> None:
    from carillon.consent import actions
    from carillon.consent.keywords import understand

    for place, word in enumerate(words):
        actions.text_received(
            workspace=workspace,
            number=number,
            words=word,
            meaning=understand(word),
            message_id=f"SM{number}-{place}",
        )


def verb(port: int, token: str, name: str, **arguments: object) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", f"/orgsim/admin/{name}", json.dumps(arguments), {"X-Orgsim-Token": token})
    answer = connection.getresponse()
    if answer.status != http.HTTPStatus.OK:
        raise RuntimeError(answer.read().decode())


def _lone_numbers() -> list[str]:
    """Of one person each, about whom nobody ever said anything."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(_ALONE)
        return [row[0] for row in cursor.fetchall()]


def _workspace() -> Any:
    from carillon.accounts.models import Workspace

    return Workspace.objects.get()


def _a_record() -> str:
    from carillon.contacts.models import Contact

    return str(Contact.objects.latest("pk").salesforce_id)


def _database_now() -> datetime:
    from carillon.consent.push import WORKING

    return WORKING.clock()


def _wait() -> None:
    from carillon.consent import queries

    workspace, deadline = _workspace(), time.monotonic() + PATIENCE
    while queries.pending(workspace).exists():
        if time.monotonic() > deadline:
            left = list(queries.pending(workspace).values_list("state", "error", "next_try_at")[:5])
            raise RuntimeError(f"pushes are still pending: {left}")
        time.sleep(0.1)


def _spread(seconds: Sequence[float]) -> list[str]:
    """Median and 99th, in milliseconds."""
    ordered = sorted(seconds)
    return [f"{ordered[int(len(ordered) * part)] * 1000:.0f}" for part in (0.5, 0.99)]


if __name__ == "__main__":
    from carillon.cli import runtime

    runtime.prepare()
    what, port, *more = sys.argv[1:]
    print(json.dumps(figures(int(port), *more) if what == "figures" else outage(int(port), *more)))
