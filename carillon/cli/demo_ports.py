"""Which ports a demo listens on. The org's stays the same over restarts while it is free: the connection names it."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

from carillon.lib.processes import free_port

FIRST_ORG_PORT = 8710
FILE = "ports.json"
# A killed demo's children get their signal from the kernel and need a moment to go.
KILLED_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Ports:
    org: int
    web: int


def choose_ports(folder: Path, *, web: int) -> Ports:
    """`web` and the org's port of last time where they are free, else others. Notes them as in use."""
    earlier, was_killed = _read(folder)
    if was_killed:
        _wait_for(web, earlier)
    web_port = free_port(web)
    org_port = free_port(earlier)
    if org_port == web_port:
        org_port = free_port(web_port + 1)
    _write(folder, org_port, running=True)
    return Ports(org=org_port, web=web_port)


def forget_running(folder: Path) -> None:
    """Note that the demo has ended in order: its ports are free."""
    port, _ = _read(folder)
    _write(folder, port, running=False)


def _wait_for(*ports: int) -> None:
    deadline = time.monotonic() + KILLED_SECONDS
    while time.monotonic() < deadline and any(free_port(port) != port for port in ports):
        time.sleep(0.05)


def _read(folder: Path) -> tuple[int, bool]:
    try:
        state = json.loads((folder / FILE).read_text())
        return int(state["org"]), bool(state["running"])
    except (OSError, ValueError, KeyError, TypeError):
        # The first start, or a file cut short by a power failure: any free port will do.
        return FIRST_ORG_PORT, False


def _write(folder: Path, org: int, *, running: bool) -> None:
    draft = folder / f".{FILE}"
    draft.write_text(json.dumps({"org": org, "running": running}))
    draft.replace(folder / FILE)
