"""What consent forgets when a person is erased. The ledger keeps its lines, since they name nobody: what they rest on
goes, and a number that nobody has any more becomes a keyed hash."""

from django.db import connection, transaction
from django.db.models import Q

from carillon.accounts.models import Workspace
from carillon.consent import ledger
from carillon.consent.decide import Kind
from carillon.consent.ledger import Told
from carillon.consent.models import (
    Cause,
    Consent,
    ConsentConflict,
    ConsentPush,
    Evidence,
    RecordValue,
    Review,
    StagedFlip,
)
from carillon.contacts import remembered
from carillon.contacts.models import Contact


@transaction.atomic
def forget(*, workspace: Workspace, salesforce_id: str, number: str) -> None:
    """Call it in the transaction of the erasure, after the contact was deleted and the number (E.164 or empty)
    remembered. Others who have the number stay, and are opted out with it. Raises KeyLost."""
    shared = bool(number) and Contact.objects.filter(workspace=workspace, mobile_number=number).exists()
    with connection.cursor() as cursor:
        # Of a number of which nobody ever said anything there is no row: the others' records are told all the same.
        room = ledger.enter(cursor, workspace.pk, [number], making=[number] if shared else [])
        locked = room.numbers.get(number)
        of_person = Q(salesforce_id=salesforce_id)
        if locked:
            of_person |= Q(consent=locked.id)
        for of_record in (RecordValue, StagedFlip, ConsentPush):
            of_record._default_manager.filter(workspace=workspace, salesforce_id=salesforce_id).delete()
        for model in (Evidence, ConsentConflict):
            model._default_manager.filter(of_person, workspace=workspace).delete()
        if locked is None:
            return
        if shared:
            # At a number's first sight it is known by itself.
            room.settle([] if locked.is_new else [Told(number, Kind.PERSON_OUT, Cause.ERASED)])
        else:
            Review.objects.filter(workspace=workspace, consent=locked.id).delete()
            hashed = remembered.number_hash(workspace.pk, number)
            Consent.objects.filter(pk=locked.id).update(number=f"#{hashed}.{locked.id}")
