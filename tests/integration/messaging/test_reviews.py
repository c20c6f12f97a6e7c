"""A text that is likely an opt-out waits on the Consent page for somebody who decides."""

from django.test import Client
from django.urls import reverse

from carillon.accounts import actions as accounts
from carillon.accounts.models import Workspace
from tests.integration.messaging.conftest import Carrier
from tests.integration.web.conftest import add_contact


def texter(workspace: Workspace) -> Client:
    member = accounts.add_member(
        workspace=workspace, email="bob@campus.example", role="texter", user_id="", by=None
    )
    client = Client()
    client.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_a_text_that_is_no_plain_stop_waits_for_a_texter(carrier: Carrier, workspace: Workspace) -> None:
    add_contact(workspace, 1, "Zoë", "Okafor")
    client = texter(workspace)
    carrier.text("STOP", From="+12125550000")
    before = client.get(reverse("consent")).content.decode()

    carrier.text("please stop texting me <b>now</b>")

    after = client.get(reverse("consent")).content.decode()
    assert "None: every text that looked like an opt-out is decided." in before
    assert "to decide about</span>" not in before
    assert "please stop texting me &lt;b&gt;now&lt;/b&gt;" in after
    assert "Zoë Okafor" in after
    assert '<span class="waiting">1<span class="visually-hidden"> to decide about</span>' in after
