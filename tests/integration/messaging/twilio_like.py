"""A server that answers like Twilio's API, or as a test wants it to."""

import json
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl


@dataclass(slots=True)
class TwilioLike:
    """`answer` is what the next calls get; a call is kept with its path, its sign-in and its fields."""

    url: str = ""
    status: int = 201
    body: dict[str, Any] = field(default_factory=lambda: {"sid": "SM77", "status": "queued"})
    hang_up: bool = False
    seconds: float = 0.0
    calls: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def refuse(self, status: int, code: int) -> None:
        self.status, self.body = status, {"code": code, "message": "No.", "status": status}


@contextmanager
def serving() -> Iterator[TwilioLike]:
    told = TwilioLike()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
            signed_in = b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
            told.calls.append((self.path, signed_in, dict(parse_qsl(text))))
            time.sleep(told.seconds)
            if told.hang_up:
                return
            content = json.dumps(told.body).encode()
            self.send_response(told.status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is given
            """Nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    told.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
