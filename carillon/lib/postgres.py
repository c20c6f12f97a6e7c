"""Starts and stops the embedded PostgreSQL of one data folder.

The server has a process session of its own and outlives the command that started it; a watchdog stops it after
ten minutes in which nobody used it. Every start and stop happens under one file lock. `kill -9` of anything, at
any moment, leaves a state from which the next start recovers.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import psycopg

from carillon.lib import postgres_binaries, postgres_layout, postgres_settings
from carillon.lib.errors import CarillonError
from carillon.lib.files import Claim, locked
from carillon.lib.postgres_layout import Layout
from carillon.lib.postgres_process import members, server_of

IDLE_SECONDS = 600.0
START_SECONDS = 300.0
DEAF_SECONDS = 10.0
SETTINGS_FILE = "carillon.conf"
DRAFT = "cluster.draft-"
LARGEST_LOG = 10_000_000


def ensure_running(data_dir: Path, *, idle_seconds: float = IDLE_SECONDS) -> str:
    """Start the server unless it runs; return the database's URL. Any number of processes may call it at once.

    Raises CarillonError with the server's own last words when it cannot start.
    """
    layout = postgres_layout.find(data_dir)
    _make_folders(layout)
    with locked(layout.lock):
        layout.last_used.touch(mode=0o600)
        if not _runs(layout):
            _start(layout)
        if Claim(layout.watchdog_lock).holder() is None:
            _start_watchdog(layout, idle_seconds)
    return postgres_layout.url(layout)


def stop(data_dir: Path) -> bool:
    """Stop the server and its watchdog; True when it ran."""
    layout = postgres_layout.find(data_dir)
    if not layout.cluster.exists():
        return False
    with locked(layout.lock):
        watchdog = Claim(layout.watchdog_lock).holder()
        if watchdog is not None:
            _send(watchdog, signal.SIGTERM)
        return stop_server(layout)


def stop_server(layout: Layout) -> bool:
    """Stop the server; the caller holds the lock."""
    if not _runs(layout):
        return False
    programs = postgres_binaries.find(layout.account, _cluster_major(layout))
    command = [str(programs / "pg_ctl"), "stop", "-D", ".", "-s", "-w", "-m", "fast", "-t", "60"]
    postgres_binaries.run_as(layout.account, command, cwd=layout.cluster, timeout=90)
    if _runs(layout):
        command[command.index("fast")] = "immediate"
        postgres_binaries.run_as(layout.account, command, cwd=layout.cluster, timeout=90)
    return True


def _make_folders(layout: Layout) -> None:
    """The data folder, the account's own folder in it, and the socket's when its path would be too long."""
    account = layout.account
    try:
        layout.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        layout.home.parent.mkdir(parents=True, exist_ok=True, mode=0o711)
        if account.uid != os.geteuid():
            _let_pass(layout.home.parent)
        for folder in {layout.home, layout.socket_dir}:
            folder.mkdir(exist_ok=True, mode=0o700)
            if os.geteuid() == 0 and folder.stat().st_uid == 0:
                os.chown(folder, account.uid, account.gid)
    except OSError as error:
        raise CarillonError(
            f"The database's folder {layout.home} cannot be made: {error.strerror}.",
            "Set CARILLON_DATA_DIR to a folder this account may write to.",
        ) from error
    for folder in (layout.home, layout.socket_dir):
        _refuse_strangers(folder, layout)


def _let_pass(folder: Path) -> None:
    """Let the account pass through the folder above its own, and never more: what lies there keeps its modes."""
    for step in (folder, folder.parent) if folder.parent == postgres_layout.SHARED else (folder,):
        step.chmod(step.stat().st_mode & 0o7777 | 0o001)


def _refuse_strangers(folder: Path, layout: Layout) -> None:
    state = folder.lstat()
    if folder.is_symlink() or state.st_uid != layout.account.uid:
        raise CarillonError(
            f"The folder {folder} belongs to another account, so its database is not used.",
            "Run the command as that account, or set CARILLON_DATA_DIR to a folder of your own.",
        )
    if state.st_mode & 0o077:
        folder.chmod(0o700)


def _runs(layout: Layout) -> bool:
    """Whether the server accepts connections; one that is starting or stopping is waited for."""
    started = time.monotonic()
    told_to_stop = False
    while (server := server_of(layout.cluster)) is not None:
        # Asked as well: a server killed this very moment still looks alive.
        if server.ready and _answers(layout):
            return True
        waited = time.monotonic() - started
        if server.ready and waited > DEAF_SECONDS and not told_to_stop:
            # Somebody removed its socket: it serves nobody any more, so a new one takes its place.
            _send(server.pid, signal.SIGINT)
            told_to_stop = True
        if waited > START_SECONDS:
            raise CarillonError(
                f"The embedded database (process {server.pid}) neither starts nor stops.",
                f"Look at {layout.log}, then end the process and try again.",
            )
        time.sleep(0.05)
    return False


def _answers(layout: Layout) -> bool:
    answer = psycopg.pq.PGconn.ping(postgres_layout.url(layout).encode())
    return answer == psycopg.pq.Ping.OK


def _start(layout: Layout) -> None:
    programs = postgres_binaries.find(layout.account, _cluster_major(layout))
    _remove_drafts(layout)
    if not layout.cluster.exists():
        _create_cluster(layout, programs)
    _clear_after_kill(layout)
    _write_settings(layout)
    if layout.log.exists() and layout.log.stat().st_size > LARGEST_LOG:
        layout.log.unlink()
    # Relative paths: pg_ctl hands them to a shell, and a folder's name may hold anything.
    command = [str(programs / "pg_ctl"), "start", "-D", ".", "-l", "../server.log"]
    command += ["-s", "-w", "-t", str(int(START_SECONDS))]
    answer = postgres_binaries.run_as(layout.account, command, cwd=layout.cluster, timeout=START_SECONDS + 30)
    if answer.returncode != 0:
        raise CarillonError(
            f"The embedded database did not start: {_last_words(layout, answer.stderr)}",
            f"Its log is {layout.log}.",
        )
    _create_database(layout)


def _cluster_major(layout: Layout) -> int | None:
    version = layout.cluster / "PG_VERSION"
    return int(version.read_text().strip()) if version.exists() else None


def _remove_drafts(layout: Layout) -> None:
    for draft in layout.home.glob(f"{DRAFT}*"):
        postgres_binaries.run_as(layout.account, ["rm", "-rf", draft.name], cwd=layout.home)


def _create_cluster(layout: Layout, programs: Path) -> None:
    """Made beside its place and moved there whole, so that a kill in the middle leaves nothing half made.

    The draft's name is new each time: a killed start's initdb may still be writing into its own.
    """
    draft = f"{DRAFT}{uuid.uuid4().hex}"
    command = [str(programs / "initdb"), "-D", draft, "-U", postgres_layout.ROLE, "--auth=trust"]
    command += ["--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]
    answer = postgres_binaries.run_as(layout.account, command, cwd=layout.home, timeout=START_SECONDS)
    if answer.returncode != 0:
        raise CarillonError(
            f"The embedded database could not be created in {layout.home}: {_last_line(answer.stderr)}",
            "Check that the disk has room and that the folder is on a local file system.",
        )
    include = f"include_if_exists = '../{SETTINGS_FILE}'\n"
    _write_as(layout, f"{draft}/postgresql.conf", include, append=True)
    (layout.home / draft).rename(layout.cluster)


def _clear_after_kill(layout: Layout) -> None:
    """Remove what a killed server left, once nothing of it lives.

    PostgreSQL clears its files itself, except where their process id names a zombie (no parent reaped it) or
    has gone to another process. Its orphans end by themselves within seconds; they must be gone first, since
    the files are what keeps two servers from writing to one cluster.
    """
    started = time.monotonic()
    while orphans := members(layout.cluster):
        waited = time.monotonic() - started
        if waited > 30:
            raise CarillonError(
                f"Processes of a killed database still run: {', '.join(map(str, orphans))}.",
                "End them, then try again.",
            )
        if waited > 5:
            for orphan in orphans:
                _send(orphan, signal.SIGKILL)
        time.sleep(0.05)
    socket = layout.socket_dir / postgres_layout.SOCKET_NAME
    for stale in (layout.cluster / "postmaster.pid", socket, Path(f"{socket}.lock")):
        stale.unlink(missing_ok=True)


def _write_settings(layout: Layout) -> None:
    text = postgres_settings.for_this_machine(socket_dir=layout.socket_dir, cluster_parent=layout.home)
    _write_as(layout, SETTINGS_FILE, text)


def _write_as(layout: Layout, name: str, text: str, *, append: bool = False) -> None:
    """Write into the account's folder as that account: root following a link laid there would be a trap."""
    script = 'cat >> "$1"' if append else 'cat > "$1"'
    command = ["sh", "-c", script, "sh", name]
    postgres_binaries.run_as(layout.account, command, cwd=layout.home, text=text).check_returncode()


def _create_database(layout: Layout) -> None:
    marker = layout.home / "database-made"
    if marker.exists():
        return
    with psycopg.connect(postgres_layout.url(layout, "postgres"), autocommit=True) as connection:
        known = connection.execute("select 1 from pg_database where datname = %s", [postgres_layout.DATABASE])
        if known.fetchone() is None:
            connection.execute(f"create database {postgres_layout.DATABASE}")
    _write_as(layout, marker.name, "")


def _start_watchdog(layout: Layout, idle_seconds: float) -> None:
    # It puts itself into the background; what is waited for here is only its first half.
    command = [
        sys.executable,
        "-m",
        "carillon.lib.postgres_watchdog",
        str(layout.data_dir),
        str(idle_seconds),
    ]
    subprocess.run(command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)


def _last_words(layout: Layout, otherwise: str) -> str:
    try:
        return _last_line(layout.log.read_text(errors="replace")[-4000:]) or _last_line(otherwise)
    except OSError:
        return _last_line(otherwise)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason was given."


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
