"""The Consent page: what is on its way to Salesforce, what was refused, and what waits for people to decide."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from carillon.accounts.models import Role, Workspace
from carillon.consent import actions, importing, person, pushes, queries, staff
from carillon.consent import overview as reports
from carillon.consent.models import ConsentConflict, ConsentPush, PushState, Review, StagedFlip
from carillon.consent.overview import HeldFlips
from carillon.contacts.models import Contact
from carillon.imports.models import ImportRun
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from carillon.web import keyset
from carillon.web.access import MemberRequest, admin_only, any_member, consent_or_404, staff_only
from carillon.web.consent_forms import AcceptForm, FlipsForm, ReviewForm
from carillon.web.consent_people import Household, by_record, households

# What is waiting settles by itself; a few lines say what it is.
WAITING_SHOWN = 10
FLIPS_SHOWN = 20
_CORRECTIONS: dict[str, str] = {
    PushState.WAITING: "To be corrected",
    PushState.SENT: "Being corrected",
    PushState.ACKNOWLEDGED: "Corrected: opted out",
    PushState.FAILED: "Salesforce refuses the correction",
    PushState.REVERTED: "Corrected, and put back by the org's automation",
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


@dataclass(frozen=True, slots=True)
class Flips:
    """`run` is None when its import is no longer kept."""

    held: HeldFlips
    run: ImportRun | None


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
    records = [push.salesforce_id for push in (*troubled.rows, *waiting)]
    contacts = by_record(workspace, [*records, *(row.salesforce_id for row in conflicts.rows)])
    numbers = [row.consent.number for row in reviews.rows]
    of_numbers = households(workspace, [*numbers, *(row.consent.number for row in conflicts.rows)])
    context = {
        "outbox": reports.outbox(workspace),
        "pace": queries.pace(workspace, now()),
        "troubled": [Push(row, contacts.get(row.salesforce_id)) for row in troubled.rows],
        "waiting": [Push(row, contacts.get(row.salesforce_id)) for row in waiting],
        "reviews": [(row, of_numbers[row.consent.number]) for row in reviews.rows],
        "conflicts": [
            Conflict(row, contacts.get(row.salesforce_id), of_numbers[row.consent.number])
            for row in conflicts.rows
        ],
        "more": {"refused": troubled.next, "reviews": reviews.next, "conflicts": conflicts.next},
        "flips": _held(workspace),
        "audit": queries.latest_audit(workspace),
        "may_act": request.user.role != Role.AUDITOR,
    }
    return render(request, "web/consent.html", context)


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
        messages.success(request, "It is tried again now. The page shows how it ends when you load it again.")
    else:
        messages.success(request, "Nothing is waiting there any more.")
    return redirect("consent")


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def review(request: MemberRequest, digits: str, decision: str) -> HttpResponse:
    consent = consent_or_404(request, digits)
    if decision not in ("opt-out", "not"):
        raise Http404("No such decision.")
    found = person.open_review(consent)
    if found is None:
        messages.success(request, "This is decided already.")
        return redirect("consent")
    form = ReviewForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _close(request, found, form, is_opt_out=decision == "opt-out"):
        return redirect("consent")
    context = {
        "form": form,
        "review": found,
        "decision": decision,
        "likely": person.likely_line(consent),
        "household": _household(request.user.workspace, consent.number),
    }
    return render(request, "web/consent_review.html", context)


def _close(request: MemberRequest, found: Review, form: ReviewForm, *, is_opt_out: bool) -> bool:
    try:
        actions.close_review(
            review=found, is_opt_out=is_opt_out, by=request.user, reason=form.cleaned_data["reason"]
        )
    except CarillonError as error:
        form.refuse(error)
        return False
    said = (
        "It counts as an opt-out, and Salesforce is told."
        if is_opt_out
        else "The number may be texted again."
    )
    messages.success(request, said)
    return True


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def conflict(request: MemberRequest, digits: str, version: int, decision: str) -> HttpResponseBase:
    """A person's STOP stands unless an admin writes down why not."""
    consent = consent_or_404(request, digits)
    found = get_object_or_404(
        ConsentConflict, workspace=request.user.workspace, consent=consent, event__version=version
    )
    if decision == "keep" and request.method == "POST":
        staff.keep_conflict(conflict=found, by=request.user)
        messages.success(request, "The number stays opted out, and Salesforce is corrected.")
        return redirect("consent")
    if decision != "accept":
        raise Http404("No such decision.")
    return _accept(request, found)


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


@admin_only
@require_http_methods(["GET", "HEAD", "POST"])
def flips(request: MemberRequest, run: UUID, decision: str) -> HttpResponse:
    """Applies what an import held, with or against the word of staff, or drops it."""
    workspace = request.user.workspace
    staged = StagedFlip.objects.filter(workspace=workspace, run=run)
    number = staged.count()
    if decision not in ("apply", "accept", "drop") or not number:
        raise Http404("Nothing is held here.")
    form = FlipsForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and (decision != "accept" or form.is_valid()):
        if decision == "drop":
            staff.drop_flips(workspace=workspace, run=run, by=request.user)
            messages.success(request, "They were dropped. Nobody was opted in.")
        else:
            reason = form.cleaned_data["reason"] if decision == "accept" else ""
            done = importing.apply_staged(
                workspace=workspace, run=run, accepted_by=request.user, reason=reason
            )
            messages.success(request, f"They were applied: {done.told} changes of consent.")
        return redirect("consent")
    rows = list(staged.order_by("pk")[:FLIPS_SHOWN])
    contacts = by_record(workspace, (row.salesforce_id for row in rows))
    context = {
        "form": form,
        "decision": decision,
        "run": run,
        "number": number,
        "rows": [(row, contacts.get(row.salesforce_id)) for row in rows],
        "more": number - len(rows),
    }
    return render(request, "web/consent_flips.html", context)


def _held(workspace: Workspace) -> list[Flips]:
    """Those of a run that still goes on are judged by it."""
    held = reports.held_flips(workspace)
    found = ImportRun.objects.filter(workspace=workspace, public_id__in=[one.run for one in held])
    runs = {run.public_id: run for run in found}
    shown = [Flips(one, runs.get(one.run)) for one in held]
    return [one for one in shown if one.run is None or not one.run.is_open]


def _household(workspace: Workspace, number: str) -> Household:
    return households(workspace, [number])[number]
