"""What a worker does for consent."""

import logging

from django.db import close_old_connections

from carillon.accounts.models import Workspace
from carillon.consent import actions, alerts, audit, push, waking
from carillon.consent.models import OptOutMapping, Review
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
    """What a lost wake-up left, which nothing else may hold up; reviews that are due; and how pushes fare."""
    close_old_connections()
    for workspace_id in push.workspaces_due(now()):
        waking.wake_after_commit(workspace_id)
    close_due_reviews()
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


def audit_all() -> None:
    """Compares each workspace that has an opt-out field with its org, and repairs what differs. What stops one is kept
    with its audit and shown; the others have theirs all the same. Raises what nobody foresaw, at the end."""
    close_old_connections()
    mapped = OptOutMapping.objects.exclude(field="").values("workspace")
    unforeseen: list[Exception] = []
    for workspace in Workspace.objects.filter(pk__in=mapped):
        try:
            audit.run(workspace, repair=True)
        except (CarillonError, SalesforceError) as error:
            log.warning("the audit of consent in workspace %d failed: %s", workspace.pk, type(error).__name__)
        except Exception as error:
            log.exception("the audit of consent in workspace %d failed", workspace.pk)
            close_old_connections()
            unforeseen.append(error)
    if unforeseen:
        raise ExceptionGroup("audits of consent failed", unforeseen)
