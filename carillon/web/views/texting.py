"""The Texting page: the carrier, what is said to people by itself, and whether the carrier's calls arrive."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from carillon.consent.words import of_numbers
from carillon.lib.clock import now
from carillon.messaging import actions, addresses, alerts, credentials, queries, self_test, webhooks
from carillon.messaging.models import CarrierKind, Texting
from carillon.web.access import MemberRequest, admin_only, setup_reader
from carillon.web.texting_form import TextingForm


@sensitive_post_parameters("auth_token")
@setup_reader
@require_http_methods(["GET", "HEAD", "POST"])
def texting(request: MemberRequest) -> HttpResponse:
    workspace = request.user.workspace
    kept = queries.texting_of(workspace)
    draft = actions.draft_of(kept) if kept else actions.suggested(workspace, request.user.email)
    form = TextingForm(draft, request.POST if request.method == "POST" else None, has_token=_has_token(kept))
    if "count" in request.POST or not form.is_valid():
        return _page(request, kept, form)
    try:
        actions.save_texting(workspace=workspace, draft=form.entered(), by=request.user)
    except actions.TextingInvalid as error:
        for one in (error, *error.others):
            form.refuse(one, one.field)
        return _page(request, kept, form)
    messages.success(request, "Saved. Run the self-test to see whether the carrier's calls arrive.")
    return redirect("texting")


@admin_only
@require_POST
def test_texting(request: MemberRequest) -> HttpResponse:
    kept = _texting_or_404(request)
    form = TextingForm(actions.draft_of(kept), has_token=_has_token(kept))
    return _page(request, kept, form, found=self_test.run(kept))


@admin_only
@require_http_methods(["GET", "HEAD", "POST"])
def replace_webhooks(request: MemberRequest) -> HttpResponse:
    kept = _texting_or_404(request)
    if request.method != "POST":
        return render(request, "web/confirm_webhooks.html")
    actions.rotate_path_token(texting=kept, by=request.user)
    messages.success(
        request, "The address for incoming texts is a new one. Enter it in the Twilio console now."
    )
    return redirect("texting")


@admin_only
@require_POST
def refusals_seen(request: MemberRequest) -> HttpResponse:
    alerts.seen(workspace=request.user.workspace, at=now(), by=request.user)
    messages.success(request, "The alarm is off. It comes again when another call is refused.")
    return redirect("texting")


def _has_token(kept: Texting | None) -> bool:
    """The simulated carrier's own token is of no use to anybody else."""
    return kept is not None and kept.carrier != CarrierKind.SIMULATED


def _texting_or_404(request: MemberRequest) -> Texting:
    return get_object_or_404(Texting, workspace=request.user.workspace_id)


def _page(
    request: MemberRequest, kept: Texting | None, form: TextingForm, found: self_test.Found | None = None
) -> HttpResponse:
    workspace, at = request.user.workspace, now()
    from_nobody = queries.from_nobody(workspace, at)
    consents = of_numbers(workspace, [text.number for text in from_nobody])
    context = {
        "texting": kept,
        "form": form,
        "found": found,
        "inbound_url": addresses.inbound_url(kept) if kept else "",
        "earlier_until": credentials.grace_until(kept) if kept else None,
        "refusals": webhooks.refusals(workspace, at),
        "is_alarming": not alerts.is_seen(workspace, at),
        "outbox": queries.outbox(workspace, at),
        "from_nobody": [(text, consents[text.number]) for text in from_nobody],
        "has_phone": settings.ALLOW_LOCAL_ORG,
    }
    return render(request, "web/texting.html", context)
