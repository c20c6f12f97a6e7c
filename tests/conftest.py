"""Fixtures of all tests: a real PostgreSQL, a workspace with its people, a simulated org."""

import pytest

from carillon.lib import home, postgres


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Runs before the test database is made: starts the embedded server."""
    if home.uses_embedded_database():
        postgres.ensure_running(home.make_data_dir())
