"""Likely opt-outs: texts that sound like one without a word that says so. People decide; until then nothing is sent."""

from dataclasses import dataclass
from datetime import datetime

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from carillon.accounts.models import Role
from carillon.consent import actions
from carillon.consent.models import Consent, ConsentEvent, Kind, Review
from carillon.consent.queries import open_reviews
from carillon.contacts.models import Contact
from carillon.lib.errors import CarillonError
from carillon.web.access import READ_ONLY, MemberRequest, any_member
from carillon.web.forms import PageForm

SHOWN = 50


class DecisionForm(PageForm):
    decision = forms.ChoiceField(choices=[("opt_out", "Opt out"), ("none", "No opt-out")])
    reason = forms.CharField(required=False, max_length=500)


@dataclass(frozen=True, slots=True)
class Waiting:
    """`words` is empty when their person was erased."""

    review: int
    number: str
    people: list[Contact]
    words: str
    since: datetime
    due: datetime


@any_member
@require_safe
def reviews(request: MemberRequest) -> HttpResponse:
    found = open_reviews(request.user.workspace)
    context = {
        "waiting": [_waiting(review) for review in found.select_related("consent")[:SHOWN]],
        "count": found.count(),
        "may_decide": request.user.role != Role.AUDITOR,
    }
    return render(request, "web/reviews.html", context)


@any_member
@require_POST
def decide(request: MemberRequest, pk: int) -> HttpResponse:
    if request.user.role == Role.AUDITOR:
        raise PermissionDenied(READ_ONLY)
    review = get_object_or_404(Review, workspace=request.user.workspace_id, pk=pk)
    form = DecisionForm(request.POST)
    if not form.is_valid() or review.closed_at is not None:
        messages.error(
            request, "Somebody decided this already, or the form was cut off. Nothing was changed."
        )
        return redirect("reviews")
    is_opt_out = form.cleaned_data["decision"] == "opt_out"
    try:
        actions.close_review(
            review=review, is_opt_out=is_opt_out, by=request.user, reason=form.cleaned_data["reason"]
        )
    except CarillonError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Opted out." if is_opt_out else "Found to be no opt-out.")
    return redirect("reviews")


def _waiting(review: Review) -> Waiting:
    consent: Consent = review.consent
    line = (
        ConsentEvent.objects.filter(workspace=review.workspace_id, consent=consent, kind=Kind.LIKELY)
        .select_related("evidence")
        .order_by("-version")
        .first()
    )
    people = Contact.objects.filter(workspace=review.workspace_id, mobile_number=consent.number)
    return Waiting(
        review=review.pk,
        number=consent.number,
        people=list(people.order_by("sort_name", "pk")[:5]),
        words=line.evidence.words if line and hasattr(line, "evidence") else "",
        since=review.opened_at,
        due=review.due_at,
    )
