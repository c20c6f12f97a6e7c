"""The self-test says what a call met on its way, in plain words, and follows nobody."""

import http.server
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from threading import Event, Thread

import httpx
import pytest
from pytest_django.fixtures import Settings

from carillon.lib.processes import free_port
from carillon.messaging import self_test
from carillon.messaging.models import CarrierKind, RefusedCalls, Texting
from tests.integration.messaging import twilio_like
from tests.integration.messaging.conftest import Carrier


@contextmanager
def serving(answer: Callable[[http.server.BaseHTTPRequestHandler, bytes], None]) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answer(self, self.rfile.read(int(self.headers["Content-Length"])))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is given
            """Nothing on stderr."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def say(handler: http.server.BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {**headers, "Content-Length": str(len(body))}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def answering(status: int, body: bytes = b"", **headers: str) -> Iterator[tuple[str, list[str]]]:
    seen: list[str] = []

    def answer(handler: http.server.BaseHTTPRequestHandler, _: bytes) -> None:
        seen.append(handler.path)
        say(handler, status, body, **headers)

    with serving(answer) as url:
        yield url, seen


@contextmanager
def forwarding(to: str) -> Iterator[str]:
    """A proxy that passes on everything but the host it was called by."""

    def answer(handler: http.server.BaseHTTPRequestHandler, body: bytes) -> None:
        headers = {name: handler.headers[name] for name in ("Content-Type", "X-Twilio-Signature")}
        answered = httpx.post(to + handler.path, content=body, headers=headers)
        say(handler, answered.status_code, answered.content)

    with serving(answer) as url:
        yield url


def at(texting: Texting, public_url: str) -> Texting:
    texting.public_url = public_url
    texting.save()
    return texting


def test_a_call_that_arrives_proves_itself(texting: Texting) -> None:
    found = self_test.run(texting)

    assert found.ok
    assert found.note == ""
    assert not RefusedCalls.objects.exists()


@pytest.mark.parametrize(
    ("status", "body", "ok", "words"),
    [
        (200, {"status": "active"}, True, "Twilio accepts the account"),
        (401, {"code": 20003}, False, "does not accept the account SID and auth token"),
        (200, {"status": "suspended"}, False, "closed the account"),
        (503, {}, True, "could not be asked"),
    ],
)
def test_twilio_is_asked_whether_the_token_is_the_accounts(
    texting: Texting, settings: Settings, status: int, body: dict[str, object], ok: bool, words: str
) -> None:
    texting.carrier = CarrierKind.TWILIO
    texting.save()
    with twilio_like.serving() as twilio:
        settings.TWILIO_API, twilio.status, twilio.body = twilio.url, status, body
        found = self_test.run(texting)

    assert found.ok is ok
    assert words in f"{found.sentence} {found.note}"
    assert [path for path, _, _ in twilio.calls] == [f"/2010-04-01/Accounts/{texting.account_sid}.json"]


def test_a_proxy_that_hides_the_host_is_told_of(texting: Texting) -> None:
    with forwarding(texting.public_url) as url:
        found = self_test.run(at(texting, url))

    assert found.ok
    assert "the host localhost instead of 127.0.0.1" in found.note
    assert "X-Forwarded-Proto" in found.note


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (200, "it is not this Carillon"),
        (404, "it is not this Carillon"),
        (502, "it is not this Carillon"),
        (403, "refused the call"),
        (400, "a host name that Carillon does not serve"),
    ],
)
def test_what_answers_instead_is_named(texting: Texting, status: int, words: str) -> None:
    with answering(status, b"0" * 64 + b" https://elsewhere.example") as (url, _):
        found = self_test.run(at(texting, url))

    assert not found.ok
    assert words in found.sentence
    assert found.remedy


def test_redirects_are_not_followed(texting: Texting) -> None:
    with (
        answering(200) as (inside, reached),
        answering(302, Location=f"{inside}/secret") as (url, _),
    ):
        found = self_test.run(at(texting, url))

    assert reached == []
    assert "another address" in found.sentence


def test_an_answer_without_end_is_not_read_to_its_end(texting: Texting) -> None:
    with answering(200, b"x" * 3_000_000) as (url, _):
        assert not self_test.run(at(texting, url)).ok


def test_an_answer_that_trickles_is_not_waited_for(texting: Texting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_test, "SECONDS", 0.5)
    done = Event()

    def trickle(handler: http.server.BaseHTTPRequestHandler, _: bytes) -> None:
        with suppress(OSError):
            while not done.wait(0.05):
                handler.wfile.write(b"H")

    with serving(trickle) as url:
        found = self_test.run(at(texting, url))
        done.set()

    assert "did not answer within" in found.sentence


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_only_our_own_address_may_be_inside_a_network(
    texting: Texting, settings: Settings, host: str
) -> None:
    settings.ALLOW_LOCAL_ORG = False
    with answering(200) as (url, seen):
        url = url.replace("127.0.0.1", host)
        settings.PUBLIC_URL = "https://texts.campus.example"
        refused = self_test.run(at(texting, url))
        reached = list(seen)
        settings.PUBLIC_URL = url
        self_test.run(at(texting, url))

    assert "private network" in refused.sentence
    assert (reached, len(seen)) == ([], 1)


def test_the_address_that_was_looked_at_is_the_one_that_is_called(
    texting: Texting, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is asked once: who owns it might answer otherwise the second time."""
    settings.ALLOW_LOCAL_ORG = False
    monkeypatch.setattr(self_test, "ip_address", lambda _: ip_address("8.8.8.8"))
    hosts: list[str] = []

    def answer(handler: http.server.BaseHTTPRequestHandler, _: bytes) -> None:
        hosts.append(handler.headers["Host"])
        say(handler, 404, b"")

    with serving(answer) as url:
        url = url.replace("127.0.0.1", "localhost")
        self_test.run(at(texting, url))

    assert hosts == [url.removeprefix("http://")]


def test_a_token_that_cannot_be_opened_is_said(texting: Texting) -> None:
    texting.auth_token_sealed = "of another key"

    assert "cannot be opened" in self_test.run(texting).sentence


def test_nothing_answering_is_said(texting: Texting) -> None:
    found = self_test.run(at(texting, f"http://127.0.0.1:{free_port(9300)}"))

    assert not found.ok
    assert "Nothing answers" in found.sentence


def test_https_that_is_none_is_said(texting: Texting) -> None:
    with answering(200) as (url, _):
        found = self_test.run(at(texting, url.replace("http://", "https://")))

    assert not found.ok
    assert "https" in found.sentence


def test_somebody_without_the_auth_token_learns_nothing(carrier: Carrier) -> None:
    url = f"{carrier.texting.public_url}/carriers/twilio/self-test/{carrier.texting.path_token}"

    answer = carrier.post(
        {"Challenge": "x", "AccountSid": carrier.texting.account_sid}, url, **{"X-Twilio-Signature": "no"}
    )

    assert answer.status_code == 403
