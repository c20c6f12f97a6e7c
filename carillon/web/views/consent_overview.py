"""The Consent page: what is on its way to Salesforce, what was refused, and what waits for people to decide."""

from dataclasses import dataclass
from datetime import timedelta

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from carillon.accounts.models import Role, Workspace
from carillon.consent import actions, nightly, person, pushes, queries, staff, waking
from carillon.consent import overview as reports
from carillon.consent.decide import Refusal, Says
from carillon.consent.models import ConflictState, ConsentConflict, ConsentPush, PushState, Review
from carillon.contacts.models import Contact
from carillon.imports.queries import open_opt_ins
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from carillon.web import keyset
from carillon.web.access import MemberRequest, admin_only, any_member, staff_only
from carillon.web.consent_forms import AcceptForm, ReviewForm
from carillon.web.consent_people import Household, by_record, households
from carillon.web.look_again import look_again

# What is waiting settles by itself; a few lines say what it is.
WAITING_SHOWN = 10
SOON = timedelta(minutes=1)
_CORRECTIONS: dict[str, str] = {
    PushState.WAITING: "To be corrected",
    PushState.SENT: "Being corrected",
    PushState.ACKNOWLEDGED: "Corrected: opted out",
    PushState.FAILED: "Salesforce refuses the correction",
    PushState.REVERTED: "Corrected, and put back again",
    PushState.GONE: "Deleted in Salesforce",
}
_PUSH_ORDER, _REVIEW_ORDER, _CONFLICT_ORDER = ("pk",), ("due_at", "pk"), ("-found_at", "-pk")


@dataclass(frozen=True, slots=True)
class Push:
    row: ConsentPush
    contact: Contact | None


@dataclass(frozen=True, slots=True)
class Conflict:
    """`moot`: the number was opted in since, so nothing is left to decide."""

    row: ConsentConflict
    contact: Contact | None
    household: Household

    @property
    def moot(self) -> bool:
        return not self.row.consent.is_opted_out

    @property
    def correction(self) -> str:
        """What became of telling the record."""
        return _CORRECTIONS.get(getattr(self.row, "push_state", None) or "", "")


@any_member
@require_safe
def overview(request: MemberRequest) -> HttpResponse:
    workspace, asked = request.user.workspace, request.GET
    troubled = keyset.page(reports.troubled(workspace), _PUSH_ORDER, cursor=asked.get("refused", ""))
    reviews = keyset.page(reports.reviews(workspace), _REVIEW_ORDER, cursor=asked.get("reviews", ""))
    conflicts = keyset.page(
        reports.open_conflicts(workspace), _CONFLICT_ORDER, cursor=asked.get("conflicts", "")
    )
    waiting = list(reports.waiting(workspace)[:WAITING_SHOWN])
    # Before the outbox: what is sent between the two is counted there, and so never missed.
    is_due = reports.has_due(workspace, now() + SOON)
    outbox, audit_under_way = reports.outbox(workspace), waking.audit_under_way(workspace.pk)
    records = [push.salesforce_id for push in (*troubled.rows, *waiting)]
    contacts = by_record(workspace, [*records, *(row.salesforce_id for row in conflicts.rows)])
    numbers = [row.consent.number for row in reviews.rows]
    of_numbers = households(workspace, [*numbers, *(row.consent.number for row in conflicts.rows)])
    context = {
        "at": now(),
        "outbox": outbox,
        "look_again": look_again(request, bool(is_due or outbox.sent or audit_under_way)),
        "is_told": reports.is_told(workspace),
        "stopped": reports.stopped(workspace),
        "pace": queries.pace(workspace, now()),
        "troubled": [Push(row, contacts.get(row.salesforce_id)) for row in troubled.rows],
        "waiting": [Push(row, contacts.get(row.salesforce_id)) for row in waiting],
        "reviews": [(row, of_numbers[row.consent.number]) for row in reviews.rows],
        "conflicts": [
            Conflict(row, contacts.get(row.salesforce_id), of_numbers[row.consent.number])
            for row in conflicts.rows
        ],
        "more": {"refused": troubled.next, "reviews": reviews.next, "conflicts": conflicts.next},
        "held": open_opt_ins(workspace),
        "audit": queries.latest_audit(workspace),
        "good_audit": queries.good_audits(workspace).first(),
        "audit_under_way": audit_under_way,
        "audit_overdue": nightly.is_overdue(workspace, now()),
        "may_act": request.user.role != Role.AUDITOR,
        "may_read_runs": request.user.role != Role.TEXTER,
    }
    return render(request, "web/consent.html", context)


@admin_only
@require_POST
def audit_now(request: MemberRequest) -> HttpResponse:
    try:
        staff.start_audit(workspace=request.user.workspace, by=request.user)
    except CarillonError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The audit starts now. What it finds is shown under Last audit.")
    return redirect("consent")


@staff_only
@require_POST
def retry(request: MemberRequest, salesforce_id: str = "") -> HttpResponse:
    """What Salesforce refused is tried again now: of one record, or all of it."""
    workspace = request.user.workspace
    if salesforce_id:
        push = person.unsent_push(workspace, salesforce_id)
        if push is None:
            raise Http404("Nothing waits to be told to this record.")
        number = int(pushes.retry(push_id=push.pk, now=now()))
    else:
        number = pushes.retry_all(workspace_id=workspace.pk, now=now())
    if number:
        messages.success(request, "It is tried again now. This page shows how it ends.")
    else:
        messages.success(request, "Nothing is waiting there any more.")
    return redirect("consent")


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def review(request: MemberRequest, number: int, decision: str) -> HttpResponse:
    found = get_object_or_404(Review, workspace=request.user.workspace, pk=number)
    consent = found.consent
    if decision not in ("opt-out", "not"):
        raise Http404("No such decision.")
    if found.closed_at:
        messages.success(request, "This is decided already.")
        return redirect("consent")
    form = ReviewForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _close(request, found, form, is_opt_out=decision == "opt-out"):
        return redirect("consent")
    context = {
        "form": form,
        "seen": consent.version,
        "decision": decision,
        "likely": person.likely_line(consent),
        "is_opted_out": consent.is_opted_out,
        "household": _household(request.user.workspace, consent.number),
    }
    return render(request, "web/consent_review.html", context)


def _close(request: MemberRequest, found: Review, form: ReviewForm, *, is_opt_out: bool) -> bool:
    """Whether nothing is left to decide."""
    try:
        done = actions.close_review(
            review=found,
            is_opt_out=is_opt_out,
            by=request.user,
            reason=form.cleaned_data["reason"],
            seen=form.cleaned_data["seen"],
        )
    except actions.MayNot as error:
        if error.refusal is Refusal.REVIEWED:
            messages.error(request, str(error))
            return True
        form.refuse(error)
        return False
    if is_opt_out:
        said = f"It counts as an opt-out{', and Salesforce is being told' if done.pushes else ''}."
    elif done.status is Says.OUT:
        said = "It counts as no opt-out. The number stays opted out, by what was said besides."
    else:
        said = "The number may be texted again."
    messages.success(request, said)
    return True


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def conflict(request: MemberRequest, line: int, decision: str) -> HttpResponseBase:
    """Of this line of the ledger. A person's STOP stands unless an admin writes down why not."""
    found = get_object_or_404(ConsentConflict, workspace=request.user.workspace, pk=line)
    if decision == "keep" and request.method == "POST":
        return _keep(request, found)
    if decision != "accept":
        raise Http404("No such decision.")
    if found.state == ConflictState.ACCEPTED:
        messages.success(request, "This was accepted: the number is opted in.")
        return redirect("consent")
    return _accept(request, found)


def _keep(request: MemberRequest, found: ConsentConflict) -> HttpResponse:
    try:
        is_out = found.state == ConflictState.KEPT or staff.keep_conflict(conflict=found, by=request.user)
    except actions.MayNot as error:
        messages.error(request, str(error))
    else:
        stays = "The number stays opted out, and Salesforce is corrected."
        messages.success(request, stays if is_out else "It is off the list. The number stays opted in.")
    return redirect("consent")


@admin_only
def _accept(request: MemberRequest, found: ConsentConflict) -> HttpResponse:
    form = AcceptForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            actions.accept_conflict(conflict=found, by=request.user, reason=form.cleaned_data["reason"])
        except CarillonError as error:
            form.refuse(error)
        else:
            messages.success(request, "The number is opted in, as the record says.")
            return redirect("consent")
    workspace, number = request.user.workspace, found.consent.number
    state = queries.state_of(found.consent)
    context = {
        "form": form,
        "conflict": found,
        "line": person.deciding_line(found.consent, state),
        "contact": by_record(workspace, [found.salesforce_id]).get(found.salesforce_id),
        "household": _household(workspace, number),
    }
    return render(request, "web/consent_conflict.html", context)


def _household(workspace: Workspace, number: str) -> Household:
    return households(workspace, [number])[number]
