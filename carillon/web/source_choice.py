"""The Import Source section: which source an address or a form names, and what the org says about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from carillon.accounts.models import Workspace
from carillon.imports import catalog, drafts, report_catalog
from carillon.imports.models import ImportSetup, ReportWay, SourceType
from carillon.lib.errors import CarillonError
from carillon.salesforce.errors import SalesforceError


@dataclass(frozen=True, slots=True)
class Wanted:
    """The source a page is about; `id` is empty while none of its kind is chosen."""

    type: str
    id: str
    way: str

    @property
    def is_report(self) -> bool:
        return self.type == SourceType.REPORT

    def into(self, draft: drafts.SetupDraft) -> drafts.SetupDraft:
        return replace(draft, source=self.id, source_type=self.type, source_way=self.way)

    @property
    def alone(self) -> bool:
        return self.way == ReportWay.REPORT_ONLY


@dataclass(frozen=True, slots=True)
class Search:
    """What a source is looked for by."""

    text: str = ""
    folder: str = ""
    refresh: bool = False

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Search":
        return cls(given.get("q", "").strip(), given.get("folder", ""), "refresh" in given)


@dataclass(slots=True)
class OrgAnswers:
    """What the org says about the sources; when it can't be asked, why, and the page shows what is stored. `more` says
    that not all reports that match are listed, `more_folders` the same of folders."""

    sources: list[catalog.SourceChoice] = field(default_factory=list)
    more: bool = False
    folders: tuple[str, ...] = ()
    more_folders: bool = False
    fields: catalog.SourceFields | None = None
    trouble: str = ""
    remedy: str = ""


def wanted_of(given: Mapping[str, Any], saved: drafts.SetupDraft) -> Wanted:
    """The source given, else the saved one; of another kind than that none is chosen yet."""
    kind = given.get("kind", "")
    if kind not in SourceType.values:
        kind = saved.source_type if not given.get("source") else SourceType.LIST_VIEW.value
    same = kind == saved.source_type
    way = given.get("way", "") or (saved.source_way if same else "")
    if kind != SourceType.REPORT:
        way = ""
    elif way not in ReportWay.values:
        way = ReportWay.BY_IDS.value
    return Wanted(kind, given.get("source", "") or (saved.source if same else ""), way)


def moves(given: Mapping[str, Any]) -> bool:
    """Whether what was sent goes over to another source, or another way of it, with what was entered."""
    return given.get("way_to", "") in ReportWay.values or given.get("kind_to", "") in SourceType.values


def moved_to(given: Mapping[str, Any], saved: drafts.SetupDraft) -> Wanted:
    """The source that what was sent is about, or goes over to."""
    if given.get("kind_to", "") in SourceType.values:
        names = {"kind": given["kind_to"], "source": given.get("source_to", ""), "way": given.get("way", "")}
        return wanted_of(names, saved)
    wanted = wanted_of(given, saved)
    way = given.get("way_to", "")
    return replace(wanted, way=way) if way in ReportWay.values else wanted


def ask(workspace: Workspace, kind: str, wanted: Wanted, search: Search) -> OrgAnswers:
    answers = OrgAnswers()
    try:
        if wanted.is_report:
            found = report_catalog.reports(
                workspace, text=search.text, folder=search.folder, refresh=search.refresh
            )
            answers.sources, answers.more = list(found.reports), found.more
            answers.folders, answers.more_folders = found.folders, found.more_folders
        else:
            views = catalog.list_views(workspace, kind, refresh=search.refresh)
            answers.sources = [one for one in views if _matches(one, search.text)]
        if wanted.id:
            answers.fields = _fields(workspace, kind, wanted)
    except (CarillonError, SalesforceError) as error:
        answers.trouble, answers.remedy = str(getattr(error, "sentence", error)), error.remedy
    return answers


def draft_for(setup: ImportSetup, wanted: Wanted, answers: OrgAnswers) -> drafts.SetupDraft:
    """What is stored, under the source now chosen; suggestions while nothing is stored."""
    saved = drafts.draft_of(setup)
    if answers.fields is None or not wanted.id:
        return wanted.into(saved)
    if not saved.source:
        return drafts.suggest(answers.fields)
    return drafts.moved(saved, answers.fields) if is_moved(setup, wanted) else saved


def is_moved(setup: ImportSetup, wanted: Wanted) -> bool:
    """Whether the source differs from the saved one, where one is saved."""
    return bool(setup.source_id) and (setup.source_id, setup.source_way) != (wanted.id, wanted.way)


def _fields(workspace: Workspace, kind: str, wanted: Wanted) -> catalog.SourceFields:
    if wanted.is_report:
        return report_catalog.report_fields(workspace, kind, wanted.id, wanted.way)
    return catalog.source_fields(workspace, kind, wanted.id)


def _matches(source: catalog.SourceChoice, text: str) -> bool:
    return text.casefold() in f"{source.label} {source.api_name}".casefold()
