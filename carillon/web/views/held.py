"""Deciding about people whom an import held."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from carillon.imports import held, queries
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
