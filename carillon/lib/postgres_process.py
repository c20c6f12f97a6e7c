"""Reads from the process table and the cluster's files whether a PostgreSQL server really runs."""

import os
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_ENDED = frozenset("ZXx")


@dataclass(frozen=True, slots=True)
class Server:
    pid: int
    ready: bool


def server_of(cluster: Path) -> Server | None:
    """The living server of `cluster`. A zombie, or a process id that went to another program, is no server."""
    try:
        lines = (cluster / "postmaster.pid").read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return None
    if not lines or not lines[0].strip().isdigit():
        return None
    pid = int(lines[0])
    if not is_alive(pid) or not _works_in(pid, cluster):
        return None
    # The eighth line is the state: starting, stopping, ready, standby.
    return Server(pid=pid, ready=len(lines) > 7 and lines[7].strip() == "ready")


def is_alive(pid: int) -> bool:
    """False for a zombie: it answers to signals, but does nothing any more."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return _state(pid) not in _ENDED


def members(cluster: Path) -> list[int]:
    """Processes at work in `cluster`: the server, or after its death those it left. Linux; elsewhere empty."""
    if not _PROC.is_dir():
        return []
    numbers = [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]
    return [pid for pid in numbers if _state(pid) not in _ENDED and _serves(pid, cluster)]


def _works_in(pid: int, cluster: Path) -> bool:
    return not _PROC.is_dir() or _serves(pid, cluster)


def _serves(pid: int, cluster: Path) -> bool:
    # By name too: somebody's shell may stand in that folder.
    return _name(pid) == "postgres" and _folder(pid) == os.path.realpath(cluster)


def _name(pid: int) -> str:
    try:
        return (_PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""


def _folder(pid: int) -> str | None:
    """The working folder of a process; None when the system does not tell."""
    try:
        return str((_PROC / str(pid) / "cwd").readlink())
    except OSError:
        return None


def _state(pid: int) -> str:
    """One letter as in /proc/PID/stat; "?" when the system does not tell."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return "?"
    # The name before it stands in brackets and may itself hold brackets and spaces.
    return text.rpartition(")")[2].split()[0]
