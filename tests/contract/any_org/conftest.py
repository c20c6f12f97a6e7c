"""The same tests against the simulated org and, when one is named, a real one.

CARILLON_CONTRACT_HOST, CARILLON_CONTRACT_CLIENT_ID and CARILLON_CONTRACT_CLIENT_SECRET name a real org. It is only read,
unless CARILLON_CONTRACT_WRITES is 1: then records are made under a name of their own and deleted again.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest

from carillon.salesforce.client import Client, ClientCredentials
from orgsim.staff import CLIENT_ID, CLIENT_SECRET
from orgsim.testing import OrgSim

V = "/services/data/v66.0"
_REAL_HOST = os.environ.get("CARILLON_CONTRACT_HOST", "")


@dataclass(frozen=True, slots=True)
class Target:
    """An org the tests run against; `writable` says whether they may make records in it."""

    host: str
    credentials: ClientCredentials = field(repr=False)
    simulated: bool
    writable: bool

    def client(self) -> Client:
        return self.client_with(self.credentials)

    def client_with(self, credentials: ClientCredentials) -> Client:
        """`allow_local`, so that an orgsim can be named to rehearse with."""
        return Client(host=self.host, credentials=credentials, allow_local=True)


def _real() -> Target:
    names = ("CARILLON_CONTRACT_CLIENT_ID", "CARILLON_CONTRACT_CLIENT_SECRET")
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        pytest.fail(f"CARILLON_CONTRACT_HOST is set, so {' and '.join(missing)} must be too", pytrace=False)
    credentials = ClientCredentials(*(os.environ[name] for name in names))
    writable = os.environ.get("CARILLON_CONTRACT_WRITES") == "1"
    return Target(_REAL_HOST, credentials, simulated=False, writable=writable)


@pytest.fixture(scope="session", params=["simulated", *(["real"] if _REAL_HOST else [])])
def target(request: pytest.FixtureRequest, shared_org: OrgSim) -> Target:
    if request.param == "real":
        return _real()
    return Target(shared_org.url, ClientCredentials(CLIENT_ID, CLIENT_SECRET), simulated=True, writable=False)


@pytest.fixture(scope="session")
def any_org(target: Target) -> Iterator[Client]:
    """Carillon's client, signed in."""
    with target.client() as client:
        yield client


@pytest.fixture(scope="session")
def plain(any_org: Client) -> Iterator[httpx.Client]:
    """Bare HTTP with the same session, for what the client doesn't show."""
    session = any_org.session
    headers = {"Authorization": f"Bearer {session.access_token}"}
    with httpx.Client(base_url=session.instance_url, headers=headers, timeout=60) as client:
        yield client


@pytest.fixture
def writable_target(target: Target, org: OrgSim) -> Target:
    """A small simulated org of the test's own, or the real one when it may be written to."""
    if target.simulated:
        return Target(org.url, target.credentials, simulated=True, writable=True)
    if not target.writable:
        pytest.skip("this org is only read: set CARILLON_CONTRACT_WRITES=1 to allow records to be made")
    return target
