"""The part of `carillon connect` that needs Django."""

from carillon.accounts.queries import only_workspace
from carillon.connections import actions
from carillon.lib.errors import CarillonError

_MARKS = {True: "ok", False: "missing", None: "unknown"}


def connect(workspace: str, host: str, client_id: str, secret: str) -> list[str]:
    """Lines to print. Raises CarillonError when the test fails; what was entered is saved all the same."""
    connection = actions.save_connection(
        workspace=only_workspace(workspace), host=host, client_id=client_id, client_secret=secret, by=None
    )
    report = actions.test_connection(connection=connection, by=None)
    if not report.ok:
        raise CarillonError(report.error, report.remedy)
    used = f"{report.calls_used:,} of {report.calls_limit:,}" if report.calls_limit else "unknown"
    lines = [
        f"Connected to {report.org_name} ({report.org_id}) as {report.api_user}, API version"
        f" {report.api_version}; API calls of the last 24 hours: {used}."
    ]
    for check in report.checks:
        lines.append(f"  {check.name}: {_MARKS[check.ok]}" + (f" - {check.remedy}" if check.remedy else ""))
    return lines
