"""Proves that what is derived follows from the ledger: one pass over all lines, nothing held in memory but what differs.

Each number's moments must be the latest of its lines by kind, its version their count, its lines numbered without a gap,
and the status of each line what the lines up to it make. The number's own status and suppression follow from its moments
in the database itself.
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
# As decide.State.is_opted_out, after each line.
_UP_TO_EACH = """
select e.consent_id, e.status,
    max(e.counts_at) filter (where e.kind = 'person_out') over earlier as person_out,
    max(e.counts_at) filter (where e.kind = 'person_in') over earlier as person_in,
    max(e.counts_at) filter (where e.kind = 'lifted') over earlier as lifted,
    max(e.counts_at) filter (where e.kind = 'staff_out') over earlier as staff_out,
    max(e.counts_at) filter (where e.kind = 'staff_in') over earlier as staff_in,
    max(e.counts_at) filter (where e.kind = 'silence_out') over earlier as silence_out,
    max(e.counts_at) filter (where e.kind = 'silence_in') over earlier as silence_in
from consent_consentevent e where e.workspace_id = %s
window earlier as (partition by e.consent_id order by e.version)
"""
_WRONG_STATUS = f"""
select consent_id from ({_UP_TO_EACH}) line where (status = 'opted_out') is distinct from (
    coalesce(person_out >= coalesce(greatest(person_in, lifted), '-infinity'), false)
    or coalesce(staff_out >= coalesce(greatest(staff_in, person_in, lifted), '-infinity'), false)
    or coalesce(person_in, staff_in, lifted) is null
        and coalesce(silence_out >= coalesce(silence_in, '-infinity'), false))
"""  # noqa: S608 - a text of this module
_DIFFERENT = f"""
select c.id, c.number, c.version, coalesce(r.version, 0)
from consent_consent c left join ({_REPLAY}) r on r.consent_id = c.id
where c.workspace_id = %s and (
    (c.version, c.last_learnt_at, c.person_out, c.person_in, c.lifted, c.staff_out, c.staff_in, c.silence_out,
        c.silence_in, c.likely, c.cleared)
    is distinct from
    (coalesce(r.version, 0), r.last_learnt_at, r.person_out, r.person_in, r.lifted, r.staff_out, r.staff_in,
        r.silence_out, r.silence_in, r.likely, r.cleared)
    or r.version is distinct from r.highest or c.id in ({_WRONG_STATUS}))
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
        cursor.execute(_DIFFERENT, [workspace.pk] * 3)
        for row in cursor:
            yield Difference(*row)


def lines(workspace: Workspace) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_LINES, [workspace.pk])
        return int(cursor.fetchone()[0])
