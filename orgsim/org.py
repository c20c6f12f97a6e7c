"""One simulated org: its store, clock, sessions, allowance, and who sees what."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from orgsim.auth import Session, Sessions
from orgsim.catalog import standard_schema
from orgsim.clock import OrgClock
from orgsim.faults import Faults
from orgsim.limits import ApiUsage
from orgsim.query import Cursors
from orgsim.schema import Schema
from orgsim.soql import QueryContext
from orgsim.staff import API_USERNAME
from orgsim.store import Store


@dataclass(frozen=True, slots=True)
class Viewer:
    """The user behind a request and the schema that field-level security leaves to that user."""

    user_id: str
    username: str
    schema: Schema
    is_api_user: bool


class Org:
    def __init__(self, path: Path) -> None:
        self.store = Store(path)
        self.clock = OrgClock(float(self.store.meta("clock_offset", "0")))
        self.sessions = Sessions(self.store, self.clock)
        self.usage = ApiUsage(self.clock)
        self.faults = Faults()
        self.cursors = Cursors()
        self._api_schema: Schema | None = None

    @cached_property
    def schema(self) -> Schema:
        return standard_schema()

    def viewer(self, session: Session) -> Viewer:
        is_api_user = session.username == API_USERNAME
        schema = self._schema_of_api_user() if is_api_user else self.schema
        return Viewer(session.user_id, session.username, schema, is_api_user)

    def _schema_of_api_user(self) -> Schema:
        if self._api_schema is None:
            hidden = self.store.reader().execute("SELECT sobject, field FROM hidden_field").fetchall()
            self._api_schema = self.schema.hiding(hidden)
        return self._api_schema

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
        self._api_schema = None

    def context(self, viewer: Viewer, *, all_rows: bool = False) -> QueryContext:
        return QueryContext(
            user_id=viewer.user_id, now=self.clock.now(), time_zone="America/New_York", all_rows=all_rows
        )

    def close(self) -> None:
        self.store.close()
