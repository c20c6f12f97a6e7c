"""Clients we did not write, as they are: only the way to the org is bent.

simple-salesforce speaks https to a Salesforce host and nothing else, so an adapter of its HTTP session takes every call
to the simulated org on this machine.
"""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce

from orgsim.staff import API_USERNAME, CLIENT_ID, CLIENT_SECRET
from orgsim.testing import OrgSim

PASSWORD = "orgsim-password"
SECURITY_TOKEN = "ORGSIMTOKEN"


class ToOrg(HTTPAdapter):
    def __init__(self, org: OrgSim) -> None:
        super().__init__()
        self._netloc = urlsplit(org.url).netloc

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        request.url = urlsplit(request.url or "")._replace(scheme="http", netloc=self._netloc).geturl()
        return super().send(request, *args, **kwargs)


def session_to(org: OrgSim) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", ToOrg(org))
    return session


@pytest.fixture
def to_org() -> Iterator[Callable[[OrgSim], requests.Session]]:
    """Makes sessions whose https calls all end at an org."""
    opened: list[requests.Session] = []

    def make(org: OrgSim) -> requests.Session:
        opened.append(session_to(org))
        return opened[-1]

    yield make
    for session in opened:
        session.close()


@pytest.fixture
def sf(org: OrgSim, to_org: Callable[[OrgSim], requests.Session]) -> Salesforce:
    """simple-salesforce, signed in to a small org of the test's own by username, password and security token."""
    return Salesforce(
        username=API_USERNAME, password=PASSWORD, security_token=SECURITY_TOKEN, session=to_org(org)
    )


@pytest.fixture(scope="session")
def reading_sf(shared_org: OrgSim) -> Iterator[Salesforce]:
    """The same by client credentials, for tests that only read."""
    with session_to(shared_org) as session:
        yield Salesforce(
            consumer_key=CLIENT_ID, consumer_secret=CLIENT_SECRET, domain="acme.my", session=session
        )
