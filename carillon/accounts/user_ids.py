"""Whom a value of User Identification means: the member whose User ID it is.

Spaces around either don't count. The id of a Salesforce user or queue is the same in its 15- and its 18-character
form, and its capitals count; of everything else (an e-mail, a user name, a number of an employee) they
don't. The database's function user_key says so once: two texts that have the same key mean the same member.
"""

from collections.abc import Iterable

from django.db import connection

from carillon.accounts.models import Workspace

_ASSIGNED = """
select given.value, member.email from unnest(%s::text[]) given (value)
join accounts_member member on member.workspace_id = %s and member.user_id <> ''
    and user_key(member.user_id) = user_key(given.value)
"""


def assigned(workspace: Workspace, values: Iterable[str]) -> dict[str, str]:
    """The e-mail of the member that each value of User Identification means; one that means nobody is left out."""
    wanted = sorted({value for value in values if value})
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_ASSIGNED, [wanted, workspace.pk])
        return dict(cursor.fetchall())
