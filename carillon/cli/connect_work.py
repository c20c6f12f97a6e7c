"""The part of `carillon connect` that needs Django."""

from django.db import transaction

from carillon.accounts.queries import only_workspace
from carillon.cli.quiet import quiet_retries
from carillon.connections import actions
from carillon.connections.models import ConnectionState
from carillon.imports.queries import uses_of
from carillon.lib.errors import CarillonError

_MARKS = {True: "ok", False: "missing", None: "unknown"}


def check(workspace: str, host: str) -> None:
    """What can be told without the secret. Raises CarillonError."""
    only_workspace(workspace)
    actions.checked_host(host)


def connect(workspace: str, host: str, client_id: str, secret: str) -> list[str]:
    """Lines to print. Raises CarillonError when the test fails; then what was saved before stays."""
    with quiet_retries(), transaction.atomic():
        known = only_workspace(workspace)
        connection = actions.save_connection(
            workspace=known, host=host, client_id=client_id, client_secret=secret, by=None
        )
        report = actions.test_connection(connection=connection, by=None, uses=uses_of(known))
        connection.refresh_from_db()
        if not report.ok and connection.state != ConnectionState.OTHER_ORG:
            raise CarillonError(f"{report.error} Nothing was saved.", report.remedy)
    if not report.ok:
        raise CarillonError(report.error, report.remedy)
    used = f"{report.calls_used:,} of {report.calls_limit:,}" if report.calls_limit else "unknown"
    lines = [
        f"Connected to {report.org_name} ({report.org_id}) as {report.api_user}, API version"
        f" {report.api_version}; API calls of the last 24 hours: {used}."
    ]
    for check in report.checks:
        mark = (
            _MARKS[check.ok]
            if check.ok or not check.unless
            else f"{_MARKS[check.ok]}, {check.unless.lower()}"
        )
        lines.append(f"  {check.name}: {mark}" + (f" - {check.remedy}" if check.remedy else ""))
    return lines
