"""The Contact Import page of one object: its source, its fields, saved as a whole. Contacts and Leads alike."""

import re
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from carillon.accounts.queries import members
from carillon.contacts.assignments import assignments
from carillon.contacts.models import SalesforceObject
from carillon.contacts.queries import contact_fields
from carillon.imports import actions, drafts, queries
from carillon.imports.checking import SetupInvalid, check_setup
from carillon.imports.models import ImportSetup, Mode
from carillon.imports.opt_out import untold
from carillon.imports.preview import Preview
from carillon.imports.preview import preview as preview_of
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from carillon.salesforce.errors import SalesforceError
from carillon.web.access import MemberRequest, connection_of, connection_or_404, object_or_404, setup_reader
from carillon.web.cost import Cost, cost_of
from carillon.web.opt_out_section import read_as
from carillon.web.schedule_form import zones
from carillon.web.setup_form import Offer, SetupForm
from carillon.web.source_choice import (
    OrgAnswers,
    Search,
    Wanted,
    ask,
    draft_for,
    is_moved,
    moved_to,
    moves,
)

# Sent with every form that holds what was entered.
_ROWS = "additional_fields-count"
_OF_THE_SOURCE = frozenset(
    ["csrfmiddlewaretoken", "kind", "source", "way", "kind_to", "source_to", "way_to", "refresh", "seen"]
)


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
    wanted = moved_to(given, tried or drafts.draft_of(setup))
    again, moving = "check_again" in request.POST, moves(request.POST)
    search = Search(refresh=True) if again or "refresh" in request.POST else Search.of(request.GET)
    answers = ask(request.user.workspace, kind, wanted, search)
    offer = Offer(answers.fields, contact_fields(request.user.workspace))
    page = _Page(request, setup, wanted, answers)
    if request.method != "POST" or (moving and _ROWS not in request.POST):
        form = SetupForm(tried or draft_for(setup, wanted, answers), offer)
        return page.shown(form, tried=tried is not None)
    form = SetupForm(wanted.into(drafts.draft_of(setup)), offer, request.POST)
    if moving or again:
        entered = form.entered()
        draft = drafts.moved(entered, answers.fields) if answers.fields else entered
        return page.shown(SetupForm(draft, offer), checked_again=again)
    if "add_field" in request.POST:
        return page.shown(form.with_row_added())
    if re.fullmatch("[0-9]{1,3}", number := request.POST.get("remove_field", "")):
        return page.shown(form.with_row_removed(int(number)), removed=True)
    if "show_starts" in request.POST or "show_opt_out" in request.POST:
        return page.shown(form)
    done = _act(request, setup, form) if form.is_valid() else None
    return done if isinstance(done, HttpResponse) else page.shown(form, preview=done)


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
        actions.save_setup(setup=setup, draft=draft, by=request.user, seen=request.POST.get("seen"))
    except SetupInvalid as error:
        form.show_errors(error.errors)
    except (CarillonError, SalesforceError) as error:
        form.errors.append(_sentence(error))
    else:
        messages.success(request, f"The import of {setup.get_object_display()}s is saved.")
        for warning in untold(setup.object, draft.opt_out):
            messages.warning(request, warning)
        return redirect("contact_import", slug)
    return None


def _tried(request: MemberRequest, setup: ImportSetup) -> drafts.SetupDraft | None:
    """The draft of the last dry run, to go on with: it may hold what was entered and not saved."""
    asked = queries.dry_run_of(setup) if "tried" in request.GET else None
    return queries.dry_run_draft(asked) if asked else None


def _sentence(error: CarillonError | SalesforceError) -> str:
    sentence = str(getattr(error, "sentence", error))
    return f"{sentence} {error.remedy}".rstrip()


@dataclass(frozen=True, slots=True)
class _Page:
    """What the page shows whatever is entered."""

    request: MemberRequest
    setup: ImportSetup
    wanted: Wanted
    answers: OrgAnswers

    @property
    def _is_mappable(self) -> bool:
        """What is saved or was entered is shown also when the org can't be asked."""
        saved = self.setup.source_id == self.wanted.id
        entered = self.request.method == "POST" and not moves(self.request.POST)
        return self.answers.fields is not None or saved or entered

    @property
    def _entered(self) -> list[tuple[str, str]]:
        """What was entered, for the way through pages that don't show it."""
        return [
            (name, value)
            for name, values in self.request.POST.lists()
            if name not in _OF_THE_SOURCE
            for value in values
        ]

    def _seen(self, form: SetupForm) -> str:
        """The mark of what was stored when the page was opened, or when it was said that others saved since."""
        mark = drafts.mark_of(self.setup)
        is_told = str(actions.SavedMeanwhile()) in form.errors
        return mark if is_told else self.request.POST.get("seen", mark)

    def shown(self, form: SetupForm, **more: object) -> HttpResponse:
        setup, wanted, search = self.setup, self.wanted, Search.of(self.request.GET)
        moved = is_moved(setup, wanted)
        counts = assignments(setup.workspace, setup.object) if setup.user_identification else None
        context = {
            "setup": setup,
            "slug": setup.object.lower(),
            "answers": self.answers,
            "sources": self.answers.sources,
            "wanted": wanted,
            "chosen": wanted.id,
            "search": search,
            "text": search.text,
            "moved": moved,
            "mappable": bool(wanted.id) and self._is_mappable,
            "entered": self._entered,
            "seen": self._seen(form),
            "form": form,
            "lines": form.schedule.lines(setup.schedule.seed, now()),
            "zones": zones(),
            "cost": self._cost(form),
            "everything_because": queries.next_run_is_everything(setup) if setup.enabled else "",
            "dry_run": queries.dry_run_of(setup),
            "assignments": counts,
            "read_as": read_as(setup, form.opt_out, wanted),
            "by_member": counts.of(members(setup.workspace)) if counts else [],
            **more,
        }
        return render(self.request, "web/contact_import.html", context)

    def _cost(self, form: SetupForm) -> Cost:
        return cost_of(
            self.setup,
            form.entered(),
            self.answers.fields,
            connection_or_404(self.request),
            refreshed=bool(form.stale_fields),
        )
