"""All changes of consent of a workspace, newest first, also filtered: fast among millions, since each cause and status
has its own range of an index, and a list is what these ranges hold, merged."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet, TextChoices

from carillon.accounts.models import Workspace
from carillon.consent.models import Cause, ConsentEvent, Status

NEWEST_FIRST = ("-learnt_at", "-pk")
CHUNK = 500


class By(TextChoices):
    """By whom, or by what, a change came about."""

    PERSON = "person", "The person"
    MEMBER = "member", "A member here"
    RECORD = "record", "A Salesforce record, by import"
    ERASED = "erased", "An erasure"


_CAUSES: dict[By, tuple[Cause, ...]] = {
    By.PERSON: (Cause.TEXT, Cause.CARRIER, Cause.REQUEST),
    By.MEMBER: (Cause.MEMBER, Cause.REVIEW),
    By.RECORD: (Cause.RECORD, Cause.FIRST_SIGHT, Cause.NUMBER_CHANGED, Cause.MERGED),
    By.ERASED: (Cause.ERASED,),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which changes: empty means all. `begin` and `before` bound the time at which they were learnt; `number` is
    E.164."""

    status: Status | None = None
    by: By | None = None
    begin: datetime | None = None
    before: datetime | None = None
    number: str = ""


COLUMNS = {
    "learnt_at": "learnt_at",
    "number": "consent__number",
    "status": "status",
    "kind": "kind",
    "cause": "cause",
    "counts_at": "counts_at",
    "happened_from": "happened_from",
    "happened_to": "happened_to",
    "member": "member__email",
    "record": "evidence__salesforce_id",
    "words": "evidence__words",
    "reason": "evidence__reason",
    "import": "run",
}


def causes_of(by: By | None) -> tuple[Cause, ...]:
    return _CAUSES[by] if by else tuple(Cause)


def streams(workspace: Workspace, wanted: Wanted) -> list[QuerySet[ConsentEvent]]:
    """The wanted lines in parts that have none in common; each comes by an index in the order NEWEST_FIRST."""
    found = ConsentEvent.objects.filter(_times(wanted), workspace=workspace)
    causes = causes_of(wanted.by)
    statuses = (wanted.status,) if wanted.status else tuple(Status)
    if wanted.number:
        of_number = found.filter(consent__number=wanted.number, consent__workspace=workspace)
        return [of_number.filter(cause__in=causes, status__in=statuses).order_by(*NEWEST_FIRST)]
    return [
        found.filter(cause=cause, status=status).order_by(*NEWEST_FIRST)
        for cause in causes
        for status in statuses
    ]


def newest(parts: Sequence[QuerySet[ConsentEvent]], limit: int) -> list[ConsentEvent]:
    """The first `limit` lines of all parts, with number, member and evidence, in two queries."""
    keys = [part.values_list("pk", "learnt_at")[:limit] for part in parts]
    merged = keys[0].union(*keys[1:], all=True) if len(keys) > 1 else keys[0]
    first = [pk for pk, _ in (merged.order_by("-learnt_at", "-id")[:limit] if len(keys) > 1 else merged)]
    lines = ConsentEvent.objects.select_related("consent", "member", "evidence").in_bulk(first)
    return [lines[pk] for pk in first]


def export(workspace: Workspace, wanted: Wanted) -> Iterator[tuple[Any, ...]]:
    """The values of COLUMNS of all wanted lines, newest first. A chunk of each part is in memory, never more."""
    parts: list[Iterable[tuple[Any, ...]]] = [_chunked(part) for part in streams(workspace, wanted)]
    merged = heapq.merge(*parts, key=lambda row: (row[0], row[-1]), reverse=True)
    return (row[:-1] for row in merged)


def _chunked(part: QuerySet[ConsentEvent]) -> Iterator[tuple[Any, ...]]:
    rows = part.values_list(*COLUMNS.values(), "pk")
    chunk = list(rows[:CHUNK])
    while chunk:
        yield from chunk
        if len(chunk) < CHUNK:
            return
        learnt_at, pk = chunk[-1][0], chunk[-1][-1]
        beyond = Q(learnt_at__lte=learnt_at) & (Q(learnt_at__lt=learnt_at) | Q(pk__lt=pk))
        chunk = list(rows.filter(beyond)[:CHUNK])


def _times(wanted: Wanted) -> Q:
    times = Q()
    if wanted.begin:
        times &= Q(learnt_at__gte=wanted.begin)
    if wanted.before:
        times &= Q(learnt_at__lt=wanted.before)
    return times
