"""The Contacts pages: everybody who was imported, found by name, number or Salesforce id."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from carillon.contacts import queries
from carillon.contacts.models import Contact, ContactField
from carillon.imports.models import ImportSetup
from carillon.imports.queries import contact_issues
from carillon.web.access import MemberRequest, any_member, connection_of, contact_or_404

# A table stays readable with a few additional columns; the contact's own page shows them all.
COLUMNS = 3


@dataclass(frozen=True, slots=True)
class Person:
    """One line of the table."""

    contact: Contact
    consent: str
    values: list[tuple[ContactField, object]]


@any_member
@require_safe
def contacts(request: MemberRequest) -> HttpResponse:
    text = request.GET.get("q", "").strip()
    workspace = request.user.workspace
    page = queries.search(
        workspace, text, after=request.GET.get("after", ""), before=request.GET.get("before", "")
    )
    columns = queries.contact_fields(workspace)[:COLUMNS]
    context = {
        "text": text,
        "page": page,
        "columns": columns,
        "people": [_person(contact, columns) for contact in page.contacts],
        "may_import": ImportSetup.objects.filter(workspace=workspace, enabled=True).exists(),
    }
    return render(request, "web/contacts.html", context)


@any_member
@require_safe
def contact(request: MemberRequest, salesforce_id: str) -> HttpResponse:
    found = contact_or_404(request, salesforce_id)
    connection = connection_of(request)
    context = {
        "person": _person(found, queries.contact_fields(request.user.workspace)),
        "issues": contact_issues(found),
        "record_address": f"{connection.host}/{found.salesforce_id}" if connection else "",
    }
    return render(request, "web/contact.html", context)


def _person(contact: Contact, fields: list[ContactField]) -> Person:
    values: list[tuple[ContactField, object]] = [(field, contact.fields.get(field.name)) for field in fields]
    return Person(contact, queries.consent_word(contact), values)
