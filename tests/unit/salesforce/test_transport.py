"""The retry budget, with a clock that only moves when something waits or takes time."""

import logging
import ssl
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from carillon.salesforce.errors import (
    BudgetSpent,
    ConcurrentLimitExceeded,
    LimitExceeded,
    MalformedAnswer,
    SalesforceError,
    Stopped,
    Unavailable,
    Unreachable,
)
from carillon.salesforce.transport import (
    BODY_GAP_SECONDS,
    GRACE_SECONDS,
    Answer,
    ApiUsage,
    Call,
    Retry,
    Transport,
)
from tests.unit.salesforce.org import Reply, TinyOrg

PATH = "/services/data/v66.0/query"
PATIENT = Retry(budget_seconds=110, read_timeout=100)


class FakeTime:
    def __init__(self) -> None:
        self.now = 1000.0
        self.naps: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds


@pytest.fixture
def fake() -> FakeTime:
    return FakeTime()


@pytest.fixture
def transport(org: TinyOrg, fake: FakeTime) -> Iterator[Transport]:
    made = Transport(org.origin, retry=PATIENT, clock=fake.clock, sleep=fake.sleep, jitter=lambda: 1.0)
    with made:
        yield made


def body_of(answer: Answer) -> bytes:
    return answer.body


def test_retries_end_within_the_budget(org: TinyOrg, transport: Transport, fake: FakeTime) -> None:
    org.script(PATH, Reply(status=503))
    begun = fake.now

    with pytest.raises(Unavailable):
        transport.send(Call("query", PATH), body_of)

    assert 80 <= fake.now - begun <= 110
    assert len(org.seen) > 5


def test_the_budget_is_shared_by_all_requests_of_a_transport(
    org: TinyOrg, transport: Transport, fake: FakeTime
) -> None:
    begun = fake.now
    for _ in range(50):
        org.script(PATH, *[Reply(status=503)] * 4, Reply(b"ok"))
        try:
            transport.send(Call("query", PATH), body_of)
        except Unavailable:
            break
    else:
        pytest.fail("the budget never ended")

    assert fake.now - begun <= 110


def test_time_in_which_nothing_failed_costs_no_budget(
    org: TinyOrg, transport: Transport, fake: FakeTime
) -> None:
    org.script(PATH, Reply(b"ok"))
    for _ in range(10):
        transport.send(Call("query", PATH), body_of)
        fake.now += 60
    org.script(PATH, *[Reply(status=503)] * 5, Reply(b"ok"))

    assert transport.send(Call("query", PATH), body_of) == b"ok"


def test_an_attempt_may_take_no_longer_than_what_is_left(
    org: TinyOrg, transport: Transport, fake: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed: list[float] = []

    def never_answered(http: httpx.Client, request: httpx.Request, **_: object) -> httpx.Response:
        seconds = request.extensions["timeout"]["read"]
        allowed.append(seconds)
        fake.now += seconds
        raise httpx.ReadTimeout("slow")

    monkeypatch.setattr(httpx.Client, "send", never_answered)
    begun = fake.now

    with pytest.raises(Unreachable, match="in time"):
        transport.send(Call("query", PATH), body_of)
    assert fake.now - begun == pytest.approx(110)
    assert allowed[0] == 100
    assert allowed[1] == pytest.approx(9)

    with pytest.raises(Unreachable):
        transport.send(Call("query", PATH), body_of)
    assert allowed[2:] == [GRACE_SECONDS]


def test_waits_grow_are_capped_and_jittered(org: TinyOrg, fake: FakeTime) -> None:
    org.script(PATH, *[Reply(status=503)] * 7, Reply(b"ok"))
    retry = Retry(budget_seconds=1000, first_wait=0.125, longest_wait=0.5)
    factors = iter([1.0, 1.0, 1.0, 1.0, 0.5, 0.0, 1.0])

    with Transport(
        org.origin, retry=retry, clock=fake.clock, sleep=fake.sleep, jitter=lambda: next(factors)
    ) as transport:
        transport.send(Call("query", PATH), body_of)

    assert fake.naps == [0.25, 0.5, 0.5, 0.5, 0.25, 0.5]


@pytest.mark.parametrize(
    ("reply", "kind", "times"),
    [
        (
            Reply([{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}], 403),
            LimitExceeded,
            1,
        ),
        (
            Reply(
                [
                    {
                        "errorCode": "REQUEST_LIMIT_EXCEEDED",
                        "message": "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
                    }
                ],
                403,
            ),
            ConcurrentLimitExceeded,
            0,
        ),
    ],
)
def test_only_the_limit_that_passes_by_itself_is_waited_for(
    org: TinyOrg, transport: Transport, reply: Reply, kind: type[SalesforceError], times: int
) -> None:
    org.script(PATH, reply)

    with pytest.raises(kind):
        transport.send(Call("query", PATH), body_of)

    assert len(org.seen) == times if times else len(org.seen) > 5


def test_a_request_that_may_not_be_repeated_is_sent_once(org: TinyOrg, transport: Transport) -> None:
    org.script(PATH, Reply(status=503))

    with pytest.raises(Unavailable):
        transport.send(Call("write", PATH, method="POST", safe=False), body_of)

    assert len(org.seen) == 1


@pytest.mark.parametrize(
    ("failures", "untouched"),
    [
        ([httpx.ConnectError("no")], True),
        ([httpx.PoolTimeout("busy"), httpx.ConnectTimeout("slow")], True),
        ([httpx.ReadTimeout("slow")], False),
        ([httpx.ReadError("broke"), httpx.ConnectError("no")], False),
    ],
)
def test_what_never_reached_the_org_is_told_apart(
    transport: Transport, monkeypatch: pytest.MonkeyPatch, failures: list[httpx.HTTPError], untouched: bool
) -> None:
    left = list(failures)

    def failing(http: httpx.Client, request: httpx.Request, **_: object) -> httpx.Response:
        raise left.pop(0) if len(left) > 1 else left[0]

    monkeypatch.setattr(httpx.Client, "send", failing)

    with pytest.raises(Unreachable) as caught:
        transport.send(Call("update", PATH, method="PATCH"), body_of)

    assert caught.value.untouched is untouched


def test_a_request_that_may_not_be_repeated_is_sent_again_when_it_never_left(
    org: TinyOrg, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    org.script(PATH, Reply(b"ok"))
    failures = [httpx.ConnectError("no")]
    send = httpx.Client.send

    def refused_once(http: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        if failures:
            raise failures.pop()
        return send(http, request, **options)

    monkeypatch.setattr(httpx.Client, "send", refused_once)

    assert transport.send(Call("create", PATH, method="POST", safe=False), body_of) == b"ok"
    assert len(org.seen) == 1


def test_an_answer_of_the_wrong_form_is_asked_for_again(org: TinyOrg, transport: Transport) -> None:
    org.script(PATH, Reply(b"bad"), Reply(b"good"))

    def decode(answer: Answer) -> str:
        if answer.body == b"bad":
            raise MalformedAnswer("bad")
        return answer.body.decode()

    assert transport.send(Call("query", PATH), decode) == "good"


def test_a_stop_is_heeded_while_waiting(org: TinyOrg, fake: FakeTime) -> None:
    org.script(PATH, Reply(status=503))
    retry = Retry(budget_seconds=1000, first_wait=20)

    with Transport(
        org.origin,
        retry=retry,
        clock=fake.clock,
        sleep=fake.sleep,
        jitter=lambda: 1.0,
        should_stop=lambda: len(fake.naps) >= 3,
    ) as transport:
        begun = fake.now
        with pytest.raises(Stopped):
            transport.send(Call("query", PATH), body_of)

    assert fake.now - begun <= 2
    assert len(org.seen) == 1


def test_nobody_listening_is_unreachable(fake: FakeTime) -> None:
    with (
        Transport("http://127.0.0.1:1", retry=PATIENT, clock=fake.clock, sleep=fake.sleep) as transport,
        pytest.raises(Unreachable, match="no connection"),
    ):
        transport.send(Call("query", PATH), body_of)

    assert transport.total_calls == 0


def test_an_untrusted_certificate_is_not_tried_again(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[str] = []

    def untrusted(http: httpx.Client, request: httpx.Request, **_: object) -> httpx.Response:
        attempts.append(request.method)
        raise httpx.ConnectError("tls") from ssl.SSLCertVerificationError("self-signed")

    monkeypatch.setattr(httpx.Client, "send", untrusted)

    with pytest.raises(Unreachable, match="certificate is not trusted"):
        transport.send(Call("query", PATH), body_of)

    assert len(attempts) == 1


def test_an_address_that_cannot_be_built_is_an_error_of_ours(transport: Transport) -> None:
    with pytest.raises(Unreachable, match="address"):
        transport.send(Call("query", PATH + "?" + "x" * 70_000), body_of)


def test_an_answer_that_trickles_for_ever_ends_in_time(org: TinyOrg) -> None:
    org.script(PATH, Reply(b"", drip=0.05))
    begun = time.monotonic()

    with (
        Transport(org.origin, retry=Retry(budget_seconds=0.5, read_timeout=0.4)) as transport,
        pytest.raises(Unreachable, match="in time"),
    ):
        transport.send(Call("query", PATH), body_of)

    assert time.monotonic() - begun < 20
    assert BODY_GAP_SECONDS <= 10


def test_an_answer_that_never_begins_ends_in_time(org: TinyOrg) -> None:
    org.script(PATH, Reply(b"", delay=1.0))

    with (
        Transport(org.origin, retry=Retry(budget_seconds=0, read_timeout=0.1)) as transport,
        pytest.raises(Unreachable, match="in time"),
    ):
        transport.send(Call("query", PATH), body_of)


def test_a_damaged_compression_is_asked_for_again(org: TinyOrg, transport: Transport) -> None:
    org.script(PATH, Reply(b"no gzip", headers={"Content-Encoding": "gzip"}), Reply(b"ok"))

    assert transport.send(Call("query", PATH), body_of) == b"ok"


def test_the_http_library_logs_no_address(
    org: TinyOrg, transport: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    org.script(PATH, Reply(b"ok"))

    transport.send(Call("query", f"{PATH}?q=Zyx"), body_of)

    assert "Zyx" not in caplog.text


def test_each_attempt_that_the_org_counts_is_asked_for_first(org: TinyOrg, fake: FakeTime) -> None:
    org.script(PATH, Reply(status=503), Reply(status=503), Reply(body=b"ok"))
    asked: list[int] = []
    with Transport(
        org.origin,
        retry=PATIENT,
        permit=lambda: asked.append(len(org.seen)),
        clock=fake.clock,
        sleep=fake.sleep,
        jitter=lambda: 1.0,
    ) as transport:
        transport.send(Call("query", PATH), body_of)

    assert asked == [0, 1, 2]
    assert transport.counted() == {"query": 3}


def test_a_call_without_permission_is_not_made(org: TinyOrg) -> None:
    def refuse() -> None:
        raise BudgetSpent("The budget is spent.")

    org.script("/services/oauth2/token", Reply(body=b"{}"))
    with Transport(org.origin, permit=refuse) as transport:
        # Signing in costs nothing, so nobody is asked.
        transport.send(Call("sign_in", "/services/oauth2/token", method="POST"), body_of)
        with pytest.raises(BudgetSpent):
            transport.send(Call("query", PATH), body_of)

    assert len(org.seen) == 1
    assert transport.total_calls == 0


def test_calls_whose_answers_do_not_tell_the_usage_are_known(org: TinyOrg) -> None:
    org.script(
        PATH,
        Reply(body=b"ok", headers={"Sforce-Limit-Info": "api-usage=24/15000"}),
        Reply(body=b"ok"),
        Reply(body=b"ok"),
    )
    with Transport(org.origin) as transport:
        for _ in range(3):
            transport.send(Call("query", PATH), body_of)

    assert transport.usage == ApiUsage(24, 15_000)
    assert transport.unreported == 2
