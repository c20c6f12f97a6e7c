"""Turns whatever stopped a command into one sentence on stderr and an exit code."""

import os
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

import click

from carillon.lib import home
from carillon.lib.errors import CarillonError

FAILED = 1
USAGE = 2
LOG_FILE = "errors.log"
# PostgreSQL's codes for an undefined table and an undefined column.
MISSING_IN_SCHEMA = frozenset({"42P01", "42703"})


def report(error: BaseException) -> int:
    """Tell `error` in one sentence; return the exit code. CARILLON_DEBUG=1 adds the traceback."""
    if isinstance(error, SystemExit):
        return _exit_code(error)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return USAGE
    if isinstance(error, BrokenPipeError):
        # The reader of our output, such as `head`, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    if os.environ.get("CARILLON_DEBUG") == "1":
        traceback.print_exception(error)
    click.echo(one_line(_sentence(error)), err=True)
    return USAGE if isinstance(error, click.UsageError) else FAILED


def one_line(text: str) -> str:
    return " ".join(text.split())


def _exit_code(error: SystemExit) -> int:
    if error.code is None or isinstance(error.code, int):
        return error.code or 0
    click.echo(one_line(error.code), err=True)
    return FAILED


def _sentence(error: BaseException) -> str:
    if isinstance(error, click.UsageError):
        return _usage(error)
    if isinstance(error, CarillonError):
        return f"carillon: {error}"
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return "carillon: stopped."
    if isinstance(error, click.ClickException):
        return f"carillon: {error.format_message()}"
    return _database_trouble(error) or _unexpected(error)


def _usage(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx else "carillon"
    message = error.format_message().rstrip(".")
    return f"{path}: {message[:1].lower()}{message[1:]}; see {path} --help"


def _database_trouble(error: BaseException) -> str | None:
    """Django's database errors carry psycopg's as their cause. By name: importing psycopg would slow every start."""
    for cause in (error, error.__cause__):
        if getattr(cause, "sqlstate", None) in MISSING_IN_SCHEMA:
            which = _which_database()
            return f"carillon: The database {which} is empty or of an older version. Run `carillon migrate` first."
        kinds = {f"{kind.__module__}.{kind.__name__}" for kind in type(cause).__mro__}
        if "psycopg.OperationalError" in kinds:
            reason = one_line(str(cause)).rstrip(".")
            return f"carillon: The database cannot be used: {reason}. Check that it runs, and CARILLON_DATABASE_URL."
    return None


def _which_database() -> str:
    if not home.uses_embedded_database():
        return "of CARILLON_DATABASE_URL"
    chosen = "" if os.environ.get("CARILLON_DATA_DIR") else " (CARILLON_DATA_DIR is not set)"
    return f"in {home.data_dir()}{chosen}"


def _unexpected(error: BaseException) -> str:
    what = one_line(f"{type(error).__name__}: {error}")[:300]
    return f"carillon: Something unexpected happened ({what}). {_keep(error)}"


def _keep(error: BaseException) -> str:
    """Write the traceback where a person finds it; say where."""
    hint = "Set CARILLON_DEBUG=1 to see the details."
    try:
        log = home.make_data_dir() / LOG_FILE
        _append(log, f"{datetime.now(UTC).isoformat()}\n{''.join(traceback.format_exception(error))}\n")
    except (CarillonError, OSError):
        return hint
    return f"The details are in {log}."


def _append(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8", errors="replace") as stream:
        stream.write(text)
