"""Erases a person: the contact with its timeline, and every trace of the record's id in runs, issues, proofs, alerts
and dry runs. What stays is keyed hashes (contacts.remembered), by which no import brings the person back and nobody
texts the number, and an audit entry that names nobody. There is no way back."""

from contextlib import suppress
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Replace

from carillon.accounts.actions import COMMAND_LINE, audit
from carillon.accounts.models import Member, Workspace
from carillon.contacts import remembered
from carillon.contacts.models import Contact
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
    """What `erase` would erase; the id has 15 or 18 characters. Raises NobodyToErase."""
    # One that is not well formed may still be what the org sent.
    with suppress(ids.InvalidId):
        salesforce_id = ids.to_18(salesforce_id.strip())
    contact = Contact.objects.filter(workspace=workspace, salesforce_id=salesforce_id).first()
    if contact is None and not _issues(workspace, salesforce_id).exists():
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
    number = found.contact.mobile_number if found.contact else ""
    stand_in = remembered.remember(workspace, found.salesforce_id, number, by.email if by else COMMAND_LINE)
    if found.contact:
        found.contact.delete()
    _issues(workspace, found.salesforce_id).delete()
    with connection.cursor() as cursor:
        cursor.execute(_PROOFS, {"id": found.salesforce_id, "stand_in": stand_in, "workspace": workspace.pk})
    _erase_from_runs(workspace, found.salesforce_id)
    subject = found.contact.object if found.contact else "record"
    audit(workspace, by, "person erased", subject, {"number_not_to_be_texted": bool(number)})


def _issues(workspace: Workspace, salesforce_id: str) -> QuerySet[RecordIssue]:
    """Lines about the record, and lines about others that give its id as a value."""
    named = Q(salesforce_id=salesforce_id) | Q(value__in=[salesforce_id, salesforce_id[:15]])
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
    DryRun.objects.filter(workspace=workspace, findings__error__icontains=salesforce_id).delete()
