"""What every page shows around its content: the sections the member may open, which one this is, and what is
wrong now."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from carillon.accounts.models import Member, Role
from carillon.consent.overview import open_conflicts
from carillon.consent.queries import open_reviews
from carillon.imports.notices import Notice
from carillon.lib.clock import now
from carillon.web.notices import notices


@dataclass(frozen=True, slots=True)
class Section:
    label: str
    icon: str
    address: str
    current: bool
    is_consent: bool


# Label, icon, name of the first page, where its addresses begin, whether texters see it.
SECTIONS: tuple[tuple[str, str, str, str, bool], ...] = (
    ("Authentication", "key", "authentication", "/authentication/", False),
    ("Contact Import", "download", "contact_import_start", "/contact-import/", False),
    ("Import History", "history", "import_history", "/import-history/", False),
    ("Contacts", "people", "contacts", "/contacts/", True),
    ("Consent", "consent", "consent", "/contacts/consent/", True),
    ("Texting", "text", "texting", "/texting/", False),
    ("Members", "shield", "members", "/members/", False),
    ("Data Care", "clock", "data_care", "/data-care/", False),
)
# Of what waits to be decided: more than so many is many.
MOST_COUNTED = 100
# For admins, in demos and tests.
PLAY = (("Phone", "phone", "phones", "/phone/", False),)


def navigation(request: HttpRequest) -> dict[str, Any]:
    # A request that failed before sign-in was looked up has no user; its error page still wants a frame.
    member = getattr(request, "user", None)
    if not isinstance(member, Member):
        return {"navigation": [], "may_change": False, "notices": []}
    shown_sections = [one for one in (*SECTIONS, *_play(member)) if one[4] or member.role != Role.TEXTER]
    # Consent is a part of Contacts, and has an entry of its own.
    here = max((one[3] for one in shown_sections if request.path.startswith(one[3])), key=len, default="")
    sections = [
        Section(label, icon, reverse(name), begins == here, is_consent=name == "consent")
        for label, icon, name, begins, _ in shown_sections
    ]

    def shown() -> list[Notice]:
        """Called by the template that shows them: parts of pages that are polled ask for nothing."""
        if member.role == Role.TEXTER:
            return []
        return [one for one in notices(member.workspace, now()) if not _is_of(request, one)]

    def to_decide() -> int:
        if member.role == Role.AUDITOR:
            return 0
        reviews = open_reviews(member.workspace)[:MOST_COUNTED].count()
        return min(MOST_COUNTED, reviews + open_conflicts(member.workspace)[:MOST_COUNTED].count())

    return {
        "navigation": sections,
        "may_change": member.is_admin,
        "notices": shown,
        "consents_to_decide": SimpleLazyObject(to_decide),
        "most_counted": MOST_COUNTED,
    }


def _play(member: Member) -> tuple[tuple[str, str, str, str, bool], ...]:
    return PLAY if settings.ALLOW_LOCAL_ORG and member.is_admin else ()


def _is_of(request: HttpRequest, notice: Notice) -> bool:
    """Whether the page is the one that the notice leads to, or its next step: they say the same themselves."""
    page = reverse("import_run", args=[notice.run.public_id]) if notice.run else ""
    if notice.page == "texting":
        page = reverse("texting")
    return bool(page) and request.path.startswith(page)
