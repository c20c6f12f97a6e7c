"""The part of `carillon import --dry-run` that needs Django."""

from typing import Any

from carillon.accounts.models import Workspace
from carillon.accounts.queries import only_workspace
from carillon.cli.imports_work import Outcome, draw_bar
from carillon.cli.quiet import quiet_retries
from carillon.imports.drafts import draft_of
from carillon.imports.dry_run import Findings, NotSetUp, Options, Progress, Trial, try_import
from carillon.imports.flips import opt_ins_held
from carillon.imports.leaving import leavers_held
from carillon.imports.models import ImportSetup, Mode, Phase, RunStatus
from carillon.imports.tally import Flip
from carillon.lib.errors import CarillonError


def run(workspace: str, name: str, *, everything: bool) -> Outcome:
    """Never raises CarillonError: what kept it from starting is an outcome too."""
    kind, mode = name.capitalize(), Mode.EVERYTHING if everything else Mode.CHANGES
    flips: list[Flip] = []
    try:
        trial = _trial(only_workspace(workspace), kind, mode)
        with quiet_retries():
            found = try_import(trial, Options(look=_progress_bar, keep=flips.extend))
        draw_bar("Done", found.received, found.received, is_over=True)
    except CarillonError as error:
        found = Findings(RunStatus.FAILED, mode, error=error.sentence, remedy=error.remedy)
        return Outcome(False, f"carillon: {error}", _as_json(found, kind, ""))
    return Outcome(
        found.status == RunStatus.SUCCEEDED,
        _sentence(found, kind),
        _as_json(found, kind, trial.source_label) | {"flips": [_flip(one) for one in flips]},
    )


def _trial(workspace: Workspace, kind: str, mode: Mode) -> Trial:
    # Not made when there is none, as an import does: nothing is stored.
    setup = ImportSetup.objects.filter(workspace=workspace, object=kind).first()
    if setup is None:
        raise NotSetUp(kind)
    return Trial(setup, draft_of(setup), setup.source_label, mode)


def _sentence(found: Findings, kind: str) -> str:
    leaving = "unknown" if found.left_source is None else f"{found.left_source:,}"
    counts = (
        f"{found.received:,} read, {found.created:,} new, {found.updated:,} changed, {found.unchanged:,} unchanged,"
        f" {found.rejected:,} rejected{_by_code(found.rejected_by_reason)}, {leaving} leaving the list,"
        f" {found.issue_count:,} issues{_by_code({one.code: one.count for one in found.issue_kinds})},"
        f" numbers opted out: {found.opted_out:,}, opted back in: {found.opted_in:,},"
        f" values that would become blank: {sum(found.blanked.values()):,}{_by_code(found.blanked)},"
        f" {found.api_calls:,} API calls"
    )
    if found.status == RunStatus.SUCCEEDED:
        held = found.held_reason and f"They would be held for an admin: {found.held_reason}"
        opting = (
            found.held_opt_ins_reason
            and f"The opt-ins would be held for an admin: {found.held_opt_ins_reason}"
        )
        notes = "".join(f" {note}" for note in (found.mode_reason, held, opting, found.note) if note)
        return f"An import of {kind}s would do this; nothing was stored: {counts}.{notes}"
    why = f": {found.error} {found.remedy}".rstrip() if found.error else ""
    return f"carillon: the dry run of {kind}s ended as {found.status}{why} (nothing was stored; {counts})"


def _by_code(counts: dict[str, int]) -> str:
    shown = ", ".join(f"{code} {count:,}" for code, count in counts.items() if count)
    return f" ({shown})" if shown else ""


def _as_json(found: Findings, kind: str, source: str) -> dict[str, Any]:
    return {
        "dry_run": True,
        "status": found.status,
        "object": kind,
        "source": source,
        "mode": found.mode,
        "mode_reason": found.mode_reason or None,
        "org_count": found.org_count,
        "received": found.received,
        "created": found.created,
        "updated": found.updated,
        "unchanged": found.unchanged,
        "rejected": found.rejected,
        "rejected_by_reason": found.rejected_by_reason,
        "left_source": found.left_source,
        "opted_out": found.opted_out,
        "opted_in": found.opted_in,
        "held": _held(found),
        "flips": [],
        "issue_count": found.issue_count,
        "issues_by_code": {one.code: one.count for one in found.issue_kinds},
        "blanked": found.blanked,
        "api_calls": found.api_calls,
        "api_calls_by_kind": found.calls,
        "seconds": found.seconds,
        "started_at": found.started_at or None,
        "finished_at": found.finished_at or None,
        "note": found.note or None,
        "error": f"{found.error} {found.remedy}".strip() or None,
    }


def _flip(flip: Flip) -> dict[str, str | bool]:
    values = flip._asdict()
    return {{"before": "from", "after": "to"}.get(name, name): values[name] for name in values}


def _held(found: Findings) -> list[dict[str, str | int]]:
    held = [leavers_held(found.left_source or 0, found.held_reason)] if found.held_reason else []
    if found.held_opt_ins_reason:
        held.append(opt_ins_held(found.held_opt_ins, found.held_opt_ins_reason))
    return held


def _progress_bar(progress: Progress) -> None:
    draw_bar(Phase(progress.phase).label, progress.received, progress.of, is_over=False)
