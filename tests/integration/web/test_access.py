"""Who may open which page: everything is scoped by workspace, and roles are kept on every address."""

import base64
import json
import math

import pytest
from django.test import Client
from django.urls import reverse

from carillon.accounts.models import Member
from carillon.contacts.models import Contact
from carillon.imports.models import ImportRun
from tests.integration.web.conftest import Rows, SignedIn

SETUP_PAGES = (
    "authentication",
    "contact_import_start",
    "import_history",
    "members",
    "data_care",
    "texting",
)
CONSENT_PAGES = ["consent", "consent_changes"]
OBJECT_PAGES = (
    ("import_run", "run"),
    ("run_progress", "run"),
    ("issues_csv", "run"),
    ("held_csv", "run"),
    ("cancel_import", "run"),
    ("contact", "contact"),
    ("erase", "contact"),
    ("phone", "contact"),
    ("opt_out", "contact"),
    ("opt_in", "contact"),
    ("member", "member"),
    ("password_link", "member"),
    ("deactivate", "member"),
    ("reactivate", "member"),
)


def address(name: str, kind: str, rows: Rows, member: Member) -> str:
    keys: dict[str, object] = {
        "run": rows.run.public_id,
        "contact": rows.contact.salesforce_id,
        "member": member.public_id,
    }
    return reverse(name, args=[keys[kind]])


@pytest.mark.parametrize(
    "name",
    [
        *SETUP_PAGES,
        *CONSENT_PAGES,
        "contacts",
        "home",
        "change_password",
        "invite",
        "phones",
        "replace_webhooks",
    ],
)
def test_anonymous_people_are_sent_to_sign_in(db: None, client: Client, name: str) -> None:
    page = reverse(name)

    response = client.get(page)

    assert response.status_code == 302
    assert response.headers["Location"] == f"/sign-in/?next={page}"


def test_a_polled_panel_sends_the_whole_page_to_sign_in(db: None, client: Client, rows: Rows) -> None:
    page = reverse("run_progress", args=[rows.run.public_id])

    response = client.get(page, headers={"HX-Request": "true"})

    assert response.headers["HX-Redirect"] == "/sign-in/"
    assert response.content == b""


@pytest.mark.parametrize(("name", "kind"), OBJECT_PAGES)
def test_charlie_finds_no_object_of_another_workspace(
    charlie: Member, alice: Member, rows: Rows, signed_in: SignedIn, name: str, kind: str
) -> None:
    response = signed_in(charlie).get(address(name, kind, rows, alice))

    assert response.status_code == 404


@pytest.mark.parametrize(
    ("name", "kind"),
    [("cancel_import", "run"), ("erase", "contact"), ("member", "member"), ("deactivate", "member")],
)
def test_charlie_changes_no_object_of_another_workspace(
    charlie: Member, alice: Member, rows: Rows, signed_in: SignedIn, name: str, kind: str
) -> None:
    response = signed_in(charlie).post(
        address(name, kind, rows, alice), {"role": "texter", "understood": "on"}
    )

    assert Contact.objects.filter(pk=rows.contact.pk).exists()
    alice.refresh_from_db()
    assert response.status_code == 404
    assert (alice.role, alice.is_active) == ("admin", True)


@pytest.mark.parametrize("name", ["authentication", "import_history", "contacts", "members"])
def test_charlie_sees_no_row_of_another_workspace(
    charlie: Member, alice: Member, rows: Rows, signed_in: SignedIn, name: str
) -> None:
    body = signed_in(charlie).get(reverse(name)).content.decode()

    for secret in ("Secret List", "Okafor", alice.email, rows.connection.host):
        assert secret not in body


def test_charlie_sees_nothing_of_another_setup(charlie: Member, rows: Rows, signed_in: SignedIn) -> None:
    response = signed_in(charlie).get(reverse("contact_import", args=["contact"]))

    assert response.status_code == 200
    assert "Secret List" not in response.content.decode()


def test_charlie_confirms_no_connection_but_an_own_one(
    charlie: Member, rows: Rows, signed_in: SignedIn
) -> None:
    client = signed_in(charlie)

    assert client.post(reverse("confirm_org")).status_code == 404


def test_charlie_starts_no_import_of_another_workspace(
    charlie: Member, rows: Rows, signed_in: SignedIn
) -> None:
    signed_in(charlie).post(reverse("start_import", args=["contact"]), {"mode": "everything"})

    assert list(ImportRun.objects.all()) == [rows.run]


@pytest.mark.parametrize("name", SETUP_PAGES)
def test_texters_see_contacts_only(bob: Member, rows: Rows, signed_in: SignedIn, name: str) -> None:
    client = signed_in(bob)

    response = client.get(reverse(name))

    assert response.status_code == 403
    assert "opens Contacts" in response.content.decode()
    assert client.get(reverse("contacts")).status_code == 200
    assert client.get(reverse("contact", args=[rows.contact.salesforce_id])).status_code == 200


@pytest.mark.parametrize(
    "name",
    ["authentication", "import_history", "members", "data_care", "texting", "contacts", *CONSENT_PAGES],
)
def test_auditors_read_every_page(dana: Member, rows: Rows, signed_in: SignedIn, name: str) -> None:
    assert signed_in(dana).get(reverse(name)).status_code == 200


@pytest.mark.parametrize(
    ("name", "offer"),
    [
        ("authentication", "Save"),
        ("import_history", "Import changes"),
        ("members", "Invite a member"),
        ("data_care", "Save"),
        ("texting", "Save"),
    ],
)
def test_auditors_are_offered_no_change(
    dana: Member, alice: Member, rows: Rows, signed_in: SignedIn, name: str, offer: str
) -> None:
    assert offer in signed_in(alice).get(reverse(name)).content.decode()
    assert offer not in signed_in(dana).get(reverse(name)).content.decode()


@pytest.mark.parametrize(
    "page",
    [
        "/authentication/",
        "/authentication/confirm-org/",
        "/contact-import/contact/",
        "/import-history/start/contact/",
        "/members/invite/",
        "/data-care/",
        "/texting/",
        "/texting/self-test/",
        "/texting/webhooks/",
        "/phone/",
    ],
)
def test_auditors_change_nothing(dana: Member, rows: Rows, signed_in: SignedIn, page: str) -> None:
    assert signed_in(dana).post(page).status_code == 403


@pytest.mark.parametrize(
    ("name", "kind"), [("member", "member"), ("deactivate", "member"), ("cancel_import", "run")]
)
def test_auditors_change_no_object(
    dana: Member, alice: Member, rows: Rows, signed_in: SignedIn, name: str, kind: str
) -> None:
    assert signed_in(dana).post(address(name, kind, rows, alice)).status_code == 403


@pytest.mark.parametrize(
    "page", ["/sign-out/", "/authentication/", "/import-history/start/contact/", "/sign-in/"]
)
def test_posts_without_a_token_are_refused(alice: Member, page: str) -> None:
    client = Client(enforce_csrf_checks=True)
    if page != "/sign-in/":
        client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")

    response = client.post(page)

    assert response.status_code == 403
    assert "Nothing was changed" in response.content.decode()


def test_a_change_is_no_link(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    client = signed_in(alice)

    opened = client.get("/import-history/start/contact/")

    assert client.get("/sign-out/").status_code == 405
    assert opened.status_code == 405
    assert "the address of a button" in opened.content.decode()


@pytest.mark.parametrize(
    ("stood_on", "leads_to"),
    [
        ("http://testserver/contacts/?q=zoe", "/sign-in/?next=/contacts/%3Fq%3Dzoe"),
        ("http://evil.example/", "/sign-in/?next=/"),
    ],
)
def test_who_was_signed_out_is_told_that_nothing_was_done(
    db: None, client: Client, stood_on: str, leads_to: str
) -> None:
    answer = client.post("/import-history/start/contact/", headers={"Referer": stood_on})

    assert answer.headers["Location"] == leads_to
    assert "what you just sent was not done" in client.get(leads_to).content.decode()


def test_another_host_name_is_refused_with_a_reason(db: None, client: Client) -> None:
    answer = client.get("/sign-in/", headers={"Host": "other.example"})

    assert answer.status_code == 400
    assert "usual address" in answer.content.decode()


@pytest.mark.parametrize(
    "values", [["2026-01-01T00:00:00Z", math.inf], ["\0", 1], ["\0", "\0", "\0"], ["\ud800"], ["\ud800", 1]]
)
def test_a_made_up_address_of_a_further_page_finds_nothing(
    alice: Member, rows: Rows, signed_in: SignedIn, values: list[object]
) -> None:
    client, cursor = signed_in(alice), base64.urlsafe_b64encode(json.dumps(values).encode()).decode()
    pages = {
        reverse("import_history"): "older",
        reverse("import_run", args=[rows.run.public_id]): "older",
        reverse("contact", args=[rows.contact.salesforce_id]): "older",
        reverse("contacts"): "after",
    }

    for page, name in pages.items():
        assert client.get(page, {name: cursor}).status_code in (200, 404)


def test_numbers_out_of_all_bounds_are_answered(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    client, number = signed_in(alice), "9" * 5000
    run, contact = rows.run.public_id, rows.contact.salesforce_id

    assert client.get(reverse("import_run", args=[run]), {"code": "a\0"}).status_code == 200
    assert client.post(reverse("undo_consent", args=[contact]), {"version": number}).status_code == 302
    assert (
        client.post(reverse("contact_import", args=["contact"]), {"remove_field": number}).status_code == 200
    )


def test_nothing_inline_may_run(client: Client, db: None) -> None:
    response = client.get("/sign-in/")

    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert " style=" not in response.content.decode()


def test_no_cache_keeps_pages_about_people(bob: Member, rows: Rows, signed_in: SignedIn) -> None:
    response = signed_in(bob).get(reverse("contacts"))

    assert response.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("page", ["/contact-import/account/", "/contacts/nobody/", "/nowhere/"])
def test_unknown_addresses_are_not_found(alice: Member, rows: Rows, signed_in: SignedIn, page: str) -> None:
    response = signed_in(alice).get(page)

    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()
