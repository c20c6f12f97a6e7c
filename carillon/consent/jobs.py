"""What a worker does for consent."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from django.db import close_old_connections

from carillon.accounts.models import Workspace
from carillon.consent import actions, alerts, audit, push, pushes, waking
from carillon.consent.models import OptOutMapping, Review
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
    """What a lost wake-up left, pushes that go nowhere, how the others fare, and reviews that are due."""
    close_old_connections()
    at = push.database_now()
    _each(lambda step: step(at), (_wake_again, pushes.withdraw_unmapped, _look_at_pushes, close_due_reviews))


def _wake_again(at: datetime) -> None:
    _each(waking.wake_after_commit, push.workspaces_due(at))


def _look_at_pushes(at: datetime) -> None:
    _each(lambda workspace_id: alerts.look(workspace_id, at), alerts.workspaces_to_look_at())


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
