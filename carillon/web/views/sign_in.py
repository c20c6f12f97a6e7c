"""Signing in and out, and passwords. Wrong passwords are counted and throttled by django-axes."""

from django.contrib import messages
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.contrib.auth.tokens import default_token_generator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.encoding import force_str
from django.utils.http import url_has_allowed_host_and_scheme, urlsafe_base64_decode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from carillon.accounts import actions
from carillon.accounts.models import Member, Role
from carillon.imports.models import ImportSetup
from carillon.lib.errors import CarillonError
from carillon.web.access import MemberRequest, any_member, connection_of
from carillon.web.forms import ChangePasswordForm, NewPasswordForm, SignInForm


@any_member
def home(request: MemberRequest) -> HttpResponse:
    """To the next step that is missing."""
    if request.user.role == Role.TEXTER:
        return redirect("contacts")
    if connection_of(request) is None:
        return redirect("authentication")
    if not ImportSetup.objects.filter(workspace=request.user.workspace_id, enabled=True).exists():
        return redirect("contact_import_start")
    return redirect("import_history")


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect(_next(request))
    form = SignInForm(request.POST or None)
    if form.is_valid():
        member = authenticate(request, **form.cleaned_data)
        if member is not None:
            login(request, member)
            return redirect(_next(request))
        form.add_error(None, "E-mail and password don't match, or this member was deactivated.")
    return render(request, "web/sign_in.html", {"form": form, "next": request.GET.get("next", "")})


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    messages.success(request, "You have signed out.")
    return redirect("sign_in")


@sensitive_post_parameters("password", "repeated")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def set_password(request: HttpRequest, uid: str, token: str) -> HttpResponse:
    """By a one-time link: it stops working as soon as a password was set with it."""
    member = _member_of_link(uid, token)
    if member is None:
        return render(request, "web/link_expired.html", status=410)
    form = NewPasswordForm(member, request.POST or None)
    if form.is_valid():
        try:
            actions.set_password(member=member, password=form.cleaned_data["password"], by=member)
        except CarillonError as error:
            form.refuse(error, "password")
        else:
            messages.success(request, "Your password is set. Sign in with it.")
            return redirect("sign_in")
    return render(request, "web/set_password.html", {"form": form, "member": member})


@sensitive_post_parameters("current", "password", "repeated")
@any_member
@require_http_methods(["GET", "HEAD", "POST"])
def change_password(request: MemberRequest) -> HttpResponse:
    form = ChangePasswordForm(request.user, request.POST or None)
    if form.is_valid():
        try:
            actions.set_password(member=request.user, password=form.cleaned_data["password"], by=request.user)
        except CarillonError as error:
            form.refuse(error, "password")
        else:
            update_session_auth_hash(request, request.user)
            messages.success(request, "Your password is changed. Other devices must sign in again.")
            return redirect("home")
    return render(request, "web/change_password.html", {"form": form})


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next", "")
    allowed = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    # What is no path would be taken for the name of a page.
    return wanted if allowed and "/" in wanted else "home"


def _member_of_link(uid: str, token: str) -> Member | None:
    try:
        member = Member.objects.get(pk=int(force_str(urlsafe_base64_decode(uid))), is_active=True)
    except (ValueError, OverflowError, Member.DoesNotExist):
        return None
    return member if default_token_generator.check_token(member, token) else None
