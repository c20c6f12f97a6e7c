"""Reports saved by a client: changed, made, or copied from another. What is posted is checked as for a run.

The answer is what a describe of the saved report gives.
"""

import msgspec

from orgsim.reports import shelf
from orgsim.reports.definition import Filter, Grouping, Json, Report, Sort
from orgsim.reports.errors import bad, no_metadata
from orgsim.reports.running import Prepared, Running, blank_report
from orgsim.reports.wanted import Wanted, WantedGrouping

_COPY_NAME = "{name} (copy)"


def changed(running: Running, report: Report, posted: Json | None) -> Report:
    """The report with the posted metadata, saved under its id."""
    if posted is None:
        raise no_metadata()
    return _saved(running, report, running.prepared(report, posted))


def cloned(running: Running, report: Report, posted: Json | None) -> Report:
    """A copy with a name of its own, and whatever else is posted."""
    own = {"name": _COPY_NAME.format(name=report.name), **(posted or {})}
    return _saved(running, msgspec.structs.replace(report, id=""), running.prepared(report, own))


def made(running: Running, posted: Json | None) -> Report:
    """A new report of what is posted."""
    if posted is None:
        raise no_metadata()
    prepared = running.prepared(None, posted)
    return _saved(running, blank_report(prepared.asked.view), prepared)


def _saved(running: Running, base: Report, prepared: Prepared) -> Report:
    store, wanted = running.org.store, prepared.wanted
    if not isinstance(wanted.name, str) or not wanted.name.strip():
        raise bad("The report name can't be null.")
    if not isinstance(wanted.folder_id, str) or not wanted.folder_id:
        raise bad("The report folder ID can't be null.")
    folders = shelf.folders(store, hidden=not running.viewer.is_api_user)
    if wanted.folder_id not in {part for folder in folders for part in (folder.id, folder.id[:15])}:
        raise bad("The report folder ID must be a valid folder ID.")
    folder_id = shelf.any_folder(store, wanted.folder_id)
    report = _with_metadata(base, wanted, wanted.name.strip(), folder_id)
    return shelf.save(store, report, running.org.clock.stamp())


def _with_metadata(base: Report, wanted: Wanted, name: str, folder_id: str) -> Report:
    sort, dates = wanted.sort_by, wanted.standard_date_filter
    words = "".join(character if character.isalnum() else " " for character in name)
    return msgspec.structs.replace(
        base,
        name=name,
        developer_name="_".join(words.split()) if not base.id else base.developer_name,
        folder_id=folder_id,
        description=wanted.description if isinstance(wanted.description, str) else None,
        report_format=wanted.report_format,
        detail_columns=tuple(wanted.detail_columns or ()),
        filters=tuple(Filter(f.column, f.operator, f.text) for f in wanted.report_filters or ()),
        boolean_filter=wanted.report_boolean_filter,
        date_column=(dates.column if dates else None) or "",
        duration=(dates.duration_value if dates else None) or "CUSTOM",
        start_date=dates.start_date if dates else None,
        end_date=dates.end_date if dates else None,
        groupings_down=_groupings(wanted.groupings_down),
        groupings_across=_groupings(wanted.groupings_across),
        aggregates=tuple(wanted.aggregates or ()),
        sort=Sort(sort[0].sort_column or "", sort[0].sort_order or "Asc") if sort else None,
        scope=wanted.scope,
        top_rows=wanted.top_rows.row_limit if wanted.top_rows else None,
        has_detail_rows=wanted.has_detail_rows is not False,
    )


def _groupings(groupings: list[WantedGrouping] | None) -> tuple[Grouping, ...]:
    return tuple(
        Grouping(g.name, g.sort_order or "Asc", g.date_granularity or "None", g.sort_aggregate)
        for g in groupings or ()
    )
