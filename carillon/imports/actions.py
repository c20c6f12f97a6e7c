"""Changes of setups and runs, each with its audit entry in the same transaction."""

from contextlib import suppress
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import msgspec
from django.db import IntegrityError, transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from carillon.accounts.actions import audit
from carillon.accounts.models import Member, Workspace
from carillon.consent.actions import set_mapping
from carillon.consent.queries import opt_out_field
from carillon.contacts.models import ContactField
from carillon.imports import alerts, budget_words, forecasts, held_opt_ins, runs, scheduler
from carillon.imports.alert_kinds import AlertKind
from carillon.imports.budget import Limit
from carillon.imports.checking import CheckedSetup, SetupInvalid, check_setup
from carillon.imports.drafts import REPORT_PARTS, STANDARD_FIELDS, SetupDraft, draft_of, mark_of
from carillon.imports.lock import LockHeld, setup_lock
from carillon.imports.models import (
    OPEN_STATUSES,
    DryRun,
    FieldMapping,
    HeldOptIns,
    HeldStatus,
    ImportRun,
    ImportSetup,
    Mode,
    RunStatus,
)
from carillon.imports.queries import is_interrupted
from carillon.imports.runner import AlreadyRunning
from carillon.imports.waking import wake_worker
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError

__all__ = ["SetupInvalid", "cancel_run", "request_run", "save_setup", "setup_for"]

# What, when it changes, makes the stored contacts differ from what a full import would give.
_FULL_IMPORT_FIELDS = ("source_id", *REPORT_PARTS, *STANDARD_FIELDS)


class SavedMeanwhile(CarillonError):
    def __init__(self) -> None:
        super().__init__(
            "Somebody saved this import since you opened the page, so nothing was saved now.",
            "Save again to replace what they saved; or open the page anew in another tab to see it.",
        )


def setup_for(workspace: Workspace, object: str) -> ImportSetup:  # noqa: A002
    """The setup of an object; made, switched off and empty, when there is none yet."""
    setup, _ = ImportSetup.objects.get_or_create(workspace=workspace, object=object)
    return setup


def save_setup(
    *, setup: ImportSetup, draft: SetupDraft, by: Member | None, seen: str | None = None
) -> ImportSetup:
    """Checks the draft with the org and saves it as a whole. Raises SetupInvalid, SalesforceError, CarillonError; and
    SavedMeanwhile when the setup is not what it was, `seen` being its mark_of then.

    Switching an import off and changing nothing else needs no org.
    """
    if not draft.enabled and (not draft.source or draft == replace(draft_of(setup), enabled=False)):
        return _switch_off(setup, by)
    return _save(setup, check_setup(setup.workspace, setup.object, draft), by, seen)


@transaction.atomic
def _save(setup: ImportSetup, checked: CheckedSetup, by: Member | None, seen: str | None) -> ImportSetup:
    draft, source = checked.draft, checked.source
    setup = ImportSetup.objects.select_for_update().get(pk=setup.pk)
    # Not before: the org was asked meanwhile, which takes seconds.
    if seen is not None and seen != mark_of(setup):
        raise SavedMeanwhile
    before = _described(setup)
    read_before, schedule_before = _read_by_import(setup), _scheduled(setup)
    opt_out_before = opt_out_field(setup.workspace, setup.object)
    if draft.enabled and (draft.enabled, draft.timezone, sorted(draft.windows)) != schedule_before:
        scheduler.decide_by(setup.pk, now())
    setup.enabled, setup.updated_at = draft.enabled, now()
    setup.source_id, setup.source_name, setup.source_label = source.id, source.api_name, source.label
    for name in (*REPORT_PARTS, *STANDARD_FIELDS):
        setattr(setup, name, getattr(draft, name))
    setup.timezone, setup.windows = draft.timezone, sorted(draft.windows)
    _save_mappings(setup, draft)
    if draft.opt_out != opt_out_before:
        field = draft.opt_out if draft.opt_out.field else None
        set_mapping(workspace=setup.workspace, object_name=setup.object, field=field, by=by)
        held_opt_ins.end(HeldOptIns.objects.filter(setup=setup, status=HeldStatus.OPEN))
        alerts.held_decided(setup, AlertKind.OPT_INS)
        setup.imported_fingerprint = ""
    if _read_by_import(setup) != read_before:
        setup.imported_fingerprint = ""
    if _scheduled(setup) != schedule_before:
        setup.scheduled_since = now()
    setup.save()
    if not setup.enabled:
        alerts.switched_off(setup)
    after = _described(setup)
    if after != before:
        audit(setup.workspace, by, "import setup saved", str(setup), {"before": before, "after": after})
    return setup


@transaction.atomic
def _switch_off(setup: ImportSetup, by: Member | None) -> ImportSetup:
    if ImportSetup.objects.filter(pk=setup.pk, enabled=True).update(enabled=False, updated_at=now()):
        audit(setup.workspace, by, "import switched off", str(setup))
        alerts.switched_off(setup)
    setup.refresh_from_db()
    return setup


def _save_mappings(setup: ImportSetup, draft: SetupDraft) -> None:
    setup.mappings.all().delete()
    for position, additional in enumerate(draft.additional_fields):
        contact_field, _ = ContactField.objects.get_or_create(
            workspace_id=setup.workspace_id,
            name=additional.contact_field,
            defaults={"label": additional.label or additional.contact_field, "type": additional.type},
        )
        if additional.label and contact_field.label != additional.label:
            contact_field.label = additional.label
            contact_field.save(update_fields=["label"])
        FieldMapping.objects.create(
            setup=setup,
            position=position,
            salesforce_field=additional.salesforce,
            contact_field=contact_field,
            blank=additional.blank,
        )


def _described(setup: ImportSetup) -> dict[str, Any]:
    """The setup in plain values, for the audit."""
    draft = draft_of(setup)
    return {
        "enabled": draft.enabled,
        "source": setup.source_label,
        "source_id": setup.source_id,
        **{name: getattr(draft, name) for name in (*REPORT_PARTS, *STANDARD_FIELDS)},
        "additional_fields": [
            {
                "salesforce": field.salesforce,
                "contact_field": field.contact_field,
                "type": field.type,
                "blank": field.blank,
            }
            for field in draft.additional_fields
        ],
        "opt_out": asdict(draft.opt_out),
        "timezone": draft.timezone,
        "windows": list(draft.windows),
    }


def _read_by_import(setup: ImportSetup) -> object:
    mappings = setup.mappings.values_list("salesforce_field", "contact_field_id", "blank")
    # Their order is that of the page alone.
    return [getattr(setup, name) for name in _FULL_IMPORT_FIELDS], set(mappings)


def _scheduled(setup: ImportSetup) -> object:
    return setup.enabled, setup.timezone, setup.windows


class PastCap(CarillonError):
    """The import would use more API calls than the cap leaves: it waits for somebody's word."""


def request_run(*, setup: ImportSetup, mode: str, by: Member | None, past_cap: bool = False) -> ImportRun:
    """Queues an import for a worker; an interrupted run of the same mode is taken up again.
    Raises PastCap when it has no room under the cap and `past_cap` does not allow that; CarillonError when it has none
    above the reserve, when the setup is off, or when an import of it waits or runs."""
    if not setup.enabled:
        raise CarillonError(
            f"The import of {setup.object}s is switched off.", "Enable it on the Contact Import page first."
        )
    open_run = ImportRun.objects.filter(setup=setup, status__in=OPEN_STATUSES).first()
    if open_run and not is_interrupted(open_run):
        raise AlreadyRunning(open_run)
    _check_budget(setup, mode, past_cap=past_cap)
    if open_run and open_run.mode != mode:
        _close_interrupted(open_run)
        open_run = None
    try:
        with transaction.atomic():
            request = runs.Request(setup, Mode(mode), by=by, past_cap=past_cap)
            run = open_run or runs.new_run(request, RunStatus.QUEUED)
            if past_cap:
                ImportRun.objects.filter(pk=run.pk).update(past_cap=True)
                audit(setup.workspace, by, "import started past the cap", str(run))
            transaction.on_commit(lambda: wake_worker(run))
    except IntegrityError:
        # Somebody else pressed the button in the same moment.
        raise AlreadyRunning(
            ImportRun.objects.filter(setup=setup, status__in=OPEN_STATUSES).first()
        ) from None
    return run


def _check_budget(setup: ImportSetup, mode: str, *, past_cap: bool) -> None:
    outlook = forecasts.outlook(setup, mode, past_cap=past_cap, ask_org=True)
    if outlook is None or outlook.shortage is None:
        return
    sentence = budget_words.too_little(outlook.calls, outlook.shortage, outlook.budget)
    if outlook.shortage.limit == Limit.CAP:
        raise PastCap(sentence)
    raise CarillonError(
        f"The import was not started. {sentence}", budget_words.remedy_by_hand(outlook.shortage)
    )


def request_dry_run(*, setup: ImportSetup, draft: SetupDraft, mode: str, by: Member) -> DryRun:
    """Has a worker find out what an import of the draft would do; it takes the place of an earlier one.
    Raises SetupInvalid, SalesforceError, CarillonError."""
    checked = check_setup(setup.workspace, setup.object, draft)
    with transaction.atomic():
        # In turn: two people may press the button in the same moment.
        ImportSetup.objects.select_for_update().get(pk=setup.pk)
        drop_dry_run(setup=setup)
        asked = DryRun.objects.create(
            workspace_id=setup.workspace_id,
            object=setup.object,
            draft=msgspec.to_builtins(checked.draft),
            source_label=checked.source.label,
            mode=Mode(mode),
            started_by_name=by.email,
        )
        transaction.on_commit(lambda: wake_worker_to_try(asked))
    return asked


def drop_dry_run(*, setup: ImportSetup) -> None:
    """Forgets the dry run of an object; one under way stops within seconds."""
    DryRun.objects.filter(workspace=setup.workspace_id, object=setup.object).delete()


def wake_worker_to_try(asked: DryRun) -> None:
    """As `wake_worker`, for a dry run. Its lock keeps two workers from one dry run."""
    key = f"dry run {asked.public_id}"
    with suppress(AlreadyEnqueued):
        app.configure_task("carillon.execute_dry_run", queue="imports", queueing_lock=key, lock=key).defer(
            dry_run_id=asked.pk
        )


def wake_workers_again() -> int:
    """Enqueues jobs for what waits without one: a wake-up can be lost between a commit and its job."""
    lost = now() - timedelta(minutes=1)
    waiting = ImportRun.objects.filter(status=RunStatus.QUEUED, queued_at__lt=lost)
    for run in waiting:
        wake_worker(run)
    for asked in DryRun.objects.filter(status=RunStatus.QUEUED, queued_at__lt=lost):
        wake_worker_to_try(asked)
    for held in held_opt_ins.unfinished():
        held_opt_ins.wake_worker(held)
    return len(waiting)


def cancel_run(*, run: ImportRun, by: Member | None) -> None:
    """Asks a run to stop: one that waits or was interrupted ends at once, one that runs within seconds.
    What it stored stays; the next import reads the rest."""
    with transaction.atomic():
        asked = ImportRun.objects.filter(
            pk=run.pk, status__in=OPEN_STATUSES, cancel_requested_at__isnull=True
        ).update(cancel_requested_at=now())
        if asked:
            audit(run.workspace, by, "import cancelled", str(run))
    try:
        with setup_lock(run.setup_id):
            runs.close(run, RunStatus.CANCELLED)
    except LockHeld:
        # The process that runs it sees the request between two pages.
        run.refresh_from_db()


def _close_interrupted(run: ImportRun) -> None:
    """An interrupted run of another mode than the one asked for now."""
    try:
        with setup_lock(run.setup_id):
            runs.close(
                run,
                RunStatus.FAILED,
                error="The process that worked on this import ended, and an import of another kind was asked for.",
                remedy="The new import took its place.",
            )
    except LockHeld:
        raise AlreadyRunning(run) from None
