import pytest
from axes.models import AccessLog
from django.test import Client
from django.urls import reverse

from carillon.accounts import actions
from carillon.accounts.models import Member
from tests.integration.web.conftest import PASSWORD, Rows, SignedIn


def sign_in(client: Client, email: str, password: str, **more: str) -> object:
    return client.post("/sign-in/", {"username": email, "password": password, **more}, follow=True)


def test_signing_in_with_the_email_in_any_case(alice: Member, client: Client) -> None:
    sign_in(client, "  Alice@Campus.Example ", PASSWORD)

    assert client.session["_auth_user_id"] == str(alice.pk)
    assert not AccessLog.objects.exists()


@pytest.mark.parametrize(
    ("email", "password"), [("alice@campus.example", "wrong"), ("nobody@x.example", PASSWORD)]
)
def test_a_wrong_pair_is_refused_without_saying_which_half(
    alice: Member, client: Client, email: str, password: str
) -> None:
    response = client.post("/sign-in/", {"username": email, "password": password})

    assert "E-mail and password don&#x27;t match" in response.content.decode()
    assert "_auth_user_id" not in client.session


def test_ten_wrong_passwords_close_the_door_even_to_the_right_one(alice: Member, client: Client) -> None:
    for _ in range(10):
        response = client.post("/sign-in/", {"username": alice.email, "password": "wrong"})

    again = client.post("/sign-in/", {"username": alice.email.upper(), "password": PASSWORD})

    assert response.status_code == 429
    assert again.status_code == 429
    assert "closed for 15 minutes" in again.content.decode()


def test_the_throttle_leaves_others_alone(alice: Member, bob: Member, client: Client) -> None:
    for _ in range(10):
        client.post("/sign-in/", {"username": alice.email, "password": "wrong"})

    sign_in(client, bob.email, PASSWORD)

    assert client.session["_auth_user_id"] == str(bob.pk)


def test_the_page_asked_for_comes_after_sign_in(alice: Member, client: Client) -> None:
    response = client.post(
        "/sign-in/", {"username": alice.email, "password": PASSWORD, "next": "/members/invite/"}
    )

    assert response.headers["Location"] == "/members/invite/"


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "nowhere", "\\"]
)
def test_sign_in_leads_to_a_page_here_or_home(alice: Member, client: Client, elsewhere: str) -> None:
    response = client.post("/sign-in/", {"username": alice.email, "password": PASSWORD, "next": elsewhere})

    assert response.headers["Location"] == "/"


def test_a_deactivated_member_is_out_at_once(alice: Member, bob: Member, signed_in: SignedIn) -> None:
    client = signed_in(bob)
    assert client.get("/contacts/").status_code == 200

    actions.deactivate_member(member=bob, by=alice)

    assert client.get("/contacts/").status_code == 302


def test_signing_out(alice: Member, signed_in: SignedIn) -> None:
    client = signed_in(alice)

    client.post("/sign-out/")

    assert client.get("/members/").status_code == 302


def test_a_password_link_works_once(bob: Member, client: Client) -> None:
    link = actions.password_link(bob)
    entered = {"password": "entirely other words", "repeated": "entirely other words"}

    assert client.get(link).status_code == 200
    assert client.post(link, entered).status_code == 302
    again = client.get(link)

    bob.refresh_from_db()
    assert bob.check_password("entirely other words")
    assert again.status_code == 410
    assert "no longer works" in again.content.decode()


@pytest.mark.parametrize("uid", ["x", "OTk5OTk5", "_w", "8J+YgA"])
def test_made_up_password_links_say_so(db: None, client: Client, uid: str) -> None:
    assert client.get(f"/password/{uid}/abc-def/").status_code == 410


@pytest.mark.parametrize(
    ("password", "repeated", "sentence"),
    [("short", "short", "too short"), ("entirely other words", "different", "two passwords differ")],
)
def test_a_bad_new_password_is_refused(
    bob: Member, client: Client, password: str, repeated: str, sentence: str
) -> None:
    response = client.post(actions.password_link(bob), {"password": password, "repeated": repeated})

    bob.refresh_from_db()
    assert sentence in response.content.decode()
    assert bob.check_password(PASSWORD)


def test_changing_the_own_password_keeps_this_session(alice: Member, signed_in: SignedIn) -> None:
    client = signed_in(alice)
    entered = {"current": PASSWORD, "password": "entirely other words", "repeated": "entirely other words"}

    client.post(reverse("change_password"), entered)

    alice.refresh_from_db()
    assert alice.check_password("entirely other words")
    assert client.get("/members/").status_code == 200


def test_changing_the_own_password_needs_the_current_one(alice: Member, signed_in: SignedIn) -> None:
    entered = {"current": "wrong", "password": "entirely other words", "repeated": "entirely other words"}

    response = signed_in(alice).post(reverse("change_password"), entered)

    alice.refresh_from_db()
    assert "not your current password" in response.content.decode()
    assert alice.check_password(PASSWORD)


def test_home_leads_to_the_first_step_missing(alice: Member, charlie: Member, signed_in: SignedIn) -> None:
    assert signed_in(charlie).get("/").headers["Location"] == "/authentication/"


def test_home_leads_on_to_the_history(alice: Member, bob: Member, rows: Rows, signed_in: SignedIn) -> None:
    assert signed_in(alice).get("/").headers["Location"] == "/import-history/"
    assert signed_in(bob).get("/").headers["Location"] == "/contacts/"

    rows.setup.enabled = False
    rows.setup.save(update_fields=["enabled"])

    assert signed_in(alice).get("/").headers["Location"] == "/contact-import/"
