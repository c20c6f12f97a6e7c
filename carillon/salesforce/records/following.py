"""Where a record lives on: merged records are followed to the survivor, converted leads to their contact.

Only queryAll can say: it shows deleted records with their survivor. A record it does not show is gone for good or
hidden from the API user; from outside the two look alike.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import msgspec

from carillon.salesforce.errors import InvalidId, MalformedAnswer
from carillon.salesforce.ids import to_18
from carillon.salesforce.pages import QueryPage
from carillon.salesforce.records.fates import Fate, Whereabouts
from carillon.salesforce.soql import id_condition, id_list_chunks

# Survivors merged again and again: real chains have two or three links.
LONGEST_CHAIN = 10
# Of the 16,384 bytes of an address, what is left for ids beside the host, the headers and the rest of the query.
_BYTES_FOR_IDS = 14_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Link:
    """A record to look at next."""

    sobject: str
    id: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """A record as queryAll shows it: deleted or not, and the record it went on in, if any."""

    deleted: bool
    successor: Link | None = None


class Row(msgspec.Struct):
    """A row of queryAll; the fields of conversion exist for leads only."""

    Id: str
    IsDeleted: bool
    MasterRecordId: str | None = None
    IsConverted: bool = False
    ConvertedContactId: str | None = None


class Query(Protocol):
    """`Client.query_all`."""

    def __call__(self, soql: str, record: type[Row], /) -> Iterator[QueryPage[Row]]: ...


def sighting_of(sobject: str, row: Row) -> Sighting:
    """A conversion is followed even when the lead was deleted afterwards: the person is the contact now."""
    if row.IsConverted and row.ConvertedContactId:
        return Sighting(row.IsDeleted, Link("Contact", to_18(row.ConvertedContactId)))
    if row.IsDeleted and row.MasterRecordId:
        return Sighting(deleted=True, successor=Link(sobject, to_18(row.MasterRecordId)))
    return Sighting(row.IsDeleted)


def follow(start: Link, seen: Mapping[Link, Sighting | None]) -> Fate | Link:
    """What became of a record by what was seen so far (None: asked for and not shown), or what to look at next."""
    passed: list[str] = []
    visited: set[Link] = set()
    link = start
    while link not in visited and len(visited) < LONGEST_CHAIN:
        if link not in seen:
            return link
        visited.add(link)
        sighting = seen[link]
        if sighting is None:
            return Fate(Whereabouts.HIDDEN, link.sobject, link.id, tuple(passed))
        if sighting.successor is None:
            whereabouts = Whereabouts.DELETED if sighting.deleted else Whereabouts.LIVING
            return Fate(whereabouts, link.sobject, link.id, tuple(passed))
        passed.append(link.id)
        link = sighting.successor
    return Fate(Whereabouts.ENDLESS, link.sobject, link.id, tuple(passed))


def living(query_all: Query, sobject: str, ids: Sequence[str]) -> dict[str, Fate]:
    """What became of each record, by its 18-character id; a call for every 580 or so that has to be looked at."""
    starts = [Link(sobject, to_18(record_id)) for record_id in ids]
    seen: dict[Link, Sighting | None] = {}
    while True:
        fates = {start.id: follow(start, seen) for start in starts}
        wanted = dict.fromkeys(fate for fate in fates.values() if isinstance(fate, Link))
        if not wanted:
            return {record_id: fate for record_id, fate in fates.items() if isinstance(fate, Fate)}
        for name in dict.fromkeys(link.sobject for link in wanted):
            _look(query_all, name, [link.id for link in wanted if link.sobject == name], seen)


def _look(query_all: Query, sobject: str, ids: Sequence[str], seen: dict[Link, Sighting | None]) -> None:
    fields = "Id, IsDeleted, MasterRecordId"
    if sobject == "Lead":
        fields += ", IsConverted, ConvertedContactId"
    for part in id_list_chunks(ids, _BYTES_FOR_IDS):
        seen.update(dict.fromkeys(Link(sobject, record_id) for record_id in part))
        soql = " ".join(("SELECT", fields, "FROM", sobject, "WHERE", id_condition(part)))
        for page in query_all(soql, Row):
            seen.update(_sightings(sobject, page.records))


def _sightings(sobject: str, rows: Sequence[Row | msgspec.Raw]) -> Iterator[tuple[Link, Sighting]]:
    for row in rows:
        try:
            if isinstance(row, Row):
                yield Link(sobject, to_18(row.Id)), sighting_of(sobject, row)
                continue
        except InvalidId:
            pass
        raise MalformedAnswer("Salesforce did not say whether records are deleted or merged.")
