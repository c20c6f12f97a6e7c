"""Every command has help, and every failure is one sentence on stderr with its exit code."""

import click
import psycopg
import pytest

from carillon.cli import failures, main
from carillon.cli.worker_tasks import MOST_ATTEMPTS, may_try_again
from carillon.lib.errors import CarillonError


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in main.COMMANDS)])
def test_every_command_has_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(arguments) == 0
    assert capsys.readouterr().out.startswith("Usage: carillon")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nonsense"], "carillon: no such command 'nonsense'; see carillon --help\n"),
        (["migrate", "--foo"], "carillon migrate: no such option '--foo'; see carillon migrate --help\n"),
        (
            ["demo", "--port", "0"],
            "carillon demo: invalid value for '--port': 0 is not in the range 1<=x<=65535; see carillon demo --help\n",
        ),
    ],
)
def test_wrong_usage_is_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(arguments) == 2
    assert capsys.readouterr().err == sentence


def test_a_bare_command_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run([]) == 2
    assert "Commands:" in capsys.readouterr().err


def test_an_expected_failure_is_told_with_its_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    code = failures.report(CarillonError("The list is gone.", "Share it with a\npublic group."))

    assert code == 1
    assert capsys.readouterr().err == "carillon: The list is gone. Share it with a public group.\n"


def _raised(error: Exception, cause: Exception | None = None) -> Exception:
    try:
        raise error from cause
    except Exception as caught:
        return caught


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (psycopg.errors.UndefinedTable("no"), "Run `carillon migrate` first."),
        (psycopg.OperationalError("connection refused\nIs it running?"), "connection refused Is it running?"),
    ],
)
def test_trouble_with_the_database_says_what_to_do(
    cause: Exception, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert failures.report(_raised(RuntimeError("wrapped by the framework"), cause)) == 1

    told_text = capsys.readouterr().err
    assert told in told_text
    assert told_text.count("\n") == 1


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"CARILLON_DATA_DIR": "/srv/carillon"}, "The database in /srv/carillon is empty"),
        ({"XDG_DATA_HOME": "/srv"}, "The database in /srv/carillon (CARILLON_DATA_DIR is not set) is empty"),
        ({"CARILLON_DATABASE_URL": "postgresql:///x"}, "The database of CARILLON_DATABASE_URL is empty"),
    ],
)
def test_an_empty_database_is_named(
    environment: dict[str, str],
    told: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("CARILLON_DATA_DIR", "CARILLON_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    failures.report(_raised(RuntimeError("wrapped"), psycopg.errors.UndefinedTable("no")))

    assert told in capsys.readouterr().err


def test_the_unexpected_is_one_sentence_and_its_details_are_kept(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("data")
    monkeypatch.setenv("CARILLON_DATA_DIR", str(folder))
    monkeypatch.delenv("CARILLON_DEBUG", raising=False)

    assert failures.report(_raised(ValueError("odd"))) == 1

    told = capsys.readouterr().err
    log = folder / "errors.log"
    assert told == f"carillon: Something unexpected happened (ValueError: odd). The details are in {log}.\n"
    assert "Traceback" in log.read_text()


def test_debugging_shows_the_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARILLON_DEBUG", "1")

    failures.report(_raised(CarillonError("The list is gone.")))

    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_a_stopped_command_did_not_succeed(error: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    assert failures.report(error) == 1
    assert capsys.readouterr().err == "carillon: stopped.\n"


def test_every_command_can_be_loaded_and_matches_its_name() -> None:
    group = main.carillon

    for name in main.COMMANDS:
        command = group.get_command(click.Context(group), name)
        assert command is not None
        assert command.name == name


def test_a_job_that_keeps_killing_its_worker_is_given_up() -> None:
    assert may_try_again(MOST_ATTEMPTS - 1)
    assert not may_try_again(MOST_ATTEMPTS)
