"""Fixtures of all tests: a real PostgreSQL, emptied after each test that commits."""

from collections.abc import Iterable

import hypothesis
import psycopg
import pytest
from django.db import connection, transaction
from pytest_django.plugin import DjangoDbBlocker

from carillon.lib import home, postgres

# How long an example takes is the machine's: a busy one must not make a rule look broken.
hypothesis.settings.register_profile(
    "carillon", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("carillon")

# Made by migrating, and asked for by name of a model only: they stay.
KEPT = ("django_migrations", "django_content_type", "auth_permission")

# Locked first, as TRUNCATE would: whoever still writes is waited for. As a replica, a server runs no triggers: neither
# those that keep foreign keys, needless where every table is emptied, nor the ledger's, which refuses to be emptied.
EMPTY = """
do $$
declare
    tables text[] := array(
        select format('%%I', relname) from pg_class
        where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> all (%s) order by oid);
    one text;
    filled bool;
begin
    execute 'lock table ' || array_to_string(tables, ', ') || ' in share row exclusive mode';
    set local session_replication_role = replica;
    foreach one in array tables loop
        execute format('select exists (select from %%s)', one) into filled;
        if filled then
            execute 'delete from ' || one;
        end if;
    end loop;
end $$
"""


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Runs before the test database is made: starts the embedded server. Nothing in it has to outlive a power failure,
    and waiting for the disk was most of what emptying the tables after a test took."""
    if home.uses_embedded_database():
        url = postgres.ensure_running(home.make_data_dir())
        with psycopg.connect(url, autocommit=True) as settings:
            settings.execute("alter system set fsync = off")
            settings.execute("alter system set full_page_writes = off")
            settings.execute("select pg_reload_conf()")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Django truncates every table after a test that commits, and says that it has migrated: a third of a second a
    test. Here only the tables that hold rows are emptied, in milliseconds, the queue's among them."""
    with django_db_blocker.unblock():
        connection.ops.sql_flush = _nothing_to_say  # type: ignore[method-assign]
        connection.ops.execute_sql_flush = _empty_tables  # type: ignore[method-assign]


def _nothing_to_say(*_arguments: object, **_options: object) -> list[str]:
    return []


def _empty_tables(sql_list: Iterable[str]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(EMPTY, [list(KEPT)])
