"""People whom an import would opt back in, so many at once that an admin looks first. Who they are is kept where such
flips are staged (`consent.importing`); here is the decision about all of one run.

Imports of changes leave to an open set whom they read again, as they read them now, and take out who would not be opted
in any more. *Apply* lets them be judged anew: who said STOP stays opted out. Where the mapping is new, whom staff opted out stays
so too, unless the admin says that the mapping before was wrong. *Drop* forgets the set: the next import of everything
reads their records again, and finds them again. Such an import, or another mapping, ends an open set.
"""

from django.db import transaction
from django.db.models import QuerySet

from carillon.accounts.actions import audit
from carillon.accounts.models import Member
from carillon.consent.importing import (
    Imported,
    apply_staged,
    count_staged,
    drop_staged,
    everything_was_read,
    leave_staged,
)
from carillon.consent.queries import meaning_of
from carillon.consent.reading import Mapping
from carillon.imports import alerts
from carillon.imports.consents import OptOutFieldChanged, still_means, unread_by
from carillon.imports.flips import are_held, likely_reason, opt_ins_held
from carillon.imports.held import NothingHeld
from carillon.imports.lock import LockHeld, setup_lock
from carillon.imports.models import AlertKind, HeldOptIns, HeldStatus, ImportRun, ImportSetup, Mode
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError


def settle(run: ImportRun, meaning: Mapping | None) -> HeldOptIns | None:
    """Applies a run's flips to opted in, or holds them; returns the set that waits now, which may be an earlier run's.
    What it did is put into the run's row, which the caller saves. Call it in the transaction that ends the run, with its setup's row locked. Raises
    OptOutFieldChanged, KeyLost."""
    still_means(run.workspace_id, run.object, meaning)
    waiting = HeldOptIns.objects.filter(setup=run.setup_id, status=HeldStatus.OPEN)
    if run.mode == Mode.EVERYTHING:
        # It read every record, so it found again whatever still holds.
        end(waiting)
    else:
        _leave_to(waiting, run)
    flips = count_staged(workspace=run.workspace, run=run.public_id)
    held = None
    if are_held(flips, run.stored_before or 0):
        held = _hold(run, flips, meaning)
    elif flips:
        _count(run, apply_staged(workspace=run.workspace, run=run.public_id))
    if meaning and run.mode == Mode.EVERYTHING:
        unread = [] if meaning.is_read else unread_by(run, meaning)
        everything_was_read(
            workspace=run.workspace, object_name=run.object, version=meaning.version, but=unread
        )
    return held or waiting.order_by("-pk").first()


def _leave_to(waiting: QuerySet[HeldOptIns], run: ImportRun) -> None:
    sets = {held.run.public_id: held for held in waiting.select_related("run__workspace")}
    leave_staged(workspace=run.workspace, run=run.public_id, to=list(sets))
    for public_id, held in sets.items():
        held.people = count_staged(workspace=run.workspace, run=public_id)
        if held.people:
            held.save(update_fields=["people"])
        else:
            _close(held, HeldStatus.OVER, "")


def _count(run: ImportRun, done: Imported) -> None:
    run.opted_out += done.opted_out
    run.opted_in += done.opted_in


def _hold(run: ImportRun, people: int, meaning: Mapping | None) -> HeldOptIns:
    is_new = meaning is not None and not meaning.is_read
    reason = likely_reason(people, stored=run.stored_before or 0, mapping_is_new=is_new)
    run.held = [*run.held, opt_ins_held(people, reason)]
    return HeldOptIns.objects.create(
        setup_id=run.setup_id,
        run=run,
        people=people,
        reason=reason,
        mapping_is_new=is_new,
        mapping_version=meaning.version if meaning else 0,
    )


def end(sets: QuerySet[HeldOptIns]) -> None:
    """Open sets that something later answers."""
    for held in sets.select_for_update().select_related("run__workspace"):
        _close(held, HeldStatus.OVER, "")


def _close(held: HeldOptIns, status: HeldStatus, by: str) -> None:
    drop_staged(workspace=held.run.workspace, run=held.run.public_id)
    held.status, held.decided_at, held.decided_by = status, now(), by
    held.save(update_fields=["status", "decided_at", "decided_by"])


def apply(*, held: HeldOptIns, by: Member | None, reason: str = "") -> int:
    """Opts them back in, as far as nobody's later word stands against it; how many numbers that were. A written `reason`
    says that the mapping before was wrong. Raises NothingHeld, or CarillonError while the setup is being imported."""
    return _decide(held, by, HeldStatus.APPLIED, reason.strip())


def drop(*, held: HeldOptIns, by: Member | None) -> int:
    """Leaves everybody opted out. Raises as `apply`."""
    return _decide(held, by, HeldStatus.DROPPED, "")


def _decide(held: HeldOptIns, by: Member | None, status: HeldStatus, reason: str) -> int:
    try:
        with setup_lock(held.setup_id), transaction.atomic():
            return _decide_alone(held.pk, by, status, reason)
    except LockHeld:
        raise CarillonError(
            "An import of this setup is running, which may find anew whom to opt in.", "Wait for its end."
        ) from None


def _decide_alone(pk: int, by: Member | None, status: HeldStatus, reason: str) -> int:
    found = HeldOptIns.objects.select_related("run__workspace").filter(pk=pk).first()
    if found is None:
        raise NothingHeld
    setup = ImportSetup.objects.select_for_update().get(pk=found.setup_id)
    held = HeldOptIns.objects.select_for_update().get(pk=pk)
    if held.status != HeldStatus.OPEN:
        raise NothingHeld
    run, opted_in = found.run, 0
    if status == HeldStatus.APPLIED:
        _, meaning = meaning_of(run.workspace, run.object)
        if (meaning.version if meaning else 0) != held.mapping_version:
            raise OptOutFieldChanged(run.object)
        done = apply_staged(workspace=run.workspace, run=run.public_id, accepted_by=by, reason=reason)
        opted_in = done.opted_in
        ImportRun.objects.filter(pk=run.pk).update(opted_in=run.opted_in + opted_in)
    _close(held, status, by.email if by else "")
    alerts.held_decided(setup, AlertKind.OPT_INS)
    detail = {"people": held.people, "opted_in": opted_in, "reason": held.reason}
    audit(run.workspace, by, f"held opt-ins {status}", str(setup), detail)
    return opted_in
