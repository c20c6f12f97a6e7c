"""The part of `carillon import` and `carillon history` that needs Django."""

import sys
from dataclasses import dataclass
from typing import Any

from carillon.accounts.queries import only_workspace
from carillon.cli.quiet import quiet_retries
from carillon.cli.tables import aligned
from carillon.imports import queries
from carillon.imports.actions import setup_for
from carillon.imports.models import ImportRun, Mode, RunStatus, StartOutcome
from carillon.imports.runner import Options, execute
from carillon.imports.runs import COMMAND_LINE, Request
from carillon.lib.errors import CarillonError

_BAR = 30


@dataclass(frozen=True, slots=True)
class Outcome:
    succeeded: bool
    sentence: str
    as_json: dict[str, Any]


def run(workspace: str, name: str, *, everything: bool, past_cap: bool = False) -> Outcome:
    """Never raises CarillonError: what kept the import from starting is an outcome too."""
    mode = Mode.EVERYTHING if everything else Mode.CHANGES
    try:
        setup = setup_for(only_workspace(workspace), name.capitalize())
        with quiet_retries():
            done = execute(Request(setup, mode, past_cap=past_cap), Options(on_progress=_progress_bar))
    except CarillonError as error:
        return Outcome(False, f"carillon: {error}", _not_started(name.capitalize(), mode, str(error)))
    return Outcome(done.status == RunStatus.SUCCEEDED, sentence(done), queries.run_as_json(done))


def history(workspace: str, limit: int) -> list[dict[str, Any]]:
    return queries.history_as_json(only_workspace(workspace), limit)


def history_rows(runs: list[dict[str, Any]]) -> list[list[str]]:
    """A line each. A scheduled start that made no import has no counts: the reason stands behind them."""
    if not runs:
        return [["Nothing has been imported yet."]]
    heads = ["started_at", "object", "mode", "status", "started_by"]
    counts = [
        "received",
        "created",
        "updated",
        "unchanged",
        "rejected",
        "left_source",
        "issue_count",
        "api_calls",
    ]
    table = aligned(
        [
            [head.replace("_", " ").upper() for head in (*heads, *counts)],
            *(
                [str(run["due_at"] if _left_out(run) else run["started_at"] or "-")[:19]]
                + [str(run[head] or "-") for head in heads[1:]]
                + ["-" if _left_out(run) else f"{run[count]:,}" for count in counts]
                for run in runs
            ),
        ]
    )
    reasons = aligned([[""], *([run["error"] if _left_out(run) else ""] for run in runs)], longest=200)
    return [line + reason for line, reason in zip(table, reasons, strict=True)]


def _left_out(run: dict[str, Any]) -> bool:
    return run["status"] in (StartOutcome.MISSED, StartOutcome.SKIPPED)


def _not_started(name: str, mode: Mode, error: str) -> dict[str, Any]:
    """The same keys as of a run that was."""
    empty = ImportRun(
        object=name, mode=mode, status=RunStatus.FAILED, error=error, started_by_name=COMMAND_LINE
    )
    return {**queries.summary_as_json(empty), "id": None, "issues": []}


def sentence(run: ImportRun) -> str:
    counts = (
        f"{run.received:,} read, {run.created:,} new, {run.updated:,} updated, {run.unchanged:,} unchanged,"
        f" {run.rejected:,} rejected, {run.left_source:,} left the list, {run.merged:,} merged,"
        f" {run.converted:,} converted, {run.opted_out:,} opted out, {run.opted_in:,} opted back in,"
        f" {run.issue_count:,} issues, {run.api_calls:,} API calls"
    )
    if run.status == RunStatus.SUCCEEDED:
        notes = [run.mode_reason] if run.mode_reason else []
        notes += [f"Held for an admin, on the page of this import: {held['reason']}" for held in run.held]
        return " ".join([f"The import of {run.object}s succeeded: {counts}.", *notes])
    if run.status == RunStatus.CANCELLED:
        return (
            f"carillon: the import of {run.object}s was cancelled; what it had stored stays, and the next import"
            f" reads the rest ({counts})"
        )
    return f"carillon: the import of {run.object}s ended as {run.status}: {run.error} {run.remedy} ({counts})"


def _progress_bar(run: ImportRun) -> None:
    draw_bar(run.get_phase_display(), *queries.progress(run), is_over=not run.is_open)


def draw_bar(phase: str, done: int, total: int | None, *, is_over: bool) -> None:
    """One line on a terminal's stderr, drawn over again; nothing anywhere else."""
    if not sys.stderr.isatty():
        return
    part = done / total if total else 0.0
    bar = "#" * round(part * _BAR)
    of = f" of {total:,}" if total else ""
    end = "\n" if is_over else ""
    sys.stderr.write(f"\r\x1b[K[{bar:<{_BAR}}] {phase}: {done:,}{of}{end}")
    sys.stderr.flush()
