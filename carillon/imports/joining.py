"""Makes one person of records that Salesforce made one: merged Contacts or Leads, and a Lead with the Contact it was
converted to. The record that lives on keeps the person; who was stored under the others is joined into it, with their
timeline, or takes its id when nobody has it yet. Ids that were stored before stay findable (FormerId).

One transaction with nobody storing or erasing beside it. Where somebody of them was erased, those stored are erased
too: Salesforce says that they are the same person.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from django.db import transaction

from carillon.accounts.models import Workspace
from carillon.consent import actions as consent
from carillon.contacts import remembered
from carillon.contacts.models import Contact, FieldChange, FormerId, RecordChange, SalesforceObject
from carillon.imports.erasing import erase_merged
from carillon.imports.leaving import LIVING, Move
from carillon.lib.clock import now

# Whatever is read of a record that took another's place is newer than this.
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Joined:
    """`gone`: ids under which nobody is stored any more. `to_read`: ids that somebody in the source took over and that
    can be read; their values are still those of the record before."""

    merged: int = 0
    converted: int = 0
    gone: list[str] = field(default_factory=list)
    to_read: list[str] = field(default_factory=list)


@transaction.atomic
def join_moved(workspace: Workspace, moves: Sequence[Move], *, run: UUID) -> Joined:
    """Follows each move; `run` is the one that found them. Raises KeyLost."""
    done = Joined()
    remembered.lock(workspace.pk, alone=True)
    named = {one for move in moves for one in (*move.passed, move.salesforce_id)}
    people = Contact.objects.filter(workspace=workspace, salesforce_id__in=named)
    consent.lock(workspace=workspace, numbers=people.values_list("mobile_number", flat=True))
    erased = remembered.erased(workspace.pk, sorted(named))
    for move in moves:
        stored = _stored(workspace, move)
        before = [stored[record_id] for record_id in move.passed if record_id in stored]
        if not before:
            continue
        done.gone += [person.salesforce_id for person in before]
        if any(record_id in erased for record_id in (*move.passed, move.salesforce_id)):
            for person in stored.values():
                erase_merged(workspace, person)
            continue
        survivor = stored.get(move.salesforce_id)
        for person in reversed(before):
            how = _how(person, move)
            if survivor is None:
                if person.in_source and person.object == move.object and move.absence == LIVING:
                    done.to_read.append(move.salesforce_id)
                survivor = _take_over(person, move, how, run)
            else:
                _join(survivor, person, how, run)
            done.merged += how == RecordChange.MERGED
            done.converted += how == RecordChange.CONVERTED
        if survivor:
            _keep_former_ids(survivor, move.passed)
    return done


def forget_ids_in_use_again(workspace: int) -> None:
    """A former id whose record was taken back, so that it is somebody's own again."""
    if not FormerId.objects.filter(workspace=workspace).exists():
        return
    own = Contact.objects.filter(workspace=workspace).values("salesforce_id")
    FormerId.objects.filter(workspace=workspace, salesforce_id__in=own).delete()


def _stored(workspace: Workspace, move: Move) -> dict[str, Contact]:
    rows = Contact.objects.select_for_update().filter(
        workspace=workspace, salesforce_id__in=(*move.passed, move.salesforce_id)
    )
    return {row.salesforce_id: row for row in rows}


def _how(person: Contact, move: Move) -> RecordChange:
    same = person.object == move.object
    return RecordChange.MERGED if same else RecordChange.CONVERTED


def _join(survivor: Contact, person: Contact, how: RecordChange, run: UUID) -> None:
    """The person's history goes on in the survivor's; the survivor's values stay, since they are what the living record
    holds. Of what their numbers say about texting the stricter one wins."""
    FieldChange.objects.filter(contact=person).update(contact=survivor)
    FormerId.objects.filter(contact=person).update(contact=survivor)
    _note(survivor, how, person.salesforce_id, survivor.salesforce_id, run)
    loser, number = person.salesforce_id, person.mobile_number
    person.delete()
    _join_consent(survivor, loser, number)


def _join_consent(survivor: Contact, loser: str, number: str) -> None:
    consent.join(
        workspace=survivor.workspace,
        loser=loser,
        loser_number=number,
        master=survivor.salesforce_id,
        master_number=survivor.mobile_number,
    )


def _take_over(person: Contact, move: Move, how: RecordChange, run: UUID) -> Contact:
    """The person under the id of the record that lives on, which nobody had. Who was in the source stays so only where
    the record can be read at once; else it comes back when a list holds it."""
    _note(person, how, person.salesforce_id, move.salesforce_id, run)
    stays = person.in_source and how == RecordChange.MERGED and move.absence == LIVING
    if person.in_source and not stays:
        _note(person, "in_source", True, False, run)
        person.in_source, person.left_source_at = False, now()
    if move.absence != person.absence:
        _note(person, RecordChange.ABSENCE, person.absence, move.absence, run)
        person.absence, person.absent_since = move.absence, now() if move.absence else None
    loser = person.salesforce_id
    person.salesforce_id, person.object = move.salesforce_id, SalesforceObject(move.object)
    person.system_modstamp, person.looked_for_at, person.updated_at = _NEVER, now(), now()
    person.save()
    _join_consent(person, loser, person.mobile_number)
    return person


def _keep_former_ids(survivor: Contact, ids: Iterable[str]) -> None:
    for record_id in ids:
        FormerId.objects.update_or_create(
            workspace_id=survivor.workspace_id,
            salesforce_id=record_id,
            defaults={
                "contact": survivor,
                "object": SalesforceObject.LEAD if record_id.startswith("00Q") else SalesforceObject.CONTACT,
            },
        )


def _note(contact: Contact, name: str, before: object, after: object, run: UUID) -> None:
    FieldChange.objects.create(
        workspace_id=contact.workspace_id, contact=contact, field=name, before=before, after=after, run=run
    )
