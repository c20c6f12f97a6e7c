"""API calls as they are spent: how many, what for, in which hour; and what the org itself says about its last 24 hours.

Counted by hour, so that a rolling day is one short read of an index. An hour that is only partly older than 24 hours
counts whole: up to an hour too careful, never too generous.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection as database
from django.db import transaction
from django.db.models import Sum

from carillon.connections.models import CallsInHour, Purpose, SalesforceConnection
from carillon.lib.clock import now
from carillon.salesforce.client import Client
from carillon.salesforce.transport import ApiUsage

DAY = timedelta(hours=24)
# What the org said longer ago than this may have changed too much to decide by.
FRESH_FOR = timedelta(hours=1)
KEEP = timedelta(days=35)
# Dry runs read as imports do, so the cap is theirs too.
CAPPED = (Purpose.IMPORT, Purpose.DRY_RUN)
_ADD = """
insert into connections_callsinhour (workspace_id, hour, purpose, calls) values (%s, %s, %s, %s)
on conflict (workspace_id, hour, purpose) do update set calls = connections_callsinhour.calls + excluded.calls
"""


@dataclass(frozen=True, slots=True)
class DayOfCalls:
    """Calls of a workspace in its last 24 hours, by purpose."""

    imports: int = 0
    dry_runs: int = 0
    setup: int = 0
    pushes: int = 0

    @property
    def capped(self) -> int:
        """Those the cap of imports is about."""
        return self.imports + self.dry_runs

    @property
    def all(self) -> int:
        return self.capped + self.setup + self.pushes


def record(workspace_id: int, purpose: Purpose, calls: int, usage: ApiUsage | None) -> None:
    """Adds calls that were made, and keeps what the org said about its own count."""
    at = now()
    if calls:
        with database.cursor() as cursor:
            hour = at.replace(minute=0, second=0, microsecond=0)
            cursor.execute(_ADD, [workspace_id, hour, purpose, calls])
    if usage:
        SalesforceConnection.objects.filter(workspace=workspace_id).update(
            org_calls_used=usage.used, org_calls_limit=usage.limit, org_calls_at=at
        )


@contextmanager
def recorded(client: Client, connection: SalesforceConnection) -> Iterator[Client]:
    """Records what a page or command spends inside the block, also when it fails."""
    try:
        yield client
    finally:
        calls, usage = client.transport.total_calls, client.transport.usage
        # Not before a transaction around it is over: the hour's row would be locked while the org is asked.
        transaction.on_commit(lambda: record(connection.workspace_id, Purpose.SETUP, calls, usage))


def day_of(workspace_id: int, at: datetime | None = None) -> DayOfCalls:
    since = (at or now()) - DAY - timedelta(hours=1)
    found = CallsInHour.objects.filter(workspace=workspace_id, hour__gt=since)
    spent: dict[str, int] = dict(found.values_list("purpose").annotate(total=Sum("calls")).order_by())
    return DayOfCalls(
        spent.get(Purpose.IMPORT, 0),
        spent.get(Purpose.DRY_RUN, 0),
        spent.get(Purpose.SETUP, 0),
        spent.get(Purpose.PUSH, 0),
    )


def fresh_usage(connection: SalesforceConnection) -> ApiUsage | None:
    """What the org said within the last hour; None when that is longer ago, or it never said anything."""
    at, used, limit = connection.org_calls_at, connection.org_calls_used, connection.org_calls_limit
    if at is None or used is None or limit is None or now() - at > FRESH_FOR:
        return None
    return ApiUsage(used, limit)


def delete_old(at: datetime) -> None:
    CallsInHour.objects.filter(hour__lt=at - KEEP).delete()
