"""Mails about alerts, to a workspace's admins. Alerts are rows, written in the transaction that found what is wrong, so a
mail server that is down delays mails and loses none. Each is sent in a transaction of its own, by one process at a time."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q, QuerySet

from carillon.accounts.models import Alert, Workspace
from carillon.accounts.queries import active_admins
from carillon.lib.clock import now

log = logging.getLogger("carillon.alerts")

NO_MAIL = "django.core.mail.backends.dummy.EmailBackend"
# A mail about a state that ended longer ago than this would only confuse.
MAIL_WITHIN = timedelta(days=1)

A = TypeVar("A", bound=Alert)


def sends_mail() -> bool:
    """Whether this installation can send mail at all (CARILLON_SMTP_HOST)."""
    return bool(settings.EMAIL_BACKEND != NO_MAIL)


def mail_trouble(alert: Alert) -> str:
    """Why nobody was mailed about it; empty when somebody was, or will be."""
    if not sends_mail():
        return "Nobody is mailed about it: no mail server is set up. Whoever runs Carillon can do that (CARILLON_SMTP_HOST)."
    return alert.mail_error and f"The mail about it could not be sent: {alert.mail_error}"


def message(workspace: Workspace, subject: str, text: str, page: str) -> EmailMessage:
    """To all active admins; `page` is the address that says more, without the host."""
    return EmailMessage(
        # A line break in a subject is refused, and a workspace's name may hold one.
        subject=" ".join(f"{workspace.name}: {subject}".split()),
        body=f"{text}\n\n{settings.PUBLIC_URL}{page}\n",
        to=[admin.email for admin in active_admins(workspace)],
    )


def send_waiting(
    alerts: QuerySet[A], *, begun: Callable[[A], EmailMessage], ended: Callable[[A], EmailMessage]
) -> int:
    """Sends what of these alerts is to be told and was not yet; how many mails went out. One that can't be sent stays
    and is tried again with the next call."""
    if not sends_mail():
        return 0
    since = now() - MAIL_WITHIN
    starts = Q(mailed_at__isnull=True) & (Q(over_at__isnull=True) | Q(over_at__gt=since))
    ends = Q(recovered=True, mailed_at__isnull=False, recovery_mailed_at__isnull=True, over_at__gt=since)
    waiting = alerts.filter(starts | ends).order_by("since", "pk")
    return sum(_send(alerts, pk, begun, ended) for pk in waiting.values_list("pk", flat=True))


@transaction.atomic
def _send(
    alerts: QuerySet[A], pk: int, begun: Callable[[A], EmailMessage], ended: Callable[[A], EmailMessage]
) -> int:
    alert = alerts.select_for_update(of=("self",), skip_locked=True).filter(pk=pk).first()
    if alert is None:
        return 0
    sent = 0
    try:
        if alert.mailed_at is None:
            sent += begun(alert).send()
            alert.mailed_at, alert.mail_error = now(), ""
        if alert.recovered and alert.recovery_mailed_at is None:
            sent += ended(alert).send()
            alert.recovery_mailed_at, alert.mail_error = now(), ""
    # SMTP, name lookup, certificates: whatever it is, the alert stays and is told on the page.
    except Exception as error:
        log.warning("an alert could not be mailed: %s", error)
        alert.mail_error = f"{type(error).__name__}: {error}"
    alert.save(update_fields=["mailed_at", "recovery_mailed_at", "mail_error"])
    return sent
