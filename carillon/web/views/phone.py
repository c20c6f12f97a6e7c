"""The Phone page, in demos and tests only: text as a person would, and see what comes back on their phone."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from carillon.contacts import queries as contacts
from carillon.lib.errors import CarillonError
from carillon.messaging import play, queries
from carillon.messaging.inbound import MOST_HELP
from carillon.messaging.models import Texting
from carillon.web.access import MemberRequest, admin_only, contact_or_404
from carillon.web.forms import PageForm

P = ParamSpec("P")
KEYWORDS = ("STOP", "START", "HELP")
SHOWN = 50


class TextForm(PageForm):
    body = forms.CharField(
        label="Text",
        max_length=1600,
        strip=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "Text message"}),
    )


def _only_where_allowed(
    view: Callable[Concatenate[HttpRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not settings.ALLOW_LOCAL_ORG:
            raise Http404("There is no phone page here.")
        return view(request, *args, **kwargs)

    return guarded


@_only_where_allowed
@admin_only
@require_safe
def phones(request: MemberRequest) -> HttpResponse:
    text = request.GET.get("q", "").strip()
    found = contacts.search(request.user.workspace, text, limit=20).contacts if text else []
    context = {
        "text": text,
        "people": [contact for contact in found if contact.mobile_number],
        "numberless": sum(1 for contact in found if not contact.mobile_number),
        "trouble": _trouble(request),
    }
    return render(request, "web/phones.html", context)


@_only_where_allowed
@admin_only
@require_http_methods(["GET", "HEAD", "POST"])
def phone(request: MemberRequest, salesforce_id: str) -> HttpResponse:
    contact = contact_or_404(request, salesforce_id)
    if not contact.mobile_number:
        raise Http404("Nobody can text without a number.")
    form = TextForm(request.POST or None)
    if form.is_valid():
        try:
            play.text_as(_simulated(request), contact.mobile_number, form.cleaned_data["body"])
        except CarillonError as error:
            form.refuse(error)
        else:
            return redirect("phone", salesforce_id)
    texting = queries.texting_of(request.user.workspace)
    texts = queries.conversation(request.user.workspace, contact.mobile_number)[:SHOWN]
    context = {
        "contact": contact,
        "form": form,
        "texts": list(texts)[::-1],
        "keywords": KEYWORDS,
        "trouble": _trouble(request),
        "most_help": MOST_HELP,
        "carrier": queries.carrier_answers(texting) if texting else None,
    }
    return render(request, "web/phone.html", context)


def _simulated(request: MemberRequest) -> Texting:
    return play.simulated_texting(request.user.workspace)


def _trouble(request: MemberRequest) -> str:
    try:
        _simulated(request)
    except play.NoSimulatedCarrier as error:
        return str(error)
    return ""
