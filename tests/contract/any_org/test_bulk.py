"""What Carillon relies on when it reads by bulk jobs, whichever the org."""

from typing import Any

import msgspec
import pytest

from carillon.salesforce.bulk.resource import Polling
from carillon.salesforce.client import Client
from carillon.salesforce.errors import BulkJobGone, FieldNotFound, QueryRejected
from carillon.salesforce.soql import parse_datetime

SOQL = "SELECT Id, SystemModstamp, LastName, MobilePhone, IsDeleted, Owner.Name FROM Contact ORDER BY Id LIMIT 300"


class _Owner(msgspec.Struct):
    Name: str | None = None


class _Person(msgspec.Struct):
    Id: str
    SystemModstamp: str
    LastName: str | None = None
    MobilePhone: str | None = None
    IsDeleted: bool | None = None
    Owner: _Owner | None = None


def _by_id(people: list[Any]) -> dict[str, Any]:
    """With the moment as such: its text differs between the ways."""
    return {
        person.Id: msgspec.structs.replace(
            person, SystemModstamp=parse_datetime(person.SystemModstamp).isoformat()
        )
        for person in people
    }


def test_a_job_gives_what_pages_give_and_says_how_many(any_org: Client) -> None:
    bulk = any_org.bulk
    job = bulk.wait(bulk.create(SOQL), seconds=300, polling=Polling(0.2))

    people = [one for page in bulk.pages(job, _Person, max_records=100) for one in page.records]

    bulk.delete(job.id)
    paged = [one for page in any_org.query(SOQL, _Person) for one in page.records]
    assert len(people) == job.processed
    assert _by_id(people) == _by_id(paged)
    with pytest.raises(BulkJobGone):
        bulk.job(job.id)


def test_parallel_sets_hold_the_same(any_org: Client) -> None:
    bulk = any_org.bulk
    job = bulk.wait(bulk.create(SOQL), seconds=300, polling=Polling(0.2))

    ids = [person.Id for person in _flat(bulk.pages_in_parallel(job, _Person))]

    bulk.delete(job.id)
    assert len(set(ids)) == len(ids) == job.processed


def _flat(batches: Any) -> list[Any]:
    return [one for batch in batches for one in batch]


def test_wrong_queries_are_refused_at_creation(any_org: Client) -> None:
    with pytest.raises(FieldNotFound):
        any_org.bulk.create("SELECT No_Such_Field__c FROM Contact")
    with pytest.raises(QueryRejected):
        any_org.bulk.create("SELECT COUNT() FROM Contact")
