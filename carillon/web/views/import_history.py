"""The Import History pages: every run with its counts and issues, the open ones live."""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import condition, require_http_methods, require_POST, require_safe

from carillon.consent.overview import conflicts_of
from carillon.imports import actions, daily, held_opt_ins, queries
from carillon.imports.held import people_first
from carillon.imports.models import ImportRun, ImportSetup, Mode
from carillon.imports.notices import stale
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from carillon.web import csv_download, history_chart, keyset
from carillon.web.access import MemberRequest, admin_only, object_or_404, run_or_404, setup_reader
from carillon.web.cost import start_note
from carillon.web.look_again import look_again
from carillon.web.run_pages import STOP_POLLING, RunView, StartView

RUN_ORDER = ("-queued_at", "-pk")
ISSUE_ORDER = ("salesforce_id", "field", "code")
ISSUE_COLUMNS = ("salesforce_id", "field", "value", "code", "message")


@setup_reader
@require_safe
def import_history(request: MemberRequest) -> HttpResponse:
    workspace = request.user.workspace
    older = request.GET.get("older", "")
    # An open run is the card above the table, with its live numbers.
    ended = queries.history(workspace).filter(finished_at__isnull=False)
    page = keyset.page(
        ended.select_related("scheduled_start", "held_leavers", "held_opt_ins"), RUN_ORDER, cursor=older
    )
    lines = _lines(request, page, older)
    context = {
        "open_runs": [RunView.of_run(run) for run in queries.open_runs(workspace)],
        "lines": lines,
        "newest": next((line for line in lines if isinstance(line, RunView)), None),
        "next": page.next,
        "older": older,
        "setups": [
            (setup, queries.dry_run_of(setup))
            for setup in ImportSetup.objects.filter(workspace=workspace, enabled=True).order_by("object")
        ],
        "stale": stale(workspace, now()),
        "charts": [] if older else history_chart.charts(daily.last_days_of(workspace, now())),
    }
    return render(request, "web/import_history.html", context)


def _lines(request: MemberRequest, page: keyset.Page[ImportRun], older: str) -> list[RunView | StartView]:
    """The page's runs and, between them, the scheduled starts of the same time that made none. Newest first."""
    starts = queries.starts_left_out(request.user.workspace)
    if older:
        starts = starts.filter(starts_at__lte=keyset.first_value(older, RUN_ORDER))
    if page.next:
        starts = starts.filter(starts_at__gt=page.rows[-1].queued_at)
    left_out = queries.fields_left_out(page.rows)
    runs = [RunView.of_run(run, left_out.get(run.pk, ())) for run in page.rows]
    lines: list[RunView | StartView] = [*runs, *map(StartView, starts)]
    return sorted(lines, key=lambda line: line.at, reverse=True)


@setup_reader
@require_safe
def import_run(request: MemberRequest, public_id: UUID) -> HttpResponse:
    run = run_or_404(request, public_id)
    code, text = request.GET.get("code", ""), request.GET.get("q", "").strip()
    found = queries.issues(run, code=code, text=text)
    held, opt_ins = queries.held_by(run), queries.opt_ins_held_by(run)
    to_go = held_opt_ins.to_go(opt_ins) if opt_ins else 0
    context = {
        "run": RunView.of_run(run, queries.fields_left_out([run]).get(run.pk, ())),
        "held": held,
        "people": people_first(held) if held else [],
        "opt_ins": opt_ins,
        "opt_ins_to_go": to_go,
        "look_again": look_again(request, to_go > 0),
        "conflicts": conflicts_of(request.user.workspace, run.public_id),
        "codes": queries.issue_codes(run),
        "code": code,
        "text": text,
        "query": urlencode({"code": code, "q": text}) if code or text else "",
        "older": request.GET.get("older", ""),
        "issues": keyset.page(found, ISSUE_ORDER, cursor=request.GET.get("older", "")),
    }
    return render(request, "web/import_run.html", context)


@setup_reader
@require_safe
def issues_csv(request: MemberRequest, public_id: UUID) -> HttpResponseBase:
    run = run_or_404(request, public_id)
    found = queries.issues(run, code=request.GET.get("code", ""), text=request.GET.get("q", "").strip())
    # Named columns, not objects: the rows stream from the database as they are written out.
    rows = found.order_by(*ISSUE_ORDER).values_list(*ISSUE_COLUMNS).iterator(chunk_size=2000)
    return csv_download.download(f"import-issues-{run.public_id}.csv", _with_heading(rows))


def _progress_tag(request: MemberRequest, public_id: UUID) -> str:
    """Changes exactly when the panel would look different."""
    run = run_or_404(request, public_id)
    seen = (
        run.status,
        run.phase,
        run.api_calls,
        bool(run.cancel_requested_at),
        queries.is_interrupted(run),
        queries.progress(run),
    )
    return '"' + sha256(repr(seen).encode()).hexdigest()[:32] + '"'


@setup_reader
@require_safe
@condition(etag_func=_progress_tag)
def run_progress(request: MemberRequest, public_id: UUID) -> HttpResponse:
    """The live panel of one run. When the run is over the answer stops the polling and says so to the page."""
    run = run_or_404(request, public_id)
    response = render(request, "web/parts/run_progress.html", {"run": RunView.of_run(run)})
    if not run.is_open:
        response.status_code = STOP_POLLING
        response.headers["HX-Trigger"] = "run-over"
    # Kept by the browser, asked again each time: an unchanged panel costs a 304.
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@admin_only
@require_POST
def start_import(request: MemberRequest, slug: str) -> HttpResponse:
    setup = actions.setup_for(request.user.workspace, object_or_404(slug))
    mode = Mode.EVERYTHING if request.POST.get("mode") == Mode.EVERYTHING else Mode.CHANGES
    try:
        actions.request_run(setup=setup, mode=mode, by=request.user, past_cap="past_cap" in request.POST)
    except actions.PastCap:
        return redirect(f"{reverse('confirm_past_cap', args=[slug])}?mode={mode}")
    except CarillonError as error:
        messages.error(request, str(error))
    return redirect("import_history")


@admin_only
@require_safe
def confirm_everything(request: MemberRequest, slug: str) -> HttpResponse:
    setup = actions.setup_for(request.user.workspace, object_or_404(slug))
    return render(request, "web/confirm_everything.html", {"setup": setup, "slug": slug})


@admin_only
@require_safe
def confirm_past_cap(request: MemberRequest, slug: str) -> HttpResponse:
    setup = actions.setup_for(request.user.workspace, object_or_404(slug))
    mode = Mode.EVERYTHING if request.GET.get("mode") == Mode.EVERYTHING else Mode.CHANGES
    context = {"setup": setup, "slug": slug, "mode": mode.value, "note": start_note(setup, mode)}
    return render(request, "web/confirm_past_cap.html", context)


@admin_only
@require_http_methods(["GET", "HEAD", "POST"])
def cancel_import(request: MemberRequest, public_id: UUID) -> HttpResponse:
    run = run_or_404(request, public_id)
    if request.method == "POST":
        try:
            actions.cancel_run(run=run, by=request.user)
        except CarillonError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, "The import stops after the page it is reading. What was read is kept.")
        return redirect("import_history")
    if not run.is_open:
        return redirect(reverse("import_run", args=[run.public_id]))
    return render(request, "web/confirm_cancel.html", {"run": RunView.of_run(run)})


def _with_heading(rows: Iterable[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    yield ISSUE_COLUMNS
    yield from rows
