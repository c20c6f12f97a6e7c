"""The Members page: who signs in, with which role and User ID, and what was changed by whom."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from carillon.accounts import actions, queries
from carillon.contacts.assignments import assignments
from carillon.lib.errors import CarillonError
from carillon.web import keyset
from carillon.web.access import MemberRequest, admin_only, member_or_404, setup_reader
from carillon.web.forms import InviteForm, MemberForm


@setup_reader
@require_safe
def members(request: MemberRequest) -> HttpResponse:
    entries = keyset.page(
        queries.audit_entries(request.user.workspace), ("-at", "-pk"), cursor=request.GET.get("older", "")
    )
    workspace = request.user.workspace
    counts = assignments(workspace)
    members = [(one, counts.members.get(one.pk, 0)) for one in queries.members(workspace)]
    context = {"members": members, "assignments": counts, "entries": entries}
    return render(request, "web/members.html", context)


@admin_only
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: MemberRequest) -> HttpResponse:
    form = InviteForm(request.POST or None, initial={"role": "texter"})
    if form.is_valid():
        try:
            member = actions.add_member(
                workspace=request.user.workspace, by=request.user, **form.cleaned_data
            )
        except CarillonError as error:
            form.refuse(error)
        else:
            messages.success(request, f"{member.email} is a member now.")
            return redirect("password_link", member.public_id)
    return render(request, "web/invite.html", {"form": form})


@setup_reader
@require_http_methods(["GET", "HEAD", "POST"])
def member(request: MemberRequest, public_id: UUID) -> HttpResponse:
    found = member_or_404(request, public_id)
    form = MemberForm(request.POST or None, initial={"role": found.role, "user_id": found.user_id})
    if form.is_valid():
        try:
            actions.set_member(member=found, by=request.user, **form.cleaned_data)
        except CarillonError as error:
            form.refuse(error)
        else:
            messages.success(request, f"{found.email} is saved.")
            return redirect("members")
    return render(request, "web/member.html", {"form": form, "member": found})


@admin_only
@never_cache
@require_safe
def password_link(request: MemberRequest, public_id: UUID) -> HttpResponse:
    """Shows a link with which the member sets a password. Nothing changes until somebody uses it."""
    found = member_or_404(request, public_id)
    if not found.is_active:
        messages.error(request, f"{found.email} is deactivated. Reactivate this member first.")
        return redirect("member", found.public_id)
    link = request.build_absolute_uri(actions.password_link(found))
    return render(request, "web/password_link.html", {"member": found, "link": link})


@admin_only
@require_http_methods(["GET", "HEAD", "POST"])
def deactivate(request: MemberRequest, public_id: UUID) -> HttpResponse:
    found = member_or_404(request, public_id)
    if request.method == "POST":
        try:
            actions.deactivate_member(member=found, by=request.user)
        except CarillonError as error:
            messages.error(request, str(error))
            return redirect("member", found.public_id)
        messages.success(request, f"{found.email} is deactivated and signed out everywhere.")
        return redirect("members")
    return render(request, "web/confirm_deactivate.html", {"member": found})


@admin_only
@require_http_methods(["GET", "HEAD", "POST"])
def reactivate(request: MemberRequest, public_id: UUID) -> HttpResponse:
    found = member_or_404(request, public_id)
    if request.method == "POST":
        actions.reactivate_member(member=found, by=request.user)
        messages.success(request, f"{found.email} may sign in again.")
        return redirect("members")
    return render(request, "web/confirm_reactivate.html", {"member": found})
