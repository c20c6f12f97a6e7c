"""Bulk queries of our client against a simulated org, over HTTP, with what can go wrong on the way."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from carillon.salesforce import errors
from carillon.salesforce.bulk.resource import BulkJob, Polling
from carillon.salesforce.client import Client, ClientCredentials
from carillon.salesforce.soql import parse_datetime
from carillon.salesforce.transport import Retry
from orgsim.bulk import results as printing
from orgsim.staff import CLIENT_ID, CLIENT_SECRET
from orgsim.testing import OrgSim

CONTACTS = 300
SOQL = (
    "SELECT Id, SystemModstamp, LastName, Birthdate, SMS_Opt_Out__c, Graduation_Year__c, Owner.Name,"
    " Account.Name FROM Contact ORDER BY Id"
)
QUICKLY = Polling(0.02, 0.1)


class Named(msgspec.Struct):
    Name: str | None = None


class Person(msgspec.Struct):
    Id: str
    SystemModstamp: str
    LastName: str | None = None
    Birthdate: str | None = None
    SMS_Opt_Out__c: bool | None = None
    Graduation_Year__c: int | float | None = None
    Owner: Named | None = None
    Account: Named | None = None


@pytest.fixture(scope="module")
def running() -> Iterator[OrgSim]:
    with OrgSim(contacts=CONTACTS, leads=1) as org:
        org.set_bulk_delay(0.02)
        yield org


@pytest.fixture(params=["plain", "bare"])
def org(running: OrgSim, request: pytest.FixtureRequest) -> Iterator[OrgSim]:
    """The shared org with either form of CSV; faults and delays end with the test."""
    running.switch("bulk_csv", request.param)
    yield running
    running.clear_faults()
    running.set_bulk_delay(0.02)


@pytest.fixture
def client(org: OrgSim) -> Iterator[Client]:
    with connected(org) as made:
        yield made


def connected(org: OrgSim, **options: Any) -> Client:
    retry = Retry(budget_seconds=5, read_timeout=5, first_wait=0.01, longest_wait=0.05)
    credentials = ClientCredentials(CLIENT_ID, CLIENT_SECRET)
    return Client(host=org.url, credentials=credentials, allow_local=True, retry=retry, **options)


def completed(client: Client, soql: str = SOQL) -> BulkJob:
    return client.bulk.wait(client.bulk.create(soql), seconds=10, polling=QUICKLY)


def read(client: Client, job: BulkJob, **options: Any) -> list[Any]:
    return [one for page in client.bulk.pages(job, Person, **options) for one in page.records]


def by_rest(client: Client) -> list[Any]:
    return [one for page in client.query(SOQL, Person) for one in page.records]


def alike(people: list[Any]) -> list[Any]:
    """With the moment as such: its text differs between the ways."""
    return [msgspec.structs.replace(p, SystemModstamp=str(parse_datetime(p.SystemModstamp))) for p in people]


def test_a_job_gives_the_records_that_pages_give(client: Client) -> None:
    job = completed(client)

    people = read(client, job, max_records=70)

    assert job.processed == len(people)
    assert alike(people) == alike(by_rest(client))


def test_parallel_sets_give_the_same(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "LARGEST_PAGE", 40)
    job = completed(client)

    batches = list(client.bulk.pages_in_parallel(job, Person))

    assert len(batches) == -(-job.processed // 40)
    assert alike([one for batch in batches for one in batch]) == alike(by_rest(client))


def test_nobody_is_nobody(client: Client) -> None:
    job = completed(client, "SELECT Id, SystemModstamp FROM Contact WHERE LastName = 'nobody of that name'")

    assert (job.processed, read(client, job)) == (0, [])


def test_a_read_in_one_go_leaves_no_job_and_costs_the_calls_counted(org: OrgSim, client: Client) -> None:
    org.forget_bulk_jobs()

    pages = client.bulk.read(SOQL, Person, seconds=10, polling=Polling(0.1))
    people = [one for page in pages for one in page.records]

    assert len(people) == CONTACTS
    assert dict(client.transport.calls) == {
        "bulk_create": 1,
        "bulk_poll": 1,
        "bulk_results": 1,
        "bulk_delete": 1,
    }
    assert org.org.bulk.of_user(client.session.user_id) == []


def test_a_read_goes_on_in_another_process(org: OrgSim, client: Client) -> None:
    job = completed(client)
    pages = client.bulk.pages(job, Person, max_records=100)
    first = next(pages)

    with connected(org) as another:
        rest = read(another, another.bulk.job(job.id), start=first.after, max_records=100)

    assert [p.Id for p in [*first.records, *rest]] == [p.Id for p in by_rest(client)]


def test_a_session_that_ends_while_polling_is_renewed(org: OrgSim, client: Client) -> None:
    org.set_bulk_delay(0.3)
    job = client.bulk.create(SOQL)
    org.expire_sessions()

    assert client.bulk.wait(job, seconds=10, polling=QUICKLY).processed == CONTACTS


def test_a_session_that_ends_between_sets_is_renewed(org: OrgSim, client: Client) -> None:
    job = completed(client)
    ids: list[str] = []

    for page in client.bulk.pages(job, Person, max_records=100):
        ids += [p.Id for p in page.records if isinstance(p, Person)]
        org.expire_sessions()

    assert len(set(ids)) == CONTACTS


def test_a_connection_dropped_in_the_csv_costs_nothing(org: OrgSim, client: Client) -> None:
    job = completed(client)
    org.drop_connection(times=2, path_contains="/results", after=1)

    people = read(client, job, max_records=100)

    assert [p.Id for p in people] == [p.Id for p in by_rest(client)]


def test_a_body_cut_by_a_proxy_costs_nothing(org: OrgSim, client: Client) -> None:
    cut: list[str] = []

    def proxy(path: str, body: bytes) -> bytes:
        if "/results" not in path or len(cut) == 2:
            return body
        cut.append(path)
        return body[: len(body) // 2]

    job = completed(client)
    org.mangle(proxy)

    assert len(read(client, job)) == CONTACTS
    assert len(cut) == 2


def test_a_row_lost_on_the_way_is_noticed(org: OrgSim, client: Client) -> None:
    job = completed(client)
    org.mangle(lambda path, body: body[: body[:-1].rindex(b"\n") + 1] if "/results" in path else body)

    with pytest.raises(errors.MalformedAnswer, match="other records than it says"):
        read(client, job)


def test_an_org_that_is_busy_for_a_while_costs_nothing(org: OrgSim, client: Client) -> None:
    org.fail_next(503, times=2, path_contains="/jobs/query")
    job = client.bulk.create(SOQL)
    org.fail_next(503, times=2, path_contains="/jobs/query")
    job = client.bulk.wait(job, seconds=10, polling=QUICKLY)
    org.fail_next(503, times=2, path_contains="/results")

    assert len(read(client, job)) == CONTACTS


def test_a_failed_job_is_said_to_have_failed(org: OrgSim, client: Client) -> None:
    org.fail_bulk_job("QUERY_TIMEOUT: Your query request was running for too long.")

    with pytest.raises(errors.BulkJobFailed, match="QUERY_TIMEOUT"):
        completed(client)


def test_a_job_aborted_by_staff_is_said_to_be(org: OrgSim, client: Client) -> None:
    org.set_bulk_delay(30)
    job = client.bulk.create(SOQL)

    assert client.bulk.abort(job.id).state == "Aborted"
    assert client.bulk.abort(job.id).state == "Aborted"
    with pytest.raises(errors.BulkJobAborted):
        client.bulk.wait(job, seconds=10, polling=QUICKLY)
    client.bulk.delete(job.id)
    client.bulk.delete(job.id)


def test_a_read_given_up_leaves_no_job_running(org: OrgSim, client: Client) -> None:
    org.forget_bulk_jobs()
    org.set_bulk_delay(30)

    with pytest.raises(errors.BulkJobUnfinished):
        list(client.bulk.read(SOQL, Person, seconds=0.05))

    assert org.org.bulk.of_user(client.session.user_id) == []


def test_results_in_another_version_are_refused_by_name(org: OrgSim, client: Client) -> None:
    job = completed(client)

    with connected(org, api_version="65.0") as older, pytest.raises(errors.BulkVersionDiffers):
        read(older, job)


def test_a_result_past_its_time_is_gone(org: OrgSim, client: Client) -> None:
    job = completed(client)
    org.forget_bulk_jobs()

    with pytest.raises(errors.BulkJobGone) as caught:
        read(client, job)

    assert "seven days" in caught.value.remedy


def test_what_only_the_rest_api_runs_is_refused_by_name(client: Client) -> None:
    with pytest.raises(errors.BulkRefused, match="compound"):
        client.bulk.create("SELECT MailingAddress FROM Contact")
    with pytest.raises(errors.FieldNotFound) as caught:
        client.bulk.create("SELECT Foo__c FROM Contact")

    assert caught.value.field == "Foo__c"


def test_text_of_any_kind_arrives(org: OrgSim, client: Client) -> None:
    name = 'Zoë "Z", O\'Brien;\r\n\n"" Ł😀'
    contact = org.create("Contact", LastName=name)
    soql = " ".join(("SELECT Id, SystemModstamp, LastName FROM Contact WHERE Id =", f"'{contact}'"))

    [person] = read(client, completed(client, soql))

    org.delete(contact)
    assert person.LastName == name
