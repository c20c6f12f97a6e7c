"""The client of bulk jobs against scripted answers: what an org may answer in more than one way, and damage."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from carillon.salesforce import errors
from carillon.salesforce.auth import ClientCredentials
from carillon.salesforce.bulk.resource import Bulk, BulkJob, Place, Polling
from carillon.salesforce.caller import Caller
from carillon.salesforce.client import Client
from carillon.salesforce.transport import Transport
from tests.unit.salesforce.conftest import QUICK
from tests.unit.salesforce.org import Reply, TinyOrg

BASE = "/services/data/v66.0"
JOBS = f"{BASE}/jobs/query"
JOB = "7508d00000IhhkKAAR"
RESULTS = f"{JOBS}/{JOB}/results"
PAGES = f"{JOBS}/{JOB}/resultPages"


class Person(msgspec.Struct):
    Id: str
    LastName: str | None = None


def info(state: str, **more: Any) -> Reply:
    return Reply({"id": JOB, "operation": "query", "object": "Contact", "state": state, **more})


def complete(processed: int) -> BulkJob:
    return BulkJob(JOB, "JobComplete", processed)


def some(
    first: int, count: int, *, says: int | None = None, locator: str | None = "null", cut: int = 0
) -> Reply:
    """A set of results: `says` is the number its header gives, `cut` the bytes missing at its end."""
    rows = "".join(f'"{n}","Ng"\n' for n in range(first, first + count))
    body = f'"Id","LastName"\n{rows}'.encode()
    headers = {"Sforce-NumberOfRecords": str(count if says is None else says), "Content-Type": "text/csv"}
    return Reply(
        body[: len(body) - cut], headers=headers if locator is None else headers | {"Sforce-Locator": locator}
    )


def read(client: Client, processed: int, **options: Any) -> list[str]:
    pages = client.bulk.pages(complete(processed), Person, **options)
    return [one.Id for page in pages for one in page.records if isinstance(one, Person)]


def numbers(start: int, end: int) -> list[str]:
    return [str(n) for n in range(start, end)]


class FakeTime:
    def __init__(self) -> None:
        self.now, self.naps = 1000.0, [0.0]

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def fake() -> FakeTime:
    return FakeTime()


Patient = Callable[..., Bulk]


@pytest.fixture
def patient(org: TinyOrg, fake: FakeTime) -> Iterator[Patient]:
    """Bulk with a clock that only moves when something waits."""
    opened: list[Transport] = []

    def make(jitter: float = 0.5, should_stop: Callable[[], bool] | None = None) -> Bulk:
        transport = Transport(
            org.origin, retry=QUICK, clock=fake.clock, sleep=fake.sleep, should_stop=should_stop
        )
        opened.append(transport)
        caller = Caller(transport, ClientCredentials("a", "b"), allow_local=True, base=BASE)
        return Bulk(caller, clock=fake.clock, jitter=lambda: jitter)

    yield make
    for transport in opened:
        transport.close()


def test_a_job_is_created_in_the_words_of_the_api(org: TinyOrg, client: Client) -> None:
    org.script(JOBS, info("UploadComplete", apiVersion=66.0))

    job = client.bulk.create("SELECT Id FROM Contact", all_rows=True)

    assert job == BulkJob(JOB, "UploadComplete", 0)
    [request] = org.requests(JOBS)
    assert (request.method, request.headers["Content-Type"]) == ("POST", "application/json")
    assert client.transport.calls["bulk_create"] == 1


def test_a_state_of_an_unknown_name_is_waited_for(org: TinyOrg, patient: Patient) -> None:
    org.script(f"{JOBS}/{JOB}", info("Queued"), info("JobComplete", numberRecordsProcessed=5))

    assert patient().wait(BulkJob(JOB, "Queued"), seconds=600).processed == 5


def test_polls_follow_at_doubling_distances_up_to_the_longest(
    org: TinyOrg, patient: Patient, fake: FakeTime
) -> None:
    looks = [info("InProgress")] * 7 + [info("JobComplete", numberRecordsProcessed=5)]
    org.script(f"{JOBS}/{JOB}", *looks)
    begun = fake.now

    job = patient().wait(BulkJob(JOB, "UploadComplete"), seconds=600)

    assert (job.state, job.processed) == ("JobComplete", 5)
    assert fake.now - begun == pytest.approx(1 + 2 + 4 + 8 + 16 + 30 + 30 + 30)


@pytest.mark.parametrize(("jitter", "first"), [(0.0, 0.75), (1.0, 1.25)])
def test_waits_vary_by_a_quarter(
    org: TinyOrg, patient: Patient, fake: FakeTime, jitter: float, first: float
) -> None:
    org.script(f"{JOBS}/{JOB}", info("JobComplete"))
    begun = fake.now

    patient(jitter).wait(BulkJob(JOB, "UploadComplete"), seconds=600)

    assert fake.now - begun == pytest.approx(first)


def test_waiting_ends_with_the_time_given(org: TinyOrg, patient: Patient, fake: FakeTime) -> None:
    org.script(f"{JOBS}/{JOB}", info("InProgress"))
    begun = fake.now

    with pytest.raises(errors.BulkJobUnfinished, match="within 20 seconds"):
        patient().wait(BulkJob(JOB, "UploadComplete"), seconds=20)

    assert fake.now - begun == pytest.approx(20)


def test_waiting_ends_when_asked_to_stop(org: TinyOrg, patient: Patient) -> None:
    org.script(f"{JOBS}/{JOB}", info("InProgress"))

    with pytest.raises(errors.Stopped):
        patient(should_stop=lambda: len(org.requests(f"{JOBS}/{JOB}")) >= 2).wait(
            BulkJob(JOB, "UploadComplete"), seconds=600
        )

    assert len(org.requests(f"{JOBS}/{JOB}")) == 2


def test_a_failed_job_gives_its_reason_without_the_query(org: TinyOrg, client: Client) -> None:
    message = "INVALID_FIELD: \nSELECT x WHERE Phone = '555'\n ^\nERROR at Row:1:Column:8\nNo such column 'x'"
    org.script(f"{JOBS}/{JOB}", info("Failed", errorMessage=message))

    with pytest.raises(errors.BulkJobFailed) as caught:
        client.bulk.wait(BulkJob(JOB, "InProgress"), seconds=5, polling=Polling(0.01))

    assert caught.value.detail == "No such column 'x'"
    assert "555" not in str(caught.value)
    assert caught.value.remedy


def test_an_aborted_job_is_said_to_be(org: TinyOrg, client: Client) -> None:
    with pytest.raises(errors.BulkJobAborted):
        client.bulk.wait(BulkJob(JOB, "Aborted"), seconds=5)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "INVALID_FIELD", errors.FieldNotFound),
        (400, "MALFORMED_QUERY", errors.QueryRejected),
        (400, "API_ERROR", errors.BulkRefused),
        (400, "INVALIDENTITY", errors.BulkRefused),
        (400, "FEATURENOTENABLED", errors.BulkRefused),
        (400, "LIMIT_EXCEEDED", errors.LimitExceeded),
        (403, "REQUEST_LIMIT_EXCEEDED", errors.LimitExceeded),
        (404, "NOT_FOUND", errors.BulkJobGone),
        (409, "API_ERROR", errors.BulkVersionDiffers),
    ],
)
def test_refusals_have_names(
    org: TinyOrg, client: Client, status: int, code: str, kind: type[errors.SalesforceError]
) -> None:
    org.script(JOBS, Reply([{"errorCode": code, "message": "not so"}], status=status))

    with pytest.raises(kind) as caught:
        client.bulk.create("SELECT Id FROM Contact")

    assert type(caught.value) is kind
    assert caught.value.remedy


def test_sets_follow_each_other_by_locator(org: TinyOrg, client: Client) -> None:
    org.script(RESULTS, some(0, 3, locator="Mw"), some(3, 2))

    assert read(client, 5, max_records=3) == numbers(0, 5)

    queries = [request.path.partition("?")[2] for request in org.requests(RESULTS)]
    assert queries == ["maxRecords=3", "maxRecords=3&locator=Mw"]
    assert org.requests(RESULTS)[0].headers["Accept"] == "text/csv"


@pytest.mark.parametrize("locator", ["null", "", None])
def test_the_end_may_be_said_in_any_way(org: TinyOrg, client: Client, locator: str | None) -> None:
    org.script(RESULTS, some(0, 3, locator=locator))

    assert read(client, 3) == numbers(0, 3)


@pytest.mark.parametrize("body", [b"", b'"Id","LastName"\n'])
def test_no_records_are_no_records(org: TinyOrg, client: Client, body: bytes) -> None:
    org.script(RESULTS, Reply(body, headers={"Sforce-NumberOfRecords": "0", "Sforce-Locator": "null"}))

    assert read(client, 0) == []


def test_each_page_says_where_to_go_on(org: TinyOrg, client: Client) -> None:
    org.script(RESULTS, some(0, 4_500, locator="NDUwMA"), some(4_500, 10))

    pages = list(client.bulk.pages(complete(4_510), Person))

    assert [page.after for page in pages] == [
        Place("", 2_000),
        Place("", 4_000),
        Place("NDUwMA"),
        None,
    ]


def test_a_read_goes_on_where_another_stopped(org: TinyOrg, client: Client) -> None:
    org.script(RESULTS, some(4_500, 3_000))

    read_on = read(client, 9_000, start=Place("NDUwMA", 2_000))

    assert read_on == numbers(6_500, 7_500)
    assert "locator=NDUwMA" in org.requests(RESULTS)[0].path


@pytest.mark.parametrize(("cut", "says"), [(2, 4_500), (9, 4_500), (0, 4_501), (0, 4_499)])
def test_a_damaged_set_is_asked_for_again_and_nothing_comes_twice(
    org: TinyOrg, client: Client, cut: int, says: int
) -> None:
    broken, whole = some(0, 4_500, cut=cut, says=says), some(0, 4_500)
    org.script(RESULTS, broken, whole)

    assert read(client, 4_500) == numbers(0, 4_500)
    assert len(org.requests(RESULTS)) == 2


def test_a_set_that_stays_damaged_is_malformed(org: TinyOrg, client: Client) -> None:
    org.script(RESULTS, some(0, 10, says=11))

    with pytest.raises(errors.MalformedAnswer):
        read(client, 11)

    assert len(org.requests(RESULTS)) == 3


def test_a_set_without_its_count_is_malformed(org: TinyOrg, impatient: Client) -> None:
    org.script(RESULTS, Reply(b'"Id"\n'))

    with pytest.raises(errors.MalformedAnswer, match="how many"):
        read(impatient, 0)


@pytest.mark.parametrize("processed", [4, 6])
def test_a_result_that_is_not_what_the_job_processed_is_short(
    org: TinyOrg, client: Client, processed: int
) -> None:
    org.script(RESULTS, some(0, 5))

    with pytest.raises(errors.BulkShort, match=f"found {processed} records"):
        read(client, processed)


def test_a_set_that_breaks_off_is_asked_for_again(org: TinyOrg, client: Client) -> None:
    broken = some(0, 500)
    broken.drop = True
    org.script(RESULTS, broken, some(0, 500))

    assert read(client, 500) == numbers(0, 500)


@pytest.mark.parametrize("link", ["resultUrl", "resultLink"])
@pytest.mark.parametrize("following", ["nextRecordsUrl", "nextRecordUrl"])
def test_sets_are_read_in_parallel_whatever_the_links_are_called(
    org: TinyOrg, client: Client, link: str, following: str
) -> None:
    links = [{link: f"{JOBS}/{JOB}/results{n}?locator=x"} for n in range(7)]
    org.script(
        PAGES,
        Reply({"resultPages": links[:5], following: f"{PAGES}?locator=y", "done": False}),
        Reply({"resultPages": links[5:], "done": True}),
    )
    for n in range(7):
        org.script(f"{JOBS}/{JOB}/results{n}", some(n * 10, 10, locator="more"))

    batches = list(client.bulk.pages_in_parallel(complete(70), Person, threads=3))

    assert [one.Id for batch in batches for one in batch if isinstance(one, Person)] == numbers(0, 70)


def test_a_failure_of_one_set_ends_the_parallel_read(org: TinyOrg, impatient: Client) -> None:
    links = [{"resultUrl": f"{JOBS}/{JOB}/results{n}"} for n in range(5)]
    org.script(PAGES, Reply({"resultPages": links, "done": True, "nextRecordsUrl": None}))
    org.script(f"{JOBS}/{JOB}/results0", some(0, 10))

    with pytest.raises(errors.BulkJobGone):
        list(impatient.bulk.pages_in_parallel(complete(50), Person))


@pytest.mark.parametrize("link", ["https://evil.example/x", "//evil.example/x", "/services/data/../x", ""])
def test_a_link_to_another_place_is_not_followed(org: TinyOrg, client: Client, link: str) -> None:
    org.script(PAGES, Reply({"resultPages": [{"resultUrl": link}], "done": True}))

    with pytest.raises(errors.RedirectRefused):
        list(client.bulk.pages_in_parallel(complete(1), Person))


def test_links_that_say_there_is_more_but_not_where_are_malformed(org: TinyOrg, impatient: Client) -> None:
    org.script(PAGES, Reply({"resultPages": [], "done": False}))

    with pytest.raises(errors.MalformedAnswer, match="not where"):
        list(impatient.bulk.pages_in_parallel(complete(1), Person))


@pytest.mark.parametrize("count", [0, 3])
def test_a_result_that_leads_in_a_circle_is_left(org: TinyOrg, client: Client, count: int) -> None:
    org.script(RESULTS, some(0, count, locator="Mw"))

    with pytest.raises(errors.MalformedAnswer, match="leads back"):
        read(client, 6)


def test_links_that_lead_in_a_circle_are_left(org: TinyOrg, client: Client) -> None:
    org.script(PAGES, Reply({"resultPages": [], "done": False, "nextRecordsUrl": PAGES}))

    with pytest.raises(errors.MalformedAnswer, match="leads back"):
        list(client.bulk.pages_in_parallel(complete(1), Person))


def test_aborting_a_job_that_is_over_is_fine(org: TinyOrg, client: Client) -> None:
    refusal = Reply([{"errorCode": "INVALIDJOBSTATE", "message": "already over"}], status=400)
    org.script(f"{JOBS}/{JOB}", refusal, info("JobComplete", numberRecordsProcessed=3))

    assert client.bulk.abort(JOB).state == "JobComplete"


def test_an_answer_that_is_no_job_is_malformed(org: TinyOrg, impatient: Client) -> None:
    org.script(f"{JOBS}/{JOB}", Reply({"id": JOB}))

    with pytest.raises(errors.MalformedAnswer):
        impatient.bulk.job(JOB)
