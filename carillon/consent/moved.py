"""A push whose record was merged into another, or converted to it, goes to the record that lives on."""

from datetime import datetime

from django.db import transaction

from carillon.accounts.models import Workspace
from carillon.consent import actions, store, waking
from carillon.consent.decide import Says
from carillon.consent.models import UNSENT, Consent, ConsentPush, PushState
from carillon.consent.pushes import Claimed
from carillon.contacts.models import Contact


@transaction.atomic
def follow(*, workspace_id: int, push: Claimed, sobject: str, salesforce_id: str, now: datetime) -> bool:
    """Whether the push itself goes on to the living record: an opt-out that still stands does, also to a record that no
    import has brought. An opt-in does not, since the other record may be opted out by itself; where that record is
    stored here, what their two numbers say is joined, and it is told what comes of it."""
    consent = Consent.objects.filter(pk__in=ConsentPush.objects.filter(pk=push.id).values("consent")).first()
    if consent is None:
        # Its person was erased meanwhile.
        return False
    master = Contact.objects.filter(workspace=workspace_id, salesforce_id=salesforce_id).first()
    if master and not consent.number.startswith("#"):
        actions.join(
            workspace=Workspace.objects.get(pk=workspace_id),
            loser=push.salesforce_id,
            loser_number=consent.number,
            master=salesforce_id,
            master_number=master.mobile_number,
        )
    consent = Consent.objects.select_for_update().get(pk=consent.pk)
    under_way = ConsentPush.objects.filter(pk=push.id, state=PushState.SENT)
    at_master = ConsentPush.objects.filter(workspace=workspace_id, salesforce_id=salesforce_id)
    goes_on = (
        consent.is_opted_out
        and under_way.filter(wanted=Says.OUT.value).exists()
        and sobject in store.fields_of(workspace_id)
        and not at_master.filter(state__in=UNSENT).exists()
    )
    if not goes_on:
        under_way.update(state=PushState.SUPERSEDED, settled_at=now)
        return False
    under_way.update(
        state=PushState.WAITING,
        object=sobject,
        salesforce_id=salesforce_id,
        next_try_at=now,
        error="",
        remedy="",
    )
    waking.wake_after_commit(workspace_id)
    return True
