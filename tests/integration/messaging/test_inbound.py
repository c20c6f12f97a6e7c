"""The webhook of incoming texts, over real HTTP, called by the carrier and by others."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from carillon.accounts.models import Workspace
from carillon.lib.clock import now
from carillon.messaging import actions, addresses, credentials, webhooks
from carillon.messaging.carriers import twilio
from carillon.messaging.models import Message, Texting, UnusableNumber
from tests.integration.messaging.conftest import PERSON, Carrier, simulated

EMPTY = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'


def texts() -> list[tuple[str, str]]:
    return list(Message.objects.filter(direction="in").order_by("pk").values_list("number", "body"))


def refused(workspace: Workspace) -> int:
    return webhooks.refusals(workspace, now()).count


def test_a_text_is_kept_and_answered_with_nothing(carrier: Carrier) -> None:
    answer = carrier.text("Hello there")

    assert (answer.status_code, answer.text) == (200, EMPTY)
    assert answer.headers["Content-Type"] == "text/xml"
    assert texts() == [(PERSON, "Hello there")]


def test_a_text_that_comes_again_changes_nothing(carrier: Carrier) -> None:
    fields = carrier.fields("Hello")

    answers = [carrier.post(fields) for _ in range(3)]

    assert [(answer.status_code, answer.text) for answer in answers] == [(200, EMPTY)] * 3
    assert len(texts()) == 1


def test_one_text_in_many_calls_at_once_is_kept_once(carrier: Carrier) -> None:
    fields = carrier.fields("Hello")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: carrier.post(fields).status_code, range(16)))

    assert answers == [200] * 16
    assert len(texts()) == 1


@pytest.mark.parametrize(
    "body",
    ["Grüße 👋🏽 ’quoted’", "السلام عليكم", "a+b & c=d%20 ;", " untrimmed \n", "x" * 1600, "", "100% \t‮"],
)
def test_what_people_write_arrives_as_it_is(carrier: Carrier, body: str) -> None:
    assert carrier.text(body).status_code == 200

    assert texts() == [(PERSON, body)]


def test_a_text_without_a_body_and_one_with_pictures_are_kept(carrier: Carrier) -> None:
    carrier.text(None)
    carrier.text("", NumMedia="3", MediaUrl0="https://api.example/1", MediaContentType0="image/jpeg")
    carrier.text("odd", NumMedia="many")

    assert list(Message.objects.order_by("pk").values_list("body", "media_count")) == [
        ("", 0),
        ("", 3),
        ("odd", 0),
    ]


def test_whoever_texts_can_be_texted_again(carrier: Carrier, workspace: Workspace) -> None:
    for number in (PERSON, "+12125550002"):
        UnusableNumber.objects.create(workspace=workspace, number=number, error_code=30006)

    carrier.text("Hi")

    assert [one.number for one in UnusableNumber.objects.all()] == ["+12125550002"]


def test_parameters_we_never_heard_of_do_no_harm(carrier: Carrier) -> None:
    assert (
        carrier.text("Hi", BrandNew="1", ButtonPayload="é", FromCity="", FromZip="10001").status_code == 200
    )


def test_what_the_database_cannot_hold_is_left_out(carrier: Carrier) -> None:
    assert carrier.text("a\0b").status_code == 200

    assert texts() == [(PERSON, "ab")]


@pytest.mark.parametrize("sender", ["whatsapp:+12125550001", "rcs:+12125550001"])
def test_a_channel_before_the_number_is_left_out(carrier: Carrier, sender: str) -> None:
    carrier.post({**carrier.fields(), "From": sender})

    assert texts() == [(PERSON, "Hello")]


@pytest.mark.parametrize("name", ["MessageSid", "From"])
def test_a_signed_call_that_names_no_text_is_refused(
    carrier: Carrier, workspace: Workspace, name: str
) -> None:
    fields = carrier.fields()
    del fields[name]

    assert carrier.post(fields).status_code == 400
    assert texts() == []
    assert refused(workspace) == 1


@pytest.mark.parametrize(
    "headers", [{}, {"X-Twilio-Signature": b"AAAA"}, {"X-Twilio-Signature": "é".encode()}]
)
def test_a_forged_call_is_counted_and_changes_nothing(
    carrier: Carrier, workspace: Workspace, headers: dict[str, bytes]
) -> None:
    url = addresses.inbound_url(carrier.texting)
    given = {name.encode(): value for name, value in headers.items()}

    answer = httpx.post(url, data=carrier.fields("STOP"), headers=given)

    assert answer.status_code == 403
    assert texts() == []
    assert refused(workspace) == 1


def test_a_changed_field_breaks_the_signature(carrier: Carrier, workspace: Workspace) -> None:
    url, fields = addresses.inbound_url(carrier.texting), carrier.fields("Hello")

    for changed in ({**fields, "Body": "STOP"}, {**fields, "From": "+12125550002"}, {**fields, "Extra": "1"}):
        assert httpx.post(url, data=changed, headers=carrier.sign(url, fields)).status_code == 403

    assert texts() == []
    assert refused(workspace) == 3


def test_a_signature_of_one_workspace_opens_no_other(carrier: Carrier) -> None:
    other = simulated(Workspace.objects.create(name="Alumni"), carrier.texting.public_url)
    fields = carrier.fields("STOP")

    answer = carrier.post(fields, addresses.inbound_url(other))

    assert answer.status_code == 403
    assert (refused(other.workspace), refused(carrier.texting.workspace)) == (1, 0)


def test_another_account_is_refused_though_it_is_signed(carrier: Carrier, workspace: Workspace) -> None:
    answer = carrier.text("STOP", AccountSid="AC" + "0" * 32)

    assert answer.status_code == 403
    assert texts() == []
    assert "another one as its account" in webhooks.refusals(workspace, now()).reason


def test_a_token_that_cannot_be_opened_is_an_alarm(carrier: Carrier, workspace: Workspace) -> None:
    fields = carrier.fields("STOP")
    signed = carrier.sign(addresses.inbound_url(carrier.texting), fields)
    Texting.objects.update(auth_token_sealed="of another key")

    answer = httpx.post(addresses.inbound_url(carrier.texting), data=fields, headers=signed)

    assert answer.status_code == 503
    assert "CARILLON_SECRET_KEY" in webhooks.refusals(workspace, now()).reason


def test_while_a_token_is_rotated_calls_signed_by_the_one_before_are_taken(
    carrier: Carrier, workspace: Workspace
) -> None:
    texting, url = carrier.texting, addresses.inbound_url(carrier.texting)
    texting.carrier, texting.account_sid = "twilio", "AC" + "0" * 32
    texting.save()
    draft = actions.draft_of(texting)
    first = credentials.auth_token(texting)
    for token in ("mistyped", "second"):
        actions.save_texting(workspace=workspace, draft=replace(draft, auth_token=token), by=None)

    def answered(token: str) -> int:
        fields = carrier.fields("STOP")
        signed = {twilio.SIGNATURE_HEADER: twilio.sign(token, url, fields)}
        return httpx.post(url, data=fields, headers=signed).status_code

    assert [answered(token) for token in (first, "second", "a stranger's")] == [200, 200, 403]
    assert len(texts()) == 2
    until = credentials.grace_until(Texting.objects.get())
    assert until
    assert timedelta(days=2) < until - now() <= timedelta(days=3)
    kept = Texting.objects.get()
    Texting.objects.update(earlier_tokens=[[sealed, now().isoformat()] for sealed, _ in kept.earlier_tokens])
    assert [answered(token) for token in (first, "second")] == [403, 200]
    other = replace(draft, account_sid="AC" + "1" * 32, auth_token="third")
    actions.save_texting(workspace=workspace, draft=other, by=None)
    assert Texting.objects.get().earlier_tokens == []


def test_a_call_signed_for_another_address_says_which(carrier: Carrier, workspace: Workspace) -> None:
    """As when the carrier's console holds https and the Texting page http."""
    url = addresses.inbound_url(carrier.texting)
    elsewhere, fields = url.replace("http://", "https://"), carrier.fields("STOP")

    answer = httpx.post(url, data=fields, headers=carrier.sign(elsewhere, fields))

    assert answer.status_code == 403
    assert "https instead of http" in webhooks.refusals(workspace, now()).reason
    assert texts() == []


@pytest.mark.parametrize("path", ["inbound", "status", "self-test"])
def test_an_unknown_token_is_not_found(carrier: Carrier, workspace: Workspace, path: str) -> None:
    for token in ("unknown", "%00", "a%00b", "%ff", "x" * 3000):
        url = f"{carrier.texting.public_url}/carriers/twilio/{path}/{token}"

        assert carrier.post(carrier.fields("STOP"), url).status_code == 404

    assert refused(workspace) == 0


def test_replaced_addresses_are_not_found(carrier: Carrier) -> None:
    old = addresses.inbound_url(carrier.texting)
    actions.rotate_path_token(texting=carrier.texting, by=None)

    assert carrier.post(carrier.fields(), old).status_code == 404
    assert carrier.text("Hello").status_code == 200


def test_a_huge_body_is_refused_unread(carrier: Carrier, workspace: Workspace) -> None:
    answer = carrier.text("x" * (webhooks.MOST_BYTES + 1))

    assert answer.status_code == 413
    assert texts() == []


def test_more_fields_than_any_text_has_are_refused(carrier: Carrier) -> None:
    many = {f"f{number}": "" for number in range(1200)}

    assert carrier.post({**carrier.fields(), **many}).status_code == 403


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded; charset=UTF-8",
        "application/x-www-form-urlencoded; charset=iso-8859-1",
        "application/x-www-form-urlencoded; charset=no-such",
        "text/plain",
    ],
)
def test_the_carrier_writes_utf8_whatever_the_charset_says(carrier: Carrier, content_type: str) -> None:
    answer = carrier.post(carrier.fields("Grüße"), **{"Content-Type": content_type})

    assert answer.status_code == 200
    assert texts() == [(PERSON, "Grüße")]


def test_bytes_that_are_no_utf8_are_refused(carrier: Carrier, workspace: Workspace) -> None:
    answer = httpx.post(
        addresses.inbound_url(carrier.texting),
        content=b"Body=\xff\xfe%ff&From=%2B1",
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": "AAAA",
        },
    )

    assert answer.status_code == 403
    assert refused(workspace) == 1


def test_only_posts_are_taken(carrier: Carrier, workspace: Workspace) -> None:
    url = addresses.inbound_url(carrier.texting)

    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
        assert httpx.request(method, url).status_code == 405

    assert refused(workspace) == 0


def test_a_carrier_that_was_told_to_get_is_an_alarm(carrier: Carrier, workspace: Workspace) -> None:
    httpx.get(addresses.inbound_url(carrier.texting), headers={"X-Twilio-Signature": "AAAA"})

    assert "choose HTTP POST" in webhooks.refusals(workspace, now()).reason


def test_a_thousand_forged_calls_are_one_row(carrier: Carrier, workspace: Workspace) -> None:
    for _ in range(20):
        webhooks.count_refused(carrier.texting, "It was not signed.")

    with connection.cursor() as cursor:
        cursor.execute("select count(*) from messaging_refusedcalls")
        assert cursor.fetchone() == (1,)
    assert refused(workspace) == 20


def test_texts_with_a_number_are_found_by_an_index(texting: Texting) -> None:
    with connection.cursor() as cursor:
        cursor.execute("set enable_seqscan = off")
        cursor.execute(
            "explain select * from messaging_message where workspace_id = %s and number = %s"
            " order by id desc limit 50",
            [texting.workspace_id, PERSON],
        )
        plan = " ".join(row[0] for row in cursor.fetchall())
        cursor.execute("reset enable_seqscan")

    assert "message_of_number" in plan
    assert "Sort" not in plan


def test_a_text_costs_few_statements(carrier: Carrier, client: Client) -> None:
    """Of PostgreSQL, with those that begin and end transactions, for a number nobody heard of."""
    url = addresses.inbound_url(carrier.texting)
    address = urlsplit(url)
    most = {"Hello": 4, "HELP": 7, "STOP": 20, "please stop texting me": 19}

    for body, statements in most.items():
        fields = {**carrier.fields(body), "From": f"+1212555{statements:04}"}
        headers = {**carrier.sign(url, fields), "Host": address.netloc}
        with CaptureQueriesContext(connection) as captured:
            client.post(address.path, urlencode(fields), "application/x-www-form-urlencoded", headers=headers)
        assert len(captured) <= statements

    assert len(texts()) == len(most)
