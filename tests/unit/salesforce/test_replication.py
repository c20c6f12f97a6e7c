import json
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qs

import pytest

from carillon.salesforce import errors
from carillon.salesforce.client import Client
from carillon.salesforce.records.replication import Deletion, changes_of, deletions_of, stretch
from tests.unit.salesforce.org import Reply, TinyOrg

START = datetime(2013, 5, 8, 21, 10, 40, tzinfo=UTC)
# Both bodies as recorded.
DELETED = {
    "deletedRecords": [{"id": "a00D0000008pQRAIA2", "deletedDate": "2013-05-07T22:07:19.000+0000"}],
    "earliestDateAvailable": "2013-05-03T15:57:00.000+0000",
    "latestDateCovered": "2013-05-08T21:20:00.000+0000",
}
UPDATED = {"ids": ["003q000000KvQ1tAAF"], "latestDateCovered": "2015-08-19T08:17:00.000+0000"}
PATH = "/services/data/v66.0/sobjects/Contact/deleted/"


def test_a_stretch_is_whole_minutes_in_utc() -> None:
    eastern = timezone(timedelta(hours=-4))

    query = stretch(START, (START + timedelta(minutes=9, seconds=30)).astimezone(eastern))

    assert query == "start=2013-05-08T21%3A10%3A00Z&end=2013-05-08T21%3A20%3A00Z"


@pytest.mark.parametrize("seconds", [-60, 0, 19])
def test_a_stretch_under_a_minute_is_none(seconds: int) -> None:
    with pytest.raises(ValueError, match="minute"):
        stretch(START, START + timedelta(seconds=seconds))


def test_a_moment_without_a_zone_is_none() -> None:
    with pytest.raises(ValueError, match="time zone"):
        stretch(START.replace(tzinfo=None), START.replace(tzinfo=None) + timedelta(hours=1))


def test_the_recorded_answers_are_read() -> None:
    deletions, changes = deletions_of(json.dumps(DELETED).encode()), changes_of(json.dumps(UPDATED).encode())

    assert deletions.deleted == (Deletion("a00D0000008pQRAIA2", datetime(2013, 5, 7, 22, 7, 19, tzinfo=UTC)),)
    assert deletions.kept_since == datetime(2013, 5, 3, 15, 57, tzinfo=UTC)
    assert deletions.covered_until == datetime(2013, 5, 8, 21, 20, tzinfo=UTC)
    assert changes.ids == ("003q000000KvQ1tAAF",)
    assert changes.covered_until == datetime(2015, 8, 19, 8, 17, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "2013-05-08", "yesterday", "2013-05-08T21:20:00"])
def test_a_time_that_is_none_is_malformed(text: str) -> None:
    with pytest.raises(errors.MalformedAnswer):
        deletions_of(json.dumps(DELETED | {"latestDateCovered": text}).encode())


def test_the_client_asks_for_the_stretch(org: TinyOrg, client: Client) -> None:
    org.script(PATH, Reply(DELETED))

    found = client.records.deleted("Contact", START, START + timedelta(days=1))

    assert len(found.deleted) == 1
    assert parse_qs(org.requests(PATH)[0].path.partition("?")[2]) == {
        "start": ["2013-05-08T21:10:00Z"],
        "end": ["2013-05-09T21:10:00Z"],
    }


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("INVALID_REPLICATION_DATE", errors.StretchRefused),
        ("EXCEEDED_ID_LIMIT", errors.StretchRefused),
        ("OTHER", errors.QueryRejected),
    ],
)
def test_a_stretch_the_log_does_not_answer_for_says_so(
    org: TinyOrg, client: Client, code: str, kind: type[errors.SalesforceError]
) -> None:
    org.script(PATH, Reply([{"errorCode": code, "message": "no"}], status=400))

    with pytest.raises(kind) as caught:
        client.records.deleted("Contact", START, START + timedelta(days=1))

    assert caught.value.remedy
