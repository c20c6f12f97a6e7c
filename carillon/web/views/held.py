"""Deciding about people whom an import held: who left, and who would be opted back in."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from carillon.imports import held, held_opt_ins, queries
from carillon.imports.models import HeldStatus
from carillon.lib.errors import CarillonError
from carillon.web.access import MemberRequest, admin_only, run_or_404

_DECISIONS = {
    "apply": (held.apply, "They were marked as having left the list."),
    "drop": (held.drop, "They stay as if they were in the list."),
}


@admin_only
@require_http_methods(["GET", "HEAD", "POST"])
def decide(request: MemberRequest, public_id: UUID, decision: str) -> HttpResponse:
    """Asks first, then applies or drops."""
    run = run_or_404(request, public_id)
    found = queries.held_by(run)
    if found is None or decision not in _DECISIONS:
        raise Http404("Nothing is held here.")
    if request.method == "POST":
        act, sentence = _DECISIONS[decision]
        try:
            act(held=found, by=request.user)
        except CarillonError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, sentence)
        return redirect("import_run", run.public_id)
    if found.status != HeldStatus.OPEN:
        return redirect("import_run", run.public_id)
    return render(request, "web/confirm_held.html", {"run": run, "held": found, "decision": decision})


@admin_only
@require_http_methods(["GET", "HEAD", "POST"])
def decide_opt_ins(request: MemberRequest, public_id: UUID, decision: str) -> HttpResponse:
    """As `decide`, of people who would be opted back in. A reason given says that the mapping before was wrong."""
    run = run_or_404(request, public_id)
    found = queries.opt_ins_held_by(run)
    if found is None or decision not in ("apply", "drop"):
        raise Http404("Nothing is held here.")
    if request.method == "POST":
        try:
            if decision == "apply":
                reason = request.POST.get("reason", "")
                opted_in = held_opt_ins.apply(held=found, by=request.user, reason=reason)
                messages.success(request, f"{opted_in:,} numbers were opted back in.")
            else:
                held_opt_ins.drop(held=found, by=request.user)
                messages.success(request, "They stay opted out.")
        except CarillonError as error:
            messages.error(request, str(error))
        return redirect("import_run", run.public_id)
    if found.status != HeldStatus.OPEN:
        return redirect("import_run", run.public_id)
    return render(request, "web/confirm_opt_ins.html", {"run": run, "held": found, "decision": decision})
