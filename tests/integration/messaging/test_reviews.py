"""Likely opt-outs wait for somebody who decides."""

import pytest
from django.test import Client
from django.urls import reverse

from carillon.accounts import actions as accounts
from carillon.accounts.models import Workspace
from carillon.consent.models import Consent, Review
from tests.integration.messaging.conftest import Carrier
from tests.integration.web.conftest import add_contact

WORDS = "please stop texting me <b>now</b>"


def signed_in(workspace: Workspace, role: str) -> Client:
    member = accounts.add_member(
        workspace=workspace, email=f"{role}@{workspace.pk}.example", role=role, user_id="", by=None
    )
    client = Client()
    client.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def review(carrier: Carrier, workspace: Workspace) -> Review:
    add_contact(workspace, 1, "Zoë", "Okafor")
    carrier.text(WORDS)
    return Review.objects.get()


@pytest.mark.parametrize(("decision", "opted_out"), [("opt_out", True), ("none", False)])
def test_a_texter_decides_and_it_is_gone(
    review: Review, workspace: Workspace, decision: str, opted_out: bool
) -> None:
    client = signed_in(workspace, "texter")
    asked = client.get(reverse("reviews")).content.decode()

    client.post(reverse("decide_review", args=[review.pk]), {"decision": decision, "reason": "called her"})

    consent = Consent.objects.get()
    assert "please stop texting me &lt;b&gt;now&lt;/b&gt;" in asked
    assert "Zoë Okafor" in asked
    assert (consent.is_opted_out, consent.is_suppressed) == (opted_out, False)
    assert "Nothing to decide" in client.get(reverse("reviews")).content.decode()


def test_an_auditor_reads_and_decides_nothing(review: Review, workspace: Workspace) -> None:
    client = signed_in(workspace, "auditor")

    body = client.get(reverse("reviews")).content.decode()
    answer = client.post(reverse("decide_review", args=[review.pk]), {"decision": "none"})

    assert "please stop" in body
    assert "No opt-out</button>" not in body
    assert answer.status_code == 403
    assert Consent.objects.get().is_suppressed


def test_charlie_sees_and_decides_nothing_of_others(review: Review) -> None:
    client = signed_in(Workspace.objects.create(name="Other College"), "admin")

    assert "Okafor" not in client.get(reverse("reviews")).content.decode()
    assert client.post(reverse("decide_review", args=[review.pk]), {"decision": "none"}).status_code == 404


def test_what_is_decided_is_not_decided_again(review: Review, workspace: Workspace) -> None:
    client = signed_in(workspace, "admin")
    for decision in ("opt_out", "none"):
        client.post(reverse("decide_review", args=[review.pk]), {"decision": decision})

    assert Consent.objects.get().is_opted_out


def test_a_plain_stop_needs_nobody(carrier: Carrier, workspace: Workspace) -> None:
    carrier.text("STOP")

    assert "Nothing to decide" in signed_in(workspace, "admin").get(reverse("reviews")).content.decode()
