"""What benchmarks stand on: a throw-away database and org, and commands measured as whole processes."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
# Orgs are kept between benchmarks of one size, since making one of a million takes a while.
ORGS = Path(tempfile.gettempdir()) / "carillon-bench-orgs"


@dataclass(frozen=True, slots=True)
class Measured:
    """A finished command: what it printed as JSON, wall and CPU seconds, and peak memory in MiB."""

    output: Any
    seconds: float
    cpu: float
    peak_mib: float


@contextmanager
def carillon_home() -> Iterator[dict[str, str]]:
    """Environment of an empty, migrated install of its own."""
    folder = Path(tempfile.mkdtemp(prefix="carillon-bench-"))
    folder.chmod(0o755)
    env = {
        **os.environ,
        "CARILLON_DATA_DIR": str(folder / "data"),
        "CARILLON_ALLOW_LOCAL_ORG": "1",
        "CARILLON_CLIENT_SECRET": "orgsim-secret",
    }
    env.pop("CARILLON_DATABASE_URL", None)
    try:
        run([str(BIN / "carillon"), "migrate"], env)
        yield env
    finally:
        subprocess.run(
            [
                sys.executable,
                "-c",
                "from carillon.lib import home, postgres; postgres.stop(home.data_dir())",
            ],
            env=env,
            check=False,
        )
        shutil.rmtree(folder, ignore_errors=True)


def org_file(contacts: int) -> Path:
    ORGS.mkdir(exist_ok=True)
    return ORGS / f"{contacts}.db"


@contextmanager
def server(
    command: list[str], port: int, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A server process that answers on the port, ended with the block."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
    try:
        deadline = time.monotonic() + 900
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} did not start")
            time.sleep(0.1)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@contextmanager
def orgsim(contacts: int, *, file: Path | None = None, token: str = "") -> Iterator[str]:
    """Address of a simulated org in its own process; `token` opens its admin endpoint."""
    port = free_port()
    command = [str(BIN / "orgsim"), "serve", "--port", str(port), "--data", str(file or org_file(contacts))]
    command += ["--admin-token", token] if token else []
    with server([*command, "--contacts", str(contacts), "--leads", "0", "--seed", "1"], port):
        yield f"http://127.0.0.1:{port}"


def set_up(env: dict[str, str], org: str, source: str = "AllContacts", more: str = "") -> None:
    """Connects the org and maps the fields of the README's example, and what `more` of the setup file says."""
    run([str(BIN / "carillon"), "connect", "--host", org, "--client-id", "orgsim-client"], env)
    file = Path(env["CARILLON_DATA_DIR"]) / "setup.toml"
    file.write_text(_SETUP.format(source=source) + more)
    run([str(BIN / "carillon"), "setup", "apply", str(file)], env)


def measure(command: list[str], env: dict[str, str]) -> Measured:
    """Runs a command that prints JSON, and takes the kernel's word for its time and memory."""
    started = time.monotonic()
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE)
    if process.stdout is None:
        raise RuntimeError("no output to read")
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} exited with {process.returncode}: {output[-2000:]!r}")
    return Measured(
        json.loads(output),
        time.monotonic() - started,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / 1024,
    )


def run(command: list[str], env: dict[str, str]) -> None:
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)


def step(module: str, *arguments: str) -> list[str]:
    """The command that runs a benchmark's step in a process of its own."""
    return [sys.executable, "-m", module, *arguments]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def table(heads: list[str], rows: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, ["-" * width for width in widths], *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/services/data/", timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


_SETUP = """
[contact]
enabled = true
[contact.source]
type = "list_view"
name = "{source}"
[contact.standard_fields]
first_name = "Preferred_Name__c"
first_name_fallback = "FirstName"
last_name = "LastName"
mobile_number = "MobilePhone"
user_identification = "OwnerId"
[[contact.additional_fields]]
salesforce = "Program__c"
contact_field = "program"
label = "Program"
type = "choice"
"""
