"""What can happen to an org, as verbs: staff edit, fields vanish, sessions end, connections drop.

Tests call them in process, other programs over the admin endpoint.
"""

import msgspec

from orgsim import listviews
from orgsim.automation.verbs import AutomationVerbs
from orgsim.bulk.verbs import BulkVerbs
from orgsim.faults import Fault
from orgsim.ids import serial_id
from orgsim.limits_table import API_REQUESTS
from orgsim.org import Org
from orgsim.records.verbs import RecordVerbs
from orgsim.reports.verbs import ReportVerbs
from orgsim.signin.verbs import SignInVerbs
from orgsim.viewdef import ListView, Node, Order


class Scenario(BulkVerbs, SignInVerbs, RecordVerbs, AutomationVerbs, ReportVerbs):
    def __init__(self, org: Org) -> None:
        self.org = org
        self.store = org.store

    # Faults

    def fail_next(
        self, status: int, times: int = 1, path_contains: str | None = None, after: int = 0
    ) -> None:
        """Answer `times` requests with an error status, once `after` requests of such a path went well."""
        self.org.faults.order(Fault(times=times, after=after, path_contains=path_contains, status=status))

    def drop_connection(self, times: int = 1, path_contains: str | None = None, after: int = 0) -> None:
        """Close the connection in the middle of the body."""
        self.org.faults.order(Fault(times=times, after=after, path_contains=path_contains, drop=True))

    def slow(self, seconds: float, times: int = 1, path_contains: str | None = None, after: int = 0) -> None:
        self.org.faults.order(Fault(times=times, after=after, path_contains=path_contains, seconds=seconds))

    def clear_faults(self) -> None:
        self.org.faults.clear()

    def forget_cursors(self) -> None:
        """Every open query locator becomes unknown, as after two days."""
        self.org.cursors.clear()

    # The org

    def switch(self, name: str, value: str) -> None:
        """Set one of the switches of orgsim/switches.py."""
        self.org.switches.set(name, value)

    def switches(self) -> dict[str, str]:
        """Every switch and how it is set."""
        return self.org.switches.all()

    def set_clock_offset(self, seconds: float) -> None:
        self.org.clock.offset_seconds = seconds
        self.store.set_meta("clock_offset", str(seconds))

    def set_commit_delay(self, minutes: float) -> None:
        """Let every write become visible only this long after its stamp, 0 to 15 in a real org."""
        self.org.set_commit_delay(minutes)

    def set_limit(self, limit: int, name: str = API_REQUESTS) -> None:
        """What the org may use at most: of its daily API requests, or of another entry of /limits."""
        self.org.usage.set_limit(name, limit)

    def bump_limit(self, name: str = API_REQUESTS, by: int | None = None) -> None:
        """Use up `by` of an allowance as other programs would, all that is left when not said."""
        left = self.org.usage.remaining(name)
        self.org.usage.take(name, left if by is None else min(by, left))

    def refresh_sandbox(self) -> str:
        """Another org behind the same address: the new org id."""
        with self.store.writing() as connection:
            number = int(self.store.meta("refreshes", "0")) + 1
            org_id = serial_id("00D", number + 1)
            self.store.set_meta("refreshes", str(number))
            self.store.set_meta("org_id", org_id)
            connection.execute("UPDATE Organization SET Id = ?, IsSandbox = 1", (org_id,))
        self.org.sessions.expire_all()
        self.org.cursors.clear()
        self.org.bulk.clear()
        return org_id

    def hide_field(self, sobject: str, field: str) -> None:
        """Field-level security takes a field from the API user."""
        self.org.set_hidden(sobject, field, hidden=True)

    def show_field(self, sobject: str, field: str) -> None:
        self.org.set_hidden(sobject, field, hidden=False)

    def grant(self, sobject: str, permission: str) -> None:
        """Give the API user `Read`, `Create`, `Edit`, `Delete`, `View All` or `Modify All` of an object, and what
        that needs."""
        self.org.set_permission(sobject, permission, granted=True)

    def ungrant(self, sobject: str, permission: str) -> None:
        """Take an object permission from the API user, and those that need it."""
        self.org.set_permission(sobject, permission, granted=False)

    def block_permission_queries(self) -> None:
        """The API user may no longer read the objects that hold permissions, as in many orgs."""
        self.org.block_permission_queries(blocked=True)

    def allow_permission_queries(self) -> None:
        self.org.block_permission_queries(blocked=False)

    # List views

    def unshare(self, list_view: str) -> None:
        """Take a view (API name, label or id) from the API user."""
        self._change(list_view, shared=False)

    def share(self, list_view: str) -> None:
        self._change(list_view, shared=True)

    def _change(self, list_view: str, *, shared: bool) -> None:
        view = listviews.any_view(self.org, list_view)
        listviews.save_view(self.org, msgspec.structs.replace(view, shared=shared))

    def delete_list_view(self, list_view: str) -> None:
        listviews.delete_view(self.org, listviews.any_view(self.org, list_view))

    def add_list_view(
        self,
        sobject: str,
        developer_name: str,
        *,
        label: str | None = None,
        columns: tuple[str, ...] = ("Name", "MobilePhone"),
        where: Node | None = None,
        scope: str | None = None,
        shared: bool = True,
    ) -> str:
        """A new view; its id."""
        view = ListView(
            id="",
            position=0,
            sobject=sobject,
            developer_name=developer_name,
            label=label or developer_name,
            columns=tuple(columns),
            where=where,
            order=(Order("Name"),),
            scope=scope,
            shared=shared,
        )
        return listviews.save_view(self.org, view).id

    def set_list_view_filter(self, list_view: str, where: Node | None) -> None:
        view = listviews.any_view(self.org, list_view)
        listviews.save_view(self.org, msgspec.structs.replace(view, where=where))

    def relate_list_view(self, list_view: str, record_id: str | None) -> None:
        """Let a view belong to another record, as that of a campaign's members does."""
        view = listviews.any_view(self.org, list_view)
        listviews.save_view(self.org, msgspec.structs.replace(view, related_entity_id=record_id))
