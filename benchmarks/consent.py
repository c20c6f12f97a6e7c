"""Speed of consent: decisions, texts, batches of an import, and a large ledger with its people's pages."""

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from benchmarks import stage

_PEOPLE = """
insert into contacts_contact (workspace_id, object, salesforce_id, first_name, last_name, sort_name, mobile_number,
    mobile_as_given, user_identification, fields, in_source, system_modstamp, last_modified_by_id, created_at, updated_at)
select %s, 'Contact', '003' || lpad(n::text, 15, '0'), '', '', '', '+1' || 2000000000 + n, '', '', '{}', true, now(), '',
    now(), now()
from generate_series(1, %s) n
"""
_NUMBERS = """
insert into consent_consent (workspace_id, number, version, last_learnt_at, staff_out, person_out)
select %s, '+44' || 7000000000 + n, %s, now(), now(), now() from generate_series(1, %s) n
"""
_LINES = """
insert into consent_consentevent (workspace_id, consent_id, version, kind, cause, counts_at, learnt_at, status)
select c.workspace_id, c.id, v, case when v % 2 = 0 then 'staff_out' else 'person_out' end, 'text', c.staff_out,
    c.staff_out, 'opted_out'
from consent_consent c cross join generate_series(1, c.version) v where c.number like '+44%'
"""
# Each line of a text came with its words; each number is one person's, whose record was told twice.
_EVIDENCE = """
insert into consent_evidence (event_id, workspace_id, consent_id, salesforce_id, words, reason)
select e.id, e.workspace_id, e.consent_id, '', 'Please STOP', '' from consent_consentevent e
join consent_consent c on c.id = e.consent_id and c.number like '+44%'
"""
_HOLDERS = """
insert into contacts_contact (workspace_id, object, salesforce_id, first_name, last_name, sort_name, mobile_number,
    mobile_as_given, user_identification, fields, in_source, system_modstamp, last_modified_by_id, created_at, updated_at)
select workspace_id, 'Contact', '00344' || right(number, 10) || 'AAA', 'Ann', 'Lee', 'lee ann', number, number, '', '{}',
    true, now(), '', now(), now()
from consent_consent where number like '+44%'
"""
_PUSHES = """
insert into consent_consentpush (workspace_id, consent_id, object, salesforce_id, wanted, answers, state, attempts,
    created_at, sent_at, settled_at, error, remedy)
select workspace_id, id, 'Contact', '00344' || right(number, 10) || 'AAA', 'opted_out', staff_out, 'acknowledged', 1,
    now(), now(), now(), '', ''
from consent_consent cross join generate_series(1, 2) where number like '+44%'
"""
LINES_A_NUMBER = 8
PAGES = 100
AT = datetime(2026, 1, 1, tzinfo=UTC)


def run(contacts: int, lines: int) -> None:
    with stage.carillon_home() as env:
        output = subprocess.run(
            [sys.executable, "-m", "benchmarks.consent", str(contacts), str(lines)],
            env=env,
            check=True,
            stdout=subprocess.PIPE,
        ).stdout
    stage.table(["what", "count", "seconds", "a second"], json.loads(output))


def figures(contacts: int, lines: int) -> list[list[str]]:
    from carillon.cli import runtime

    runtime.prepare()
    from django.db import connection

    from carillon.accounts.models import Workspace
    from carillon.consent import actions
    from carillon.consent.reading import FieldKind

    workspace = Workspace.objects.create(name="Benchmark")
    field = actions.OptOutField("Opted_Out__c", FieldKind.CHECKBOX)
    actions.set_mapping(workspace=workspace, object_name="Contact", field=field, by=None)
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE, [workspace.pk, contacts])
        cursor.execute("analyze")
    return [
        _timed("decisions", 50_000, _decisions),
        _timed("imported, all opted in, new", contacts, _batches(workspace, contacts, every=0, new=True)),
        _timed("imported, 5 % opted out, new", contacts, _batches(workspace, contacts, every=20, new=True)),
        _timed("imported again, nothing changed", contacts, _batches(workspace, contacts, every=20)),
        _timed("imported, the others opt out", contacts, _batches(workspace, contacts, every=1)),
        _timed("texts, one at a time", 500, lambda: _texts(workspace)),
        *_ledger(workspace, lines),
    ]


def _decisions() -> None:
    from carillon.consent.decide import Current, Kind, RecordView, Says, Statement, decide

    current = Current(records=[RecordView("a", Says.IN), RecordView("b", Says.OUT)])
    for _ in range(50_000):
        decide(current, [Statement(Kind.PERSON_OUT, AT)])


def _batches(workspace: Any, contacts: int, *, every: int, new: bool = False) -> Callable[[], None]:
    """Reads everybody in batches; each `every`th is opted out."""
    from carillon.consent import importing
    from carillon.consent.reading import Seen

    def sighting(n: int) -> importing.Sighting:
        number = f"+1{2000000000 + n}"
        is_out = bool(every) and n % every == 0
        return importing.Sighting(f"003{n:015d}", number, None if new else number, Seen(is_out, AT, AT))

    def take() -> None:
        run_id = uuid.uuid4()
        for start in range(1, contacts + 1, 10_000):
            rows = [sighting(n) for n in range(start, min(start + 10_000, contacts + 1))]
            importing.import_batch(workspace=workspace, object_name="Contact", rows=rows, run=run_id)

    return take


def _texts(workspace: Any) -> None:
    from carillon.consent import actions
    from carillon.consent.keywords import Meaning

    for n in range(500):
        number = f"+1{2000000000 + n * 7 + 1}"
        actions.text_received(
            workspace=workspace, number=number, words="STOP", meaning=Meaning.STOP, message_id=f"SM{n}"
        )


def _ledger(workspace: Any, lines: int) -> list[list[str]]:
    from django.db import connection

    from carillon.consent import queries, verify

    numbers = lines // LINES_A_NUMBER
    with connection.cursor() as cursor:
        cursor.execute(_NUMBERS, [workspace.pk, LINES_A_NUMBER, numbers])
        for statement in (_LINES, _EVIDENCE, _HOLDERS, _PUSHES, "analyze"):
            cursor.execute(statement)
    # Of people far apart.
    chosen = [7000000000 + n * (numbers // PAGES) for n in range(1, PAGES + 1)]

    def replay() -> None:
        if list(verify.differences(workspace)):
            raise RuntimeError("the benchmark's ledger does not replay")

    def asked() -> None:
        for number in chosen:
            list(queries.timeline(workspace, f"+44{number}"))
            queries.standings(workspace, [f"+44{number}"])

    return [
        _timed("lines verified", verify.lines(workspace), replay),
        _timed("queries of people's pages at that size", PAGES, asked),
        _timed("people's pages at that size, whole", PAGES, _pages(workspace, chosen)),
    ]


def _pages(workspace: Any, chosen: list[int]) -> Callable[[], None]:
    """Each with its sign-in looked up, its ten lines at most, their words and pushes, as an admin gets it."""
    from django.test import Client

    from carillon.accounts import actions

    member = actions.add_member(
        workspace=workspace, email="ada@campus.example", role="admin", user_id="", by=None
    )
    client = Client(SERVER_NAME="localhost")
    client.force_login(member, backend="django.contrib.auth.backends.ModelBackend")

    def page(number: int) -> None:
        answer = client.get(f"/contacts/00344{number}AAA/")
        if answer.status_code != 200 or answer.content.count(b"Please STOP") < LINES_A_NUMBER:
            raise RuntimeError(f"no person's page: {answer.status_code}")

    # Templates are read once.
    page(chosen[0])

    def pages() -> None:
        for number in chosen:
            page(number)

    return pages


def _timed(what: str, count: int, work: Callable[[], Any]) -> list[str]:
    started = time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    return [what, f"{count:,}", f"{seconds:.2f}", f"{count / seconds:,.0f}"]


if __name__ == "__main__":
    print(json.dumps(figures(*map(int, sys.argv[1:]))))
