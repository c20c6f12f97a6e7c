"""Steps that run in a process of their own and print what they measured as JSON.

fetch: only fetch and decode the pages. write: only store rows made from memory. import: a whole run, with the
seconds of each of its phases; by pages, or by the way it chooses itself; with the day's stamps, or as they are due.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

from carillon.cli import runtime

runtime.prepare()

from django.db import connection, transaction  # noqa: E402

from carillon.connections.clients import client_for, sign_in  # noqa: E402
from carillon.connections.models import SalesforceConnection  # noqa: E402
from carillon.consent import importing as consent_of_imports  # noqa: E402
from carillon.imports import held_opt_ins, loader  # noqa: E402
from carillon.imports.batches import Mapped, batches  # noqa: E402
from carillon.imports.consents import Hearing  # noqa: E402
from carillon.imports.drafts import draft_of  # noqa: E402
from carillon.imports.dry_run import Trial, try_import  # noqa: E402
from carillon.imports.loader import load  # noqa: E402
from carillon.imports.mapping import Mapper  # noqa: E402
from carillon.imports.models import ImportRun, ImportSetup, Mode, RunStatus  # noqa: E402
from carillon.imports.planning import make_plan  # noqa: E402
from carillon.imports.reading import Reader  # noqa: E402
from carillon.imports.runner import Options, execute  # noqa: E402
from carillon.imports.runs import Request, close, new_run  # noqa: E402
from carillon.salesforce.bulk import routes  # noqa: E402


def fetch() -> dict[str, Any]:
    setup, client_connection = ImportSetup.objects.get(), SalesforceConnection.objects.get()
    records, started = 0, 0.0
    with client_for(client_connection) as client:
        sign_in(client, client_connection)
        plan, _ = make_plan(client, setup)
        reader = Reader(client, plan, Mapper(plan).record)
        started = time.monotonic()
        for part in reader.records(None, None):
            records += len(part.records)
    return {"records": records, "seconds": time.monotonic() - started}


def write() -> dict[str, Any]:
    """Times only the writer; rows are mapped between its batches."""
    setup, client_connection = ImportSetup.objects.get(), SalesforceConnection.objects.get()
    empty()
    run = new_run(Request(setup, Mode.EVERYTHING), RunStatus.RUNNING)
    seconds, records = 0.0, 0
    with client_for(client_connection) as client:
        sign_in(client, client_connection)
        plan, _ = make_plan(client, setup)
        mapper = Mapper(plan)
        reader = Reader(client, plan, mapper.record)
        mapped = (Mapped(mapper.page(part.records), None, None) for part in reader.records(None, None))
        for page in batches(mapped, clock=lambda: 0.0):
            started = time.monotonic()
            with transaction.atomic():
                load(run, page.batch, hearing=Hearing(plan.meaning, client.session.user_id))
            seconds += time.monotonic() - started
            records += len(page.batch.rows)
    close(run, RunStatus.CANCELLED)
    return {"records": records, "seconds": seconds}


def import_(mode: str, way: str = "", sweep: str = "") -> dict[str, Any]:
    if way == "pages":
        routes.THRESHOLD = sys.maxsize
    if sweep == "stamps":
        ImportSetup.objects.update(stamps_swept_at=None)
    entered: list[tuple[str, float]] = [("starting", time.monotonic())]

    def note(run: ImportRun) -> None:
        if run.phase != entered[-1][0]:
            entered.append((run.phase, time.monotonic()))

    consent, started = _watched_consent(), time.process_time()
    run = execute(Request(ImportSetup.objects.get(), Mode(mode)), Options(on_progress=note))
    cpu, ended = time.process_time() - started, time.monotonic()
    ends = [at for _, at in entered[1:]] + [ended]
    return {
        "status": run.status,
        "error": run.error,
        "received": run.received,
        "created": run.created,
        "updated": run.updated,
        "unchanged": run.unchanged,
        "org_count": run.org_count,
        "opted_out": run.opted_out,
        "opted_in": run.opted_in,
        "consent": sum(consent),
        "api_calls": run.api_calls,
        "seconds": ended - entered[0][1],
        "cpu": cpu,
        "phases": {phase: end - at for (phase, at), end in zip(entered, ends, strict=True)},
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _watched_consent() -> list[float]:
    """Seconds of all that an import does about consent, but for reading a value off its record, as they pass."""
    passed: list[float] = []

    def watched(work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any, **named: Any) -> Any:
            started = time.monotonic()
            try:
                return work(*given, **named)
            finally:
                passed.append(time.monotonic() - started)

        return timed

    for module, name in (
        (loader, "still_means"),
        (loader, "telling"),
        (loader, "tell"),
        (consent_of_imports, "_look_again"),
        (held_opt_ins, "settle"),
    ):
        setattr(module, name, watched(getattr(module, name)))
    return passed


def dry_run() -> dict[str, Any]:
    """What an import of everything would do to what is stored, by pages."""
    routes.THRESHOLD = sys.maxsize
    setup, started = ImportSetup.objects.get(), time.process_time()
    found = try_import(Trial(setup, draft_of(setup), setup.source_label, Mode.EVERYTHING))
    return {
        "status": found.status,
        "received": found.received,
        "seconds": found.seconds,
        "cpu": time.process_time() - started,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def empty() -> dict[str, Any]:
    """Forgets every contact and every run, as before the first import."""
    with connection.cursor() as cursor:
        cursor.execute(
            "truncate contacts_contact, contacts_fieldchange, imports_importrun, imports_runbatch, imports_recordissue"
            " restart identity cascade"
        )
    ImportSetup.objects.update(watermark=None, imported_fingerprint="", stamps_swept_at=None)
    return {}


if __name__ == "__main__":
    steps: dict[str, Callable[..., dict[str, Any]]] = {
        "fetch": fetch,
        "write": write,
        "import": import_,
        "dry-run": dry_run,
        "empty": empty,
    }
    print(json.dumps(steps[sys.argv[1]](*sys.argv[2:])))
