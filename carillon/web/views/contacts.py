"""The Contacts pages: everybody who was imported, found by name, number or Salesforce id."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from carillon.accounts.queries import members
from carillon.contacts import queries
from carillon.contacts.models import Contact, ContactField
from carillon.imports.models import ImportSetup
from carillon.imports.notices import stale
from carillon.imports.queries import contact_issues
from carillon.lib.clock import now
from carillon.web.access import MemberRequest, any_member, connection_of, contact_or_404

# A table stays readable with a few additional columns; the contact's own page shows them all.
COLUMNS = 2


@dataclass(frozen=True, slots=True)
class Person:
    """One line of the table."""

    contact: Contact
    consent: str
    # Who it is assigned to: a member's e-mail where a User ID matches, else what Salesforce holds.
    assigned_to: str
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
    emails = _emails_by_user_id(request)
    context = {
        "text": text,
        "page": page,
        "columns": columns,
        "people": [_person(contact, columns, emails) for contact in page.contacts],
        "may_import": ImportSetup.objects.filter(workspace=workspace, enabled=True).exists(),
        "stale": stale(workspace, now()),
    }
    return render(request, "web/contacts.html", context)


@any_member
@require_safe
def contact(request: MemberRequest, salesforce_id: str) -> HttpResponse:
    found = contact_or_404(request, salesforce_id)
    connection = connection_of(request)
    context = {
        "person": _person(found, queries.contact_fields(request.user.workspace), _emails_by_user_id(request)),
        "issues": contact_issues(found),
        "record_address": f"{connection.host}/{found.salesforce_id}" if connection else "",
    }
    return render(request, "web/contact.html", context)


def _emails_by_user_id(request: MemberRequest) -> dict[str, str]:
    return dict(members(request.user.workspace).exclude(user_id="").values_list("user_id", "email"))


def _person(contact: Contact, fields: list[ContactField], emails: dict[str, str]) -> Person:
    values: list[tuple[ContactField, object]] = [(field, contact.fields.get(field.name)) for field in fields]
    assigned_to = emails.get(contact.user_identification, contact.user_identification)
    return Person(contact, queries.consent_word(contact), assigned_to, values)
