"""A very small org on loopback: answers each path from a script, real sockets, nothing of Salesforce in it."""

import gzip
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

ORG_ID = "00D000000000001EAA"
USER_ID = "005000000000001AAA"
TOKEN_PATH = "/services/oauth2/token"
DATE = "Fri, 01 May 2026 07:25:37 GMT"


@dataclass
class Reply:
    """`drop` closes the connection half-way; `drip` sends a byte each so many seconds, for ever."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    drip: float = 0.0
    delay: float = 0.0

    def payload(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    form: dict[str, list[str]]
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class TinyOrg:
    """`script(path, *replies)`: the replies in turn, the last one again and again."""

    def __init__(self, port: int) -> None:
        self.origin = f"http://127.0.0.1:{port}"
        self.seen: list[Seen] = []
        self.tokens = 0
        self._script: dict[str, list[Reply]] = defaultdict(list)

    def script(self, path: str, *replies: Reply) -> None:
        self._script[path] = list(replies)

    def requests(self, path: str) -> list[Seen]:
        return [request for request in self.seen if request.path.partition("?")[0] == path]

    def answer(self, seen: Seen) -> Reply:
        self.seen.append(seen)
        path = seen.path.partition("?")[0]
        replies = self._script[path]
        if replies:
            return replies.pop(0) if len(replies) > 1 else replies[0]
        if path == TOKEN_PATH:
            self.tokens += 1
            return Reply(self.token())
        return Reply([{"errorCode": "NOT_FOUND", "message": "no script"}], status=404)

    def token(self, **changes: str) -> dict[str, str]:
        return {
            "access_token": f"00D!token-{self.tokens}",
            "instance_url": self.origin,
            "id": f"https://login.salesforce.com/id/{ORG_ID}/{USER_ID}",
            "issued_at": "1278448832702",
            "token_type": "Bearer",
            **changes,
        }


@contextmanager
def tiny_org() -> Iterator[TinyOrg]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        org = TinyOrg(server.server_address[1])
        server.org = org  # type: ignore[attr-defined]
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield org
        server.shutdown()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._serve(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)

    def do_PATCH(self) -> None:
        self.do_POST()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        return DATE

    def _serve(self, body: bytes) -> None:
        org: TinyOrg = self.server.org  # type: ignore[attr-defined]
        seen = Seen(self.command, self.path, dict(self.headers), parse_qs(body.decode()), body)
        reply = org.answer(seen)
        payload = reply.payload()
        time.sleep(reply.delay)
        self.send_response(reply.status)
        self.send_header("Content-Length", str(len(payload) + (100 if reply.drop or reply.drip else 0)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)
        if reply.drop:
            self.close_connection = True
        while reply.drip:
            time.sleep(reply.drip)
            try:
                self.wfile.write(b" ")
            except OSError:
                self.close_connection = True
                return
