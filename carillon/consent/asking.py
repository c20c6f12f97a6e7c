"""Asks the org what records say now, by their ids: where no import reads them, or not soon enough."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from carillon.accounts.models import Workspace
from carillon.consent import store
from carillon.consent.decide import Says
from carillon.consent.importing import Imported, Sighting, import_batch
from carillon.consent.models import OptOutMapping
from carillon.consent.pushes import late_opt_ins
from carillon.consent.reading import Mapping as Rules
from carillon.consent.reading import Seen
from carillon.contacts import remembered
from carillon.contacts.models import Contact
from carillon.salesforce.client import Client
from carillon.salesforce.errors import Forbidden, NotFound, QueryRejected
from carillon.salesforce.ids import to_18
from carillon.salesforce.soql import id_condition, id_list_chunks, parse_datetime

_STAMPS = ("SystemModstamp", "LastModifiedDate")
_BESIDE = (*_STAMPS, "LastModifiedById")
# Of the 16,384 bytes of an address, what is left for ids beside the rest of the query.
_BYTES_FOR_IDS = 13_500
# Where a report is all that may be read.
NOT_ALLOWED = (Forbidden, NotFound, QueryRejected)


def ask(client: Client, object_name: str, field: str, ids: Sequence[str]) -> dict[str, Seen]:
    """What records of an object say, up to 2,000; those that are not shown are not in it. Raises SalesforceError."""
    own_user = client.session.user_id
    found = client.records.read_many(object_name, ids, (field, *_BESIDE))
    said = {}
    for record in found:
        if record:
            value, by_us = record.values[field], record.values["LastModifiedById"] == own_user
            said[record.id] = Seen(
                value if isinstance(value, str | bool) else None,
                parse_datetime(str(record.values["SystemModstamp"])),
                parse_datetime(str(record.values["LastModifiedDate"])),
                by_us,
                by_others=not by_us,
            )
    return said


def hear_gone(
    client: Client, workspace_id: int, object_name: str, ids: Sequence[str], run: uuid.UUID
) -> Imported:
    """Hears whom staff opted out in records that are stored here and gone there since: deleted, merged or converted. The
    recycle bin still shows what they hold. Call it before the records are joined to others. Raises SalesforceError,
    KeyLost."""
    nothing = Imported([])
    mapped = store.fields_of(workspace_id).get(object_name)
    if not mapped or not ids:
        return nothing
    field, rules = mapped
    out = out_and_gone(client, object_name, field, rules, ids)
    return _hear(workspace_id, object_name, rules.version, out, run) if out else nothing


def out_and_gone(
    client: Client, object_name: str, field: str, rules: Rules, ids: Sequence[str]
) -> dict[str, Seen]:
    """Those of records that are gone, as far as the recycle bin shows them, that hold an opt-out. Raises SalesforceError."""
    try:
        seen = _ask_for_gone(client, object_name, field, ids)
    except NOT_ALLOWED:
        return {}
    return {record: said for record, said in seen.items() if rules.says(said.value) is Says.OUT}


def _ask_for_gone(client: Client, object_name: str, field: str, ids: Sequence[str]) -> dict[str, Seen]:
    """Who changed them last is who deleted them, so nothing is said of that."""
    said = {}
    for part in id_list_chunks(ids, _BYTES_FOR_IDS):
        fields = ", ".join(("Id", field, *_STAMPS))
        soql = " ".join(("SELECT", fields, "FROM", object_name, "WHERE", id_condition(part)))
        for page in client.query_all(soql, dict[str, Any]):
            for row in page.records:
                if isinstance(row, dict):
                    stamp, modified = (parse_datetime(str(row[name])) for name in _STAMPS)
                    said[to_18(str(row["Id"]))] = Seen(row[field], stamp, modified)
    return said


def sightings(workspace: int, seen: Mapping[str, Seen]) -> list[Sighting]:
    """With the numbers that are stored, which these records still have here."""
    stored = Contact.objects.filter(workspace=workspace, salesforce_id__in=list(seen))
    numbers = stored.values_list("salesforce_id", "mobile_number")
    return [Sighting(record, number, number, seen[record]) for record, number in numbers]


def hear_before_late_opt_ins(
    client: Client, workspace_id: int, *, now: datetime, most: int, heard: set[str]
) -> None:
    """Reads the records to which late opt-ins are due, the next `most` but those `heard`, and notes them there: whom
    staff opted out in Salesforce since stays opted out, and the push is overtaken. Raises SalesforceError."""
    fields = store.fields_of(workspace_id)
    late = late_opt_ins(workspace_id, list(fields), now=now, most=most, but=heard)
    for object_name in sorted({name for name, _ in late}):
        field, rules = fields[object_name]
        ids = [record for name, record in late if name == object_name]
        try:
            seen = ask(client, object_name, field, ids)
        except NOT_ALLOWED:
            # Writing will tell why.
            seen = {}
        heard.update(ids)
        out = {record: said for record, said in seen.items() if rules.says(said.value) is Says.OUT}
        if out:
            _hear(workspace_id, object_name, rules.version, out, uuid.uuid4())


@transaction.atomic
def _hear(
    workspace_id: int, object_name: str, version: int, seen: Mapping[str, Seen], run: uuid.UUID
) -> Imported:
    """But not what was read under a mapping that is no more: an opt-in means something else by now, too."""
    remembered.lock(workspace_id, alone=False)
    mapped = OptOutMapping.objects.filter(workspace=workspace_id, object=object_name, version=version)
    if not mapped.select_for_update(no_key=True).first():
        return Imported([])
    return import_batch(
        workspace=Workspace.objects.get(pk=workspace_id),
        object_name=object_name,
        rows=sightings(workspace_id, seen),
        run=run,
    )
