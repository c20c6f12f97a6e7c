"""HTTP in front of the org: one ASGI app that checks where a request comes from, plays ordered faults, and answers.

Work is done in a few threads, so that a long query and a page go on at once; SQLite frees the interpreter meanwhile.
"""

import asyncio
import hmac
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from orgsim import api, headers
from orgsim.admin import Admin
from orgsim.calls import Answer, Call, json_answer, packed
from orgsim.faults import Fault
from orgsim.org import Org
from orgsim.pages.site import Pages
from orgsim.signin import hosts
from orgsim.traffic import Traffic

THREADS = 3
_SLICE = 1_000_000
_ADMIN = "/orgsim/admin/"


class PortInUseError(Exception):
    """The port can't be bound; the text is for the person at the terminal."""


def bind(port: int) -> socket.socket:
    """A socket on loopback only; port 0 takes any free one."""
    # With the protocol named, asyncio sets TCP_NODELAY on what it accepts; without, an answer may wait 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise PortInUseError(
            f"Port {port} can't be used ({error.strerror}): choose another with --port."
        ) from error
    return listener


def address_of(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def _refusal(request: HttpRequest) -> Answer | None:
    """What a browser could be tricked into is refused: foreign Host (rebinding) and foreign Origin."""
    origin = request.headers.get("origin")
    host = request.headers.get("host", "")
    if not hosts.is_served(host):
        return json_answer(
            [{"message": "This server answers to loopback names only", "errorCode": "BAD_HOST"}], 421
        )
    if origin is not None and origin != hosts.address(host) and not hosts.is_loopback(origin):
        return json_answer(
            [{"message": "Requests of other sites are refused", "errorCode": "BAD_ORIGIN"}], 403
        )
    uri = len(request.scope["raw_path"]) + len(request.scope["query_string"])
    long = headers.too_long(uri, sum(len(name) + len(value) + 4 for name, value in request.headers.raw))
    return json_answer(long.body(), long.status) if long else None


async def _body(request: HttpRequest) -> bytes | None:
    """None as soon as it is larger than any request may be."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > headers.LARGEST_BODY:
            return None
    return bytes(body)


class Site:
    """The ASGI application of one org."""

    def __init__(self, org: Org, admin_token: str, pool: ThreadPoolExecutor) -> None:
        self._org = org
        self._pool = pool
        self._admin_token = admin_token
        self._admin = Admin(org)
        self._traffic = Traffic(org.clock)
        self._pages = Pages(org, admin_token, self._traffic)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = HttpRequest(scope, receive)
        answer, fault = _refusal(request), None
        if answer is None:
            answer, fault = await self._answered(request)
        await self._send(request, answer, send, truncated=fault is not None and fault.drop)

    async def _answered(self, request: HttpRequest) -> tuple[Answer, Fault | None]:
        body = await _body(request)
        if body is None:
            return json_answer([{"message": "The body is too large", "errorCode": "TOO_LARGE"}], 413), None
        call = Call(
            method=request.method,
            path=request.url.path.rstrip("/") or "/",
            query=dict(request.query_params),
            headers=dict(request.headers),
            body=body,
            address=hosts.address(request.headers["host"]),
        )
        if call.path.startswith(_ADMIN):
            return await self._in_thread(self._administered, call), None
        if self._pages.takes(call.path):
            return await self._in_thread(self._pages.answer, call), None
        started = time.perf_counter()
        whole = f"{call.path}?{request.url.query}" if request.url.query else call.path
        answer, fault = await self._by_api(call, whole)
        seconds = time.perf_counter() - started
        self._traffic.note((call.method, call.path), answer.status, seconds=seconds, fault=fault is not None)
        return answer, fault

    async def _by_api(self, call: Call, whole: str) -> tuple[Answer, Fault | None]:
        fault = self._org.faults.due(whole)
        if fault and fault.seconds:
            await asyncio.sleep(fault.seconds)
        if fault and fault.status:
            usage = {"Sforce-Limit-Info": self._org.usage.header()}
            counted = usage if call.path.startswith("/services/data/v") else {}
            return json_answer(fault.error(), fault.status, counted), fault
        answer = await self._in_thread(self._plain, call, whole)
        return answer, fault

    async def _in_thread(self, work: Callable[..., Answer], *arguments: object) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)

    def _plain(self, call: Call, whole: str) -> Answer:
        answer = api.answer(self._org, call)
        if answer.status < 300 and answer.body:
            answer = Answer(answer.status, self._org.faults.mangled(whole, answer.body), answer.headers)
        return packed(answer, call.headers.get("accept-encoding", ""))

    def _administered(self, call: Call) -> Answer:
        given = call.headers.get("x-orgsim-token", "")
        if not hmac.compare_digest(given.encode(), self._admin_token.encode()):
            return json_answer(
                {"error": "the header X-Orgsim-Token must hold the token printed at start"}, 403
            )
        if call.method != "POST":
            return json_answer({"error": "verbs are called with POST"}, 405)
        return self._admin.answer(call.path.removeprefix(_ADMIN), call.body)

    async def _send(self, request: HttpRequest, answer: Answer, send: Send, *, truncated: bool) -> None:
        headers = {**answer.headers, "Date": self._org.clock.http_date()}
        # A 204 can't break off; what a client sees of one that got lost is an answer whose body never comes.
        status = 200 if truncated and answer.status == 204 else answer.status
        if status != 204:
            headers["Content-Length"] = str(len(answer.body) + truncated)
        # In Salesforce's capitals, for readers that compare names as they are; ASGI would rather have small letters.
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        body = b"" if request.method == "HEAD" else answer.body
        # A dropped connection: half of the body is sent, then uvicorn closes because the rest never comes.
        end = len(body) // 2 if truncated else len(body)
        # In slices, since uvicorn copies what it is given and the client may be slow to take it.
        for start in range(0, max(end, 1), _SLICE):
            piece = body[start : min(end, start + _SLICE)]
            more = truncated or start + _SLICE < end
            await send({"type": "http.response.body", "body": piece, "more_body": more})


def make_pool() -> ThreadPoolExecutor:
    """The threads that answer; each keeps a connection to the store, so shut it down before the store is closed."""
    return ThreadPoolExecutor(THREADS, thread_name_prefix="orgsim")


class OrgServer(uvicorn.Server):
    async def main_loop(self) -> None:
        """Look for the end ten times as often as uvicorn does: tests start and stop many of these."""
        while not self.should_exit:
            await asyncio.sleep(0.01)


def make_server(org: Org, admin_token: str, pool: ThreadPoolExecutor) -> OrgServer:
    app = Starlette(routes=[Mount("/", app=Site(org, admin_token, pool))])
    config = uvicorn.Config(
        app,
        log_level="critical",
        access_log=False,
        date_header=False,
        server_header=False,
        lifespan="off",
        timeout_keep_alive=60,
        h11_max_incomplete_event_size=4 * headers.LONGEST_HEAD,
    )
    return OrgServer(config)
