"""A simulated org over real HTTP: one shared by the tests that only read, a small new one for those that change it."""

from collections.abc import Iterator

import httpx
import pytest

from orgsim.staff import CLIENT_ID, CLIENT_SECRET, PASSWORDS
from orgsim.testing import OrgSim

V = "/services/data/v66.0"


# The org speaks plain HTTP here; reading whose certificates are trusted takes longer than most tests.
def token_answer(org: OrgSim, **form: str) -> httpx.Response:
    defaults = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    return httpx.post(f"{org.url}/services/oauth2/token", data=defaults | form, verify=False)


def signed_in(org: OrgSim, username: str | None = None) -> httpx.Client:
    form = (
        {"grant_type": "password", "username": username, "password": PASSWORDS[username]} if username else {}
    )
    token = token_answer(org, **form).json()["access_token"]
    return httpx.Client(
        base_url=org.url, headers={"Authorization": f"Bearer {token}"}, verify=False, timeout=30
    )


@pytest.fixture(scope="session")
def shared_org() -> Iterator[OrgSim]:
    with OrgSim(contacts=4_500, leads=300) as org:
        yield org


@pytest.fixture
def org() -> Iterator[OrgSim]:
    with OrgSim(contacts=40, leads=40) as org:
        yield org


@pytest.fixture
def client(org: OrgSim) -> Iterator[httpx.Client]:
    with signed_in(org) as client:
        yield client


@pytest.fixture(scope="session")
def reader(shared_org: OrgSim) -> Iterator[httpx.Client]:
    with signed_in(shared_org) as client:
        yield client


def soql(client: httpx.Client, text: str, **headers: str) -> httpx.Response:
    return client.get(f"{V}/query", params={"q": text}, headers=headers)
