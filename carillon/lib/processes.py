"""Supervises a tree of child processes in the foreground.

Each child has a process group of its own, so that Ctrl-C reaches only the supervisor, which then asks the children
to end, waits, and kills what is left. On Linux a child dies with its supervisor even when that is killed: the
kernel sends the signal.
"""

import contextlib
import ctypes
import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from carillon.lib.errors import CarillonError

PR_SET_PDEATHSIG = 1
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
# A child that ran this long had started well: its next failure is a new one.
SETTLED_SECONDS = 60.0
LONGEST_LINE = 300

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Child:
    """`log`: a file that gets its output, None to share the supervisor's. `restart`: start it again when it ends."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] | None = None
    log: Path | None = None
    restart: bool = False


class ChildEnded(CarillonError):
    """A child that must run has ended."""


class StopRequested(BaseException):
    """SIGTERM or Ctrl-C arrived. Not an Exception: nothing on the way should mistake it for a failure."""


@dataclass(slots=True)
class _Running:
    """`process` is None while a child waits to be started again."""

    child: Child
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    start_at: float = 0.0


class Supervisor:
    """Use as a context: leaving it, for whatever reason, ends every child.

    A first SIGTERM or Ctrl-C raises StopRequested in the body, which the context swallows; a second one, while the
    children are given `grace` seconds to end, kills them at once.
    """

    def __init__(self, *, grace: float = 20.0, tell: Callable[[str], None] = print) -> None:
        self._grace = grace
        self._tell = tell
        self._running: dict[str, _Running] = {}
        self._stopping = False
        self._hurry = False
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self._handlers[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._stopping = True
        self._stop_all()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        return kind is StopRequested

    def start(self, child: Child) -> None:
        running = self._running[child.name] = _Running(child)
        self._launch(running)

    def check(self) -> None:
        """Restart what may be restarted. Raises ChildEnded for a child that must not end."""
        for running in self._running.values():
            if running.process is None:
                if time.monotonic() >= running.start_at:
                    self._launch(running)
            elif (code := running.process.poll()) is not None:
                self._on_end(running, code)

    def wait(self, until: Callable[[], bool], *, seconds: float) -> bool:
        """Look every 50 ms whether `until` holds, minding the children; False when time is up."""
        deadline = time.monotonic() + seconds
        while not until():
            if time.monotonic() > deadline:
                return False
            self.check()
            time.sleep(0.05)
        return True

    def run(self) -> None:
        """Mind the children until a stop is requested. Raises ChildEnded."""
        while True:
            self.check()
            time.sleep(0.2)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._stopping:
            self._hurry = True
        else:
            self._stopping = True
            raise StopRequested

    def _launch(self, running: _Running) -> None:
        child = running.child
        with contextlib.ExitStack() as stack:
            output = stack.enter_context(child.log.open("ab")) if child.log else None
            running.process = subprocess.Popen(
                child.command,
                env=child.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                process_group=0,
                preexec_fn=_bound_to(os.getpid()),
            )
        running.started = time.monotonic()

    def _on_end(self, running: _Running, code: int) -> None:
        name, log = running.child.name, running.child.log
        if not running.child.restart:
            running.process = None
            remedy = f"{_last_words(log)}Its messages are in {log}." if log else "Its messages are above."
            raise ChildEnded(f"{name.capitalize()} has ended by itself ({describe(code)}).", remedy)
        settled = time.monotonic() - running.started >= SETTLED_SECONDS
        running.failures = 1 if settled else running.failures + 1
        pause = back_off(running.failures)
        running.process, running.start_at = None, time.monotonic() + pause
        self._tell(f"{name.capitalize()} has ended ({describe(code)}); it starts again in {pause:.0f} s.")

    def _stop_all(self) -> None:
        processes = [running.process for running in self._running.values() if running.process]
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + self._grace
        while any(process.poll() is None for process in processes):
            if self._hurry or time.monotonic() > deadline:
                _kill_groups(processes)
            time.sleep(0.02)
        self._running.clear()


def back_off(failures: int) -> float:
    """Seconds before the next start after so many failures in a row, of which there is at least one."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures - 1, 10))


def describe(code: int) -> str:
    """A process's exit code in words; a negative one is the signal that ended it."""
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return f"ended by {signal.Signals(-code).name}"
    return f"ended by signal {-code}"


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when its parent, process `parent`, dies. Does nothing but on Linux."""
    if _libc is None:
        return
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # The parent may have died before the request: then no signal ever comes.
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def free_port(preferred: int, host: str = "127.0.0.1") -> int:
    """`preferred` if it is free, else one of the next twenty, else any; compare to know. Raises CarillonError."""
    for port in (*range(preferred, min(preferred + 21, 65536)), 0):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            # As servers do: a connection just closed must not count as busy.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if error.errno in (errno.EADDRINUSE, errno.EACCES):
                    continue
                raise CarillonError(
                    f"The address {host} cannot be listened on: {error.strerror}.", "Use --host 127.0.0.1."
                ) from error
            return int(probe.getsockname()[1])
    raise CarillonError("No port is free on this machine.", "End some servers and try again.")


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return f"It said last: {lines[-1][:LONGEST_LINE]}\n" if lines else ""


def _bound_to(parent: int) -> Callable[[], None]:
    return lambda: die_with_parent(parent)


def _kill_groups(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
