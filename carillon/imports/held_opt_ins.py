"""People whom an import would opt back in, so many at once that an admin looks first. Who they are is kept where such
flips are staged (`consent.importing`); here is the decision about all of one run.

Imports of changes leave to an open set whom they read again, as they read them now, and take out who would not be opted
in any more. *Apply* has a worker judge them anew: who said STOP stays opted out. Where the mapping is new, whom staff opted out stays
so too, unless the admin says that the mapping before was wrong. *Drop* forgets the set: the next import of everything
reads their records again, and finds them again. Such an import, or another mapping, ends an open set.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from carillon.accounts.actions import audit
from carillon.accounts.models import Member
from carillon.consent.importing import (
    apply_staged,
    count_read_anew,
    count_staged,
    drop_staged,
    everything_was_read,
    leave_staged,
)
from carillon.consent.models import StagedFlip
from carillon.consent.reading import Mapping
from carillon.imports import alerts
from carillon.imports.alert_kinds import AlertKind
from carillon.imports.consents import OptOutFieldChanged, still_means, unread_by
from carillon.imports.flips import OPT_INS, are_held, likely_reason, opt_ins_held
from carillon.imports.held import NothingHeld
from carillon.imports.lock import LockHeld, setup_lock
from carillon.imports.models import HeldOptIns, HeldStatus, ImportRun, ImportSetup, Mode
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError


def apply_unheld(run: ImportRun, version: int) -> None:
    """Applies a run's flips to opted in, unless they are so many that they are to be held. Call it before the run is
    ended; `version` is that of the mapping it read under. Raises OptOutFieldChanged, KeyLost."""
    with _as_it_was(run, version):
        if run.mode != Mode.EVERYTHING:
            _leave_to(_open_sets(run.setup_id), run)
        held = are_held(count_staged(workspace=run.workspace, run=run.public_id), run.stored_before or 0)
    if not held:
        _apply(run, version)


def settle(run: ImportRun, meaning: Mapping | None) -> HeldOptIns | None:
    """Holds a run's flips that were not applied; returns the set that waits now, which may be an earlier run's. What
    it did is put into the run's row, which the caller saves. Call it in the transaction that ends the run, with its
    setup's row locked. Raises OptOutFieldChanged."""
    still_means(run.workspace_id, run.object, meaning.version if meaning else 0)
    waiting = _open_sets(run.setup_id)
    if run.mode == Mode.EVERYTHING:
        # It read every record, so it found again whatever still holds.
        end(waiting)
    flips = count_staged(workspace=run.workspace, run=run.public_id)
    held = _hold(run, flips, meaning) if flips else None
    if meaning and run.mode == Mode.EVERYTHING:
        unread = [] if meaning.is_read else unread_by(run, meaning)
        everything_was_read(
            workspace=run.workspace, object_name=run.object, version=meaning.version, but=unread
        )
    return held or waiting.order_by("-pk").first()


def go_on(setup: ImportSetup) -> None:
    """Applies what an admin decided to apply, as far as nobody did yet. Call it under the setup's lock."""
    for held in unfinished().filter(setup=setup).select_related("run__workspace"):
        by = Member.objects.filter(workspace=held.run.workspace_id, email=held.decided_by).first()
        try:
            _apply(held.run, held.mapping_version, by, held.accepted_because)
        except OptOutFieldChanged:
            drop_staged(workspace=held.run.workspace, run=held.run.public_id)


def unfinished() -> QuerySet[HeldOptIns]:
    """Sets that are to be applied and are not yet, or in part."""
    staged = StagedFlip.objects.filter(workspace=OuterRef("run__workspace"), run=OuterRef("run__public_id"))
    return HeldOptIns.objects.filter(Exists(staged), status=HeldStatus.APPLIED)


def to_go(held: HeldOptIns) -> int:
    """How many people of a set that is to be applied it was not yet."""
    if held.status != HeldStatus.APPLIED:
        return 0
    return count_staged(workspace=held.run.workspace, run=held.run.public_id)


def _open_sets(setup_id: int) -> QuerySet[HeldOptIns]:
    return HeldOptIns.objects.filter(setup=setup_id, status=HeldStatus.OPEN)


def _apply(run: ImportRun, version: int, by: Member | None = None, reason: str = "") -> None:
    """Part by part, so that a STOP of somebody in it never waits long; and counts what it did in the run's row."""
    while count_staged(workspace=run.workspace, run=run.public_id):
        with _as_it_was(run, version):
            done = apply_staged(workspace=run.workspace, run=run.public_id, accepted_by=by, reason=reason)
            run.opted_out += done.opted_out
            run.opted_in += done.opted_in
            run.save(update_fields=["opted_out", "opted_in"])


@contextmanager
def _as_it_was(run: ImportRun, version: int) -> Iterator[None]:
    """A transaction in which the setup and its opt-out field stay as they are. Raises OptOutFieldChanged when the field
    is mapped otherwise than under this version."""
    with transaction.atomic():
        # Whoever saves the setup locks it first, then its opt-out field.
        ImportSetup.objects.select_for_update().get(pk=run.setup_id)
        still_means(run.workspace_id, run.object, version)
        yield


def _leave_to(waiting: QuerySet[HeldOptIns], run: ImportRun) -> None:
    sets = {held.run.public_id: held for held in waiting.select_related("run__workspace")}
    leave_staged(workspace=run.workspace, run=run.public_id, to=list(sets))
    for public_id, held in sets.items():
        people = count_staged(workspace=run.workspace, run=public_id)
        if people and people != held.people:
            _describe(held, people, run.stored_before or 0)
            held.save(update_fields=["people", "reason", "mapping_is_new"])
            held.run.save(update_fields=["held"])
        elif not people:
            _close(held, HeldStatus.OVER, "")


def _hold(run: ImportRun, people: int, meaning: Mapping | None) -> HeldOptIns:
    held = HeldOptIns(setup_id=run.setup_id, run=run, mapping_version=meaning.version if meaning else 0)
    _describe(held, people, run.stored_before or 0)
    held.save()
    return held


def _describe(held: HeldOptIns, people: int, stored: int) -> None:
    """How many they are and why, on the set and on its run, which the caller saves."""
    run = held.run
    anew = count_read_anew(workspace=run.workspace, run=run.public_id, version=held.mapping_version)
    held.people, held.mapping_is_new = people, bool(anew)
    held.reason = likely_reason(people, stored=stored, read_anew=anew)
    others = [one for one in run.held if one["kind"] != OPT_INS]
    run.held = [*others, opt_ins_held(people, held.reason)]


def end(sets: QuerySet[HeldOptIns]) -> None:
    """Open sets that something later answers."""
    for held in sets.select_for_update().select_related("run__workspace"):
        _close(held, HeldStatus.OVER, "")


def _close(held: HeldOptIns, status: HeldStatus, by: str) -> None:
    if status != HeldStatus.APPLIED:
        drop_staged(workspace=held.run.workspace, run=held.run.public_id)
    held.status, held.decided_at, held.decided_by = status, now(), by
    held.save(update_fields=["status", "decided_at", "decided_by", "accepted_because"])


def apply(*, held: HeldOptIns, by: Member | None, reason: str = "") -> None:
    """Has them opted back in by a worker, as far as nobody's later word stands against it. A written `reason` says that
    the mapping before was wrong. Raises NothingHeld, OptOutFieldChanged, or CarillonError while the setup is being
    imported."""
    _decide(held, by, HeldStatus.APPLIED, reason.strip())


def drop(*, held: HeldOptIns, by: Member | None) -> None:
    """Leaves everybody opted out. Raises as `apply`."""
    _decide(held, by, HeldStatus.DROPPED, "")


def wake_worker(held: HeldOptIns) -> None:
    """Enqueues a job for the set unless one waits already."""
    with suppress(AlreadyEnqueued):
        app.configure_task(
            "carillon.apply_opt_ins", queue="imports", queueing_lock=f"opt-ins {held.pk}"
        ).defer(setup_id=held.setup_id)


def _decide(held: HeldOptIns, by: Member | None, status: HeldStatus, reason: str) -> None:
    try:
        with setup_lock(held.setup_id), transaction.atomic():
            _decide_alone(held.pk, by, status, reason)
    except LockHeld:
        raise CarillonError(
            "An import of this setup is running, which may find anew whom to opt in.", "Wait for its end."
        ) from None


def _decide_alone(pk: int, by: Member | None, status: HeldStatus, reason: str) -> None:
    found = HeldOptIns.objects.select_related("run__workspace").filter(pk=pk).first()
    if found is None:
        raise NothingHeld
    setup, run = ImportSetup.objects.select_for_update().get(pk=found.setup_id), found.run
    held = HeldOptIns.objects.select_for_update().get(pk=pk)
    if held.status != HeldStatus.OPEN:
        raise NothingHeld
    if status == HeldStatus.APPLIED:
        still_means(run.workspace_id, run.object, held.mapping_version)
        held.accepted_because = reason
        transaction.on_commit(partial(wake_worker, held))
    _close(held, status, by.email if by else "")
    alerts.held_decided(setup, AlertKind.OPT_INS)
    detail = {"people": held.people, "held": held.reason, "reason": reason}
    audit(run.workspace, by, f"held opt-ins {status}", str(setup), detail)
