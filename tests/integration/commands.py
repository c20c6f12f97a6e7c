"""Runs the `carillon` command as others do: a process of its own, on the database of the tests."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.db import connection

COMMAND = (sys.executable, "-m", "carillon.cli.main")


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
    return {**os.environ, "CARILLON_DATABASE_URL": url, "CARILLON_CLIENT_SECRET": "orgsim-secret"}


def carillon(*arguments: str, **extra: str) -> Done:
    done = subprocess.run(
        [*COMMAND, *arguments],
        env={**environment(), **extra},
        capture_output=True,
        text=True,
        timeout=180,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def start(*arguments: str, **extra: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *arguments],
        env={**environment(), **extra},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
