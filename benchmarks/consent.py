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
    from carillon.consent import actions, importing, queries, verify
    from carillon.consent.decide import Current, Kind, RecordView, Says, Statement, decide
    from carillon.consent.keywords import Meaning
    from carillon.consent.reading import FieldKind, Seen

    workspace = Workspace.objects.create(name="Benchmark")
    field = actions.OptOutField("Opted_Out__c", FieldKind.CHECKBOX)
    actions.set_mapping(workspace=workspace, object_name="Contact", field=field, by=None)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE, [workspace.pk, contacts])
        cursor.execute("analyze")
    current = Current(records=[RecordView("a", Says.IN), RecordView("b", Says.OUT)])

    def decisions() -> None:
        for _ in range(50_000):
            decide(current, [Statement(Kind.PERSON_OUT, at)])

    def batches(is_out: Callable[[int], bool], *, new: bool) -> Callable[[], None]:
        def take() -> None:
            run_id = uuid.uuid4()
            for start in range(1, contacts + 1, 10_000):
                rows = [
                    importing.Sighting(
                        f"003{n:015d}",
                        f"+1{2000000000 + n}",
                        None if new else f"+1{2000000000 + n}",
                        Seen(is_out(n), at, at),
                    )
                    for n in range(start, min(start + 10_000, contacts + 1))
                ]
                importing.import_batch(
                    workspace=workspace, object_name="Contact", rows=rows, run=run_id
                )

        return take

    def texts() -> None:
        for n in range(500):
            actions.text_received(
                workspace=workspace,
                number=f"+1{2000000000 + n * 7 + 1}",
                words="STOP",
                meaning=Meaning.STOP,
                message_id=f"SM{n}",
            )

    rows = [
        _timed("decisions", 50_000, decisions),
        _timed("imported, all opted in, new", contacts, batches(lambda n: False, new=True)),
        _timed("imported, 5 % opted out, new", contacts, batches(lambda n: n % 20 == 0, new=True)),
        _timed("imported again, nothing changed", contacts, batches(lambda n: n % 20 == 0, new=False)),
        _timed("imported, the others opt out", contacts, batches(lambda n: True, new=False)),
        _timed("texts, one at a time", 500, texts),
    ]
    numbers = 2_000_000 // LINES_A_NUMBER
    with connection.cursor() as cursor:
        cursor.execute(_NUMBERS, [workspace.pk, LINES_A_NUMBER, numbers])
        cursor.execute(_LINES)
        cursor.execute("analyze")

    def replay() -> None:
        if list(verify.differences(workspace)):
            raise RuntimeError("the benchmark's ledger does not replay")

    def timelines() -> None:
        for n in range(1, 101):
            list(queries.timeline(workspace, f"+44{7000000000 + n * 2000}"))
            queries.standings(workspace, [f"+44{7000000000 + n * 2000}"])

    rows.append(_timed("lines verified", verify.lines(workspace), replay))
    rows.append(_timed("people's pages at that size", 100, timelines))
    return rows


def _timed(what: str, count: int, work: Callable[[], Any]) -> list[str]:
    started = time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    return [what, f"{count:,}", f"{seconds:.2f}", f"{count / seconds:,.0f}"]


if __name__ == "__main__":
    print(json.dumps(figures(int(sys.argv[1]))))
