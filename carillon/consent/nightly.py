"""When a workspace's consent is audited by itself: each night, or, when no worker ran or the org was down, as soon after
as it can be. Asked each minute, so no moment is missed; an audit that failed or was cut off is begun again."""

from datetime import datetime, time, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from carillon.accounts.models import Workspace
from carillon.connections.models import SalesforceConnection
from carillon.consent.models import ConsentAudit, OptOutMapping

# After the hour in which refused pushes are tried again.
NIGHT = time(8, 23)
AGAIN_AFTER = timedelta(hours=1)
OVERDUE_AFTER = timedelta(hours=26)


def workspaces_due(now: datetime) -> QuerySet[Workspace]:
    """Those where tonight's audit has not been done: last night's, before this one begins. One whose opt-out field was
    mapped since waits for the next night, and one that failed for an hour."""
    night = last_night(now)
    audits = ConsentAudit.objects.filter(workspace=OuterRef("pk"), finished_at__isnull=False)
    done = audits.filter(started_at__gte=night, repairs=True, error="")
    failed = audits.filter(finished_at__gt=now - AGAIN_AFTER).exclude(error="")
    return _to_audit(night).exclude(Exists(done)).exclude(Exists(failed)).order_by("pk")


def is_overdue(workspace: Workspace, now: datetime) -> bool:
    """No audit went well for more than a night, although one could have."""
    since = now - OVERDUE_AFTER
    done = ConsentAudit.objects.filter(workspace=workspace, finished_at__gte=since, error="")
    return _to_audit(since).filter(pk=workspace.pk).exists() and not done.exists()


def last_night(now: datetime) -> datetime:
    """When the night began that it is, or that was last."""
    tonight = datetime.combine(now.date(), NIGHT, now.tzinfo)
    return tonight if tonight <= now else tonight - timedelta(days=1)


def _to_audit(since: datetime) -> QuerySet[Workspace]:
    """Those with a connection, and an opt-out field that was mapped before."""
    mapped = OptOutMapping.objects.filter(workspace=OuterRef("pk"), since__lt=since).exclude(field="")
    connected = SalesforceConnection.objects.filter(workspace=OuterRef("pk"))
    return Workspace.objects.filter(Exists(mapped), Exists(connected))
