"""Hands what a batch says about texting consent to `consent`, in the transaction that stores the batch.

Most records of most imports say nothing new. They are sifted out in the database, beside the rows that are staged there
anyway, so that an import in which nobody speaks costs a query a batch: what is left has a value that does not mean opted
in, or another number than before, or is a record or a number of which something is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from carillon.consent.decide import Says
from carillon.consent.importing import Imported, Sighting, import_batch
from carillon.consent.models import UNSETTLED, OptOutMapping, StagedFlip
from carillon.consent.reading import Mapping, Seen
from carillon.contacts import remembered
from carillon.contacts.models import SuppressedNumber
from carillon.imports.mapping import Row
from carillon.imports.models import ImportRun
from carillon.imports.opt_out import row_value, says_of, stored_value
from carillon.lib.errors import CarillonError
from carillon.salesforce.client import Client
from carillon.salesforce.errors import Forbidden, NotFound, QueryRejected

# What is older than what is stored is no news: neither the number nor the value counts. Nor is a record that says what it
# held, while its number is what it was and agrees, and nothing is on its way to it.
_TELLING = """
select s.salesforce_id, s.mobile_number, c.mobile_number, s.opt_out, s.system_modstamp::timestamptz,
    s.source_modified_at::timestamptz, s.last_modified_by_id, not c.in_source and c.left_source_at < %(since)s
from import_staging s
left join contacts_contact c on c.workspace_id = %(workspace)s and c.salesforce_id = s.salesforce_id
left join consent_recordvalue r on r.workspace_id = %(workspace)s and r.salesforce_id = s.salesforce_id
left join consent_consent k on k.workspace_id = %(workspace)s and k.number = s.mobile_number
where (%(everything)s or c.id is null or s.system_modstamp::timestamptz >= c.system_modstamp)
and (
    s.opt_out <> ''
    or s.mobile_number = any(%(stopped)s)
    or r.id is not null
    or k.is_opted_out
    or c.mobile_number <> s.mobile_number and c.mobile_number <> ''
)
and (
    c.mobile_number = s.mobile_number and r.mapping_version = %(version)s and r.sent = '' and not r.left_opted_out
    and r.says = case s.opt_out when '' then 'opted_in' when %(out)s then 'opted_out' when %(blank)s then 'blank' end
    and (r.says = 'blank' or (r.says = 'opted_out') = coalesce(k.is_opted_out, false))
    and not exists (
        select 1 from consent_consentpush p
        where p.workspace_id = %(workspace)s and p.salesforce_id = s.salesforce_id and p.state = any(%(unsettled)s)
    )
) is not true
"""
# What this run staged of a record that it reads once more is told by what it reads now.
_READ_ANEW = """
delete from consent_stagedflip f using import_staging s
where f.workspace_id = %s and f.run = %s and f.salesforce_id = s.salesforce_id and f.stamp <= s.system_modstamp::timestamptz
"""
# And what waits for an admin, where it is now read otherwise.
_READ_OTHERWISE = """
delete from consent_stagedflip f using import_staging s
where f.workspace_id = %(workspace)s and f.object = %(object)s and f.run <> %(run)s
and f.salesforce_id = s.salesforce_id and f.stamp <= s.system_modstamp::timestamptz
and not exists (
    select 1 from consent_stagedflip n
    where n.workspace_id = f.workspace_id and n.run = %(run)s and n.salesforce_id = f.salesforce_id
)
"""
# Stored people whose record the run did not read and of whom Sighting.is_back would not say it: who leaves with this
# run, or left since the field was mapped, and whose record was rejected.
_UNREAD = """
select c.salesforce_id from contacts_contact c
where c.workspace_id = %(workspace)s and c.object = %(object)s and c.created_at < %(began)s
and (c.in_source or c.left_source_at >= %(since)s) and not exists (
    select 1 from (
        select unnest(b.created || b.updated || b.unchanged) as id from imports_runbatch b where b.run_id = %(run)s
    ) read where read.id = c.salesforce_id
)
"""


class OptOutFieldChanged(CarillonError):
    """An admin mapped the opt-out field anew while an import read it."""

    def __init__(self, object_name: str) -> None:
        super().__init__(
            f"The opt-out field of {object_name}s was mapped anew while this import was reading, so it stopped before it"
            " took the old field's values for the new one's.",
            "Import again: the next import reads everybody under the new mapping.",
        )


@dataclass(frozen=True, slots=True)
class Hearing:
    """Under which mapping a run reads, and as whom: what the API user wrote itself opts nobody in."""

    meaning: Mapping | None = None
    user_id: str = ""

    @property
    def version(self) -> int:
        """The mapping's; 0 when no field is mapped."""
        return self.meaning.version if self.meaning else 0


def still_means(workspace: int, object_name: str, version: int) -> None:
    """Keeps the mapping of this version, 0 for none, as it is until the end of the transaction. Raises
    OptOutFieldChanged when it is another one already."""
    mapped = OptOutMapping.objects.select_for_update(of=("self",), no_key=True).filter(
        workspace=workspace, object=object_name
    )
    known = mapped.first()
    if version != (known.version if known and known.field else 0):
        raise OptOutFieldChanged(object_name)


def telling(
    cursor: CursorWrapper, workspace: int, rows: Sequence[Row], hearing: Hearing, *, everything: bool
) -> list[Sighting]:
    """What the staged rows may have to tell, with the numbers stored until now: ask before they are written. Raises
    KeyLost."""
    stopped: frozenset[str] = frozenset()
    if SuppressedNumber.objects.filter(workspace=workspace).exists():
        stopped = remembered.suppressed(workspace, {row.mobile_number for row in rows})
    meaning = hearing.meaning
    names: dict[str, Any] = {
        "workspace": workspace,
        "everything": everything,
        "stopped": list(stopped),
        "since": meaning.since if meaning else None,
        "version": meaning.version if meaning else None,
        "out": row_value(meaning.value_for(Says.OUT)) if meaning else None,
        "blank": row_value(None) if meaning and meaning.says(None) is Says.BLANK else None,
        "unsettled": list(UNSETTLED),
    }
    cursor.execute(_TELLING, names)
    return [
        Sighting(record, number, before, _seen(hearing, opt_out, stamp, modified, by), bool(is_back))
        for record, number, before, opt_out, stamp, modified, by, is_back in cursor.fetchall()
    ]


def _seen(hearing: Hearing, opt_out: str, stamp: datetime, modified: datetime, by: str) -> Seen | None:
    meaning = hearing.meaning
    if meaning is None:
        return None
    value = stored_value(opt_out) if opt_out else meaning.value_for(says_of(opt_out, meaning))
    return Seen(value, stamp, modified, by_us=by == hearing.user_id)


def tell(cursor: CursorWrapper, run: ImportRun, told: Sequence[Sighting], arrived: Sequence[str]) -> Imported:
    """Call it when the batch is written, with its rows still staged. `arrived` are numbers that records were written
    with and that may be new to them."""
    staged = StagedFlip.objects.filter(workspace=run.workspace_id, object=run.object).exists()
    if staged:
        cursor.execute(_READ_ANEW, [run.workspace_id, run.public_id])
    heard = Imported([])
    if told or arrived:
        heard = import_batch(
            workspace=run.workspace, object_name=run.object, rows=told, run=run.public_id, arrived=arrived
        )
    if staged:
        names: dict[str, Any] = {"workspace": run.workspace_id, "object": run.object, "run": run.public_id}
        cursor.execute(_READ_OTHERWISE, names)
    return heard


def unread_by(run: ImportRun, meaning: Mapping) -> list[str]:
    """Stored records that a run of everything did not read, and that a later import could take for read. Call it while
    the run has its proof."""
    names: dict[str, Any] = {
        "workspace": run.workspace_id,
        "object": run.object,
        "began": run.started_at,
        "since": meaning.since,
        "run": run.pk,
    }
    with connection.cursor() as cursor:
        cursor.execute(_UNREAD, names)
        return [row[0] for row in cursor.fetchall()]


def ask_who_changed(client: Client, run: ImportRun, user_id: str) -> None:
    """A report doesn't say who changed a record: for those that would opt somebody back in, the org is asked. What can't
    be read counts as our own writing, which opts nobody in. Raises SalesforceError."""
    staged = StagedFlip.objects.filter(workspace=run.workspace_id, run=run.public_id)
    ids = list(staged.order_by("salesforce_id").values_list("salesforce_id", flat=True))
    if not ids:
        return
    try:
        found = client.records.read_many(run.object, ids, ("LastModifiedById",))
    except (Forbidden, NotFound, QueryRejected):
        found = []
    others = [one.id for one in found if one and one.values.get("LastModifiedById") != user_id]
    staged.exclude(salesforce_id__in=others).update(by_us=True)
