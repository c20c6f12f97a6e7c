"""Carillon's own processes, to be killed; and the log of a simulated carrier."""

import random
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from carillon.lib.processes import free_port
from tests.integration.commands import COMMAND, environment

WEB, URGENT, IMPORTS = "web", "urgent", "imports"


class Processes:
    """Carillon's own, each to be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port(20_000 + random.randrange(12_000))
        self._folder = folder
        self._commands = {
            WEB: ("web", "--port", str(self.port), "--workers", "1"),
            URGENT: ("worker", "--queue", "urgent"),
            IMPORTS: ("worker", "--queue", "imports"),
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> "Processes":
        for name in self._commands:
            self.start(name)
        return self

    def __exit__(self, *error: object) -> None:
        for name in list(self._running):
            self.kill(name)

    def start(self, name: str) -> None:
        with (self._folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [*COMMAND, *self._commands[name]], env=environment(), stdout=log, stderr=log
            )

    def kill(self, name: str) -> None:
        """As the kernel does when memory is short: no time for anything."""
        process = self._running.pop(name)
        process.kill()
        process.wait()


class CarriersLog:
    """What the simulated carrier was handed, as it reports it: (the text's own id, the number)."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        sent = self.sent

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                text = parse_qs(urlsplit(self.path).query)["text"][0]
                sent.append((text, parse_qs(body)["To"][0]))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "CarriersLog":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
