"""From a STOP to its acknowledgement by the org: one at a time at a steady pace, and a storm. A worker, the org and the
database are processes of their own, as in production; all on this machine."""

import json
import subprocess
import time
from typing import Any

from benchmarks import stage

RATE = 20
STEADY_SECONDS = 30
STORM = 10_000
STORM_SECONDS = 60
PATIENCE = 300


def run(contacts: int) -> None:
    people = STORM + RATE * STEADY_SECONDS + 1_000
    with stage.carillon_home() as env, stage.orgsim(people) as org:
        stage.set_up(env, org)
        stage.run([str(stage.BIN / "carillon"), "import", "contact"], env)
        worker = subprocess.Popen(
            [str(stage.BIN / "carillon"), "worker"],
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            output = subprocess.run(
                stage.step("benchmarks.pushing"), env=env, check=True, stdout=subprocess.PIPE
            ).stdout
        finally:
            worker.terminate()
            worker.wait(60)
    stage.table(
        ["what", "texts", "median s", "99th s", "worst s", "after the last s", "calls"], json.loads(output)
    )


def figures() -> list[list[str]]:
    from carillon.cli import runtime

    runtime.prepare()
    from carillon.accounts.models import Workspace
    from carillon.consent import actions, importing
    from carillon.consent.reading import FieldKind
    from carillon.contacts.models import Contact

    workspace = Workspace.objects.get()
    field = actions.OptOutField("SMS_Opt_Out__c", FieldKind.CHECKBOX)
    mapping = actions.set_mapping(workspace=workspace, object_name="Contact", field=field, by=None)
    importing.everything_was_read(
        workspace=workspace, object_name="Contact", version=mapping.version if mapping else 0
    )
    people = Contact.objects.filter(workspace=workspace).exclude(mobile_number="")
    numbers = list(people.order_by("pk").values_list("mobile_number", flat=True).distinct())
    steady = RATE * STEADY_SECONDS
    # The first one signs in, and the worker starts.
    _said(workspace, numbers[:1], 1.0)
    _wait(workspace)
    return [
        _measured(workspace, f"{RATE} a second", numbers[1 : 1 + steady], STEADY_SECONDS),
        _measured(workspace, "a storm", numbers[1 + steady : 1 + steady + STORM], STORM_SECONDS),
    ]


def _measured(workspace: Any, what: str, numbers: list[str], seconds: float) -> list[str]:
    from django.db import connection

    from carillon.consent.models import ConsentPush

    first = ConsentPush.objects.latest("pk").pk
    before = _calls(workspace)
    _said(workspace, numbers, seconds)
    said = time.monotonic()
    _wait(workspace)
    after = time.monotonic() - said
    with connection.cursor() as cursor:
        cursor.execute(
            "select percentile_cont(array[0.5, 0.99, 1]) within group (order by extract(epoch from settled_at - created_at))"
            " from consent_consentpush where id > %s and state = 'acknowledged'",
            [first],
        )
        spread = [f"{value:.3f}" for value in cursor.fetchone()[0]]
    # A worker counts its calls when it has nothing more to deliver.
    time.sleep(12)
    return [what, f"{len(numbers):,}", *spread, f"{after:.1f}", f"{_calls(workspace) - before:,}"]


def _said(workspace: Any, numbers: list[str], seconds: float) -> None:
    from carillon.consent import actions
    from carillon.consent.keywords import Meaning

    begun = time.monotonic()
    for place, number in enumerate(numbers):
        time.sleep(max(0.0, begun + seconds * place / len(numbers) - time.monotonic()))
        actions.text_received(
            workspace=workspace, number=number, words="STOP", meaning=Meaning.STOP, message_id=f"SM{number}"
        )


def _wait(workspace: Any) -> None:
    from carillon.consent import queries

    deadline = time.monotonic() + PATIENCE
    while queries.pending(workspace).exists():
        if time.monotonic() > deadline:
            raise RuntimeError("pushes are still pending")
        time.sleep(0.1)


def _calls(workspace: Any) -> int:
    from carillon.connections.usage import day_of

    return day_of(workspace.pk).pushes


if __name__ == "__main__":
    print(json.dumps(figures()))
