"""Fixtures of all tests: a real PostgreSQL, a workspace with its people, a simulated org."""

import psycopg
import pytest

from carillon.lib import home, postgres


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Runs before the test database is made: starts the embedded server. Nothing in it has to outlive a power failure,
    and waiting for the disk was most of what emptying the tables after a test took."""
    if home.uses_embedded_database():
        url = postgres.ensure_running(home.make_data_dir())
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("alter system set fsync = off")
            connection.execute("select pg_reload_conf()")
