"""Fixtures of all tests: a real PostgreSQL, a workspace with its people, a simulated org."""

import psycopg
import pytest
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from carillon.lib import home, postgres


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Runs before the test database is made: starts the embedded server. Nothing in it has to outlive a power failure,
    and waiting for the disk was most of what emptying the tables after a test took."""
    if home.uses_embedded_database():
        url = postgres.ensure_running(home.make_data_dir())
        with psycopg.connect(url, autocommit=True) as settings:
            settings.execute("alter system set fsync = off")
            settings.execute("select pg_reload_conf()")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Tests that commit empty all tables afterwards, which the ledger of consent refuses: here, and only here, it is
    allowed to be emptied."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("alter table consent_consentevent disable trigger consent_ledger_not_emptied")
