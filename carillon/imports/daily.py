"""What the imports of a workspace did on each of its last days: one query, however many runs there were."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    DateTimeField,
    F,
    Func,
    IntegerField,
    QuerySet,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Greatest

from carillon.accounts.models import Workspace
from carillon.imports.days import beginning, last_days
from carillon.imports.models import ImportRun, ImportSetup, RunStatus, ScheduledStart, StartOutcome

DAYS = 30


@dataclass(slots=True)
class Day:
    """One local day of a setup's zone: its imports by outcome, and how many records they changed: stored for the
    first time, updated, or marked as having left."""

    day: date
    succeeded: int = 0
    incomplete: int = 0
    failed: int = 0
    missed: int = 0
    changed: int = 0
    postponed: int = 0

    @property
    def imports(self) -> int:
        return self.succeeded + self.incomplete + self.failed + self.postponed + self.missed

    def add(self, outcome: str, number: int, changed: int) -> None:
        self.changed += changed
        # Runs that were cancelled count by what they had changed only.
        if outcome != RunStatus.CANCELLED:
            setattr(self, outcome, getattr(self, outcome) + number)


@dataclass(frozen=True, slots=True)
class LastDays:
    """The earliest day first; every day is there."""

    setup: ImportSetup
    days: list[Day]


def last_days_of(workspace: Workspace, now: datetime) -> list[LastDays]:
    """Each setup's last 30 days in its own time zone. A run is of the day on which it was asked for."""
    setups = list(ImportSetup.objects.filter(workspace=workspace).order_by("object"))
    found = {
        setup.pk: LastDays(setup, [Day(day) for day in last_days(setup.timezone, now, DAYS)])
        for setup in setups
    }
    if setups:
        for setup, number, outcome, count, changed in _counted(list(found.values())):
            # Number 0: before the first of these days.
            if number:
                found[setup].days[number - 1].add(outcome, count, changed)
    return list(found.values())


def _counted(found: Sequence[LastDays]) -> QuerySet[ImportRun, tuple[int, int, str, int, int]]:
    """Setup, number of the day from 1 on, outcome, how many, records changed."""
    begins = {one.setup.pk: [beginning(day.day, one.setup.timezone) for day in one.days] for one in found}
    earliest = min(moments[0] for moments in begins.values())
    # A run that went on where a failed one stopped took over its counts.
    changed = Greatest(
        F("created")
        + F("updated")
        - Coalesce(F("continues__created") + F("continues__updated"), 0)
        + F("left_source"),
        0,
    )
    runs = (
        ImportRun.objects.filter(
            workspace=found[0].setup.workspace_id, queued_at__gte=earliest, finished_at__isnull=False
        )
        .annotate(number=_number_of_day("queued_at", begins))
        .values("setup", "number", "status")
        .annotate(count=Count("pk"), changed=Sum(changed, output_field=BigIntegerField()))
    )
    missed = (
        ScheduledStart.objects.filter(
            setup__in=list(begins), starts_at__gte=earliest, outcome=StartOutcome.MISSED
        )
        .annotate(number=_number_of_day("starts_at", begins))
        .values("setup", "number", "outcome")
        .annotate(count=Count("pk"), changed=Value(0, BigIntegerField()))
    )
    return runs.values_list("setup", "number", "status", "count", "changed").union(
        missed.values_list("setup", "number", "outcome", "count", "changed"), all=True
    )


def _number_of_day(field: str, begins: dict[int, list[datetime]]) -> Case:
    """Days are told apart by their beginnings, which come from here: PostgreSQL may know other time zones."""
    moments = ArrayField(DateTimeField())
    return Case(
        *(
            When(setup=setup, then=Func(F(field), Value(days, moments), function="width_bucket"))
            for setup, days in begins.items()
        ),
        output_field=IntegerField(),
    )
