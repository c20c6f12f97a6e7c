"""Who may open what. Admins do all; auditors read every page and change nothing; texters see Contacts only.
Objects are fetched through here, always by the signed-in member's workspace: to anybody else they don't exist."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Concatenate, ParamSpec, cast
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from carillon.accounts.models import Member, Role
from carillon.connections.models import SalesforceConnection
from carillon.contacts.models import Contact, SalesforceObject
from carillon.contacts.queries import by_record_id
from carillon.imports.models import ImportRun

P = ParamSpec("P")

CONTACTS_ONLY = "Your role is texter: it opens Contacts, not the pages that set the integration up."
READ_ONLY = "Your role is auditor: it reads every page and changes nothing."


class MemberRequest(HttpRequest):
    """A request of somebody who has signed in."""

    user: Member


View = Callable[Concatenate[MemberRequest, P], HttpResponseBase]
Page = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
Rule = Callable[[MemberRequest], str]


def any_member(view: View[P]) -> Page[P]:
    """Everybody who has signed in; others are sent to sign in."""
    return _guarded(view, lambda request: "")


def setup_reader(view: View[P]) -> Page[P]:
    """Admins and auditors; an auditor may only read, so every other method is refused."""
    return _guarded(view, _why_not_read)


def admin_only(view: View[P]) -> Page[P]:
    """Admins, for pages that exist only to change something."""
    return _guarded(view, _why_not_change)


def staff_only(view: View[P]) -> Page[P]:
    """Texters and admins, for what both may do to people; an auditor is told why not."""
    return _guarded(view, lambda request: READ_ONLY if request.user.role == Role.AUDITOR else "")


def _why_not_read(request: MemberRequest) -> str:
    if request.user.role == Role.TEXTER:
        return CONTACTS_ONLY
    return "" if request.method in ("GET", "HEAD") else _why_not_change(request)


def _why_not_change(request: MemberRequest) -> str:
    if request.user.role == Role.TEXTER:
        return CONTACTS_ONLY
    return "" if request.user.role == Role.ADMIN else READ_ONLY


def _guarded(view: View[P], why_not: Rule) -> Page[P]:
    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not isinstance(request.user, Member):
            return _to_sign_in(request)
        member_request = cast(MemberRequest, request)
        if sentence := why_not(member_request):
            raise PermissionDenied(sentence)
        response = view(member_request, *args, **kwargs)
        if isinstance(response, HttpResponseNotAllowed):
            # An address that only a button uses, opened as a page: from the history, or typed.
            response.content = render(request, "405.html").content
        return _kept_private(response)

    return guarded


def _kept_private(response: HttpResponseBase) -> HttpResponseBase:
    """Pages hold people's data: no cache keeps them, and Back shows nothing after signing out."""
    if response.status_code != HTTPStatus.NOT_MODIFIED:
        response.headers.setdefault("Cache-Control", "private, no-store")
    return response


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    if "HX-Request" in request.headers:
        # A polled panel must not show the sign-in page inside itself: htmx sends the whole page there.
        return HttpResponse(headers={"HX-Redirect": reverse("sign_in")})
    if request.method in ("GET", "HEAD"):
        return redirect_to_login(request.get_full_path())
    messages.warning(
        request, "You are signed out, so what you just sent was not done. Sign in, then do it again."
    )
    # Back to where the form stood: most of what is sent has no page of its own.
    return redirect_to_login(_page_before(request))


def _page_before(request: HttpRequest) -> str:
    page = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure()):
        return reverse("home")
    parts = urlsplit(page)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def member_or_404(request: MemberRequest, public_id: UUID) -> Member:
    return get_object_or_404(Member, workspace=request.user.workspace_id, public_id=public_id)


def run_or_404(request: MemberRequest, public_id: UUID) -> ImportRun:
    return get_object_or_404(ImportRun, workspace=request.user.workspace_id, public_id=public_id)


def contact_or_404(request: MemberRequest, salesforce_id: str) -> Contact:
    """By its id of 15 or 18 characters, or by one it had before a merge or conversion."""
    found = by_record_id(request.user.workspace, salesforce_id)
    if found is None:
        raise Http404("Nobody here has this id.")
    return found


def connection_of(request: MemberRequest) -> SalesforceConnection | None:
    return SalesforceConnection.objects.filter(workspace=request.user.workspace_id).first()


def connection_or_404(request: MemberRequest) -> SalesforceConnection:
    return get_object_or_404(SalesforceConnection, workspace=request.user.workspace_id)


def object_or_404(slug: str) -> SalesforceObject:
    """The Salesforce object an address names in lower case."""
    for known in SalesforceObject:
        if known.value.lower() == slug:
            return known
    raise Http404(f"No such object: {slug}")
