"""Scenario verbs on records, done by the registrar at a page of the org."""

from datetime import timedelta

from orgsim import records
from orgsim.clock import stamp
from orgsim.history import Log
from orgsim.org import Org, Viewer
from orgsim.records import lifecycle
from orgsim.records.rows import row_of
from orgsim.schema import SObject
from orgsim.staff import REGISTRAR_USERNAME
from orgsim.store import Store, on
from orgsim.values import Stored, stored_value


class RecordVerbs:
    """Part of Scenario."""

    org: Org
    store: Store

    def edit(self, record_id: str, **fields: object) -> None:
        record, viewer = self._record(record_id), self._registrar()
        records.update(self.org, record, dict(fields), viewer, records.BY_HAND)

    def create(self, sobject: str, **fields: object) -> str:
        return records.create(
            self.org, self._sobject(sobject), dict(fields), self._registrar(), records.BY_HAND
        )

    def delete(self, record_id: str) -> None:
        records.delete(self.org, self._record(record_id), self._registrar(), records.BY_HAND)

    def undelete(self, record_id: str) -> None:
        lifecycle.undelete(self.org, self._record(record_id), self._registrar())

    def empty_recycle_bin(self, *record_ids: str, ids: tuple[str, ...] = ()) -> int:
        """Deleted records (all of them, when none is named) vanish from queryAll as well; how many."""
        named = (*record_ids, *ids)
        if not named:
            return lifecycle.empty_whole_bin(self.org)
        return lifecycle.empty_bin(self.org, [self._record(record_id) for record_id in named])

    def hard_delete(self, record_id: str) -> None:
        """Delete a record and empty the recycle bin of it."""
        self.delete(record_id)
        self.empty_recycle_bin(record_id)

    def merge(self, master: str, losers: tuple[str, ...], fields: dict[str, object] | None = None) -> None:
        """Merge one or two records into the master, which takes over the values named."""
        lifecycle.merge(
            self.org,
            self._record(master),
            [self._record(loser) for loser in losers],
            fields or {},
            self._registrar(),
        )

    def convert(self, lead: str, account: str | None = None) -> dict[str, str]:
        """Convert a lead: {"contact": id, "account": id}; a new account unless one is named."""
        return lifecycle.convert(self.org, self._record(lead), account, self._registrar())

    def purge_delete_log(self) -> None:
        """/deleted forgets everything up to now, as after a very large deletion."""
        with self.store.writing() as connection:
            connection.execute("DELETE FROM deletion")
            self.store.set_meta("delete_log_since", self.org.clock.stamp())

    def set_replication_limit(self, ids: int) -> None:
        """How many ids /deleted and /updated answer before EXCEEDED_ID_LIMIT."""
        self.org.most_replicated_ids = ids

    def bounce(self, record_id: str, reason: str = "550 5.1.1 user unknown") -> None:
        """An e-mail to a person bounced: the flags are set, SystemModstamp moves, LastModifiedDate does not."""
        moment = self.org.write_stamp()
        self._system_write(record_id, {"EmailBouncedReason": reason, "EmailBouncedDate": moment})

    def touch(self, record_id: str) -> None:
        """An internal job of the org moves SystemModstamp alone."""
        self._system_write(record_id, {})

    def _system_write(self, record_id: str, values: dict[str, Stored]) -> None:
        record, moment = self._record(record_id), self.org.write_stamp()
        with self.store.writing() as connection:
            before = row_of(connection, record.sobject.name, record.id) or {}
            records.write_columns(connection, record, {**values, "SystemModstamp": moment})
            Log(connection, self._registrar().user_id, moment).changes(record.id, before, values)

    def late_commit(self, record_id: str, minutes: float, **fields: object) -> None:
        """An edit that becomes visible now but carries the stamp of some minutes ago."""
        moment = stamp(self.org.clock.now() - timedelta(minutes=minutes))
        record, user_id = self._record(record_id), self._registrar().user_id
        values: dict[str, Stored] = {"LastModifiedDate": moment, "SystemModstamp": moment}
        values["LastModifiedById"] = user_id
        for name, value in fields.items():
            field = record.sobject.field(name)
            if field is None:
                raise LookupError(f"{record.sobject.name} has no field {name}")
            values[field.name] = stored_value(field, value)
        with self.store.writing() as connection:
            before = row_of(connection, record.sobject.name, record.id) or {}
            records.write_columns(connection, record, values)
            Log(connection, user_id, moment).changes(record.id, before, values)

    def ids(self, sobject: str) -> list[str]:
        """Every living record's id, oldest first."""
        table = self._sobject(sobject)
        alive = "WHERE IsDeleted = 0 " if table.soft_deletes else ""
        sql = on(table.name, "SELECT Id FROM {table} {alive}ORDER BY pk", alive=alive)
        return [record_id for (record_id,) in self.store.reader().execute(sql)]

    def _sobject(self, name: str) -> SObject:
        found = self.org.schema.sobject(name)
        if found is None:
            raise LookupError(f"the org has no object {name}")
        return found

    def _record(self, record_id: str) -> records.Target:
        sobject = self.org.schema.of_id(record_id)
        if sobject is None:
            raise LookupError(f"{record_id} is no record id of this org")
        return records.target(sobject, record_id)

    def _registrar(self) -> Viewer:
        sql = "SELECT Id FROM User WHERE Username = ?"
        (user_id,) = self.store.reader().execute(sql, (REGISTRAR_USERNAME,)).fetchone()
        return Viewer(user_id, REGISTRAR_USERNAME, self.org.schema, False)
