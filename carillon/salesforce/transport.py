"""HTTP to one Salesforce org: the only module of the vendor's client that knows httpx.

Bounds time: from the start of a first failing attempt until its request succeeds, summed over the life of a
transport, no more than `Retry.budget_seconds` is spent (the first attempt of a request always gets GRACE_SECONDS,
so a nearly spent budget does not cut off a healthy org). Redirects are never followed. Logs name the kind of call
and the class of the failure, never an address, a header or a body.
"""

import email.utils
import gzip
import logging
import random
import re
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import httpx

from carillon.lib import tls
from carillon.salesforce.answers import error_of
from carillon.salesforce.errors import MalformedAnswer, SalesforceError, Stopped, Unreachable
from carillon.salesforce.hosts import is_local

CONNECT_SECONDS = 10.0
GRACE_SECONDS = 5.0
# Once an answer has begun, its pieces come at once; a longer gap is a broken connection.
BODY_GAP_SECONDS = 10.0
# Below this there is no sense in one more attempt.
SHORTEST_ATTEMPT_SECONDS = 0.5
_STOP_CHECK_SECONDS = 0.5
# 200 changes of one field are 16 KB as JSON and 1.7 KB packed, for 0.1 ms; 2,000 ids 42 and 14 KB. Short bodies gain
# nothing.
SMALLEST_PACKED_BYTES = 1_024
_FASTEST = 1
# Salesforce refuses a 26th call that runs long, whoever sends it; pushes come in bursts with pauses between.
_LIMITS = httpx.Limits(max_connections=20, max_keepalive_connections=20, keepalive_expiry=30.0)

log = logging.getLogger("carillon.salesforce")
# httpx logs each address at INFO, and with it queries that may hold personal data.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

T = TypeVar("T")
_DATA_PATH = re.compile(r"/services/data/v\d+\.\d+/")
_USAGE = re.compile(r"(?<![\w-])api-usage=(\d+)/(\d+)")


@dataclass(frozen=True, slots=True)
class Retry:
    """How long to keep trying, and how often at the most where that is said. The default suits a command a person waits
    for; a worker passes more."""

    budget_seconds: float = 110.0
    read_timeout: float = 100.0
    first_wait: float = 0.5
    longest_wait: float = 20.0
    most_attempts: int | None = None


@dataclass(frozen=True, slots=True)
class ApiUsage:
    """Calls of the org's last 24 hours, by everyone, and the org's limit."""

    used: int
    limit: int


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `kind`, a CallKind, names it in counts and logs; `path` starts with a slash; `safe` allows repeating.

    The body is either a `form` or `content`, whose type a header names.
    """

    kind: str
    path: str
    method: str = "GET"
    origin: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    content: bytes | None = field(default=None, repr=False)
    safe: bool = True
    refuse: Callable[[int, bytes], SalesforceError] = error_of


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx or 304 answer: the decoded body's bytes, the org's clock when it was made, headers by lower-case name."""

    body: bytes = field(repr=False)
    answered_at: datetime | None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class _Done(Generic[T]):
    value: T


class Transport:
    """A connection to one origin with bounded retries and counted calls. Safe to share between threads.

    `permit` is asked before every attempt of a call that the org counts, in the thread that makes it; it raises
    BudgetSpent to keep the call from being made.
    """

    def __init__(
        self,
        origin: str,
        *,
        retry: Retry | None = None,
        should_stop: Callable[[], bool] | None = None,
        permit: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.origin = origin
        self.retry = retry or Retry()
        self.calls: Counter[str] = Counter()
        self.usage: ApiUsage | None = None
        # Calls answered since the last answer that carried the usage.
        self.unreported = 0
        self.org_time: datetime | None = None
        self._should_stop = should_stop or (lambda: False)
        self._permit = permit or (lambda: None)
        self._clock, self._sleep, self._jitter = clock, sleep, jitter
        self._spent = 0.0
        self._lock = threading.Lock()
        trust_env = not is_local(origin)
        self._http = httpx.Client(
            follow_redirects=False,
            trust_env=trust_env,
            verify=tls.context(trust_env=trust_env),
            limits=_LIMITS,
            headers={"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "Carillon"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    @property
    def total_calls(self) -> int:
        """API calls answered so far, as the org counts them; token requests are none."""
        return self.counted().total()

    def counted(self) -> Counter[str]:
        """The calls answered so far by kind; a copy, since other threads go on counting."""
        with self._lock:
            return Counter(self.calls)

    def send(self, call: Call, decode: Callable[[Answer], T]) -> T:
        """The decoded answer of a call, tried again while that can help and time is left.

        `decode` raises MalformedAnswer when the body is not what was agreed: that counts as a failed attempt.
        """
        failing_since: float | None = None
        touched = False
        attempt = 0
        try:
            while True:
                attempt += 1
                if _DATA_PATH.match(call.path):
                    self._permit()
                begun = self._clock()
                outcome = self._attempt(call, decode, self._seconds_for_attempt(failing_since))
                if isinstance(outcome, _Done):
                    return outcome.value
                if failing_since is None:
                    failing_since = begun
                touched = touched or not outcome.untouched
                wait = self._wait_before(attempt)
                left = self._left(failing_since)
                may_repeat = outcome.retriable and (call.safe or outcome.untouched)
                may_repeat = may_repeat and attempt != self.retry.most_attempts
                if not may_repeat or left - wait < SHORTEST_ATTEMPT_SECONDS:
                    raise outcome
                log.warning(
                    "%s failed (%s), attempt %d; again in %.1f s",
                    call.kind,
                    type(outcome).__name__,
                    attempt,
                    wait,
                )
                self.pause(wait)
        except SalesforceError as error:
            error.untouched = error.untouched and not touched
            raise
        finally:
            if failing_since is not None:
                with self._lock:
                    self._spent += self._clock() - failing_since

    def _left(self, failing_since: float | None) -> float:
        running = 0.0 if failing_since is None else self._clock() - failing_since
        return self.retry.budget_seconds - self._spent - running

    def _seconds_for_attempt(self, failing_since: float | None) -> float:
        left = self._left(failing_since)
        if failing_since is None:
            left = max(left, GRACE_SECONDS)
        return min(self.retry.read_timeout, left)

    def _wait_before(self, attempt: int) -> float:
        # Full jitter: many workers that failed together must not come back together.
        return self._jitter() * min(self.retry.longest_wait, self.retry.first_wait * 2.0 ** min(attempt, 16))

    def check_stop(self) -> None:
        """Raises Stopped once the caller wants no more requests."""
        if self._should_stop():
            raise Stopped

    def pause(self, seconds: float) -> None:
        """Waits; raises Stopped as soon as the caller wants no more requests."""
        end = self._clock() + seconds
        while True:
            self.check_stop()
            left = end - self._clock()
            if left <= 0:
                return
            self._sleep(min(left, _STOP_CHECK_SECONDS))

    def _attempt(
        self, call: Call, decode: Callable[[Answer], T], seconds: float
    ) -> SalesforceError | _Done[T]:
        # Failures are returned, not raised from an except block: a chained httpx error would carry the request
        # and its headers into error reports.
        try:
            answer = self._exchange(call, seconds)
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
            return _failure_of(error)
        if not (200 <= answer.status < 300 or answer.status == httpx.codes.NOT_MODIFIED):
            return call.refuse(answer.status, answer.body)
        try:
            return _Done(decode(answer))
        except SalesforceError as error:
            return error.with_traceback(None)

    def _exchange(self, call: Call, seconds: float) -> Answer:
        deadline = self._clock() + seconds
        content, packed = _packed(call.content)
        request = self._http.build_request(
            call.method,
            (call.origin or self.origin) + call.path,
            headers={**call.headers, **packed},
            data=None if call.form is None else dict(call.form),
            content=content,
            timeout=httpx.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
        )
        timeouts: dict[str, float] = request.extensions["timeout"]

        def shrink(event: str, info: Mapping[str, Any]) -> None:
            # httpx bounds each phase on its own; cutting the next phase to what is left bounds them together.
            left = max(deadline - self._clock(), 0.001)
            timeouts.update(connect=min(CONNECT_SECONDS, left), write=left, read=left)
            if event.endswith("receive_response_body.started"):
                timeouts["read"] = min(BODY_GAP_SECONDS, left)

        request.extensions["trace"] = shrink
        response = self._http.send(request, stream=True)
        try:
            pieces: list[bytes] = []
            for piece in response.iter_bytes():
                pieces.append(piece)
                if self._clock() > deadline:
                    raise httpx.ReadTimeout("The answer took too long.")
        finally:
            response.close()
            self._note(call, response.headers)
        headers = response.headers
        return Answer(b"".join(pieces), _date_of(headers), response.status_code, dict(headers))

    def _note(self, call: Call, headers: httpx.Headers) -> None:
        with self._lock:
            if _DATA_PATH.match(call.path):
                self.calls[call.kind] += 1
                self.unreported += 1
            usage = _USAGE.search(headers.get("Sforce-Limit-Info", ""))
            if usage:
                self.usage, self.unreported = ApiUsage(int(usage[1]), int(usage[2])), 0
            self.org_time = _date_of(headers) or self.org_time


def _packed(content: bytes | None) -> tuple[bytes | None, dict[str, str]]:
    """A large body as gzip, which Salesforce takes like the plain one, and the header that says so."""
    if content is None or len(content) < SMALLEST_PACKED_BYTES:
        return content, {}
    return gzip.compress(content, _FASTEST, mtime=0), {"Content-Encoding": "gzip"}


def _date_of(headers: httpx.Headers) -> datetime | None:
    try:
        return email.utils.parsedate_to_datetime(headers.get("Date", "")).astimezone(UTC)
    except (ValueError, TypeError):
        return None


def _failure_of(error: Exception) -> SalesforceError:
    if _caused_by_certificate(error):
        return _for_good(Unreachable("The host's certificate is not trusted, so nothing was sent to it."))
    if isinstance(error, httpx.InvalidURL):
        return _for_good(Unreachable("The address of the request could not be built."))
    if isinstance(error, httpx.DecodingError):
        return MalformedAnswer("Salesforce's answer was damaged on the way.")
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return _untouched(Unreachable("Salesforce could not be reached: there is no connection to the host."))
    if isinstance(error, httpx.TimeoutException):
        return Unreachable("Salesforce did not answer in time.")
    return Unreachable("The connection to Salesforce broke off before the answer was complete.")


def _untouched(error: Unreachable) -> Unreachable:
    error.untouched = True
    return error


def _for_good(error: Unreachable) -> Unreachable:
    error.retriable = False
    return _untouched(error)


def _caused_by_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
