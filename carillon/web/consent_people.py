"""Who is behind numbers and records, for lists of which one page or chunk is at hand: a query or two each."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Count, QuerySet, Window
from django.db.models.functions import RowNumber

from carillon.accounts.models import Member, Role, Workspace
from carillon.consent.models import ConsentEvent
from carillon.contacts.models import Contact
from carillon.imports.models import ImportRun

# Of one number; the link to the search shows the others.
SHOWN = 3
_MOST = 500
# Of one number in a file, whose cells have an end, too.
NAMED = 20
_ORDER = ("-in_source", "sort_name", "pk")


@dataclass(slots=True)
class Household:
    """The first people with a number, and how many more were found."""

    number: str
    people: list[Contact] = field(default_factory=list)
    more: int = 0

    @property
    def is_erased(self) -> bool:
        return self.number.startswith("#")


def households(workspace: Workspace, numbers: Iterable[str]) -> dict[str, Household]:
    """Of each number, also those that nobody has."""
    found = {number: Household(number) for number in numbers}
    for contact in _with_numbers(workspace, found).order_by(*_ORDER)[:_MOST]:
        household = found[contact.mobile_number]
        if len(household.people) < SHOWN:
            household.people.append(contact)
        else:
            household.more += 1
    return found


def holders(workspace: Workspace, numbers: Iterable[str]) -> dict[str, Household]:
    """Of each number, all who have it now, NAMED at most, however many people there are; one query."""
    found = {number: Household(number) for number in numbers}
    people = _with_numbers(workspace, found).annotate(
        place=Window(RowNumber(), partition_by="mobile_number", order_by=_ORDER),
        together=Window(Count("pk"), partition_by="mobile_number"),
    )
    for contact in people.filter(place__lte=NAMED).order_by("place").defer("fields"):
        household = found[contact.mobile_number]
        household.people.append(contact)
        household.more = contact.together - len(household.people)
    return found


def _with_numbers(workspace: Workspace, numbers: Iterable[str]) -> QuerySet[Contact]:
    known = [number for number in numbers if number.startswith("+")]
    return Contact.objects.filter(workspace=workspace, mobile_number__in=known)


def runs_to_show(member: Member, events: Iterable[ConsentEvent]) -> frozenset[UUID]:
    """The imports, still kept, that found these lines; none for those who may not open them."""
    runs = {event.run for event in events if event.run}
    if member.role == Role.TEXTER or not runs:
        return frozenset()
    kept = ImportRun.objects.filter(workspace=member.workspace_id, public_id__in=runs)
    return frozenset(kept.values_list("public_id", flat=True))


def by_record(workspace: Workspace, salesforce_ids: Iterable[str]) -> dict[str, Contact]:
    ids = {salesforce_id for salesforce_id in salesforce_ids if salesforce_id}
    found = Contact.objects.filter(workspace=workspace, salesforce_id__in=ids)
    return {contact.salesforce_id: contact for contact in found}
