"""The demo, as a person runs it: it comes up by itself, stops whole, and comes up again after any kill."""

import http.client
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from carillon.lib import postgres, postgres_layout
from carillon.lib.postgres_process import members
from carillon.lib.processes import free_port

pytestmark = pytest.mark.slow

PEOPLE = 300
FIRST_START = 120.0
NEXT_START = 60.0


class Demo:
    """One `carillon demo` on `folder`, with all it prints."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        command = [sys.executable, "-m", "carillon.cli.main", "demo", "--port", str(port)]
        command += ["--contacts", str(PEOPLE), "--leads", "20"]
        environment = {**os.environ, "CARILLON_DATA_DIR": str(folder), "PYTHONUNBUFFERED": "1"}
        environment.pop("CARILLON_SECRET_KEY", None)
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.printed = ""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed += line

    def wait_for(self, text: str, seconds: float) -> str:
        """What was printed up to now, once `text` is in it."""
        deadline = time.monotonic() + seconds
        while text not in self.printed:
            assert time.monotonic() < deadline, self.printed
            assert self.process.poll() is None, self.printed
            time.sleep(0.05)
        return self.printed

    def wait_until_ready(self, seconds: float) -> str:
        return self.wait_for("Ctrl-C stops everything", seconds)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=60)
        self._reader.join(timeout=10)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    def web_port(self) -> int:
        found = re.search(r"Address +http://127\.0\.0\.1:(\d+)", self.printed)
        assert found, self.printed
        return int(found[1])

    def contacts(self) -> int:
        layout = postgres_layout.find(self.folder / "demo")
        with psycopg.connect(postgres_layout.url(layout)) as connection:
            row = connection.execute("select count(*) from contacts_contact").fetchone()
        return int(row[0]) if row else 0

    def may_modify_all_contacts(self) -> bool:
        with closing(sqlite3.connect(self.folder / "demo" / "orgsim.db")) as connection:
            rows = connection.execute(
                "SELECT PermissionsModifyAllRecords FROM ObjectPermissions WHERE SobjectType = 'Contact'"
            ).fetchall()
        return rows == [(1,)]


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="carillon-demo-") as name:
        yield Path(name)
        postgres.stop(Path(name) / "demo")


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., Demo]]:
    demos: list[Demo] = []

    def begin(port: int | None = None) -> Demo:
        demos.append(Demo(folder, port or free_port(18000)))
        return demos[-1]

    yield begin
    for demo in demos:
        demo.end(signal.SIGKILL)


def _processes_of(folder: Path) -> list[str]:
    """Command lines and environments of living processes that name the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:
                continue
            if os.fsencode(folder) in text:
                found.append((entry / "cmdline").read_text())
    return found


def _status(port: int, path: str = "/") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def _eventually(holds: Callable[[], bool], seconds: float = 15.0) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def test_it_comes_up_stops_whole_and_comes_up_again(start: Callable[..., Demo], folder: Path) -> None:
    demo = start()
    printed = demo.wait_until_ready(FIRST_START)
    assert _status(demo.web_port()) in (200, 302)
    staff = re.search(r"http://127\.0\.0\.1:(\d+)(/orgsim/sign-in\S+)", printed)
    assert staff
    assert _status(int(staff[1]), staff[2]) == 303
    imported = demo.contacts()
    # The list view of the demo leaves out people without a mobile number.
    assert PEOPLE * 0.8 < imported < PEOPLE
    # Nothing is refused: not even private contacts, without an account.
    assert demo.may_modify_all_contacts()

    assert demo.end() == 0
    assert _processes_of(folder) == []
    assert members(postgres_layout.find(folder / "demo").cluster) == []

    again = start(demo.port)
    printed_again = again.wait_until_ready(NEXT_START)
    assert again.contacts() == imported
    password = re.search(r"Password +(\S+)", printed)
    assert password
    assert password[1] in printed_again
    assert again.end(signal.SIGINT) == 0
    assert _processes_of(folder) == []


@pytest.mark.soak
def test_a_kill_in_the_middle_of_the_first_start_blocks_nothing(start: Callable[..., Demo]) -> None:
    demo = start()
    demo.wait_for("Connecting to the org", FIRST_START)

    demo.end(signal.SIGKILL)
    again = start(demo.port)

    again.wait_until_ready(FIRST_START)
    assert again.contacts() > PEOPLE * 0.8


@pytest.mark.soak
def test_a_busy_port_and_a_second_demo_are_told_and_a_kill_of_its_head_blocks_nothing(
    start: Callable[..., Demo],
) -> None:
    # Below the ports that outgoing connections get: one of those may take the next port at any time.
    busy = free_port(19000)
    with socket.socket() as other:
        other.bind(("127.0.0.1", busy))
        other.listen()
        demo = start(busy)
        demo.wait_for("Starting", FIRST_START)

        second = start()

        assert second.process.wait(timeout=30) == 1
        assert _eventually(lambda: "A demo runs already" in second.printed)
        assert second.printed.count("\n") == 1
        assert f"Port {busy} is in use by another program" in demo.wait_until_ready(FIRST_START)
        assert demo.web_port() != busy
        assert _status(demo.web_port()) in (200, 302)

        imported = demo.contacts()
        demo.end(signal.SIGKILL)
        again = start(demo.web_port())

        again.wait_until_ready(NEXT_START)
        assert again.web_port() == demo.web_port()
        assert again.contacts() == imported
