"""People whom an import held, those who left and those who would be opted back in: who they are, and deciding."""

from collections.abc import Iterator
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from carillon.consent.overview import first_staged
from carillon.consent.queries import last_field_change
from carillon.imports import held, held_opt_ins, queries
from carillon.imports.models import HELD_IN_FORCE, HeldLeavers, HeldStatus
from carillon.lib.errors import CarillonError
from carillon.web import csv_download
from carillon.web.access import MemberRequest, admin_only, run_or_404, setup_reader
from carillon.web.consent_forms import BELIEVED, OptInsForm
from carillon.web.consent_people import by_record

_DECISIONS = {
    "apply": (held.apply, "They were marked as having left the list."),
    "drop": (held.drop, "They stay as if they were in the list."),
}
OPT_INS_SHOWN = 20
# `absence` is what was found of the record: deleted, hidden, or empty.
COLUMNS = ("salesforce_id", "first_name", "last_name", "mobile_number", "user_identification", "absence")


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
    context = {"run": run, "held": found, "decision": decision, "people": held.people_first(found)}
    return render(request, "web/confirm_held.html", context)


@admin_only
@require_http_methods(["GET", "HEAD", "POST"])
def decide_opt_ins(request: MemberRequest, public_id: UUID, decision: str) -> HttpResponse:
    """As `decide`, of people who would be opted back in. Under a new mapping it asks which of the two was wrong."""
    run = run_or_404(request, public_id)
    found = queries.opt_ins_held_by(run)
    if found is None or decision not in ("apply", "drop"):
        raise Http404("Nothing is held here.")
    asks = decision == "apply" and found.mapping_is_new
    change = last_field_change(request.user.workspace, run.object) if asks else None
    form = None
    if asks:
        initial = {"which": BELIEVED} if change and change.is_undone else {}
        form = OptInsForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and (form is None or form.is_valid()):
        try:
            if decision == "apply":
                because = form.accepted_because if form else ""
                held_opt_ins.apply(held=found, by=request.user, reason=because)
                messages.success(request, "They are being opted back in, part by part.")
            else:
                held_opt_ins.drop(held=found, by=request.user)
                messages.success(
                    request, "They stay opted out. The next import of everything finds them again."
                )
        except CarillonError as error:
            messages.error(request, str(error))
        return redirect("import_run", run.public_id)
    if found.status != HeldStatus.OPEN:
        return redirect("import_run", run.public_id)
    records = first_staged(request.user.workspace, run.public_id, OPT_INS_SHOWN)
    contacts = by_record(request.user.workspace, records)
    context = {
        "run": run,
        "held": found,
        "decision": decision,
        "form": form,
        "change": change,
        "people": [(record, contacts.get(record)) for record in records],
        "more": max(0, found.people - len(records)),
    }
    return render(request, "web/confirm_opt_ins.html", context)


@setup_reader
@require_safe
def held_csv(request: MemberRequest, public_id: UUID) -> HttpResponseBase:
    """Everybody of a set that is open or kept; of others it is not known any more who they were."""
    run = run_or_404(request, public_id)
    found = queries.held_by(run)
    if found is None or found.status not in HELD_IN_FORCE:
        raise Http404("Nobody is held here.")
    return csv_download.download(f"held-people-{run.public_id}.csv", _lines(found))


def _lines(found: HeldLeavers) -> Iterator[tuple[str, ...]]:
    yield COLUMNS
    for contact, absence in held.people(found):
        names = contact.first_name, contact.last_name, contact.mobile_number, contact.user_identification
        yield contact.salesforce_id, *names, absence
