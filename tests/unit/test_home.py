import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from carillon.lib import home, postgres_layout
from carillon.lib.errors import CarillonError
from carillon.lib.files import Claim, write_once
from carillon.lib.postgres_layout import Account
from carillon.lib.postgres_settings import GIB, MIB, render


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setenv("CARILLON_DATA_DIR", str(folder))
    monkeypatch.delenv("CARILLON_DATABASE_URL", raising=False)
    monkeypatch.delenv("CARILLON_SECRET_KEY", raising=False)
    monkeypatch.setattr(postgres_layout, "SHARED", tmp_path / "shared")
    return folder


def test_a_chosen_data_folder_wins(data_dir: Path) -> None:
    assert home.data_dir() == data_dir


def test_the_data_folder_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CARILLON_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))

    assert home.data_dir() == tmp_path / "carillon"


@pytest.mark.parametrize(
    ("user", "expected"), [(0, "/var/lib/carillon"), (1000, "/home/ann/.local/share/carillon")]
)
def test_the_default_data_folder(monkeypatch: pytest.MonkeyPatch, user: int, expected: str) -> None:
    monkeypatch.delenv("CARILLON_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", "relative/is/ignored")
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.setattr(os, "geteuid", lambda: user)

    assert home.data_dir() == Path(expected)


def test_the_secret_key_of_the_environment_wins(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARILLON_SECRET_KEY", "new,old")

    assert home.secret_key() == "new,old"
    assert not data_dir.exists()


def test_the_secret_key_is_made_once_and_only_its_owner_may_read_it(data_dir: Path) -> None:
    first = home.secret_key()

    assert home.secret_key() == first
    assert len(first) > 40
    assert stat.S_IMODE((data_dir / "secret.key").stat().st_mode) == 0o600


def test_processes_that_start_together_get_one_secret_key(data_dir: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: home.secret_key(), range(32)))

    assert len(keys) == 1
    assert [path.name for path in data_dir.iterdir()] == ["secret.key"]


def test_a_shared_database_needs_a_secret_key(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARILLON_DATABASE_URL", "postgresql://db/carillon")

    with pytest.raises(CarillonError, match="CARILLON_SECRET_KEY is not set"):
        home.secret_key()


def test_a_data_folder_that_cannot_be_made_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("CARILLON_DATA_DIR", str(tmp_path / "file" / "data"))

    with pytest.raises(CarillonError, match="cannot be made"):
        home.make_data_dir()


def test_the_database_url_of_the_environment_wins(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARILLON_DATABASE_URL", "postgresql://db/carillon")

    assert home.database_url() == "postgresql://db/carillon"


def test_the_embedded_database_url_is_known_before_the_server_runs(data_dir: Path) -> None:
    url = home.database_url()

    assert home.database_url() == url
    assert conninfo_to_dict(url)["dbname"] == "carillon"


@pytest.mark.parametrize("name", ["plain", "with space", "ünïcode", "100%", "a&b=c?d#e", 'it\'s "quoted"'])
def test_the_url_carries_any_folder_name(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    layout = postgres_layout.find(Path("/d") / name)

    assert conninfo_to_dict(postgres_layout.url(layout))["host"] == f"/d/{name}/postgres"


@pytest.mark.parametrize("user", [0, 1000])
def test_a_socket_path_always_fits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, user: int) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(postgres_layout, "reachable", lambda folder, account: True)
    layout = postgres_layout.find(Path("/srv") / ("long" * 20))

    assert len(str(layout.socket_dir / postgres_layout.SOCKET_NAME)) <= postgres_layout.LONGEST_SOCKET_PATH
    assert layout.socket_dir != layout.home


def test_two_long_folders_do_not_share_a_socket() -> None:
    one, two = (postgres_layout.find(Path("/srv") / ("long" * 20) / name) for name in "ab")

    assert one.socket_dir != two.socket_dir


def test_root_keeps_the_cluster_elsewhere_when_its_account_cannot_reach_the_folder(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    data_dir.mkdir()
    data_dir.parent.chmod(0o700)

    layout = postgres_layout.find(data_dir)

    assert layout.home.parent == tmp_path / "shared" / "clusters"
    assert postgres_layout.find(data_dir).home == layout.home


def test_a_folder_is_reachable_when_every_parent_lets_pass(tmp_path: Path) -> None:
    stranger = Account(name="stranger", uid=54321, gid=54321)
    inner = tmp_path / "closed" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)

    assert not postgres_layout.reachable(inner, stranger)
    assert postgres_layout.reachable(Path("/tmp/x/y"), stranger)


def test_settings_follow_the_machine() -> None:
    small = render(socket_dir=Path("/s"), memory=512 * MIB, disk_free=GIB, dynamic_memory="mmap")
    large = render(socket_dir=Path("/s"), memory=64 * GIB, disk_free=900 * GIB, dynamic_memory="posix")

    assert "shared_buffers = '128MB'" in small
    assert "max_wal_size = '512MB'" in small
    assert "shared_buffers = '1024MB'" in large
    assert "max_wal_size = '8192MB'" in large


def test_settings_open_no_network_port() -> None:
    text = render(socket_dir=Path('/it\'s "here"'), memory=GIB, disk_free=GIB, dynamic_memory="posix")

    assert "listen_addresses = ''\n" in text
    assert 'unix_socket_directories = \'"/it\'\'s ""here"""\'\n' in text


def test_the_servers_log_quotes_no_rows_and_no_statements() -> None:
    text = render(socket_dir=Path("/s"), memory=GIB, disk_free=GIB, dynamic_memory="posix")

    assert "log_min_error_statement = 'panic'\nlog_error_verbosity = 'terse'\n" in text


def test_the_first_writer_wins(tmp_path: Path) -> None:
    assert write_once(tmp_path / "f", "one") == "one"
    assert write_once(tmp_path / "f", "two") == "one"


def test_a_claim_is_held_by_one_and_names_its_holder(tmp_path: Path) -> None:
    first, second = Claim(tmp_path / "claim"), Claim(tmp_path / "claim")

    assert first.holder() is None
    assert first.take()
    assert not second.take()
    assert second.holder() == os.getpid()

    first.release()
    assert second.take()
    second.release()
