"""People who left the list, so many at once that an admin looks first: kept as ids beside the run that found them.

*Apply* marks them as having left. *Drop* keeps them in the source until the list holds them again; they are not held
a second time, unless so many others leave as well that a set of all is held. A newer run replaces an open set.
"""

from collections.abc import Iterator
from itertools import chain

from django.db import connection, transaction
from django.db.models import F

from carillon.accounts.actions import audit
from carillon.accounts.models import Member
from carillon.contacts import remembered
from carillon.contacts.models import Absence, Contact, RecordChange
from carillon.imports import alerts
from carillon.imports.leavers import Leavers
from carillon.imports.leaving import is_held, leavers_held, likely_reason
from carillon.imports.lock import LockHeld, setup_lock
from carillon.imports.models import HELD_IN_FORCE, HeldIds, HeldLeavers, HeldStatus, ImportRun, ImportSetup
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError

_BACK = """
update imports_heldids i set ids = array(
    select given.id from unnest(i.ids) given(id)
    where not exists (select 1 from import_members m where m.salesforce_id = given.id)
    and exists (
        select 1 from contacts_contact c
        where c.workspace_id = %(workspace)s and c.salesforce_id = given.id and c.in_source
    )
)
where i.held_id = %(held)s
"""
_APPLY = """
with given as (
    select unnest(ids) as salesforce_id, absence from imports_heldids where held_id = %(held)s
),
leavers as (
    update contacts_contact c set in_source = false, left_source_at = now(), absence = g.absence,
        absent_since = case when g.absence <> '' then now() end
    from given g
    where c.workspace_id = %(workspace)s and c.salesforce_id = g.salesforce_id and c.in_source
    returning c.id, c.absence
),
noted as (
    insert into contacts_fieldchange (workspace_id, contact_id, field, before, after, run, at)
    select %(workspace)s, id, 'in_source', to_jsonb(true), to_jsonb(false), %(run)s, now() from leavers
    union all
    select %(workspace)s, id, %(field)s, to_jsonb(''::text), to_jsonb(absence), %(run)s, now() from leavers
    where absence <> ''
)
select count(*), count(*) filter (where absence = %(deleted)s), count(*) filter (where absence = %(hidden)s)
from leavers
"""
# An id list of a set has many times more: whom to read at once.
_READ = 2_000


class NothingHeld(CarillonError):
    """There is no open set."""

    def __init__(self) -> None:
        super().__init__(
            "Nothing is held any more: it was decided meanwhile, or a later import replaced it.",
            "Look at the latest import.",
        )


def people_first(held: HeldLeavers, limit: int = 20) -> list[Contact]:
    """The first few of a set in force, by id."""
    lists = HeldIds.objects.filter(held=held).order_by("absence", "pk")[:limit]
    ids = list(chain.from_iterable(lists.values_list(f"ids__0_{limit}", flat=True)))[:limit]
    found = Contact.objects.filter(workspace=held.setup.workspace_id, salesforce_id__in=ids)
    return list(found.order_by("salesforce_id"))


def people(held: HeldLeavers) -> Iterator[tuple[Contact, str]]:
    """All of a set in force, each with what was found of the record (Absence, or empty); streamed."""
    lists = HeldIds.objects.filter(held=held).order_by("absence", "pk")
    for absence, ids in lists.values_list("absence", "ids").iterator(chunk_size=1):
        for begin in range(0, len(ids), _READ):
            found = Contact.objects.filter(
                workspace=held.setup.workspace_id, salesforce_id__in=ids[begin : begin + _READ]
            )
            for contact in found.order_by("salesforce_id"):
                yield contact, absence


def in_force_for(contact: Contact) -> HeldLeavers | None:
    """The set that keeps the person in the source although the list doesn't hold them."""
    if not contact.in_source:
        return None
    sets = HeldLeavers.objects.filter(
        setup__workspace=contact.workspace_id,
        status__in=HELD_IN_FORCE,
        ids__ids__contains=[contact.salesforce_id],
    )
    return sets.select_related("run").first()


def settle(run: ImportRun, leavers: Leavers) -> HeldLeavers | None:
    """Marks a run's leavers as having left, or holds them; then the set is returned. Counts are put into the run's
    row, which the caller saves. Call it in the transaction that ends the run."""
    remembered.lock(run.workspace_id, alone=False)
    leavers.forget_who_is_gone_here()
    before = (
        HeldLeavers.objects.select_for_update().filter(setup=run.setup_id, status__in=HELD_IN_FORCE).first()
    )
    leaving, stored = leavers.count(), run.stored_before or 0
    if is_held(leaving.people, stored):
        reason = likely_reason(
            leavers.count(kept=True),
            stored=stored,
            listed=run.org_count or 0,
            setup_changed=_setup_changed(run),
        )
        _over(before)
        return _hold(run, leavers, reason)
    if before and before.status == HeldStatus.DROPPED:
        _forget_who_is_back(before, run.workspace_id)
    else:
        _over(before)
    leavers.mark(run.public_id)
    run.left_source, run.deleted, run.hidden = leaving.people, leaving.deleted, leaving.hidden
    return None


def _setup_changed(run: ImportRun) -> bool:
    setup = ImportSetup.objects.get(pk=run.setup_id)
    return setup.imported_fingerprint != run.fingerprint


def _hold(run: ImportRun, leavers: Leavers, reason: str) -> HeldLeavers:
    held = HeldLeavers.objects.create(setup_id=run.setup_id, run=run, people=0, reason=reason)
    for absence, ids in leavers.by_absence():
        HeldIds.objects.create(held=held, absence=absence, ids=ids)
        held.people += len(ids)
    held.save(update_fields=["people"])
    run.held = [*run.held, leavers_held(held.people, reason)]
    return held


def _over(held: HeldLeavers | None) -> None:
    if held:
        _close(held, HeldStatus.OVER, "")


def _close(held: HeldLeavers, status: HeldStatus, by: str) -> None:
    held.status, held.decided_at, held.decided_by = status, now(), by
    held.save(update_fields=["status", "decided_at", "decided_by"])
    if status != HeldStatus.DROPPED:
        HeldIds.objects.filter(held=held).delete()


def _forget_who_is_back(held: HeldLeavers, workspace: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_BACK, {"held": held.pk, "workspace": workspace})
    HeldIds.objects.filter(held=held, ids__len=0).delete()
    if not HeldIds.objects.filter(held=held).exists():
        _over(held)


def apply(*, held: HeldLeavers, by: Member | None) -> int:
    """Marks the people as having left; how many they were. Raises NothingHeld, or CarillonError while the setup is being
    imported."""
    return _decide(held, by, HeldStatus.APPLIED)


def drop(*, held: HeldLeavers, by: Member | None) -> int:
    """Keeps the people in the source until the list holds them again. Raises as `apply`."""
    return _decide(held, by, HeldStatus.DROPPED)


def _decide(held: HeldLeavers, by: Member | None, status: HeldStatus) -> int:
    try:
        with setup_lock(held.setup_id), transaction.atomic():
            return _decide_alone(held.pk, by, status)
    except LockHeld:
        raise CarillonError(
            "An import of this setup is running, which will find anew who left.", "Wait for its end."
        ) from None


def _decide_alone(pk: int, by: Member | None, status: HeldStatus) -> int:
    held = HeldLeavers.objects.select_for_update().filter(pk=pk, status=HeldStatus.OPEN).first()
    if held is None:
        raise NothingHeld
    setup = held.setup
    people = _apply(held) if status == HeldStatus.APPLIED else held.people
    _close(held, status, by.email if by else "")
    alerts.held_decided(setup)
    audit(setup.workspace, by, f"held people {status}", str(setup), {"people": people, "reason": held.reason})
    return people


def _apply(held: HeldLeavers) -> int:
    """Its run counts them from now on: they left the list that it read."""
    workspace = held.setup.workspace_id
    remembered.lock(workspace, alone=False)
    with connection.cursor() as cursor:
        cursor.execute(
            _APPLY,
            {
                "held": held.pk,
                "workspace": workspace,
                "run": held.run.public_id,
                "field": RecordChange.ABSENCE,
                "deleted": Absence.DELETED,
                "hidden": Absence.HIDDEN,
            },
        )
        people, deleted, hidden = (int(number) for number in cursor.fetchone())
    ImportRun.objects.filter(pk=held.run_id).update(
        left_source=F("left_source") + people, deleted=F("deleted") + deleted, hidden=F("hidden") + hidden
    )
    return people
