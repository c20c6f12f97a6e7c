"""Proves that what is derived follows from the ledger: one pass over all lines, nothing held in memory but what differs.

Each number's moments must be the latest of its lines by kind, its version their count, and its lines numbered without a
gap. Status and suppression follow from the moments in the database itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection, transaction

from carillon.accounts.models import Workspace

_REPLAY = """
select e.consent_id, count(*) as version, max(e.version) as highest, max(e.learnt_at) as last_learnt_at,
    max(e.counts_at) filter (where e.kind = 'person_out') as person_out,
    max(e.counts_at) filter (where e.kind = 'person_in') as person_in,
    max(e.counts_at) filter (where e.kind = 'lifted') as lifted,
    max(e.counts_at) filter (where e.kind = 'staff_out') as staff_out,
    max(e.counts_at) filter (where e.kind = 'staff_in') as staff_in,
    max(e.counts_at) filter (where e.kind = 'silence_out') as silence_out,
    max(e.counts_at) filter (where e.kind = 'silence_in') as silence_in,
    max(e.counts_at) filter (where e.kind = 'likely') as likely,
    max(e.counts_at) filter (where e.kind = 'cleared') as cleared
from consent_consentevent e where e.workspace_id = %s group by e.consent_id
"""
_DIFFERENT = f"""
select c.id, c.number, c.version, coalesce(r.version, 0)
from consent_consent c left join ({_REPLAY}) r on r.consent_id = c.id
where c.workspace_id = %s and (
    (c.version, c.last_learnt_at, c.person_out, c.person_in, c.lifted, c.staff_out, c.staff_in, c.silence_out,
        c.silence_in, c.likely, c.cleared)
    is distinct from
    (coalesce(r.version, 0), r.last_learnt_at, r.person_out, r.person_in, r.lifted, r.staff_out, r.staff_in,
        r.silence_out, r.silence_in, r.likely, r.cleared)
    or r.version is distinct from r.highest)
order by c.id
"""  # noqa: S608 - a text of this module
_LINES = "select count(*) from consent_consentevent where workspace_id = %s"


@dataclass(frozen=True, slots=True)
class Difference:
    """A number whose row does not follow from its lines."""

    consent: int
    number: str
    version: int
    lines: int


def differences(workspace: Workspace) -> Iterator[Difference]:
    """Streams what does not follow from the ledger; nothing at all, when all is well. One snapshot: lines that come
    meanwhile don't matter."""
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(_DIFFERENT, [workspace.pk, workspace.pk])
        for row in cursor:
            yield Difference(*row)


def lines(workspace: Workspace) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_LINES, [workspace.pk])
        return int(cursor.fetchone()[0])
