"""Changes of workspaces and members. Each writes its audit entry in the same transaction.
Invariant: a workspace that has active admins never loses its last one."""

from dataclasses import asdict, dataclass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from carillon.accounts.models import AuditEntry, Member, Role, Workspace
from carillon.lib.errors import CarillonError
from carillon.lib.phones import REGIONS

COMMAND_LINE = "command line"
# Ten years.
LONGEST_DAYS = 3650


class MemberRefused(CarillonError):
    """The member could not be added or changed as asked."""


def audit(
    workspace: Workspace,
    by: Member | None,
    action: str,
    subject: str,
    detail: dict[str, Any] | None = None,
    *,
    actor: str = COMMAND_LINE,
) -> None:
    """Adds one audit entry; `actor` says who it was where it was no member. Call it inside the change's transaction."""
    AuditEntry.objects.create(
        workspace=workspace,
        member=by,
        actor=by.email if by else actor,
        action=action,
        subject=subject[:254],
        detail=detail or {},
    )


@transaction.atomic
def ensure_first_workspace(name: str = "Main") -> Workspace:
    """The first workspace, made when there is none."""
    existing = Workspace.objects.order_by("pk").first()
    if existing:
        return existing
    workspace = Workspace.objects.create(name=name)
    audit(workspace, None, "workspace added", name)
    return workspace


@transaction.atomic
def set_workspace(*, workspace: Workspace, name: str, default_region: str, by: Member | None) -> None:
    """Changes name and default region (ISO country code of numbers typed without one). Raises CarillonError."""
    before = {"name": workspace.name, "default_region": workspace.default_region}
    after = {"name": name.strip(), "default_region": default_region.upper()}
    if not after["name"]:
        raise CarillonError("The workspace needs a name.")
    if after["default_region"] not in REGIONS:
        raise CarillonError(
            f"{default_region!r} is not a region.", "Give a country code of two letters, such as US or GB."
        )
    if after == before:
        return
    workspace.name, workspace.default_region = after["name"], after["default_region"]
    try:
        with transaction.atomic():
            workspace.save(update_fields=["name", "default_region"])
    except IntegrityError:
        raise CarillonError(f"Another workspace is called {name} already.", "Choose another name.") from None
    audit(workspace, by, "workspace changed", workspace.name, {"before": before, "after": after})


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days something is kept; each from 1 to LONGEST_DAYS."""

    issues_days: int = 90
    runs_days: int = 730
    changes_days: int = 365


def retention_of(workspace: Workspace) -> Retention:
    return Retention(workspace.keep_issues_days, workspace.keep_runs_days, workspace.keep_changes_days)


@transaction.atomic
def set_retention(*, workspace: Workspace, retention: Retention, by: Member | None) -> None:
    """What is older goes the next night. Raises CarillonError."""
    before, after = asdict(retention_of(workspace)), asdict(retention)
    wrong = [name for name, days in after.items() if not 1 <= days <= LONGEST_DAYS]
    if wrong:
        raise CarillonError(
            f"{wrong[0]} is {after[wrong[0]]:,} days.", f"Give a number of days from 1 to {LONGEST_DAYS:,}."
        )
    if after == before:
        return
    for name, days in after.items():
        setattr(workspace, f"keep_{name}", days)
    workspace.save(update_fields=[f"keep_{name}" for name in after])
    audit(workspace, by, "retention changed", workspace.name, {"before": before, "after": after})


@transaction.atomic
def add_member(*, workspace: Workspace, email: str, role: str, user_id: str, by: Member | None) -> Member:
    """A member who sets the password through `password_link`. Raises MemberRefused."""
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise MemberRefused(f"{email!r} is not an e-mail address.", "Check it for typing errors.") from None
    member = Member(workspace=workspace, email=email, role=_role(role), user_id=user_id.strip())
    member.set_unusable_password()
    _save(member)
    audit(workspace, by, "member added", email, {"role": role, "user_id": member.user_id})
    return member


@transaction.atomic
def set_member(
    *, member: Member, by: Member | None, role: str | None = None, user_id: str | None = None
) -> None:
    """Changes role or User ID; None leaves it. Raises MemberRefused."""
    before = {"role": member.role, "user_id": member.user_id}
    if role is not None and _role(role) != Role.ADMIN:
        _keep_an_admin(member)
    member.role = before["role"] if role is None else _role(role)
    member.user_id = before["user_id"] if user_id is None else user_id.strip()
    after = {"role": member.role, "user_id": member.user_id}
    if after == before:
        return
    _save(member, update_fields=["role", "user_id"])
    audit(member.workspace, by, "member changed", member.email, {"before": before, "after": after})


@transaction.atomic
def deactivate_member(*, member: Member, by: Member | None) -> None:
    """Ends the member's access at once; sessions die because inactive members are not loaded."""
    _keep_an_admin(member)
    if Member.objects.filter(pk=member.pk, is_active=True).update(is_active=False):
        audit(member.workspace, by, "member deactivated", member.email)


@transaction.atomic
def reactivate_member(*, member: Member, by: Member | None) -> None:
    if Member.objects.filter(pk=member.pk, is_active=False).update(is_active=True):
        audit(member.workspace, by, "member reactivated", member.email)


@transaction.atomic
def set_password(*, member: Member, password: str, by: Member | None) -> None:
    """Raises MemberRefused with the rules the password breaks."""
    try:
        validate_password(password, member)
    except ValidationError as error:
        raise MemberRefused(" ".join(error.messages), "Choose another password.") from None
    member.set_password(password)
    member.save(update_fields=["password"])
    audit(member.workspace, by, "password set", member.email)


def password_link(member: Member) -> str:
    """Path of a page on which the member sets a password: works once, for seven days."""
    uid = urlsafe_base64_encode(force_bytes(member.pk))
    return reverse("set_password", args=[uid, default_token_generator.make_token(member)])


def _role(role: str) -> Role:
    try:
        return Role(role)
    except ValueError:
        raise MemberRefused(f"{role!r} is not a role.", f"Choose one of {', '.join(Role.values)}.") from None


def _keep_an_admin(member: Member) -> None:
    if member.role != Role.ADMIN or not member.is_active:
        return
    # Locks the admins, so that two admins can't remove each other in the same moment.
    admins = Member.objects.select_for_update().filter(
        workspace=member.workspace_id, role=Role.ADMIN, is_active=True
    )
    if len(admins) == 1:
        raise MemberRefused(
            f"{member.email} is the only active admin of this workspace.",
            "Make somebody else an admin first.",
        )


def _save(member: Member, update_fields: list[str] | None = None) -> None:
    try:
        with transaction.atomic():
            member.save(update_fields=update_fields)
    except IntegrityError as error:
        if "user_id" in str(error):
            raise MemberRefused(
                f"Another member already has the User ID {member.user_id}, perhaps in another spelling.",
                "A User ID names one member.",
            ) from None
        raise MemberRefused(
            f"Somebody with the e-mail {member.email} is a member already.", "Change that member instead."
        ) from None
