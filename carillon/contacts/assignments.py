"""How many people each member is assigned, and which values of User Identification mean no member. One query over
an index, so that it stays quick at a million people."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import connection

from carillon.accounts.models import Member, Workspace

SHOWN = 20
_COUNT = """
with counted as materialized (
    select user_identification as value, count(*) as people from contacts_contact
    where workspace_id = %(workspace)s and in_source and user_identification > ''
        and (%(object)s = '' or object = %(object)s)
    group by user_identification
), matched as materialized (
    select counted.*, member.id as member_id from counted
    left join accounts_member member on member.workspace_id = %(workspace)s and member.user_id <> ''
        and user_key(member.user_id) = user_key(counted.value)
)
select 'member', member_id::text, sum(people), count(*) from matched where member_id is not null group by member_id
union all
select 'all unmatched', '', sum(people), count(*) from matched where member_id is null
union all
(select 'unmatched', value, people, 1 from matched where member_id is null
    order by people desc, value limit %(shown)s)
"""


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A value that is no member's User ID, and how many people hold it."""

    value: str
    people: int


@dataclass(frozen=True, slots=True)
class Assignments:
    """Of the people in the list. `members` counts by the member's key in the database; `unmatched` holds the most
    frequent values, `more` how many others there are, and `unmatched_people` all people of both."""

    members: dict[int, int] = field(default_factory=dict)
    unmatched: tuple[Unmatched, ...] = ()
    more: int = 0
    unmatched_people: int = 0

    @property
    def matched_people(self) -> int:
        return sum(self.members.values())

    def of(self, members: Iterable[Member]) -> list[tuple[Member, int]]:
        """Those of the members to whom people are assigned, with how many, the most first."""
        found = [(one, self.members[one.pk]) for one in members if one.pk in self.members]
        return sorted(found, key=lambda pair: (-pair[1], pair[0].email))


def assignments(workspace: Workspace, object: str = "") -> Assignments:  # noqa: A002
    """Of one object's people, or of all."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"workspace": workspace.pk, "object": object, "shown": SHOWN})
        lines = cursor.fetchall()
    unmatched = tuple(Unmatched(value, people) for kind, value, people, _ in lines if kind == "unmatched")
    ((all_people, all_values),) = [
        (people, values) for kind, _, people, values in lines if kind == "all unmatched"
    ]
    return Assignments(
        {int(member): int(people) for kind, member, people, _ in lines if kind == "member"},
        tuple(sorted(unmatched, key=lambda one: (-one.people, one.value))),
        all_values - len(unmatched),
        int(all_people or 0),
    )
