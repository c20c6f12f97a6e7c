"""What pages, imports and messaging read about consent. Every query leads with the workspace and uses an index."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from carillon.accounts.models import AuditEntry, Workspace
from carillon.consent.decide import Authority, Refusal, Says, State, opting_in
from carillon.consent.models import (
    UNSETTLED,
    Consent,
    ConsentAudit,
    ConsentEvent,
    ConsentPush,
    OptOutMapping,
    Review,
)
from carillon.consent.reading import FieldKind, Mapping, OptOutField
from carillon.consent.store import STAMPS
from carillon.contacts import remembered
from carillon.lib.clock import now

# In the audit.
FIELD_CHANGED = "opt-out field changed"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a number is, whose word that is, and since when it may or may not be texted like this (None: nobody ever said
    anything)."""

    status: Says
    is_suppressed: bool
    authority: Authority
    since: datetime | None

    @property
    def may_be_texted(self) -> bool:
        return self.status is Says.IN and not self.is_suppressed


def state_of(consent: Consent) -> State:
    return State(*(getattr(consent, name) for name in STAMPS))


def standings(workspace: Workspace, numbers: Sequence[str]) -> dict[str, Standing]:
    """Of each of the numbers (E.164). Raises KeyLost when it can't be known whether somebody was erased."""
    return {
        number: Standing(state.status, state.is_suppressed, state.authority, _since(state))
        for number, state in _states(workspace, numbers).items()
    }


def may_opt_in(workspace: Workspace, numbers: Sequence[str], *, is_admin: bool) -> frozenset[str]:
    """Those of the numbers that such a member, with a reason, may opt back in. Raises KeyLost."""
    states = _states(workspace, numbers).items()
    return frozenset(
        number
        for number, state in states
        if not isinstance(opting_in(state, is_admin=is_admin, reason="-"), Refusal)
    )


def _states(workspace: Workspace, numbers: Sequence[str]) -> dict[str, State]:
    found = {
        consent.number: state_of(consent)
        for consent in Consent.objects.filter(workspace=workspace, number__in=set(numbers))
    }
    erased = remembered.suppressed_since(workspace.pk, [number for number in numbers if number not in found])
    return {number: found.get(number) or State(person_out=erased.get(number)) for number in numbers if number}


def _since(state: State) -> datetime | None:
    return state.likely if state.is_suppressed and not state.is_opted_out else state.since


def timeline(workspace: Workspace, number: str) -> QuerySet[ConsentEvent]:
    """The lines of a number, newest first, with their evidence and members."""
    consent = Consent.objects.filter(workspace=workspace, number=number)
    found = ConsentEvent.objects.filter(workspace=workspace, consent__in=consent)
    return found.select_related("evidence", "member").order_by("-version")


def pushes_of(workspace: Workspace, number: str) -> QuerySet[ConsentPush]:
    """Newest first."""
    consent = Consent.objects.filter(workspace=workspace, number=number)
    return ConsentPush.objects.filter(workspace=workspace, consent__in=consent).order_by("-pk")


def pending(workspace: Workspace) -> QuerySet[ConsentPush]:
    """What Salesforce has not acknowledged yet, the oldest first."""
    return ConsentPush.objects.filter(workspace=workspace, state__in=UNSETTLED).order_by("created_at", "pk")


def good_audits(workspace: Workspace) -> QuerySet[ConsentAudit]:
    """Those that compared everything, the newest first."""
    done = ConsentAudit.objects.filter(workspace=workspace, finished_at__isnull=False, error="")
    return done.order_by("-started_at", "-pk")


def latest_audit(workspace: Workspace) -> ConsentAudit | None:
    """The last one that came to an end, whether it went well or not."""
    done = ConsentAudit.objects.filter(workspace=workspace, finished_at__isnull=False)
    return done.order_by("-started_at", "-pk").first()


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds from what was said to its acknowledgement, of the last day's; None when there were none."""

    acknowledged: int
    median: float | None
    p95: float | None
    worst: float | None


_PACE = """
with done as (
    select extract(epoch from settled_at - created_at)::float as seconds from consent_consentpush
    where workspace_id = %s and state = 'acknowledged' and settled_at >= %s
)
select count(*), percentile_cont(0.5) within group (order by seconds),
    percentile_cont(0.95) within group (order by seconds), max(seconds) from done
"""


def pace(workspace: Workspace, now: datetime) -> Pace:
    with connection.cursor() as cursor:
        cursor.execute(_PACE, [workspace.pk, now - timedelta(days=1)])
        return Pace(*cursor.fetchone())


def open_reviews(workspace: Workspace) -> QuerySet[Review]:
    """Likely opt-outs that nobody decided about, those that are due first."""
    return Review.objects.filter(workspace=workspace, closed_at__isnull=True).order_by("due_at", "pk")


def opt_out_field(workspace: Workspace, object_name: str) -> OptOutField:
    """The opt-out field of an object as it is mapped."""
    mapped = OptOutMapping.objects.filter(workspace=workspace, object=object_name).first()
    return mapped.as_entered if mapped and mapped.field else OptOutField()


@dataclass(frozen=True, slots=True)
class FieldChange:
    """Who mapped the opt-out field of an object anew, and how. `is_undone`: as it was before the change before this."""

    at: datetime
    actor: str
    before: OptOutField
    after: OptOutField
    is_undone: bool


def last_field_change(workspace: Workspace, object_name: str) -> FieldChange | None:
    made = AuditEntry.objects.filter(workspace=workspace, action=FIELD_CHANGED, subject=object_name)
    last, *earlier = [*made.order_by("-at", "-pk")[:2], None]
    if last is None:
        return None
    before, after = (_field(last.detail[way]) for way in ("before", "after"))
    is_undone = earlier[0] is not None and _field(earlier[0].detail["before"]) == after
    return FieldChange(last.at, last.actor, before, after, is_undone)


def _field(audited: dict[str, Any]) -> OptOutField:
    return OptOutField(**{**audited, "kind": FieldKind(audited["kind"])})


def meaning_of(
    workspace: Workspace, object_name: str, field: OptOutField | None = None
) -> tuple[OptOutField, Mapping | None]:
    """The opt-out field and what its values mean, None when none is mapped; with `field` as if that were saved."""
    known = OptOutMapping.objects.filter(workspace=workspace, object=object_name).first()
    saved = known.as_entered if known and known.field else OptOutField()
    field = saved if field is None else field
    if not field.field:
        return field, None
    if known and field == saved:
        return field, known.rules
    return field, field.rules(known.version + 1 if known else 1, now())
