"""What pages say about imports and pushes: what is wrong now, and what is out of date."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, Q

from carillon.accounts import mailing
from carillon.accounts.models import Workspace
from carillon.consent.alerts import open_alerts as push_alerts
from carillon.consent.models import Trouble
from carillon.imports import alerts, scheduler, windows
from carillon.imports.models import (
    ImportAlert,
    ImportRun,
    ImportSetup,
    RunStatus,
)

# A scheduler looks each minute; a start that nobody took for so long means that none runs.
OVERDUE_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Notice:
    """`since` is when it began; `run` the one to look at, if there is one; `mail` says why nobody was mailed; `page` is the
    name of the page that says more; `seen` of the one that an admin tells that it needs no more looking at."""

    title: str
    sentence: str
    remedy: str
    since: datetime
    run: ImportRun | None = None
    mail: str = ""
    page: str = ""
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Stale:
    """The setup's people are as of `as_of`, and an import due at `promised` should have refreshed them."""

    setup: ImportSetup
    as_of: datetime
    promised: datetime


def notices(workspace: Workspace, now: datetime) -> list[Notice]:
    """What is wrong with the workspace's pushes and imports now; each stays until it is over."""
    found = ImportAlert.objects.filter(setup__workspace=workspace, over_at__isnull=True)
    shown = [
        Notice(
            Trouble(alert.kind).label,
            alert.sentence,
            alert.remedy,
            alert.since,
            mail=mailing.mail_trouble(alert),
            page="consent",
        )
        for alert in push_alerts(workspace, now)
    ]
    shown += [_notice(alert) for alert in found.select_related("setup", "run").order_by("since", "pk")]
    for setup in scheduler.scheduled_setups().filter(workspace=workspace).order_by("object"):
        waiting = scheduler.undecided(setup, now - OVERDUE_AFTER)
        if waiting:
            shown.append(
                Notice(
                    f"The import of {setup.object}s did not start",
                    "It is due by schedule, but nothing looks at the schedule now: no worker runs.",
                    scheduler.KEEP_A_WORKER,
                    waiting[-1].at,
                )
            )
    return shown


def _notice(alert: ImportAlert) -> Notice:
    mail = mailing.mail_trouble(alert)
    return Notice(alerts.what_happens(alert), alert.sentence, alert.remedy, alert.since, alert.run, mail)


def stale(workspace: Workspace, now: datetime) -> list[Stale]:
    """Setups whose last successful import is older than their schedule promises."""
    succeeded = Q(runs__status=RunStatus.SUCCEEDED)
    setups = scheduler.scheduled_setups().filter(workspace=workspace).order_by("object")
    found = []
    for setup in setups.annotate(
        ended=Max("runs__finished_at", filter=succeeded), as_of=Max("runs__started_at", filter=succeeded)
    ):
        promised = windows.promised(setup.schedule, setup.scheduled_since, now)
        if promised and setup.ended and setup.ended < promised:
            found.append(Stale(setup, setup.as_of, promised))
    return found
