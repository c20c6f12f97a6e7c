"""The part of `carillon setup` that needs Django."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import tomli_w
from django.db import transaction

from carillon.accounts.actions import Retention, retention_of, set_retention, set_workspace
from carillon.accounts.models import Workspace
from carillon.accounts.queries import only_workspace
from carillon.cli import setup_file
from carillon.cli.quiet import quiet_retries
from carillon.connections.models import SalesforceConnection
from carillon.consent.queries import opt_out_field
from carillon.imports.actions import SetupInvalid, save_setup, setup_for
from carillon.imports.catalog import source_fields
from carillon.imports.drafts import draft_of
from carillon.imports.models import ImportSetup, SourceType
from carillon.imports.opt_out import retired_values, untold
from carillon.imports.report_catalog import report_fields
from carillon.imports.windows import next_start
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from carillon.salesforce.errors import SalesforceError

# What pages show beside the fault.
_IN_A_FILE = {
    "last_modified": ' The Contact Import page shows how to get that column; way = "by_ids" needs none.'
}


@dataclass(frozen=True, slots=True)
class Applied:
    """What to tell of a file that was applied; `warnings` are what its pages warn of."""

    lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def show(workspace_name: str) -> dict[str, Any]:
    workspace = only_workspace(workspace_name)
    connection = SalesforceConnection.objects.filter(workspace=workspace).first()
    shown = _exported(workspace)
    if connection:
        shown["connection"] = {
            "host": connection.host,
            "client_id": connection.client_id,
            "org_id": connection.org_id,
            "org_name": connection.org_name,
            "api_user": connection.api_user,
            "api_version": connection.api_version,
            "state": connection.state,
        }
    return shown


def as_toml(values: dict[str, Any]) -> str:
    return tomli_w.dumps(values).rstrip("\n")


def export(workspace_name: str) -> str:
    return tomli_w.dumps(_exported(only_workspace(workspace_name)))


def apply(workspace_name: str, file: Path) -> Applied:
    """Raises CarillonError; then nothing was changed."""
    workspace = only_workspace(workspace_name)
    try:
        parsed = setup_file.parse(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise CarillonError(f"{file} is not UTF-8 text.", "Save it as UTF-8.") from None
    try:
        with quiet_retries(), transaction.atomic():
            return _apply(workspace, parsed)
    except SalesforceError as error:
        raise CarillonError(str(error), error.remedy) from None


def _apply(workspace: Workspace, parsed: setup_file.SetupFile) -> Applied:
    applied = Applied()
    lines = applied.lines
    if parsed.workspace is not None:
        set_workspace(
            workspace=workspace,
            name=parsed.workspace["name"],
            default_region=parsed.workspace.get("default_region", "US"),
            by=None,
        )
        lines.append(f"Workspace {workspace.name}, numbers read as in {workspace.default_region}.")
    if parsed.retention is not None:
        _set_retention(workspace, parsed.retention)
        lines.append(
            f"Issues are kept for {workspace.keep_issues_days:,} days, imports for {workspace.keep_runs_days:,},"
            f" changes of contacts for {workspace.keep_changes_days:,}, texts for {workspace.keep_texts_days:,}."
        )
    for name, sections in parsed.objects.items():
        setup = _save_setup(workspace, name, sections)
        state = "enabled" if setup.enabled else "switched off"
        lines.append(f"{name}s: {setup.source_label or 'no source'}, {state}.")
        if "opt_out" in sections:
            lines.append(f"{name}s: opt-out field: {opt_out_field(workspace, name)}.")
        if setup.enabled:
            lines.append(_schedule(setup))
            applied.warnings.extend(f"{name}s: {warning}" for warning in _warnings(setup))
    if not lines:
        lines.append("The file is empty: nothing was changed.")
    return applied


def _set_retention(workspace: Workspace, days: Mapping[str, int]) -> None:
    try:
        set_retention(workspace=workspace, retention=Retention(**days), by=None)
    except CarillonError as error:
        raise CarillonError(f"retention.{error.sentence}", error.remedy) from None


def _save_setup(workspace: Workspace, name: str, sections: Mapping[str, Any]) -> ImportSetup:
    setup = setup_for(workspace, name)
    draft = setup_file.merged(draft_of(setup), sections)
    if draft.enabled and not draft.source:
        raise CarillonError(
            f"{name.lower()}.enabled is true, but there is no source.",
            f"Name a list view or a report in [{name.lower()}.source].",
        )
    try:
        return save_setup(setup=setup, draft=draft, by=None)
    except SetupInvalid as error:
        faults = [
            f"{name.lower()}.{setup_file.place_of(place)}: {sentence}{_IN_A_FILE.get(place, '')}"
            for place, sentence in error.errors.items()
        ]
        raise CarillonError(" ".join(faults)) from None


def _warnings(setup: ImportSetup) -> tuple[str, ...]:
    """The org was asked a moment ago, when the setup was checked."""
    if setup.source_type == SourceType.REPORT:
        offered = report_fields(setup.workspace, setup.object, setup.source_id, setup.source_way)
    else:
        offered = source_fields(setup.workspace, setup.object, setup.source_id)
    mapped = opt_out_field(setup.workspace, setup.object)
    retired = retired_values(mapped, offered.opt_out(mapped.field))
    return (*offered.warnings, *retired, *untold(setup.object, mapped))


def _schedule(setup: ImportSetup) -> str:
    if not setup.windows:
        return f"{setup.object}s are imported by hand only: no window is given."
    coming = min(next_start(setup.schedule, window, now()).at for window in setup.windows)
    local = coming.astimezone(ZoneInfo(setup.timezone))
    return f"{setup.object}s are imported by schedule, next at {local:%Y-%m-%d %H:%M} ({setup.timezone})."


def _exported(workspace: Workspace) -> dict[str, Any]:
    exported: dict[str, Any] = {
        "workspace": {"name": workspace.name, "default_region": workspace.default_region},
        "retention": asdict(retention_of(workspace)),
    }
    for key, name in setup_file.OBJECTS.items():
        setup = ImportSetup.objects.filter(workspace=workspace, object=name).first()
        if setup:
            # By API name, so that the file fits another org, where ids differ.
            exported[key] = setup_file.sections_of(draft_of(setup), setup.source_name or setup.source_id)
    return exported
