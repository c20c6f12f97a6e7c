"""Setups with a schedule, on a Monday in New York. Tests say what time it is; nothing waits."""

from datetime import UTC, datetime, timedelta

from carillon.accounts.models import Workspace
from carillon.connections.actions import save_connection
from carillon.imports import windows
from carillon.imports.models import ImportSetup

MIDNIGHT = datetime(2026, 11, 2, 5, tzinfo=UTC)
MORNING, NOON, EVENING = windows.WINDOWS


def scheduled(setup: ImportSetup, *chosen: str, since: datetime = MIDNIGHT) -> ImportSetup:
    """The setup with these windows (all three when none is named), as if saved at `since`."""
    setup.windows, setup.scheduled_since = list(chosen or windows.WINDOWS), since
    setup.save(update_fields=["windows", "scheduled_since"])
    return setup


def start_at(setup: ImportSetup, window: str, *, days: int = 0) -> datetime:
    """When a window of that Monday, or of so many days later, starts."""
    return windows.next_start(setup.schedule, window, MIDNIGHT + timedelta(days=days)).at


def ready_setup(
    workspace: Workspace, org_url: str = "", source_id: str = "00B000000000001AAA"
) -> ImportSetup:
    """A setup that was not checked with an org; connected to one if there is an address."""
    if org_url:
        save_connection(
            workspace=workspace,
            host=org_url,
            client_id="orgsim-client",
            client_secret="orgsim-secret",
            by=None,
        )
    return ImportSetup.objects.create(
        workspace=workspace,
        object="Contact",
        enabled=True,
        source_type="list_view",
        source_id=source_id,
        source_label="All Contacts",
        first_name="FirstName",
        last_name="LastName",
        mobile_number="MobilePhone",
    )
