"""The Contact Import page of one object: its source, its fields, saved as a whole. Contacts and Leads alike."""

from dataclasses import dataclass, replace

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from carillon.accounts.queries import members
from carillon.contacts.assignments import assignments
from carillon.contacts.models import SalesforceObject
from carillon.contacts.queries import contact_fields
from carillon.imports import actions, catalog, drafts, queries
from carillon.imports.checking import SetupInvalid, check_setup
from carillon.imports.models import ImportSetup, Mode
from carillon.imports.preview import Preview
from carillon.imports.preview import preview as preview_of
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from carillon.salesforce.errors import SalesforceError
from carillon.web.access import MemberRequest, connection_of, object_or_404, setup_reader
from carillon.web.schedule_form import zones
from carillon.web.setup_form import Offer, SetupForm


@dataclass(slots=True)
class OrgAnswers:
    """What the org says about the sources; when it can't be asked, why, and the page shows what is stored."""

    sources: list[catalog.SourceChoice]
    fields: catalog.SourceFields | None
    trouble: str = ""
    remedy: str = ""


@setup_reader
@require_safe
def start(request: MemberRequest) -> HttpResponse:
    return redirect("contact_import", SalesforceObject.CONTACT.value.lower())


@setup_reader
@require_http_methods(["GET", "HEAD", "POST"])
def contact_import(request: MemberRequest, slug: str) -> HttpResponse:
    kind = object_or_404(slug)
    setup = actions.setup_for(request.user.workspace, kind)
    if connection_of(request) is None:
        return render(request, "web/contact_import_unconnected.html", {"setup": setup, "slug": slug})
    tried = _tried(request, setup)
    given = request.POST if request.method == "POST" else request.GET
    source_id = given.get("source", "") or (tried.source if tried else setup.source_id)
    answers = _ask(request, kind, source_id)
    offer = Offer(answers.fields, contact_fields(request.user.workspace))
    if request.method != "POST":
        form = SetupForm(tried or _draft(setup, source_id, answers), offer)
        return _page(request, setup, answers, form, tried=tried is not None)
    form = SetupForm(replace(drafts.draft_of(setup), source=source_id), offer, request.POST)
    if "add_field" in request.POST:
        return _page(request, setup, answers, form.with_row_added())
    if (number := request.POST.get("remove_field", "")).isdecimal():
        return _page(request, setup, answers, form.with_row_removed(int(number)), removed=True)
    if "show_starts" in request.POST:
        return _page(request, setup, answers, form)
    shown = _act(request, setup, form) if form.is_valid() else None
    if isinstance(shown, HttpResponse):
        return shown
    return _page(request, setup, answers, form, preview=shown)


def _act(request: MemberRequest, setup: ImportSetup, form: SetupForm) -> HttpResponse | Preview | None:
    """Does what the pressed button says with what was entered; None when that has faults, now in the form."""
    draft, slug = form.entered(), setup.object.lower()
    try:
        if "preview" in request.POST:
            checked = check_setup(setup.workspace, setup.object, draft)
            return preview_of(setup, checked)
        if "try" in request.POST:
            actions.request_dry_run(setup=setup, draft=draft, mode=Mode.CHANGES, by=request.user)
            return redirect("dry_run", slug)
        actions.save_setup(setup=setup, draft=draft, by=request.user)
    except SetupInvalid as error:
        form.show_errors(error.errors)
    except (CarillonError, SalesforceError) as error:
        form.errors.append(_sentence(error))
    else:
        messages.success(request, f"The import of {setup.get_object_display()}s is saved.")
        return redirect("contact_import", slug)
    return None


def _tried(request: MemberRequest, setup: ImportSetup) -> drafts.SetupDraft | None:
    """The draft of the last dry run, to go on with: it may hold what was entered and not saved."""
    asked = queries.dry_run_of(setup) if "tried" in request.GET else None
    return queries.dry_run_draft(asked) if asked else None


def _ask(request: MemberRequest, kind: SalesforceObject, source_id: str) -> OrgAnswers:
    answers = OrgAnswers([], None)
    workspace, refresh = request.user.workspace, "refresh" in request.GET
    try:
        answers.sources = catalog.list_views(workspace, kind, refresh=refresh)
        if source_id:
            answers.fields = catalog.source_fields(workspace, kind, source_id)
    except (CarillonError, SalesforceError) as error:
        answers.trouble, answers.remedy = str(getattr(error, "sentence", error)), error.remedy
    return answers


def _draft(setup: ImportSetup, source_id: str, answers: OrgAnswers) -> drafts.SetupDraft:
    """What is stored, under the source now chosen; suggestions while nothing is stored."""
    if not setup.source_id and answers.fields:
        return drafts.suggest(answers.fields)
    return replace(drafts.draft_of(setup), source=source_id)


def _sentence(error: CarillonError | SalesforceError) -> str:
    sentence = str(getattr(error, "sentence", error))
    return f"{sentence} {error.remedy}".rstrip()


def _page(
    request: MemberRequest, setup: ImportSetup, answers: OrgAnswers, form: SetupForm, **more: object
) -> HttpResponse:
    text = request.GET.get("q", "").strip()
    chosen = form.draft.source
    counts = assignments(setup.workspace, setup.object) if setup.user_identification else None
    context = {
        "setup": setup,
        "slug": setup.object.lower(),
        "answers": answers,
        "sources": [one for one in answers.sources if _matches(one, text)],
        "text": text,
        "chosen": chosen,
        "moved": bool(setup.source_id) and chosen != setup.source_id,
        "form": form,
        "lines": form.schedule.lines(setup.schedule.seed, now()),
        "zones": zones(),
        "everything_because": queries.next_run_is_everything(setup) if setup.enabled else "",
        "dry_run": queries.dry_run_of(setup),
        "assignments": counts,
        "by_member": counts.of(members(setup.workspace)) if counts else [],
        **more,
    }
    return render(request, "web/contact_import.html", context)


def _matches(source: catalog.SourceChoice, text: str) -> bool:
    return text.casefold() in f"{source.label} {source.api_name}".casefold()
