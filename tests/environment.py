"""Set before Django's settings are loaded: a throw-away data folder and key, and leave to use a local org.

With CARILLON_TEST_DATABASE_URL the tests use that PostgreSQL instead of an embedded one of their own.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

FOLDER = Path(tempfile.mkdtemp(prefix="carillon-test-"))
# The embedded server runs under another account when the tests run as root.
FOLDER.chmod(0o755)

os.environ["CARILLON_DATA_DIR"] = str(FOLDER / "data")
os.environ["CARILLON_SECRET_KEY"] = "only-for-tests"
os.environ["CARILLON_ALLOW_LOCAL_ORG"] = "1"
os.environ.pop("CARILLON_DATABASE_URL", None)
if url := os.environ.get("CARILLON_TEST_DATABASE_URL"):
    os.environ["CARILLON_DATABASE_URL"] = url
# Playwright's event loop runs in the thread of the tests.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


def pytest_unconfigure(config: pytest.Config) -> None:
    from carillon.lib import postgres

    postgres.stop(FOLDER / "data")
    shutil.rmtree(FOLDER, ignore_errors=True)
