"""Records an org's answers to one whole import as bytes, and replays them from a server that does nothing else,
so that an import's own speed shows. `python -m benchmarks.replay serve PORT FOLDER`."""

import json
import re
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_NEXT = re.compile(rb'"nextRecordsUrl":"([^"]+)"')


def record(org: str, soql: str, folder: Path) -> int:
    """Saves every page of the query and what an import asks before it; returns how many pages."""
    folder.mkdir(parents=True, exist_ok=True)
    token = sign_in(org)
    base = f"{org}/services/data/v66.0"
    _save(folder / "describe.json", _get(f"{base}/sobjects/Contact/describe", token))
    views = json.loads(_get(f"{base}/sobjects/Contact/listviews", token))
    view_id = next(view["id"] for view in views["listviews"] if view["developerName"] == "AllContacts")
    _save(folder / "view.json", _get(f"{base}/sobjects/Contact/listviews/{view_id}/describe", token))
    number = 0
    for body in pages(org, soql, token):
        following = _NEXT.search(body)
        replayed = b"/services/data/v66.0/query/%d" % (number + 1)
        _save(folder / f"{number}.json", body.replace(following[1], replayed) if following else body)
        number += 1
    return number


def pages(org: str, soql: str, token: str) -> Iterator[bytes]:
    """Each page's body as it came; the next address is found without decoding the page."""
    address = f"{org}/services/data/v66.0/query?{urllib.parse.urlencode({'q': soql})}"
    while address:
        body = _get(address, token)
        yield body
        following = _NEXT.search(body)
        address = org + following[1].decode() if following else ""


def serve(port: int, folder: Path) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            if path.endswith("/Contact/describe"):
                self._answer((folder / "describe.json").read_bytes())
            elif "/listviews/" in path:
                self._answer((folder / "view.json").read_bytes())
            else:
                number = path.rsplit("/", 1)[1]
                self._answer((folder / f"{number if number.isdigit() else 0}.json").read_bytes())

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            answer = (folder / "token.json").read_text().replace("ORIGIN", f"http://127.0.0.1:{port}")
            self._answer(answer.encode())

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Sforce-Limit-Info", "api-usage=1/100000")
            self.end_headers()
            self.wfile.write(body)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return formatdate(timestamp or time.time(), usegmt=True)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


def save_token(org: str, folder: Path) -> None:
    """The token answer, with the address left open for the server that replays it."""
    answer = json.loads(_token_answer(org))
    _save(folder / "token.json", json.dumps({**answer, "instance_url": "ORIGIN"}).encode())


def sign_in(org: str) -> str:
    return str(json.loads(_token_answer(org))["access_token"])


def _token_answer(org: str) -> bytes:
    form = urllib.parse.urlencode(
        {
            "grant_type": "client_credentials",
            "client_id": "orgsim-client",
            "client_secret": "orgsim-secret",
        }
    )
    with urllib.request.urlopen(f"{org}/services/oauth2/token", form.encode()) as answer:
        return bytes(answer.read())


def _get(address: str, token: str) -> bytes:
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request) as answer:
        return bytes(answer.read())


def _save(file: Path, body: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(body)


if __name__ == "__main__":
    serve(int(sys.argv[2]), Path(sys.argv[3]))
