"""The pages of a dry run: started for a saved setup or from the setup form, followed, read, forgotten."""

from collections.abc import Iterator
from hashlib import sha256

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import condition, require_POST, require_safe

from carillon.imports import actions, drafts, queries
from carillon.imports.models import DryRun, ImportSetup, Mode
from carillon.lib.errors import CarillonError
from carillon.salesforce.errors import SalesforceError
from carillon.web import csv_download
from carillon.web.access import MemberRequest, admin_only, object_or_404, setup_reader
from carillon.web.dry_run_pages import DryRunView
from carillon.web.run_pages import STOP_POLLING

FLIP_COLUMNS = ("salesforce_id", "name", "number", "from", "to", "held_for_an_admin")


@admin_only
@require_POST
def start_dry_run(request: MemberRequest, slug: str) -> HttpResponse:
    """Of the setup as it is saved."""
    setup = actions.setup_for(request.user.workspace, object_or_404(slug))
    mode = Mode.EVERYTHING if request.POST.get("mode") == Mode.EVERYTHING else Mode.CHANGES
    try:
        actions.request_dry_run(setup=setup, draft=drafts.draft_of(setup), mode=mode, by=request.user)
    except (CarillonError, SalesforceError) as error:
        messages.error(request, str(error))
        return redirect("import_history")
    return redirect("dry_run", slug)


@setup_reader
@require_safe
def dry_run(request: MemberRequest, slug: str) -> HttpResponse:
    setup, asked = _found(request, slug)
    context = {"setup": setup, "slug": slug, "run": DryRunView.of_row(asked, setup) if asked else None}
    return render(request, "web/dry_run.html", context)


@setup_reader
@require_safe
def dry_run_flips_csv(request: MemberRequest, slug: str) -> HttpResponseBase:
    """Everybody whose consent would change."""
    _, asked = _found(request, slug)
    if asked is None or asked.is_open:
        raise Http404("There is no dry run that is over.")
    return csv_download.download(f"consent-changes-{asked.public_id}.csv", _flips(asked))


def _flips(asked: DryRun) -> Iterator[tuple[str, ...]]:
    yield FLIP_COLUMNS
    for one in queries.dry_run_flips(asked):
        yield (*one[:-1], "yes" if one.held else "no")


def _progress_tag(request: MemberRequest, slug: str) -> str:
    """Changes exactly when the panel would look different."""
    _, asked = _found(request, slug)
    seen = (
        (asked.pk, asked.status, asked.phase, asked.received, asked.expected, asked.api_calls)
        if asked
        else ()
    )
    return '"' + sha256(repr(seen).encode()).hexdigest()[:32] + '"'


@setup_reader
@require_safe
@condition(etag_func=_progress_tag)
def dry_run_progress(request: MemberRequest, slug: str) -> HttpResponse:
    """The live panel. When the dry run is over, or gone, the polling stops and the page shows what there is."""
    setup, asked = _found(request, slug)
    if asked and asked.is_open:
        response = render(
            request, "web/parts/dry_run_progress.html", {"run": DryRunView.of_row(asked, setup)}
        )
    else:
        response = HttpResponse(status=STOP_POLLING, headers={"HX-Trigger": "run-over"})
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@admin_only
@require_POST
def drop_dry_run(request: MemberRequest, slug: str) -> HttpResponse:
    setup = actions.setup_for(request.user.workspace, object_or_404(slug))
    actions.drop_dry_run(setup=setup)
    return redirect("dry_run", slug)


def _found(request: MemberRequest, slug: str) -> tuple[ImportSetup, DryRun | None]:
    setup = actions.setup_for(request.user.workspace, object_or_404(slug))
    return setup, queries.dry_run_of(setup)
