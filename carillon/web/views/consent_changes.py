"""All changes of consent: a list that can be filtered, and the same as CSV."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from carillon.accounts.models import Workspace
from carillon.consent import changes as ledger
from carillon.consent.changes import By, Wanted
from carillon.consent.models import ConsentEvent, Status
from carillon.consent.words import sentence, status_then
from carillon.lib import phones
from carillon.web import csv_download, keyset
from carillon.web.access import MemberRequest, any_member
from carillon.web.consent_people import Household, holders, households, runs_to_show
from carillon.web.forms import PageForm

SIZE = 25
FILTERS = ("status", "by", "from", "to", "number")


class FilterForm(PageForm):
    status = forms.ChoiceField(label="Status then", required=False, choices=[("", "Any"), *Status.choices])
    by = forms.ChoiceField(label="By whom", required=False, choices=[("", "Anybody"), *By.choices])
    number = forms.CharField(label="Number", required=False, max_length=40)

    def __init__(self, *args: Any, region: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._region = region
        for name, label in (("from", "From"), ("to", "To")):
            # Not attributes: one of the names is a keyword of the language.
            widget = forms.DateInput(attrs={"type": "date", "class": "form-control"}, format="%Y-%m-%d")
            self.fields[name] = forms.DateField(label=label, required=False, widget=widget)

    def clean_number(self) -> str:
        typed = str(self.cleaned_data["number"]).strip()
        if not typed:
            return ""
        found = phones.parse(typed, self._region).e164
        if not found:
            raise forms.ValidationError("This is no valid phone number.")
        return found

    def wanted(self) -> Wanted:
        """Days are UTC days, the last one included."""
        values = self.cleaned_data
        begin: date | None = values["from"]
        last: date | None = values["to"]
        return Wanted(
            Status(values["status"]) if values["status"] else None,
            By(values["by"]) if values["by"] else None,
            _midnight(begin) if begin else None,
            _midnight(last) + timedelta(days=1) if last and last < date.max else None,
            values["number"],
        )


@dataclass(frozen=True, slots=True)
class Line:
    event: ConsentEvent
    household: Household


@any_member
@require_safe
def changes(request: MemberRequest) -> HttpResponse:
    workspace, older = request.user.workspace, request.GET.get("older", "")
    form = FilterForm(request.GET, region=workspace.default_region)
    page: keyset.Page[ConsentEvent] = keyset.Page([], "")
    if form.is_valid():
        parts = [
            keyset.beyond(part, ledger.NEWEST_FIRST, older)
            for part in ledger.streams(workspace, form.wanted())
        ]
        page = keyset.page_of(ledger.newest(parts, SIZE + 1), ledger.NEWEST_FIRST, SIZE)
    context = {
        "form": form,
        "lines": _lines(workspace, page.rows),
        "runs": runs_to_show(request.user, page.rows),
        "next": page.next,
        "older": older,
        "query": urlencode([(name, request.GET[name]) for name in FILTERS if request.GET.get(name)]),
    }
    return render(request, "web/consent_changes.html", context)


@any_member
@require_safe
def changes_csv(request: MemberRequest) -> HttpResponseBase:
    form = FilterForm(request.GET, region=request.user.workspace.default_region)
    if not form.is_valid():
        return changes(request)
    return csv_download.download("consent-changes.csv", _table(request.user.workspace, form.wanted()))


def _table(workspace: Workspace, wanted: Wanted) -> Iterator[list[str]]:
    """The columns of the ledger, after the number who has it now, and after the codes of a line what it says in words."""
    heads = list(ledger.COLUMNS)
    yield [*heads[:2], "contact_ids", "names", *heads[2:5], "what", *heads[5:]]
    rows = ledger.export(workspace, wanted)
    while some := list(islice(rows, ledger.CHUNK)):
        found = holders(workspace, (number for _, number, *_ in some))
        for learnt_at, number, status, kind, cause, *others in some:
            shown = "erased" if number.startswith("#") else number
            who = _who(found[number])
            told = (
                learnt_at,
                shown,
                *who,
                status_then(kind, status),
                kind,
                cause,
                sentence(kind, cause),
                *others,
            )
            yield [_cell(value) for value in told]


def _who(household: Household) -> tuple[str, str]:
    """Ids and names of the same people in the same order."""
    ids = [contact.salesforce_id for contact in household.people]
    names = [str(contact) for contact in household.people]
    if household.more:
        names.append(f"and {household.more} more")
    return "; ".join(ids), "; ".join(names)


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return "" if value is None else str(value)


def _lines(workspace: Workspace, events: list[ConsentEvent]) -> list[Line]:
    found = households(workspace, (event.consent.number for event in events))
    return [Line(event, found[event.consent.number]) for event in events]


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
