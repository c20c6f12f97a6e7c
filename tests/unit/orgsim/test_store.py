import filecmp
import sqlite3
from array import array
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from orgsim import birth, server, store
from orgsim.catalog import standard_schema
from orgsim.cli import main
from orgsim.org import Org
from orgsim.query import Cursor, Cursors, batch_size, new_locator
from orgsim.soql import Plan

NOW = datetime(2027, 1, 1, tzinfo=UTC)


def test_the_same_seed_makes_the_same_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        birth.make(tmp_path / name, birth.Size(50, 10, seed=3), NOW)

    assert filecmp.cmp(tmp_path / "a", tmp_path / "b", shallow=False)


def test_an_interrupted_making_leaves_no_file(tmp_path: Path) -> None:
    def broken() -> store.Rows:
        raise KeyboardInterrupt
        yield ()

    with pytest.raises(KeyboardInterrupt):
        store.create(tmp_path / "org.db", [("User", ("Id",), broken())], {})

    assert not (tmp_path / "org.db").exists()


def test_a_failed_write_changes_nothing(tmp_path: Path) -> None:
    birth.make(tmp_path / "org.db", birth.Size(1, 0), NOW)
    kept = store.Store(tmp_path / "org.db")

    def fail_half_way() -> None:
        with kept.writing() as connection:
            connection.execute("DELETE FROM Contact")
            raise LookupError

    with pytest.raises(LookupError):
        fail_half_way()

    assert kept.reader().execute("SELECT count(*) FROM Contact").fetchone() == (1,)
    kept.close()


def test_a_file_of_an_earlier_orgsim_gets_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "org.db"
    birth.make(path, birth.Size(1, 1), NOW)
    whole = _counts(path)
    with sqlite3.connect(path) as earlier:
        for table in (
            "Group",
            "GroupMember",
            "QueueSobject",
            "Profile",
            "UserRole",
            "FieldPermissions",
            "Task",
        ):
            earlier.execute(f'DROP TABLE "{table}"')
        earlier.execute("ALTER TABLE Contact DROP COLUMN Interests__c")
    earlier.close()

    assert _counts(path) == whole


def _counts(path: Path) -> dict[str, int]:
    """The rows of each object of an org, once it is opened."""
    org = Org(path)
    try:
        org.store.reader().execute("SELECT Interests__c FROM Contact").fetchall()
        return {
            sobject.name: org.store.reader().execute(f'SELECT count(*) FROM "{sobject.name}"').fetchone()[0]
            for sobject in org.schema.sobjects
        }
    finally:
        org.close()


@pytest.mark.parametrize("content", [b"", b"no database, but long enough to be looked at" * 100])
def test_another_file_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "org.db").write_bytes(content)

    with pytest.raises(store.StoreError, match=r"choose another --data\.$"):
        store.Store(tmp_path / "org.db")


def test_a_busy_port_is_one_sentence_and_exit_code_1(tmp_path: Path) -> None:
    with server.bind(0) as busy:
        port = str(busy.getsockname()[1])

        result = CliRunner().invoke(main, ["serve", "--port", port, "--data", str(tmp_path / "org.db")])

    assert result.exit_code == 1
    assert result.stderr.startswith(f"Port {port} can't be used")
    assert not (tmp_path / "org.db").exists()


@pytest.mark.parametrize(
    ("header", "size"),
    [
        (None, 2_000),
        ("batchSize=200", 200),
        ("BATCHSIZE = 1", 200),
        ("batchSize=5000", 2_000),
        ("other", 2_000),
    ],
)
def test_batch_sizes_are_kept_within_what_the_api_allows(header: str | None, size: int) -> None:
    assert batch_size(header) == size


def test_the_cursor_used_longest_ago_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orgsim.query.KEPT_IDS", 25)
    cursors, plan = Cursors(), Plan(standard_schema().sobjects[0], "", ())
    made = [Cursor(new_locator(), "005", plan, array("q", range(10)), NOW, False, 2_000) for _ in range(3)]
    cursors.add(made[0])
    cursors.add(made[1])
    cursors.find(made[0].locator, "005", datetime(2026, 1, 1, tzinfo=UTC))

    cursors.add(made[2])

    before = datetime(2026, 1, 1, tzinfo=UTC)
    assert cursors.find(made[0].locator, "005", before) is made[0]
    with pytest.raises(Exception, match="invalid query locator"):
        cursors.find(made[1].locator, "005", before)
