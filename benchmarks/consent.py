"""Speed of consent: decisions, texts, batches of an import, and a ledger of two million lines."""

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
LINES_A_NUMBER = 8
AT = datetime(2026, 1, 1, tzinfo=UTC)


def run(contacts: int) -> None:
    with stage.carillon_home() as env:
        output = subprocess.run(
            [sys.executable, "-m", "benchmarks.consent", str(contacts)],
            env=env,
            check=True,
            stdout=subprocess.PIPE,
        ).stdout
    stage.table(["what", "count", "seconds", "a second"], json.loads(output))


def figures(contacts: int) -> list[list[str]]:
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
        *_ledger(workspace),
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


def _ledger(workspace: Any) -> list[list[str]]:
    from django.db import connection

    from carillon.consent import queries, verify

    with connection.cursor() as cursor:
        cursor.execute(_NUMBERS, [workspace.pk, LINES_A_NUMBER, 2_000_000 // LINES_A_NUMBER])
        cursor.execute(_LINES)
        cursor.execute("analyze")

    def replay() -> None:
        if list(verify.differences(workspace)):
            raise RuntimeError("the benchmark's ledger does not replay")

    def pages() -> None:
        for n in range(1, 101):
            number = f"+44{7000000000 + n * 2000}"
            list(queries.timeline(workspace, number))
            queries.standings(workspace, [number])

    return [
        _timed("lines verified", verify.lines(workspace), replay),
        _timed("people's pages at that size", 100, pages),
    ]


def _timed(what: str, count: int, work: Callable[[], Any]) -> list[str]:
    started = time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    return [what, f"{count:,}", f"{seconds:.2f}", f"{count / seconds:,.0f}"]


if __name__ == "__main__":
    print(json.dumps(figures(int(sys.argv[1]))))
