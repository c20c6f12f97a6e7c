"""How many API calls an import will take. Pure; it follows the ways of the readers, and what finished imports showed.

A list view: what it reads, and the ids of the whole list (an import of everything that is not interrupted is its own
sweep), each by pages or by a bulk job as `routes.choose` says. How large pages are is the org's choice; it is measured.
A report that says who: its runs, then the records by their ids, or what changed in the object where that is cheaper. A
report read alone: its runs, and of changes a run that asks for the changed. A few calls more: descriptions, people read
again by id, what became of those who left.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from carillon.imports.plan import BY_IDS, REPORT_ONLY, SYSTEM_FIELDS
from carillon.imports.sources import choice
from carillon.salesforce.bulk import routes
from carillon.salesforce.kinds import CallKind

# Of a source that was not imported yet.
USUAL_SHARE = 0.01
USUAL_FEW = 3
_BULK = frozenset(kind for kind in CallKind if kind.startswith("bulk_"))


@dataclass(frozen=True, slots=True)
class Source:
    """What is read: `way` is "" for a list view, else how the report is read; `columns` those of a record, and
    `related` whether fields of related records are among them."""

    way: str = ""
    columns: int = len(SYSTEM_FIELDS)
    related: bool = False


@dataclass(frozen=True, slots=True)
class Spent:
    """A finished import that was never interrupted: its calls by kind, what it read, and how many the source held."""

    everything: bool
    calls: Mapping[str, int]
    received: int
    listed: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What the last imports of a setup showed: records a page when everything is read, and ids a page of the sweep;
    the share of the source that changes between two imports; calls besides reading; whether the org does bulk jobs."""

    read_page: int = routes.PAGE
    sweep_page: int = routes.PAGE
    changes_share: float = USUAL_SHARE
    few: int = USUAL_FEW
    by_bulk: bool = True


LIST_VIEW = Source()


def source_of(way: str, mapped: Iterable[str]) -> Source:
    """`mapped` are the fields that are mapped, "" among them or not."""
    names = {*SYSTEM_FIELDS, *filter(None, mapped)}
    related = way != REPORT_ONLY and any("." in name for name in names)
    return Source(way, len(names), related)


def forecast(
    source: Source = LIST_VIEW, *, everything: bool, members: int, measured: Measured, received: int = 0
) -> int:
    """The calls of an import of a source with so many members, of which `received` are stored already by an import
    that this one continues."""
    read = max(0, members - received) if everything else round(members * measured.changes_share)
    resumed = everything and received > 0
    match source.way:
        case "":
            calls = _of_list(source, read, members, measured, sweeps=resumed or not everything)
        case _ if everything:
            calls = _everything_of_report(source, read, members, resumed=resumed)
        case _:
            calls = _changes_of_report(source, read, members, measured)
    return calls + measured.few


def forecast_a_day(
    source: Source = LIST_VIEW, *, windows: int, members: int, measured: Measured, refreshed: bool = False
) -> int:
    """The calls of a day whose windows each start an import of changes, the first of which reads everything where what
    may go stale is `refreshed`."""
    once = forecast(source, everything=False, members=members, measured=measured)
    if not (refreshed and windows):
        return windows * once
    return forecast(source, everything=True, members=members, measured=measured) + (windows - 1) * once


def measured(past: Sequence[Spent], source: Source = LIST_VIEW) -> Measured:
    """What finished imports of this source show, newest or oldest first; the documented sizes where they show
    nothing."""
    whole = [one for one in past if one.everything]
    changes = [one for one in past if not one.everything]
    listed = sum(one.listed for one in changes)
    share = min(1.0, sum(one.received for one in changes) / listed) if listed else USUAL_SHARE
    besides = [_besides_report(one, source) if source.way else _besides_pages(one) for one in past]
    few = -(-sum(besides) // len(besides)) if besides else USUAL_FEW
    if source.way:
        return Measured(changes_share=share, few=few)
    read_page, sweep_page = _page(whole), _page(changes)
    by_bulk = _does_bulk(past, read_page, sweep_page)
    return Measured(read_page, sweep_page, share, few, by_bulk)


def _of_list(source: Source, read: int, members: int, measured: Measured, *, sweeps: bool) -> int:
    calls = _read(read, measured.read_page, source.columns, measured)
    return calls + (_read(members, measured.sweep_page, 1, measured) if sweeps else 0)


def _read(count: int, page: int, columns: int, measured: Measured) -> int:
    if measured.by_bulk and _suits_a_job(count, page):
        return 1 + routes.bulk_calls(count, columns)
    return choice.calls(count, page)


def _suits_a_job(count: int, page: int) -> bool:
    """Of what is left once a first page has told how many there are."""
    return routes.choose(count - page, page) is routes.Route.BULK


def _everything_of_report(source: Source, read: int, members: int, *, resumed: bool = False) -> int:
    runs = choice.calls(members, choice.RUN_ROWS)
    if source.way == BY_IDS:
        return runs + -(-read // _per_call(source))
    # There is no place in a report to go on from; and then it doesn't prove itself.
    return 2 * runs if resumed else runs


def _changes_of_report(source: Source, changed: int, members: int, measured: Measured) -> int:
    runs = choice.calls(members, choice.RUN_ROWS)
    if source.way == REPORT_ONLY:
        return runs + choice.calls(changed, choice.RUN_ROWS)
    return runs + min(choice.calls(changed, measured.read_page), 1 + -(-members // _per_call(source)))


def _per_call(source: Source) -> int:
    return choice.READ_BY_QUERY if source.related else choice.READ_BY_ID


def _besides_report(spent: Spent, source: Source) -> int:
    """What an import took beyond reading: its descriptions at least, where it read in another way than is reckoned."""
    if spent.everything:
        reading = _everything_of_report(source, spent.listed, spent.listed)
    else:
        reading = _changes_of_report(source, spent.received, spent.listed, Measured())
    descriptions = sum(spent.calls.get(kind, 0) for kind in (CallKind.DESCRIBE, CallKind.REPORT_DESCRIBE))
    return max(descriptions, sum(spent.calls.values()) - reading)


def _by_bulk(spent: Spent) -> bool:
    return any(kind in _BULK for kind in spent.calls)


def _does_bulk(past: Sequence[Spent], read_page: int, sweep_page: int) -> bool:
    """An org that refuses jobs is read by pages, however large its lists are."""
    large = [
        one
        for one in past
        if _suits_a_job(*((one.received, read_page) if one.everything else (one.listed, sweep_page)))
    ]
    return not large or any(map(_by_bulk, large))


def _page(past: Sequence[Spent]) -> int:
    """Records a page. The last page of a query is not full: half of it, for want of knowing."""
    paged = [one for one in past if not _by_bulk(one) and one.calls.get(CallKind.QUERY_MORE)]
    records = sum(one.received + (0 if one.everything else one.listed) for one in paged)
    pages = sum(one.calls.get(CallKind.QUERY_MORE, 0) + _queries(one) / 2 for one in paged)
    return max(1, min(routes.PAGE, round(records / pages))) if pages else routes.PAGE


def _queries(spent: Spent) -> int:
    """Those that read: one, and one of the sweep."""
    return 1 if spent.everything else 2


def _besides_pages(spent: Spent) -> int:
    """Calls that are no pages: descriptions, and people read again by id."""
    pages = spent.calls.get(CallKind.QUERY_MORE, 0)
    pages += sum(number for kind, number in spent.calls.items() if kind in _BULK)
    reading = 0 if _by_bulk(spent) else _queries(spent)
    return max(0, sum(spent.calls.values()) - pages - reading)
