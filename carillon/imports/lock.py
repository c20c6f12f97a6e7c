"""One run per setup: a session advisory lock of PostgreSQL, held by the executing process and gone with it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from django.db import connection

from carillon.lib.errors import CarillonError

# Sets our locks apart from those of other software in the same database.
_NAMESPACE = 0x0CA5


class LockHeld(CarillonError):
    """Another process works on this setup now."""


class SetupLock:
    """The held lock. `check` raises when the database connection that holds it is gone."""

    def __init__(self, held_by: psycopg.Connection) -> None:
        self._connection = held_by

    def check(self) -> None:
        try:
            self._connection.execute("select 1")
        except psycopg.OperationalError:
            raise CarillonError(
                "The connection to the database broke, and with it the right to go on with this import.",
                "Start the import again: it continues where this one stopped.",
            ) from None


@contextmanager
def setup_lock(setup_id: int) -> Iterator[SetupLock]:
    """Holds the lock of one setup. Raises LockHeld at once when another process has it."""
    parameters = connection.get_connection_params()
    parameters.pop("cursor_factory", None)
    parameters.pop("context", None)
    with psycopg.connect(**parameters, autocommit=True) as holder:
        row = holder.execute("select pg_try_advisory_lock(%s, %s)", [_NAMESPACE, setup_id]).fetchone()
        if not (row and row[0]):
            raise LockHeld("Another import of this setup is running.", "Wait for its end, or cancel it.")
        try:
            yield SetupLock(holder)
        finally:
            # Closing gives it up too, but only once the server notices; after a kill that is how it ends.
            with suppress(psycopg.OperationalError):
                holder.execute("select pg_advisory_unlock(%s, %s)", [_NAMESPACE, setup_id])


def is_locked(setup_id: int) -> bool:
    """Whether some process works on this setup at this moment."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select exists (select 1 from pg_locks where locktype = 'advisory' and granted"
            " and classid = %s and objid = %s and objsubid = 2"
            " and database = (select oid from pg_database where datname = current_database()))",
            [_NAMESPACE, setup_id],
        )
        row = cursor.fetchone()
        return bool(row and row[0])
