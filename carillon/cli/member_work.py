"""The part of `carillon member` that needs Django."""

from django.conf import settings

from carillon.accounts import actions, queries
from carillon.accounts.models import Member
from carillon.cli.tables import aligned


def add(workspace: str, email: str, role: str, user_id: str) -> str:
    member = actions.add_member(
        workspace=queries.only_workspace(workspace), email=email, role=role, user_id=user_id, by=None
    )
    return f"{settings.PUBLIC_URL}{actions.password_link(member)}"


def change(workspace: str, email: str, role: str | None, user_id: str | None) -> None:
    member = queries.find_member(queries.only_workspace(workspace), email)
    actions.set_member(member=member, role=role, user_id=user_id, by=None)


def on(workspace: str, email: str) -> str:
    member = queries.find_member(queries.only_workspace(workspace), email)
    actions.reactivate_member(member=member, by=None)
    return f"{settings.PUBLIC_URL}{actions.password_link(member)}"


def off(workspace: str, email: str) -> None:
    actions.deactivate_member(member=queries.find_member(queries.only_workspace(workspace), email), by=None)


def rows(workspace: str) -> list[list[str]]:
    members = queries.members(queries.only_workspace(workspace))
    return aligned(
        [
            ["E-MAIL", "ROLE", "USER ID", "STATE"],
            *([m.email, m.role, m.user_id or "-", _state(m)] for m in members),
        ]
    )


def _state(member: Member) -> str:
    if not member.is_active:
        return "off"
    return "active" if member.has_usable_password() else "invited"
