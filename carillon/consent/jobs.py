"""What a worker does for consent."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from django.db import close_old_connections

from carillon.accounts.models import Workspace
from carillon.consent import actions, alerts, audit, nightly, push, pushes, waking
from carillon.consent.models import Review
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from carillon.salesforce.errors import SalesforceError

log = logging.getLogger("carillon.consent")
REVIEWS_TOGETHER = 1000

T = TypeVar("T")


def deliver(workspace_id: int) -> None:
    # The worker's threads live on between jobs; a connection that broke meanwhile must not fail this one.
    close_old_connections()
    push.deliver(workspace_id)


def look_after() -> None:
    """What a lost wake-up left, pushes that go nowhere, how the others fare, and reviews and audits that are due."""
    close_old_connections()
    at = push.database_now()
    steps = (_wake_again, pushes.withdraw_unmapped, _look_at_pushes, close_due_reviews, _audit_again)
    _each(lambda step: step(at), steps)


def _wake_again(at: datetime) -> None:
    _each(waking.wake_after_commit, push.workspaces_due(at))


def _look_at_pushes(at: datetime) -> None:
    _each(lambda workspace_id: alerts.look(workspace_id, at), alerts.workspaces_to_look_at())


def _audit_again(at: datetime) -> None:
    _each(lambda workspace: waking.audit_after_commit(workspace.pk), nightly.workspaces_due(at))


def close_due_reviews(at: datetime) -> None:
    """A likely opt-out that nobody decided about counts as one."""
    due = Review.objects.filter(closed_at__isnull=True, due_at__lte=at).order_by("due_at", "pk")
    found = list(due[:REVIEWS_TOGETHER])
    _each(lambda review: actions.close_review(review=review, is_opt_out=True, by=None), found)


def _each(work: Callable[[T], object], found: Iterable[T]) -> None:
    """With each of them, whatever became of the others; then the first error is raised."""
    errors: list[Exception] = []
    for one in found:
        try:
            work(one)
        except Exception as error:
            errors.append(error)
    if errors:
        raise errors[0]


def send_alerts() -> int:
    close_old_connections()
    return alerts.send_mails()


def audit_when_due(workspace_id: int, *, asked: bool = False) -> None:
    """Compares the workspace with its org, and repairs what differs. What stops it is kept with the audit and shown; it is
    begun again later. Nothing, when another job did it meanwhile, unless somebody `asked`. Raises what nobody foresaw."""
    close_old_connections()
    due = Workspace.objects.all() if asked else nightly.workspaces_due(now())
    workspace = due.filter(pk=workspace_id).first()
    if workspace is None:
        return
    try:
        audit.run(workspace, repair=True)
    except (CarillonError, SalesforceError) as error:
        log.warning("the audit of consent in workspace %d failed: %s", workspace_id, type(error).__name__)
