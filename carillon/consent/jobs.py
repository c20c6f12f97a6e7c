"""What a worker does for consent."""

import logging

from django.db import close_old_connections

from carillon.consent import actions, alerts, audit, nightly, push, waking
from carillon.consent.models import Review
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from carillon.salesforce.errors import SalesforceError

log = logging.getLogger("carillon.consent")
REVIEWS_TOGETHER = 1000


def deliver(workspace_id: int) -> None:
    # The worker's threads live on between jobs; a connection that broke meanwhile must not fail this one.
    close_old_connections()
    push.deliver(workspace_id)


def look_after() -> None:
    """What a lost wake-up left, reviews and audits that are due, and how pushes fare."""
    close_old_connections()
    close_due_reviews()
    for workspace_id in push.workspaces_due(now()):
        waking.wake_after_commit(workspace_id)
    for workspace in nightly.workspaces_due(now()):
        waking.audit_after_commit(workspace.pk)
    for workspace_id in alerts.workspaces_to_look_at():
        alerts.look(workspace_id, now())


def close_due_reviews() -> int:
    """A likely opt-out that nobody decided about counts as one."""
    due = Review.objects.filter(closed_at__isnull=True, due_at__lte=now()).order_by("due_at", "pk")
    found = list(due[:REVIEWS_TOGETHER])
    for review in found:
        actions.close_review(review=review, is_opt_out=True, by=None)
    return len(found)


def send_alerts() -> int:
    close_old_connections()
    return alerts.send_mails()


def audit_when_due(workspace_id: int) -> None:
    """Compares the workspace with its org, and repairs what differs. What stops it is kept with the audit and shown; it is
    begun again later. Nothing, when another job did it meanwhile. Raises what nobody foresaw."""
    close_old_connections()
    workspace = nightly.workspaces_due(now()).filter(pk=workspace_id).first()
    if workspace is None:
        return
    try:
        audit.run(workspace, repair=True)
    except (CarillonError, SalesforceError) as error:
        log.warning("the audit of consent in workspace %d failed: %s", workspace_id, type(error).__name__)
