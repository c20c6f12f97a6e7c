"""What pages and commands read about members."""

from django.db.models import QuerySet

from carillon.accounts.models import AuditEntry, Member, Role, Workspace
from carillon.lib.errors import CarillonError


def members(workspace: Workspace) -> QuerySet[Member]:
    return Member.objects.filter(workspace=workspace).order_by("-is_active", "email", "pk")


def active_admins(workspace: Workspace) -> QuerySet[Member]:
    return members(workspace).filter(role=Role.ADMIN, is_active=True)


def audit_entries(workspace: Workspace) -> QuerySet[AuditEntry]:
    return AuditEntry.objects.filter(workspace=workspace).order_by("-at", "-pk")


def find_member(workspace: Workspace, email: str) -> Member:
    """Raises CarillonError when the workspace has no such member."""
    try:
        return members(workspace).get(email=email.strip().lower())
    except Member.DoesNotExist:
        raise CarillonError(
            f"Nobody with the e-mail {email} is a member of {workspace}.", "See who is: carillon member list."
        ) from None


def only_workspace(name: str = "") -> Workspace:
    """The workspace called `name`, or the only one. Raises CarillonError when that isn't one."""
    found = Workspace.objects.order_by("name", "pk")
    if name:
        found = found.filter(name=name)
    names = [workspace.name for workspace in found[:20]]
    if len(names) == 1:
        return found[0]
    if name:
        raise CarillonError(f"There is no workspace called {name}.", "Check the spelling and the capitals.")
    if not names:
        raise CarillonError("There is no workspace yet.", "Run carillon migrate first: it makes one.")
    raise CarillonError(
        f"There is more than one workspace ({', '.join(names)}).", "Say which with --workspace NAME."
    )
