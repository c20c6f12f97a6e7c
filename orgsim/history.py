"""What happened to each record: who changed which field when, from what to what.

Every write path leaves its lines in the transaction that makes the change. A line whose field is one of EVENTS is
about the whole record, as in the history objects of a real org: `created`, `deleted`, `merged` ...
"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orgsim.org import Org

CREATED, DELETED, UNDELETED, MERGED, CONVERTED = "created", "deleted", "undeleted", "merged", "converted"
EVENTS = frozenset({CREATED, DELETED, UNDELETED, MERGED, CONVERTED})
# Fields that say of a write what its line already says.
STAMPS = frozenset(
    {
        "CreatedById",
        "CreatedDate",
        "LastModifiedById",
        "LastModifiedDate",
        "SystemModstamp",
        "LastActivityDate",
    }
)
Value = str | int | float | None


@dataclass(frozen=True, slots=True)
class Change:
    """`old` and `new` are as the store keeps them (0 and 1 for booleans); for an event `new` is the record that goes
    with it, if any."""

    at: str
    user_id: str
    field: str
    old: Value = None
    new: Value = None


@dataclass(frozen=True, slots=True)
class Log:
    """Writes lines for one user at one moment."""

    connection: sqlite3.Connection
    user_id: str
    at: str

    def changes(self, record_id: str, before: Mapping[str, Value], after: Mapping[str, Value]) -> None:
        """One line for each field of `after` that differs from `before`; stamps are left out."""
        rows = [
            (record_id, self.at, self.user_id, name, before.get(name), value)
            for name, value in after.items()
            if name not in STAMPS and before.get(name) != value
        ]
        self._write(rows)

    def event(self, record_id: str, name: str, other_id: str | None = None) -> None:
        """`other_id` is the record that goes with it: the winner of a merge, the contact of a conversion."""
        self._write([(record_id, self.at, self.user_id, name, None, other_id)])

    def _write(self, rows: Iterable[tuple[object, ...]]) -> None:
        sql = "INSERT INTO history (record_id, at, user_id, field, old, new) VALUES (?, ?, ?, ?, ?, ?)"
        self.connection.executemany(sql, rows)


def of_record(org: Org, record_id: str, limit: int = 50) -> list[Change]:
    """The latest changes of a record (18-character id), newest first."""
    sql = "SELECT at, user_id, field, old, new FROM history WHERE record_id = ? ORDER BY pk DESC LIMIT ?"
    return [Change(*row) for row in org.store.reader().execute(sql, (record_id, limit))]
