"""A supervised tree stops as one, and nothing of it outlives a kill of its head."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from carillon.lib.errors import CarillonError
from carillon.lib.postgres_process import is_alive
from carillon.lib.processes import Child, ChildEnded, Supervisor, back_off, describe, free_port

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


def _python(code: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(code)]


def _eventually(holds: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


class Head:
    """A supervisor in a process of its own, over children that write their process ids to files."""

    def __init__(self, folder: Path, child: str, *, grace: float = 10.0, restart: bool = False) -> None:
        self.folder = folder
        code = f"""
            import sys
            from carillon.lib.processes import Child, Supervisor
            with Supervisor(grace={grace}) as supervisor:
                for name in ("one", "two"):
                    command = [sys.executable, "-c", {textwrap.dedent(child)!r}, {str(folder)!r}, name]
                    supervisor.start(Child(name, command, restart={restart}))
                supervisor.run()
            print("ended in order")
        """
        self.process = subprocess.Popen(
            _python(code), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def child(self, name: str = "one") -> int:
        path = self.folder / name
        assert _eventually(lambda: path.exists() and path.read_text().endswith("\n"))
        return int(path.read_text())

    def end(self, seconds: float = 15.0) -> str:
        output, _ = self.process.communicate(timeout=seconds)
        return output


WRITES_ITS_ID = """
    import os, pathlib, sys, time
    pathlib.Path(sys.argv[1], sys.argv[2]).write_text(f"{os.getpid()}\\n")
    time.sleep(60)
"""
IGNORES_TERM = """
    import os, pathlib, signal, sys, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    pathlib.Path(sys.argv[1], sys.argv[2]).write_text(f"{os.getpid()}\\n")
    time.sleep(60)
"""


@pytest.fixture
def heads(tmp_path: Path) -> Iterator[Callable[..., Head]]:
    made: list[Head] = []

    def make(child: str = WRITES_ITS_ID, *, grace: float = 10.0, restart: bool = False) -> Head:
        made.append(Head(tmp_path, child, grace=grace, restart=restart))
        return made[-1]

    yield make
    for head in made:
        head.process.kill()
        head.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_ends_every_child(heads: Callable[..., Head], number: signal.Signals) -> None:
    head = heads()
    children = [head.child("one"), head.child("two")]

    head.process.send_signal(number)

    assert head.end() == "ended in order\n"
    assert head.process.returncode == 0
    assert not any(is_alive(child) for child in children)


def test_a_child_that_will_not_end_is_killed_after_the_grace(heads: Callable[..., Head]) -> None:
    head = heads(IGNORES_TERM, grace=0.3)
    children = [head.child("one"), head.child("two")]

    head.process.terminate()

    assert head.end(seconds=5) == "ended in order\n"
    assert not any(is_alive(child) for child in children)


def test_a_second_stop_does_not_wait_for_the_grace(heads: Callable[..., Head]) -> None:
    head = heads(IGNORES_TERM, grace=60)
    children = [head.child("one"), head.child("two")]
    head.process.terminate()
    time.sleep(0.3)

    head.process.terminate()

    assert head.end(seconds=5) == "ended in order\n"
    assert not any(is_alive(child) for child in children)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux sends the signal")
def test_kill_of_the_head_ends_every_child(heads: Callable[..., Head]) -> None:
    head = heads(IGNORES_TERM)
    children = [head.child("one"), head.child("two")]

    head.process.kill()

    assert _eventually(lambda: not any(is_alive(child) for child in children), seconds=3)


def test_a_child_that_must_run_is_missed_by_name(heads: Callable[..., Head]) -> None:
    head = heads()
    other = head.child("two")

    os.kill(head.child("one"), signal.SIGKILL)
    _, told = head.process.communicate(timeout=15)

    assert "ChildEnded" in told
    assert "One has ended by itself (ended by SIGKILL)" in told
    assert not is_alive(other)


def test_a_child_that_may_restart_comes_back(heads: Callable[..., Head]) -> None:
    head = heads(restart=True)
    first = head.child("one")
    head.folder.joinpath("one").unlink()

    os.kill(first, signal.SIGKILL)

    assert head.child("one") != first
    assert head.process.poll() is None


def test_ctrl_c_in_the_terminal_reaches_the_children_through_the_head_only(
    heads: Callable[..., Head],
) -> None:
    head = heads()

    assert os.getpgid(head.child("one")) != os.getpgid(head.process.pid)


def _run_until_it_ends(child: Child) -> None:
    with Supervisor() as supervisor:
        supervisor.start(child)
        supervisor.wait(lambda: False, seconds=10)


def _fail_over(child: Child) -> None:
    with Supervisor() as supervisor:
        supervisor.start(child)
        raise ValueError("odd")


def test_a_failure_in_the_body_ends_the_children(tmp_path: Path) -> None:
    head = Child("child", [sys.executable, "-c", textwrap.dedent(WRITES_ITS_ID), str(tmp_path), "one"])

    with pytest.raises(ValueError, match="odd"):
        _fail_over(head)

    # Ended before it wrote its id, or after: in neither case is it there.
    written = tmp_path / "one"
    assert not written.exists() or not is_alive(int(written.read_text()))


def test_the_exit_code_and_the_log_of_a_child_are_told(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    code = "import sys; print('first'); print('last words'); sys.exit(3)"

    with pytest.raises(ChildEnded, match="exit code 3") as ended:
        _run_until_it_ends(Child("the child", [sys.executable, "-c", code], log=log))

    assert str(log) in ended.value.remedy
    assert "said last: last words" in ended.value.remedy
    assert log.read_text() == "first\nlast words\n"


def test_waiting_ends_when_its_condition_holds_or_time_is_up() -> None:
    with Supervisor() as supervisor:
        supervisor.start(Child("sleeper", SLEEPER))

        assert supervisor.wait(lambda: True, seconds=0)
        assert not supervisor.wait(lambda: False, seconds=0.1)


def test_signal_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)

    with Supervisor():
        assert signal.getsignal(signal.SIGTERM) != before

    assert signal.getsignal(signal.SIGTERM) == before


def test_a_child_sees_its_environment(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    code = "import os; print(os.environ['GREETING'], os.environ.get('HOME'))"

    with pytest.raises(ChildEnded):
        _run_until_it_ends(Child("child", [sys.executable, "-c", code], {"GREETING": "hello"}, log))

    assert log.read_text() == "hello None\n"


@pytest.mark.skipif(sys.platform != "linux", reason="the state is read from /proc")
def test_a_zombie_is_not_alive() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])

    # Ended, and not waited for: it still answers to signals.
    assert _eventually(lambda: not is_alive(process.pid))
    os.kill(process.pid, 0)

    process.wait()


@pytest.mark.parametrize(("failures", "pause"), [(1, 1.0), (2, 2.0), (3, 4.0), (6, 30.0), (5000, 30.0)])
def test_the_pause_before_a_restart_doubles_up_to_a_limit(failures: int, pause: float) -> None:
    assert back_off(failures) == pause


@pytest.mark.parametrize(
    ("code", "words"),
    [(0, "exit code 0"), (3, "exit code 3"), (-9, "ended by SIGKILL"), (-63, "ended by signal 63")],
)
def test_an_end_is_described_in_words(code: int, words: str) -> None:
    assert describe(code) == words


def _listen(port: int) -> socket.socket:
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", port))
    server.listen()
    return server


def test_a_free_port_is_kept() -> None:
    with _listen(0) as server:
        port = server.getsockname()[1]

    assert free_port(port) == port


def test_a_busy_port_leads_to_the_next() -> None:
    with _listen(0) as server:
        port = server.getsockname()[1]

        assert free_port(port) not in (port, 0)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(CarillonError, match="cannot be listened on"):
        free_port(8000, "192.0.2.1")
