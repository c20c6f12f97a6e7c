"""One simulated org: its store, clock, sessions, allowance, and who sees what."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path

from orgsim import fieldsecurity, permissions, teams
from orgsim.automation.locks import RowLocks
from orgsim.automation.rules import Automation
from orgsim.bulk.jobs import Jobs
from orgsim.clock import OrgClock, stamp
from orgsim.errors import ApiError
from orgsim.faults import Faults
from orgsim.limits import Allowances
from orgsim.query import Cursors
from orgsim.recent import Recent
from orgsim.reports import shelf
from orgsim.reports.instances import Instances
from orgsim.schema import Schema
from orgsim.signin.credentials import Credentials
from orgsim.signin.service import SignIn
from orgsim.signin.sessions import Session, Sessions
from orgsim.soql import QueryContext
from orgsim.staff import API_USER_ID
from orgsim.store import Store
from orgsim.switches import Switches

_SCHEMA_CHANGED = "schema_changed"
_COMMIT_DELAY = "commit_delay_minutes"
_API_OFF = "api_user_without_api"


@dataclass(frozen=True, slots=True)
class Viewer:
    """The user behind a request, the schema that permissions and field-level security leave to that user, and
    the SQL conditions on the rows of objects that are not all shared with that user, to see or to edit."""

    user_id: str
    username: str
    schema: Schema
    is_api_user: bool
    sharing: Mapping[str, str] = field(default_factory=dict)
    editing: Mapping[str, str] = field(default_factory=dict)


class Org:
    def __init__(self, path: Path, credentials: Credentials | None = None) -> None:
        self.store = Store(path)
        permissions.complete(self.store)
        shelf.complete(self.store)
        teams.complete(self.store)
        fieldsecurity.complete(self.store)
        self.clock = OrgClock(float(self.store.meta("clock_offset", "0")))
        self.signin = SignIn(self.store, self.clock, credentials or Credentials())
        self.usage = Allowances(self.clock)
        self.switches = Switches(self.store)
        self.faults = Faults()
        self.cursors = Cursors()
        self.recent = Recent()
        self.reports = Instances()
        self.automation = Automation(self.store)
        self.row_locks = RowLocks()
        self.most_replicated_ids = 600_000
        self.bulk = Jobs(self.store, self.clock, self.usage)
        self._api_viewer: Viewer | None = None

    @property
    def sessions(self) -> Sessions:
        return self.signin.sessions

    @cached_property
    def schema(self) -> Schema:
        return self.store.schema

    @cached_property
    def system_viewer(self) -> Viewer:
        """Who automation runs as: nobody in particular, to whom nothing is hidden."""
        return Viewer("", "", self.schema, False)

    def viewer(self, session: Session) -> Viewer:
        """Raises ApiError when the user may not use the API."""
        if session.user_id == API_USER_ID:
            if self.store.meta(_API_OFF):
                raise ApiError(
                    403, "API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization."
                )
            return self._viewer_of_api_user(session.username)
        return Viewer(session.user_id, session.username, self.schema, False)

    def _viewer_of_api_user(self, username: str) -> Viewer:
        viewer, user_id = self._api_viewer, API_USER_ID
        if viewer is None:
            connection = self.store.reader()
            hidden = connection.execute("SELECT sobject, field FROM hidden_field").fetchall()
            rights = permissions.rights_of(connection, user_id)
            schema = permissions.permitted(self.schema, rights)
            if self.store.meta(permissions.BLOCKED):
                schema = schema.without(permissions.OBJECTS)
            sharing = permissions.sharing(rights, user_id) | shelf.SHARING
            editing = permissions.editing(rights, user_id)
            viewer = Viewer(user_id, username, schema.hiding(hidden), True, sharing, editing)
            self._api_viewer = viewer
        return viewer

    def set_hidden(self, sobject: str, field: str, *, hidden: bool) -> None:
        """Take a field from the API user, or give it back."""
        found = self.schema.sobject(sobject)
        known = found.field(field) if found else None
        if found is None or known is None:
            raise ValueError(f"{sobject}.{field} is no field of this org")
        verb = "INSERT OR REPLACE INTO hidden_field VALUES (?, ?)"
        if not hidden:
            verb = "DELETE FROM hidden_field WHERE sobject = ? AND field = ?"
        with self.store.writing() as connection:
            connection.execute(verb, (found.name, known.name))
            moment = self.clock.stamp()
            fieldsecurity.change(connection, found, known, hidden=hidden, moment=moment)
        self._forget_viewer()

    def set_permission(self, sobject: str, permission: str, *, granted: bool) -> None:
        """Give the API user an object permission, or take it away; raises ValueError for what is none."""
        permissions.change(self.store, (sobject, permission), granted=granted, now=self.clock.stamp())
        self._forget_viewer()

    def schema_changed(self) -> str:
        """When what a user may see of the objects last changed: the org's birth, until a field is hidden."""
        changed = self.store.meta(_SCHEMA_CHANGED)
        if changed:
            return changed
        (born,) = self.store.reader().execute("SELECT CreatedDate FROM Organization").fetchone()
        return str(born)

    def _forget_viewer(self) -> None:
        self._api_viewer = None
        self.store.set_meta(_SCHEMA_CHANGED, self.clock.stamp())

    def set_api_enabled(self, *, enabled: bool) -> None:
        """Whether the API user may use the API at all."""
        self.store.set_meta(_API_OFF, "" if enabled else "yes")

    @property
    def api_enabled(self) -> bool:
        return not self.store.meta(_API_OFF)

    def block_permission_queries(self, *, blocked: bool) -> None:
        self.store.set_meta(permissions.BLOCKED, "yes" if blocked else "")
        self._forget_viewer()

    def context(self, viewer: Viewer, *, all_rows: bool = False) -> QueryContext:
        """What a query of this user means by now and today; automation, which is no user, has the org's region."""
        sql = (
            "SELECT TimeZoneSidKey, LocaleSidKey FROM User WHERE Id = ? "
            "UNION ALL SELECT TimeZoneSidKey, DefaultLocaleSidKey FROM Organization"
        )
        time_zone, locale = self.store.reader().execute(sql, (viewer.user_id,)).fetchone()
        return QueryContext(
            user_id=viewer.user_id,
            now=self.clock.now(),
            time_zone=time_zone,
            locale=locale,
            all_rows=all_rows,
            sharing=viewer.sharing,
        )

    @property
    def commit_delay(self) -> timedelta:
        """How long after its stamp a write becomes visible; none in a quiet org."""
        return timedelta(minutes=float(self.store.meta(_COMMIT_DELAY, "0")))

    def set_commit_delay(self, minutes: float) -> None:
        self.store.set_meta(_COMMIT_DELAY, str(minutes))

    def write_stamp(self) -> str:
        """The stamp of a write that becomes visible now: that of `commit_delay` ago, when it was begun."""
        return stamp(self.clock.now() - self.commit_delay)

    def close(self) -> None:
        self.store.close()
