from collections.abc import Iterator

import pytest

from carillon.salesforce.client import Client, ClientCredentials
from carillon.salesforce.transport import Retry
from tests.unit.salesforce.org import TinyOrg, tiny_org

QUICK = Retry(budget_seconds=3, read_timeout=2, first_wait=0.01, longest_wait=0.02)
# One retry or a few at the most: for what never succeeds.
BRIEF = Retry(budget_seconds=0.6, read_timeout=2, first_wait=0.01, longest_wait=0.02)
SECRET = "s3cr3t-of-the-app"


@pytest.fixture
def org() -> Iterator[TinyOrg]:
    with tiny_org() as running:
        yield running


@pytest.fixture
def client(org: TinyOrg) -> Iterator[Client]:
    credentials = ClientCredentials("the-app", SECRET)
    with Client(host=org.origin, credentials=credentials, allow_local=True, retry=QUICK) as made:
        yield made


@pytest.fixture
def impatient(org: TinyOrg) -> Iterator[Client]:
    credentials = ClientCredentials("the-app", SECRET)
    with Client(host=org.origin, credentials=credentials, allow_local=True, retry=BRIEF) as made:
        yield made
