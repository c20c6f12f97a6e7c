"""Runs the `carillon` command as others do: a process of its own, on the database of the tests."""

import atexit
import json
import os
import select
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.db import connection

COMMAND = (sys.executable, "-m", "carillon.cli.main")
SECONDS = 180


@dataclass(frozen=True, slots=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def environment() -> dict[str, str]:
    settings = connection.settings_dict
    url = (
        f"postgresql://{quote(settings['USER'])}:{quote(settings['PASSWORD'])}@/{quote(settings['NAME'])}"
        f"?host={quote(settings['HOST'], safe='')}"
    )
    if settings["PORT"]:
        url += f"&port={settings['PORT']}"
    # Which test runs is nothing that a command could tell.
    kept = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    return {**kept, "CARILLON_DATABASE_URL": url, "CARILLON_CLIENT_SECRET": "orgsim-secret"}


def carillon(*arguments: str, **extra: str) -> Done:
    return run(arguments, {**environment(), **extra})


def run(arguments: tuple[str, ...], environment: dict[str, str], folder: Path | None = None) -> Done:
    """In a process forked from one that has loaded everything with that environment before."""
    with tempfile.TemporaryDirectory(prefix="carillon-command-") as name:
        out, err = Path(name, "out"), Path(name, "err")
        out.touch()
        err.touch()
        order = {
            "arguments": json.dumps(arguments),
            "folder": str(folder or Path.cwd()),
            "out": str(out),
            "err": str(err),
        }
        return Done(_parent(environment).ask(json.dumps(order)), out.read_text(), err.read_text())


def start(*arguments: str, **extra: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *arguments],
        env={**environment(), **extra},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )


class _Parent:
    """tests/integration/forked.py with one environment."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.forked"],
            env=environment,
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )

    def ask(self, line: str) -> int:
        """The exit code of the command that the line describes."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{line}\n".encode())
        ready, _, _ = select.select([self._process.stdout], [], [], SECONDS)
        answer = self._process.stdout.readline() if ready else b""
        if not answer:
            self.end()
            raise TimeoutError(f"no end within {SECONDS} seconds, or the parent ended: {line}")
        return int(answer)

    def end(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, 9)
        with self._process:
            pass
        for key in [key for key, parent in _parents.items() if parent is self]:
            del _parents[key]


_parents: dict[frozenset[tuple[str, str]], _Parent] = {}


def _parent(environment: dict[str, str]) -> _Parent:
    key = frozenset(environment.items())
    if key not in _parents:
        _parents[key] = _Parent(environment)
    return _parents[key]


@atexit.register
def _end_parents() -> None:
    for parent in list(_parents.values()):
        parent.end()
