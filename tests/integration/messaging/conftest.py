"""A workspace with the simulated carrier, its pages served over real HTTP, and somebody who calls the webhooks."""

from dataclasses import dataclass

import httpx
import pytest
from pytest_django.live_server_helper import LiveServer

from carillon.accounts.models import Workspace
from carillon.messaging import actions, addresses, credentials
from carillon.messaging.carriers import twilio
from carillon.messaging.carriers.simulated import new_sid
from carillon.messaging.models import Texting

PERSON = "+12125550001"


@pytest.fixture
def workspace(transactional_db: None) -> Workspace:
    return Workspace.objects.create(name="Admissions")


def simulated(workspace: Workspace, public_url: str, **more: object) -> Texting:
    words: dict[str, str] = {
        "help_text": "Admissions: ask help@campus.example. Reply STOP to stop.",
        "confirmation_text": "Admissions: no more texts come.",
    }
    draft = actions.TextingDraft(carrier="simulated", public_url=public_url, **words, **more)  # type: ignore[arg-type]
    return actions.save_texting(workspace=workspace, draft=draft, by=None)


@pytest.fixture
def texting(workspace: Workspace, live_server: LiveServer) -> Texting:
    return simulated(workspace, live_server.url, confirms="we")


@dataclass(frozen=True, slots=True)
class Carrier:
    """Calls the webhooks as Twilio does, or nearly."""

    texting: Texting

    def fields(self, body: str | None = "Hello", sid: str = "", **more: str) -> dict[str, str]:
        found = {
            "MessageSid": sid or new_sid(),
            "AccountSid": self.texting.account_sid,
            "From": PERSON,
            "To": self.texting.numbers[0],
            "NumMedia": "0",
            **more,
        }
        return found if body is None else {**found, "Body": body}

    def sign(self, url: str, fields: dict[str, str]) -> dict[str, str]:
        return {twilio.SIGNATURE_HEADER: twilio.sign(credentials.auth_token(self.texting), url, fields)}

    def post(self, fields: dict[str, str], url: str = "", **headers: str) -> httpx.Response:
        url = url or addresses.inbound_url(self.texting)
        return httpx.post(url, data=fields, headers={**self.sign(url, fields), **headers}, verify=False)

    def text(self, body: str | None, **more: str) -> httpx.Response:
        return self.post(self.fields(body, **more))

    def report(self, status: str, query: str = "", **more: str) -> httpx.Response:
        fields = {"AccountSid": self.texting.account_sid, "MessageStatus": status, "To": PERSON, **more}
        return self.post(fields, addresses.status_url(self.texting) + query)


@pytest.fixture
def carrier(texting: Texting) -> Carrier:
    return Carrier(texting)
