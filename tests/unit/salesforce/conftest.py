from collections.abc import Iterator

import pytest

from carillon.salesforce.client import Client, ClientCredentials
from carillon.salesforce.transport import Retry
from tests.unit.salesforce.org import TinyOrg, tiny_org

QUICK = Retry(budget_seconds=30, read_timeout=20, first_wait=0.01, longest_wait=0.02, most_attempts=20)
# One retry, however slow the machine is: for what never succeeds.
BRIEF = Retry(budget_seconds=30, read_timeout=20, first_wait=0.01, longest_wait=0.02, most_attempts=2)
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
