"""Finding contacts among a million: every query here uses an index and reads one page."""

import base64
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet, TextChoices

from carillon.accounts.models import Workspace
from carillon.contacts.models import Contact, ContactField, FieldChange, FormerId, SalesforceObject
from carillon.contacts.search import fold
from carillon.lib import phones
from carillon.salesforce import ids


class Among(TextChoices):
    """Whom to look for."""

    EVERYBODY = "", "Everybody"
    CONTACTS = "contacts", "Contacts"
    LEADS = "leads", "Leads"
    LEFT = "left", "Left the list"


_AMONG = {
    Among.EVERYBODY: Q(),
    Among.CONTACTS: Q(object=SalesforceObject.CONTACT),
    Among.LEADS: Q(object=SalesforceObject.LEAD),
    Among.LEFT: Q(in_source=False),
}


@dataclass(frozen=True, slots=True)
class ContactPage:
    """One page in name order; `next` and `previous` are opaque cursors, empty when there is no such page."""

    contacts: list[Contact]
    next: str
    previous: str


def contact_fields(workspace: Workspace) -> list[ContactField]:
    return list(ContactField.objects.filter(workspace=workspace).order_by("label", "pk"))


def timeline(contact: Contact) -> QuerySet[FieldChange]:
    """What imports changed of the contact; newest first by key."""
    return FieldChange.objects.filter(contact=contact).order_by("-pk")


def number_changes(contact: Contact) -> QuerySet[FieldChange]:
    """When the contact's number became another one; newest first."""
    return timeline(contact).filter(field="mobile_number")


def by_record_id(workspace: Workspace, text: str) -> Contact | None:
    """The person of a record, by its id of 15 or 18 characters in any case, or by an id from before a merge or
    conversion. A record's own id comes first: one that was taken back from a merge is somebody's own again."""
    record_id = ids.as_typed(text) or text
    found = Contact.objects.filter(workspace=workspace, salesforce_id=record_id).first()
    if found:
        return found
    former = FormerId.objects.filter(workspace=workspace, salesforce_id=record_id).select_related("contact")
    return next((one.contact for one in former), None)


def former_ids(contact: Contact) -> list[FormerId]:
    return list(FormerId.objects.filter(contact=contact).order_by("since", "pk"))


def former_ids_of(contacts: Sequence[Contact]) -> dict[int, list[str]]:
    """The former ids of those that have any, by their keys."""
    found: dict[int, list[str]] = {}
    rows = FormerId.objects.filter(contact__in=contacts).order_by("since", "pk")
    for contact, record_id in rows.values_list("contact", "salesforce_id"):
        found.setdefault(contact, []).append(record_id)
    return found


def same_number(contact: Contact, limit: int = 10) -> tuple[list[Contact], int]:
    """Others with the contact's mobile number, the first few and how many there are: the same person as a Lead, a
    duplicate, or a household. Who stands for whom is for people to say."""
    if not contact.mobile_number:
        return [], 0
    found = Contact.objects.filter(workspace=contact.workspace_id, mobile_number=contact.mobile_number)
    found = found.exclude(pk=contact.pk)
    return list(found.order_by("-in_source", "sort_name", "pk")[:limit]), found.count()


def search(
    workspace: Workspace,
    text: str = "",
    *,
    among: Among = Among.EVERYBODY,
    after: str = "",
    before: str = "",
    limit: int = 25,
) -> ContactPage:
    """People whose name, number (any format) or 15- or 18-character id matches `text`; all when it is empty."""
    found = matching(workspace, text, among)
    if before:
        name, pk = _decode(before)
        rows = list(found.filter(_before(name, pk)).order_by("-sort_name", "-pk")[: limit + 1])
        more, contacts = len(rows) > limit, rows[:limit][::-1]
        return ContactPage(contacts, _cursor(contacts[-1:]), _cursor(contacts[:1]) if more else "")
    if after:
        name, pk = _decode(after)
        found = found.filter(_after(name, pk))
    rows = list(found.order_by("sort_name", "pk")[: limit + 1])
    contacts = rows[:limit]
    return ContactPage(
        contacts,
        _cursor(contacts[-1:]) if len(rows) > limit else "",
        _cursor(contacts[:1]) if after else "",
    )


def every(workspace: Workspace, text: str = "") -> Iterator[Contact]:
    """All matching contacts in the order of their ids, streamed."""
    return matching(workspace, text).order_by("salesforce_id").iterator(chunk_size=2000)


def matching(workspace: Workspace, text: str, among: Among = Among.EVERYBODY) -> QuerySet[Contact]:
    text = text.strip().replace("\x00", "")
    found = Contact.objects.filter(_AMONG[among], workspace=workspace)
    if not text:
        return found
    return found.filter(_condition(workspace, text))


def _condition(workspace: Workspace, text: str) -> Q:
    if re.fullmatch(r"[0-9A-Za-z]{15}|[0-9A-Za-z]{18}", text) and text[:3].upper() in ("003", "00Q"):
        person = by_record_id(workspace, text)
        return Q(pk=person.pk) if person else Q(pk__in=[])
    digits = re.sub(r"\D", "", text)
    if len(digits) >= 4 and not re.search(r"[^\d\s()+./x#-]", text, re.IGNORECASE):
        phone = phones.parse(text, workspace.default_region)
        return Q(mobile_number=phone.e164) if phone.e164 else Q(mobile_number__startswith="+" + digits)
    condition = Q()
    for word in fold(text).replace(",", " ").split():
        # One or two letters hold no trigram of their own: they match beginnings of names.
        short = Q(sort_name__startswith=word) | Q(sort_name__contains=" " + word)
        condition &= Q(sort_name__contains=word) if len(word) >= 3 else short
    return condition


def _after(name: str, pk: int) -> Q:
    # The first part is implied by the second; it lets PostgreSQL start the index scan at the cursor.
    return Q(sort_name__gte=name) & (Q(sort_name__gt=name) | Q(pk__gt=pk))


def _before(name: str, pk: int) -> Q:
    return Q(sort_name__lte=name) & (Q(sort_name__lt=name) | Q(pk__lt=pk))


def _cursor(rows: list[Contact]) -> str:
    if not rows:
        return ""
    return base64.urlsafe_b64encode(json.dumps([rows[0].sort_name, rows[0].pk]).encode()).decode()


def _decode(cursor: str) -> tuple[str, int]:
    """A cursor that isn't ours (a typed address) starts from the beginning."""
    try:
        name, pk = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        # A lone surrogate, which the database can't hold, is an error here.
        return str(name).replace("\x00", "").encode().decode(), int(pk)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return "", 0
