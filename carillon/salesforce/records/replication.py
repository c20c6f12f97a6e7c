"""Which records of an object were deleted or changed in a stretch of time, by the org's own log.

A help, never the only source: the log shows only what the API user may see, reaches back 15 days for deletions and
30 for changes, and a large one is purged early. The next stretch begins where the answer says the log ended.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

import msgspec

from carillon.salesforce.answers import error_of
from carillon.salesforce.errors import MalformedAnswer, SalesforceError, StretchRefused
from carillon.salesforce.orgs import decode, id_18
from carillon.salesforce.records.refusals import error_items
from carillon.salesforce.soql import datetime_literal, parse_datetime


@dataclass(frozen=True, slots=True)
class Deletion:
    id: str
    deleted_at: datetime


@dataclass(frozen=True, slots=True)
class Deletions:
    """`kept_since`: the log holds nothing older. `covered_until`: where the next stretch begins."""

    deleted: tuple[Deletion, ...]
    kept_since: datetime
    covered_until: datetime


@dataclass(frozen=True, slots=True)
class Changes:
    """`covered_until`: where the next stretch begins."""

    ids: tuple[str, ...]
    covered_until: datetime


class _Deleted(msgspec.Struct):
    id: str
    deletedDate: str


class _Deletions(msgspec.Struct):
    deletedRecords: list[_Deleted]
    earliestDateAvailable: str
    latestDateCovered: str


class _Changes(msgspec.Struct):
    ids: list[str]
    latestDateCovered: str


def stretch(start: datetime, end: datetime) -> str:
    """The query string of a stretch. Salesforce leaves out the seconds, and wants a minute at the least."""
    begin, until = (moment.replace(second=0, microsecond=0) for moment in (start, end))
    if until - begin < timedelta(minutes=1):
        raise ValueError("a stretch of the log is at least a minute long, seconds left out")
    return urlencode({"start": datetime_literal(begin), "end": datetime_literal(until)})


def deletions_of(body: bytes) -> Deletions:
    said = decode(body, _Deletions)
    deleted = tuple(Deletion(id_18(item.id), _moment(item.deletedDate)) for item in said.deletedRecords)
    return Deletions(deleted, _moment(said.earliestDateAvailable), _moment(said.latestDateCovered))


def changes_of(body: bytes) -> Changes:
    said = decode(body, _Changes)
    return Changes(tuple(id_18(record_id) for record_id in said.ids), _moment(said.latestDateCovered))


def stretch_error_of(status: int, body: bytes) -> SalesforceError:
    for item in error_items(body):
        if item.errorCode == "INVALID_REPLICATION_DATE":
            return StretchRefused("Salesforce no longer keeps what was deleted or changed at that time.")
        if item.errorCode == "EXCEEDED_ID_LIMIT":
            return StretchRefused("More records were deleted or changed at that time than Salesforce lists.")
    return error_of(status, body)


def _moment(text: str) -> datetime:
    try:
        return parse_datetime(text)
    except ValueError:
        pass
    raise MalformedAnswer("Salesforce's answer holds something else where a time belongs.")
