"""One open line to each workspace's org in this process: a client that is signed in, kept between pushes so that a STOP
need not wait for a sign-in. Whoever uses one delivers for the workspace alone."""

import threading
import time
from collections import deque
from datetime import datetime

from carillon.connections.clients import client_for, connection_for, sign_in
from carillon.connections.models import Purpose, SalesforceConnection
from carillon.connections.usage import record
from carillon.salesforce.client import Client
from carillon.salesforce.errors import BudgetSpent
from carillon.salesforce.transport import Retry

# A record is written in moments; so much longer a collection takes for each of its pushes where automations run.
SECONDS_FOR_ONE, SECONDS_FOR_EACH = 10.0, 0.15
SECONDS_FOR_ONE_OF_A_FAILING_ORG = 20.0
KEEP_SECONDS = 300.0
# Remembered; more of them in a second hold enough pushes in any case.
MOST_CLAIMS = 100


def patience(pushes: int, is_failing: bool) -> Retry:
    """How long an org may take to be told so many pushes: not long, since others wait for the worker's slot, but longer
    where it `is_failing`, since few slots wait for such orgs, and a slow one must get through. One quick repetition; what
    fails longer is waited for in the database, where it can be seen. Ends well before a push is taken for abandoned."""
    seconds = SECONDS_FOR_ONE_OF_A_FAILING_ORG if is_failing else SECONDS_FOR_ONE + SECONDS_FOR_EACH * pushes
    return Retry(
        budget_seconds=seconds, read_timeout=seconds, first_wait=0.2, longest_wait=1, most_attempts=2
    )


class Line:
    """`client` is signed in at the org we know. `settle` counts what was spent since it was called last."""

    def __init__(self, known: SalesforceConnection, retry: Retry, *, spares: int = 0) -> None:
        self._workspace, self._since, self._spares = known.workspace_id, time.monotonic(), spares
        self._of = _version(known)
        self._settled = 0
        self._taken: deque[tuple[datetime, int]] = deque(maxlen=MOST_CLAIMS)
        self.client: Client = client_for(known, retry=retry, permit=self._permit if spares else None)

    def serves(self, known: SalesforceConnection) -> bool:
        return self._of == _version(known) and time.monotonic() - self._since < KEEP_SECONDS

    def took(self, at: datetime, pushes: int) -> None:
        self._taken.append((at, pushes))

    def taken_since(self, moment: datetime) -> int:
        """How many pushes were taken after it, as far as anybody asks."""
        return sum(pushes for at, pushes in self._taken if at > moment)

    def _permit(self) -> None:
        said = self.client.transport.usage
        if said and said.limit - said.used - self.client.transport.unreported <= self._spares:
            raise BudgetSpent(
                f"The org's last {self._spares:,} API calls of the day are kept for opt-outs.",
                remedy="Try again when calls of the last 24 hours run out of the count.",
            )

    def settle(self) -> None:
        calls = self.client.transport.total_calls
        if calls > self._settled:
            record(self._workspace, Purpose.PUSH, calls - self._settled, self.client.transport.usage)
            self._settled = calls


_lines: dict[int, Line] = {}
_changing = threading.Lock()


def open_line(workspace_id: int, retry: Retry | None = None) -> Line:
    """Raises CarillonError, SalesforceError."""
    known = connection_for(workspace_id)
    line = _lines.get(workspace_id)
    if line and line.serves(known):
        return line
    hang_up(workspace_id)
    line = line_apart(known, retry or patience(1, is_failing=False))
    with _changing:
        _lines[workspace_id] = line
    return line


def line_apart(known: SalesforceConnection, retry: Retry, *, spares: int = 0) -> Line:
    """One that is not kept: whoever opens it closes its client. It leaves the org's last `spares` API calls to pushes,
    which its calls then raise BudgetSpent for. Raises CarillonError, SalesforceError."""
    line = Line(known, retry, spares=spares)
    try:
        sign_in(line.client, known)
    except BaseException:
        line.client.close()
        raise
    return line


def hang_up(workspace_id: int) -> None:
    """The next use signs in anew."""
    with _changing:
        line = _lines.pop(workspace_id, None)
    if line:
        line.settle()
        line.client.close()


def _version(known: SalesforceConnection) -> tuple[int, str, datetime]:
    return known.pk, known.host, known.updated_at
