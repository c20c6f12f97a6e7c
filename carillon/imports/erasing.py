"""Erases a person: the contact with its timeline, and every trace of the record's ids, former ones too, in runs, issues,
proofs, alerts, held sets and dry runs. What stays is keyed hashes (contacts.remembered), by which no import brings the person back and nobody
texts the number, and an audit entry that names nobody. There is no way back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Replace

from carillon.accounts.actions import COMMAND_LINE, audit
from carillon.accounts.models import Member, Workspace
from carillon.consent.erasing import forget
from carillon.contacts import remembered
from carillon.contacts.models import Contact, FieldChange, FormerId, RecordChange
from carillon.contacts.queries import by_record_id
from carillon.imports.models import DryRun, ImportAlert, ImportRun, RecordIssue
from carillon.imports.watermark import BEFORE_ALL_IDS
from carillon.lib.errors import CarillonError
from carillon.salesforce import ids

# An open run's proof keeps its counts: what stands for the id takes its place.
_PROOFS = """
update imports_runbatch set created = array_replace(created, %(id)s, %(stand_in)s),
    updated = array_replace(updated, %(id)s, %(stand_in)s),
    unchanged = array_replace(unchanged, %(id)s, %(stand_in)s),
    rejected = array_replace(rejected, %(id)s, %(stand_in)s)
where run_id in (select id from imports_importrun where workspace_id = %(workspace)s)
    and %(id)s = any(created || updated || unchanged || rejected)
"""
_HELD = """
update imports_heldids set ids = array_remove(ids, %(id)s)
where held_id in (
    select h.id from imports_heldleavers h join imports_importsetup s on s.id = h.setup_id
    where s.workspace_id = %(workspace)s
) and %(id)s = any(ids)
"""
IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Erasable:
    """What there is of a record: `contact` is None when it was rejected, so that only issues name it.
    `same_number` others here have the person's mobile number, which nobody is texted at afterwards."""

    salesforce_id: str
    contact: Contact | None
    same_number: int


class NobodyToErase(CarillonError):
    """Nothing here names the record."""

    def __init__(self) -> None:
        super().__init__(
            "Nobody here has this Salesforce id, so nothing was erased.",
            "It has 15 or 18 characters and is on the person's page. Who was erased before is not here any more.",
        )


def erasable(workspace: Workspace, salesforce_id: str) -> Erasable:
    """What `erase` would erase; the id has 15 or 18 characters and may be a former one. Raises NobodyToErase."""
    # One that is not well formed may still be what the org sent.
    salesforce_id = ids.as_typed(salesforce_id) or salesforce_id
    contact = by_record_id(workspace, salesforce_id)
    if contact:
        salesforce_id = contact.salesforce_id
    if contact is None and not _issues(workspace, [salesforce_id]).exists():
        raise NobodyToErase
    others = 0
    if contact and contact.mobile_number:
        sharing = Contact.objects.filter(workspace=workspace, mobile_number=contact.mobile_number)
        others = sharing.exclude(pk=contact.pk).count()
    return Erasable(salesforce_id, contact, others)


@transaction.atomic
def erase(*, workspace: Workspace, salesforce_id: str, by: Member | None) -> None:
    """Waits for the batch an import is storing. Raises NobodyToErase, KeyLost; then nothing was erased."""
    remembered.lock(workspace.pk, alone=True)
    found = erasable(workspace, salesforce_id)
    _forget(workspace, found.salesforce_id, found.contact, by.email if by else COMMAND_LINE)
    subject = found.contact.object if found.contact else "record"
    number = found.contact.mobile_number if found.contact else ""
    audit(workspace, by, "person erased", subject, {"number_not_to_be_texted": bool(number)})


def erase_merged(workspace: Workspace, contact: Contact) -> None:
    """Erases somebody whose record was merged with that of a person who was erased. Call it in a transaction in which
    nobody else stores or erases. Raises KeyLost."""
    _forget(workspace, contact.salesforce_id, contact, IMPORT)
    audit(
        workspace,
        None,
        "person erased",
        contact.object,
        {
            "number_not_to_be_texted": bool(contact.mobile_number),
            "because": "merged with a record whose person was erased",
        },
        actor=IMPORT,
    )


def _forget(workspace: Workspace, salesforce_id: str, contact: Contact | None, by: str) -> None:
    number = contact.mobile_number if contact else ""
    record_ids = [salesforce_id]
    if contact:
        record_ids += contact.former_ids.values_list("salesforce_id", flat=True)
        contact.delete()
    FormerId.objects.filter(workspace=workspace, salesforce_id__in=record_ids).delete()
    named = Q(before__in=record_ids) | Q(after__in=record_ids)
    FieldChange.objects.filter(named, workspace=workspace, field__in=RecordChange.values).delete()
    _issues(workspace, record_ids).delete()
    for record_id in record_ids:
        stand_in = remembered.remember(workspace, record_id, number, by)
        names: dict[str, Any] = {"id": record_id, "stand_in": stand_in, "workspace": workspace.pk}
        with connection.cursor() as cursor:
            cursor.execute(_PROOFS, names)
            cursor.execute(_HELD, names)
        # Of the number only once: others who have it are opted out with it.
        forget(
            workspace=workspace, salesforce_id=record_id, number=number if record_id == salesforce_id else ""
        )
        _erase_from_runs(workspace, record_id)


def _issues(workspace: Workspace, record_ids: Sequence[str]) -> QuerySet[RecordIssue]:
    """Lines about the records, and lines about others that give such an id as a value."""
    values = [*record_ids, *(record_id[:15] for record_id in record_ids)]
    named = Q(salesforce_id__in=record_ids) | Q(value__in=values)
    return RecordIssue.objects.filter(named, run__workspace=workspace)


def _erase_from_runs(workspace: Workspace, salesforce_id: str) -> None:
    of_workspace = ImportRun.objects.filter(workspace=workspace)
    of_workspace.filter(cursor_id=salesforce_id).update(cursor_id=BEFORE_ALL_IDS)
    of_workspace.filter(error__contains=salesforce_id).update(
        error=Replace(F("error"), Value(salesforce_id), Value("(erased)"))
    )
    # An alert repeats the error of its run.
    ImportAlert.objects.filter(setup__workspace=workspace, sentence__contains=salesforce_id).update(
        sentence=Replace(F("sentence"), Value(salesforce_id), Value("(erased)"))
    )
    # Else a dry run holds names of fields and counts only.
    named = Q(findings__error__icontains=salesforce_id) | Q(flips__contains=[[salesforce_id]])
    DryRun.objects.filter(named, workspace=workspace).delete()
