"""The Contacts pages: everybody who was imported, found by name, number or Salesforce id."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from carillon.accounts.models import Role
from carillon.accounts.user_ids import assigned
from carillon.consent.queries import may_opt_in, opt_out_field
from carillon.consent.words import Word, words_of
from carillon.contacts import queries
from carillon.contacts.models import Contact, ContactField
from carillon.imports import erasing
from carillon.imports.held import in_force_for
from carillon.imports.models import FieldMapping, ImportSetup
from carillon.imports.notices import stale
from carillon.imports.queries import contact_issues, kept_runs
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from carillon.messaging import queries as texts
from carillon.messaging.models import Message
from carillon.web import keyset, people, timeline
from carillon.web.access import MemberRequest, admin_only, any_member, connection_of, contact_or_404
from carillon.web.consent_card import card
from carillon.web.forms import EraseForm

# A table stays readable with a few additional columns; the contact's own page shows them all.
COLUMNS = 2
# Of a conversation, on a contact's page; those before the newest are folded away.
TEXTS, NEWEST_TEXTS = 50, 10


@dataclass(frozen=True, slots=True)
class Person:
    """One line of the table."""

    contact: Contact
    consent: str
    # The e-mail of the member it is assigned to; empty when what Salesforce holds is no member's User ID.
    assigned_to: str
    values: list[tuple[ContactField, object]]


@any_member
@require_safe
def contacts(request: MemberRequest) -> HttpResponse:
    text, show = request.GET.get("q", "").strip(), request.GET.get("show", "")
    among = queries.Among(show) if show in queries.Among.values else queries.Among.EVERYBODY
    workspace = request.user.workspace
    page = queries.search(
        workspace,
        text,
        among=among,
        after=request.GET.get("after", ""),
        before=request.GET.get("before", ""),
    )
    # The oldest: a field that is added later changes nobody's table.
    columns = sorted(queries.contact_fields(workspace), key=lambda field: field.pk)[:COLUMNS]
    found = _people(request, page.contacts, columns)
    opted_out = [one.contact.mobile_number for one in found if one.consent == Word.OPTED_OUT]
    context = {
        "text": text,
        "among": among,
        "choices": queries.Among,
        "query": urlencode([(name, value) for name, value in (("q", text), ("show", among.value)) if value]),
        "page": page,
        "columns": columns,
        "people": found,
        "may_opt_in": may_opt_in(workspace, opted_out, is_admin=request.user.is_admin),
        "may_opt_out": request.user.role != Role.AUDITOR,
        "may_import": ImportSetup.objects.filter(workspace=workspace, enabled=True).exists(),
        "stale": stale(workspace, now()),
    }
    return render(request, "web/contacts.html", context)


@any_member
@require_safe
def contact(request: MemberRequest, salesforce_id: str) -> HttpResponse:
    found = contact_or_404(request, salesforce_id)
    if found.salesforce_id != salesforce_id:
        return redirect("contact", found.salesforce_id)
    others, number_of_others = queries.same_number(found)
    connection = connection_of(request)
    fields = queries.contact_fields(request.user.workspace)
    older = request.GET.get("older", "")
    setups = ImportSetup.objects.filter(workspace=found.workspace_id, object=found.object)
    latest = _texts(found)
    changes = keyset.page(queries.timeline(found), ("-pk",), cursor=older)
    mapped = FieldMapping.objects.filter(setup__in=setups).values_list("contact_field", flat=True)
    imported = set(mapped)
    # What is mapped for the other object only is no blank of this person.
    shown = [one for one in fields if one.pk in imported or found.fields.get(one.name) not in (None, "", [])]
    context = {
        "person": _people(request, [found], shown)[0],
        "kept": in_force_for(found),
        "imported": imported,
        "assignment_imported": setups.exclude(user_identification="").exists(),
        "issues": contact_issues(found),
        "former_ids": queries.former_ids(found),
        "others": others,
        "more_others": number_of_others - len(others),
        "record_address": f"{connection.host}/{found.salesforce_id}" if connection else "",
        "texts": latest[-NEWEST_TEXTS:],
        "older_texts": latest[:-NEWEST_TEXTS],
        "unusable": texts.unusable(found.workspace, found.mobile_number),
        "changes": timeline.lines(changes.rows, fields, kept_runs(found, changes.rows)),
        "next": changes.next,
        "older": older,
        "may_read_runs": request.user.role != Role.TEXTER,
        "card": card(found, request.user, request.GET.get("consent_older", ""), now()),
        "is_told": bool(opt_out_field(found.workspace, found.object).field),
        "consent_older": request.GET.get("consent_older", ""),
    }
    return render(request, "web/contact.html", context)


def _texts(contact: Contact) -> list[Message]:
    """The latest, oldest first, as on a phone."""
    if not contact.mobile_number:
        return []
    return list(texts.conversation(contact.workspace, contact.mobile_number)[:TEXTS])[::-1]


@admin_only
@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: MemberRequest, salesforce_id: str) -> HttpResponse:
    """Asks first, and needs a tick: there is no way back. Nothing afterwards says who it was."""
    found = contact_or_404(request, salesforce_id)
    form = EraseForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            people.erase(workspace=request.user.workspace, salesforce_id=found.salesforce_id, by=request.user)
        except CarillonError as error:
            form.refuse(error)
        else:
            messages.success(request, "The person was erased.")
            return redirect("contacts")
    about = erasing.erasable(request.user.workspace, found.salesforce_id)
    return render(request, "web/confirm_erase.html", {"form": form, "contact": found, "about": about})


def _people(request: MemberRequest, found: list[Contact], fields: list[ContactField]) -> list[Person]:
    emails = assigned(request.user.workspace, (one.user_identification for one in found))
    return [
        Person(
            contact,
            word,
            emails.get(contact.user_identification, ""),
            [(field, contact.fields.get(field.name)) for field in fields],
        )
        for contact, word in zip(found, words_of(request.user.workspace, found), strict=True)
    ]
