"""Tells admins when imports stop doing what they should, and when they do again: once per change of state. Beside it, who
waits for an admin's decision is told of for as long as they wait, each kind in its own alert, whatever later imports do.

An alert is a row, written in the transaction that changes the state; pages show the open ones, and a worker's job mails
them each minute (accounts.mailing).
"""

from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from carillon.accounts import mailing
from carillon.imports.alert_kinds import WAITING, AlertKind
from carillon.imports.models import (
    HeldLeavers,
    HeldOptIns,
    ImportAlert,
    ImportRun,
    ImportSetup,
    RunStatus,
    Trigger,
)
from carillon.lib.clock import now

# The import of Contacts ...
WHAT = {
    AlertKind.FAILED: "fails",
    AlertKind.MISSED: "was missed",
    AlertKind.BUDGET: "is held back by the API budget",
    AlertKind.HELD: "found many who left and holds them",
    AlertKind.OPT_INS: "would opt many back in and holds them",
}


def run_failed(run: ImportRun) -> None:
    """The run ended without success. Call it in the transaction that ends the run."""
    held_back = run.status == RunStatus.POSTPONED or run.over_budget
    how = "by schedule" if run.trigger == Trigger.SCHEDULED else f"started by {run.started_by_name}"
    sentence = f"The import of {run.object}s {how} ended as {run.status}: {run.error}"
    _raise(
        ImportAlert(
            setup_id=run.setup_id,
            kind=AlertKind.BUDGET if held_back else AlertKind.FAILED,
            sentence=sentence,
            remedy=run.remedy,
            run=run,
        )
    )


def starts_missed(setup: ImportSetup, sentence: str, remedy: str) -> None:
    """Windows passed while nothing looked at the schedule. Call it in the transaction that records them."""
    _raise(ImportAlert(setup=setup, kind=AlertKind.MISSED, sentence=sentence, remedy=remedy))


def import_succeeded(
    run: ImportRun, *, held: HeldLeavers | None = None, opt_ins: HeldOptIns | None = None
) -> None:
    """What was wrong with the setup's imports is over; `held` and `opt_ins` wait for an admin now, and nobody else. Call
    it in the transaction that ends the run."""
    _troubles(run.setup_id).update(over_at=now(), recovered=True)
    for kind, found in ((AlertKind.HELD, held), (AlertKind.OPT_INS, opt_ins)):
        if found:
            alert = ImportAlert(setup_id=run.setup_id, kind=kind, sentence=found.reason, run=found.run)
            alert.remedy = _HELD_REMEDIES[kind]
            _raise(alert)
        else:
            _open(run.setup_id).filter(kind=kind).update(over_at=now(), recovered=True)


_HELD_REMEDIES = {
    AlertKind.HELD: "Nobody of them was taken off yet: apply it, or drop it, on the page of the import.",
    AlertKind.OPT_INS: "Nobody of them was opted in: look at the Opt-Out Field of the setup, then apply it, or drop it, on"
    " the page of the import.",
}


def held_decided(setup: ImportSetup, kind: AlertKind = AlertKind.HELD) -> None:
    """An admin decided about who was held."""
    _open(setup.pk).filter(kind=kind).update(over_at=now())


def switched_off(setup: ImportSetup) -> None:
    """Nobody waits for imports that an admin has switched off. Who is held by one that was waits still."""
    _troubles(setup.pk).update(over_at=now())


@transaction.atomic
def _raise(alert: ImportAlert) -> None:
    found = (
        _open(alert.setup_id).filter(kind=alert.kind) if alert.kind in WAITING else _troubles(alert.setup_id)
    )
    known = found.select_for_update().first()
    if known and known.kind == alert.kind:
        # The same state goes on: the page tells the latest reason, and nobody is mailed again.
        known.sentence, known.remedy, known.run = alert.sentence, alert.remedy, alert.run
        known.save(update_fields=["sentence", "remedy", "run"])
        return
    if known:
        found.update(over_at=now())
    alert.save()


def _open(setup_id: int) -> QuerySet[ImportAlert]:
    return ImportAlert.objects.filter(setup=setup_id, over_at__isnull=True)


def _troubles(setup_id: int) -> QuerySet[ImportAlert]:
    return _open(setup_id).exclude(kind__in=WAITING)


def send_mails() -> int:
    """Sends what is to be told and was not yet; how many mails went out."""
    alerts = ImportAlert.objects.select_related("setup__workspace", "run")
    return mailing.send_waiting(
        alerts,
        begun=lambda alert: _message(alert, *_begun(alert)),
        ended=lambda alert: _message(alert, *_ended(alert)),
    )


def what_happens(alert: ImportAlert) -> str:
    """The state in a few words, for a title or a subject."""
    return f"The import of {alert.setup.object}s {WHAT[AlertKind(alert.kind)]}"


def _begun(alert: ImportAlert) -> tuple[str, str]:
    until = "unless an import settles it by itself" if alert.kind in WAITING else "until it is over"
    return (
        what_happens(alert),
        f"{alert.sentence}\n\n{alert.remedy}\n\nYou get no other mail about this {until}.",
    )


def _ended(alert: ImportAlert) -> tuple[str, str]:
    if alert.kind in WAITING:
        whom = "nobody" if alert.kind == AlertKind.HELD else "no opt-ins"
        return (
            f"The import of {alert.setup.object}s holds {whom} any more",
            f"An import of {alert.setup.object}s at {alert.over_at:%Y-%m-%d %H:%M} UTC found otherwise. There is nothing"
            " to decide any more.",
        )
    return (
        f"The import of {alert.setup.object}s works again",
        f"An import of {alert.setup.object}s succeeded at {alert.over_at:%Y-%m-%d %H:%M} UTC. What was wrong since"
        f" {alert.since:%Y-%m-%d %H:%M} UTC is over.",
    )


def _message(alert: ImportAlert, subject: str, text: str) -> EmailMessage:
    page = reverse("import_run", args=[alert.run.public_id]) if alert.run else reverse("import_history")
    return mailing.message(alert.setup.workspace, subject, text, page)
