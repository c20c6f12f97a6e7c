"""Records by id: read one or thousands, change and create them.

What is wrong with one record is data (Written, WriteRefusal); what is wrong with the call is an exception, except
where several calls are made: then every record gets an outcome, Unanswered where a call failed. A change is safe to
repeat, since it sets the same values; a creation is not, and is repeated only when it surely did nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import msgspec

from carillon.salesforce.caller import JSON, Caller
from carillon.salesforce.errors import (
    MalformedAnswer,
    OutcomeUnknown,
    Unavailable,
    Unreachable,
)
from carillon.salesforce.ids import to_18
from carillon.salesforce.kinds import CallKind
from carillon.salesforce.records.batches import write_in_batches
from carillon.salesforce.records.refusals import (
    WriteRefusal,
    WriteRefused,
    batch_error_of,
    write_error_of,
)
from carillon.salesforce.records.replication import (
    Changes,
    Deletions,
    changes_of,
    deletions_of,
    stretch,
    stretch_error_of,
)
from carillon.salesforce.records.stored import (
    Absent,
    ReadBack,
    Record,
    absent_or_error,
    checked_names,
    fields_asked,
    record_of,
    records_of,
    stored_of,
)
from carillon.salesforce.records.writing import (
    WRITE_HEADERS,
    NewRecord,
    Outcome,
    RecordUpdate,
    Values,
    Written,
    created_id_of,
    json_values,
    results_of,
)
from carillon.salesforce.transport import Answer, Call

MOST_READ = 2_000
_HEADERS = {"Content-Type": JSON, **WRITE_HEADERS}

T = TypeVar("T")


class Records:
    """Reached as `client.records`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def read(self, sobject: str, record_id: str, fields: Sequence[str]) -> Record | None:
        """One record; None when it is deleted or the API user cannot see it. Raises FieldNotFound."""
        names = checked_names(sobject, fields)
        path = f"{self._path(sobject, record_id)}?{fields_asked(names)}"
        call = Call(kind=CallKind.READ, path=path, refuse=absent_or_error)
        try:
            return self._caller.send(call, lambda answer: record_of(answer.body, sobject, names))
        except Absent:
            return None

    def read_many(self, sobject: str, ids: Sequence[str], fields: Sequence[str]) -> list[Record | None]:
        """The records of these ids in their order, 2,000 a call; None for what the API user cannot see.

        One field that does not exist or is hidden fails all (FieldNotFound). For very many ids this is the way:
        they go in the body, where a query's address ends at about 600.
        """
        names = checked_names(sobject, fields)
        wanted = [to_18(record_id) for record_id in ids]
        distinct = list(dict.fromkeys(wanted))
        found: dict[str, Record | None] = {}
        for start in range(0, len(distinct), MOST_READ):
            part = distinct[start : start + MOST_READ]
            found.update(zip(part, self._read_part(sobject, part, names), strict=True))
        return [found[record_id] for record_id in wanted]

    def update(self, sobject: str, record_id: str, values: Values) -> Written | WriteRefusal:
        """Changes these fields of one record. A row that is locked is tried again within the retry budget."""
        change = RecordUpdate(sobject, record_id, values)
        call = Call(
            kind=CallKind.UPDATE,
            method="PATCH",
            path=self._path(sobject, change.id),
            headers=_HEADERS,
            content=msgspec.json.encode(json_values(values)),
            refuse=write_error_of,
        )
        return self._written(call, lambda answer: change.id)

    def update_and_read(
        self, sobject: str, record_id: str, values: Values, fields: Sequence[str]
    ) -> ReadBack | WriteRefusal:
        """`update`, and what the record holds afterwards, in one call: an accepted change is no proof, since
        automation may put a field back in the same transaction."""
        change = RecordUpdate(sobject, record_id, values)
        names = checked_names(sobject, fields)
        path = self._path(sobject, change.id)
        steps = [
            {
                "method": "PATCH",
                "url": path,
                "referenceId": "written",
                "httpHeaders": WRITE_HEADERS,
                "body": json_values(values),
            },
            {"method": "GET", "url": f"{path}?{fields_asked(names)}", "referenceId": "stored"},
        ]
        call = Call(
            kind=CallKind.UPDATE_AND_READ,
            method="POST",
            path=f"{self._caller.base}/composite",
            headers=_HEADERS,
            content=msgspec.json.encode({"allOrNone": False, "compositeRequest": steps}),
        )
        try:
            record = self._caller.send(call, lambda answer: stored_of(answer.body, sobject, names))
        except WriteRefused as error:
            return error.refusal
        return ReadBack(change.id, record)

    def create(self, sobject: str, values: Values) -> Written | WriteRefusal:
        """Creates one record. Raises OutcomeUnknown when the answer is lost: it may exist or not."""
        new = NewRecord(sobject, values)
        call = Call(
            kind=CallKind.CREATE,
            method="POST",
            path=f"{self._caller.base}/sobjects/{new.sobject}",
            headers=_HEADERS,
            content=msgspec.json.encode(json_values(values)),
            safe=False,
            refuse=write_error_of,
        )
        return self._written(call, lambda answer: created_id_of(answer.body))

    def update_many(self, changes: Sequence[RecordUpdate], *, all_or_none: bool = False) -> list[Outcome]:
        """Changes records, Contacts and Leads mixed at will, 200 a call; the outcomes in the order given.

        Sort changes of one account together: Salesforce locks the account. A batch that is too much for the org's
        automations is halved. `all_or_none` takes at most 200 different records and changes all or none.
        """
        return self._write_many("PATCH", changes, [change.id for change in changes], all_or_none=all_or_none)

    def create_many(self, records: Sequence[NewRecord]) -> list[Outcome]:
        """Creates records, 200 a call. Unanswered with `sent` means: it may exist or not."""
        return self._write_many("POST", records, [None] * len(records), all_or_none=False)

    def deleted(self, sobject: str, start: datetime, end: datetime) -> Deletions:
        """What was deleted (merged records among it) in a stretch of the last 15 days. Raises StretchRefused."""
        return self._logged(sobject, CallKind.DELETED, stretch(start, end), deletions_of)

    def updated(self, sobject: str, start: datetime, end: datetime) -> Changes:
        """What was created or changed in a stretch of the last 30 days. Raises StretchRefused."""
        return self._logged(sobject, CallKind.UPDATED, stretch(start, end), changes_of)

    def _logged(self, sobject: str, log: str, query: str, take: Callable[[bytes], T]) -> T:
        checked_names(sobject, ())
        path = f"{self._caller.base}/sobjects/{sobject}/{log}/?{query}"
        call = Call(kind=log, path=path, refuse=stretch_error_of)
        return self._caller.send(call, lambda answer: take(answer.body))

    def _write_many(
        self,
        method: str,
        records: Sequence[RecordUpdate] | Sequence[NewRecord],
        ids: Sequence[str | None],
        *,
        all_or_none: bool,
    ) -> list[Outcome]:
        def send(places: list[int]) -> Sequence[Outcome]:
            self._caller.transport.check_stop()
            items = [records[place].item() for place in places]
            return self._send_batch(method, items, [ids[place] for place in places], all_or_none=all_or_none)

        return write_in_batches(records, send, all_or_none=all_or_none)

    def _send_batch(
        self,
        method: str,
        items: Sequence[Mapping[str, object]],
        ids: Sequence[str | None],
        *,
        all_or_none: bool,
    ) -> list[Written | WriteRefusal]:
        body = {"allOrNone": all_or_none, "records": items}
        call = Call(
            kind=CallKind.UPDATE_MANY if method == "PATCH" else CallKind.CREATE_MANY,
            method=method,
            path=f"{self._caller.base}/composite/sobjects",
            headers=_HEADERS,
            content=msgspec.json.encode(body),
            safe=method == "PATCH",
            refuse=batch_error_of,
        )
        return self._carried_out(call, lambda answer: results_of(answer.body, ids))

    def _read_part(self, sobject: str, ids: Sequence[str], names: Sequence[str]) -> list[Record | None]:
        call = Call(
            kind=CallKind.READ_MANY,
            method="POST",
            path=f"{self._caller.base}/composite/sobjects/{sobject}",
            headers={"Content-Type": JSON},
            content=msgspec.json.encode({"ids": ids, "fields": ["Id", *names]}),
        )
        return self._caller.send(call, lambda answer: records_of(answer.body, sobject, ids, names))

    def _written(self, call: Call, id_of: Callable[[Answer], str]) -> Written | WriteRefusal:
        try:
            return Written(self._carried_out(call, id_of))
        except WriteRefused as error:
            return error.refusal

    def _carried_out(self, call: Call, take: Callable[[Answer], T]) -> T:
        try:
            return self._caller.send(call, take)
        except (Unreachable, Unavailable, MalformedAnswer) as error:
            if call.safe or error.untouched:
                raise
            known = str(error)
        raise OutcomeUnknown(f"{known} Whether Salesforce created what was sent is not known.")

    def _path(self, sobject: str, record_id: str) -> str:
        checked_names(sobject, ())
        return f"{self._caller.base}/sobjects/{sobject}/{to_18(record_id)}"
