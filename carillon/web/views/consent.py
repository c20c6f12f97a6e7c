"""Opting a contact's number out and back in, and taking that back within a minute."""

import re
from datetime import datetime
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from carillon.consent import actions, staff, words
from carillon.consent import queries as consents
from carillon.consent.decide import Says, When
from carillon.consent.words import Word
from carillon.contacts import queries
from carillon.contacts.models import Contact
from carillon.imports.queries import time_zone
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from carillon.web.access import MemberRequest, contact_or_404, staff_only
from carillon.web.consent_card import Card, card
from carillon.web.consent_forms import STAFF, OptInForm, OptOutForm

_KEPT = "The request is in the record. To stop texts all the same, opt out as staff."


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def opt_out(request: MemberRequest, salesforce_id: str) -> HttpResponse:
    """Asks for who says so and why. A person's own request counts from its day and carries the person's authority."""
    contact = contact_or_404(request, salesforce_id)
    about = card(contact, request.user, "", now())
    is_again = about.state.is_opted_out and request.POST.get("way") == STAFF
    if is_again or not (about.may.opt_out or about.may.enter_request):
        return _nothing_to_do(request, contact, _why_no_opt_out(about), is_so=about.state.is_opted_out)
    zone = time_zone(request.user.workspace)
    form = OptOutForm(request.POST if request.method == "POST" else None, today=datetime.now(zone).date())
    if form.is_valid():
        requested = When.on(form.requested_on, zone) if form.requested_on else None
        try:
            done = actions.opt_out(
                workspace=request.user.workspace,
                number=contact.mobile_number,
                by=request.user,
                reason=form.written_reason,
                requested=requested,
            )
        except CarillonError as error:
            form.refuse(error)
        else:
            if done.status is Says.OUT:
                messages.success(request, f"Nobody texts {contact} any more.{_told(done)}")
            else:
                why = words.why_still_in(request.user.workspace, contact.mobile_number, zone)
                messages.warning(request, f"{why}, and that counts: {contact} stays opted in. {_KEPT}")
            return _back_to(contact, request)
    return _asked(request, contact, about, form, "web/consent_opt_out.html")


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def opt_in(request: MemberRequest, salesforce_id: str) -> HttpResponse:
    """Texters opt in what staff opted out; an admin with a written reason lifts a person's opt-out, too."""
    contact = contact_or_404(request, salesforce_id)
    about = card(contact, request.user, "", now())
    if not about.may.opt_in:
        is_so = about.word is Word.OPTED_IN
        sentence = about.may.why_not or "This number is not opted out."
        return _nothing_to_do(request, contact, sentence, is_so=is_so)
    form = OptInForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            done = actions.opt_in(
                workspace=request.user.workspace,
                number=contact.mobile_number,
                by=request.user,
                reason=form.cleaned_data["reason"],
            )
        except CarillonError as error:
            form.refuse(error)
        else:
            messages.success(request, f"{contact} {_how_in(done)}.{_told(done)}")
            return _back_to(contact, request)
    return _asked(request, contact, about, form, "web/consent_opt_in.html")


@staff_only
@require_POST
def undo(request: MemberRequest, salesforce_id: str) -> HttpResponse:
    contact = contact_or_404(request, salesforce_id)
    version = request.POST.get("version", "")
    try:
        staff.undo(
            workspace=request.user.workspace,
            number=contact.mobile_number,
            version=int(version) if re.fullmatch("[0-9]{1,9}", version) else 0,
            by=request.user,
        )
    except CarillonError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Undone. Both lines stay in the record below.")
    return redirect("contact", contact.salesforce_id)


def _back_to(contact: Contact, request: MemberRequest) -> HttpResponse:
    """The search that led here goes along, to lead back to it."""
    search = request.GET.get("search", "")
    page = reverse("contact", args=[contact.salesforce_id])
    return redirect(f"{page}?{urlencode({'search': search})}" if search else page)


def _asked(
    request: MemberRequest, contact: Contact, about: Card, form: OptOutForm | OptInForm, template: str
) -> HttpResponse:
    others, number_of_others = queries.same_number(contact)
    context = {
        "contact": contact,
        "card": about,
        "form": form,
        "others": others,
        "more_others": number_of_others - len(others),
        "is_told": bool(consents.opt_out_field(request.user.workspace, contact.object).field),
    }
    return render(request, template, context)


def _nothing_to_do(request: MemberRequest, contact: Contact, sentence: str, *, is_so: bool) -> HttpResponse:
    """`is_so`: it is already as was asked for, such as after a double click."""
    messages.add_message(request, messages.SUCCESS if is_so else messages.ERROR, sentence)
    return redirect("contact", contact.salesforce_id)


def _how_in(done: actions.Outcome) -> str:
    if done.is_suppressed:
        return "is opted in, and not texted until somebody decides about the likely opt-out"
    return "may be texted again"


def _told(done: actions.Outcome) -> str:
    return " Salesforce is being told." if done.pushes else ""


def _why_no_opt_out(about: Card) -> str:
    if about.state.is_stopped_by_person:
        return "The person opted out already, and that stands."
    if about.state.is_opted_out:
        return "This number is opted out already. Only the person's own request adds to that."
    return "Without a valid mobile number there is nothing to opt out: nobody can text this person."
