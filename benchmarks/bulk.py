"""REST pages beside a bulk job for the same records: calls, records a second, and what decoding a record costs, each
beside its bare decoder; and how fast and in how much memory the simulated org prints a result.

The threshold of carillon/salesforce/bulk/routes.py comes from the calls counted here: the two meet at 16,000 records when a
job is looked at five times. The simulated org answers at once, so seconds show the cost of the client and the wire; in a
real org a job also waits its turn, and a page of REST takes half a second to a second.
"""

import csv
import io
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import stage
from benchmarks.orgsim_pages import SOQL
from carillon.salesforce.bulk import routes
from carillon.salesforce.bulk.csv_records import batches
from carillon.salesforce.bulk.resource import Polling
from carillon.salesforce.client import Client, ClientCredentials
from carillon.salesforce.pages import page_decoder
from carillon.salesforce.transport import Answer, Call, Retry

_QUICKLY = Polling(0.2, 1.0)
_PATIENCE = 600.0
_PAGE_OF_DECODING = 50_000


class Person(msgspec.Struct, gc=False):
    """The columns of the benchmark's query."""

    Id: str
    SystemModstamp: str
    LastModifiedDate: str | None = None
    LastModifiedById: str | None = None
    FirstName: str | None = None
    LastName: str | None = None
    MobilePhone: str | None = None
    OwnerId: str | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """One way of reading everything; `cpu` is of this process alone."""

    way: str
    records: int
    calls: int
    seconds: float
    cpu: float

    def cells(self) -> list[str]:
        each = self.cpu / self.records * 1e6
        rate = f"{self.records / self.seconds:,.0f}"
        return [self.way, f"{self.records:,}", f"{self.calls:,}", f"{self.seconds:.1f}", rate, f"{each:.1f}"]


def run(contacts: int) -> None:
    with _orgsim(contacts) as (org, process), _client(org) as client:
        before = _peak_mib(process)
        reads = [
            _read(client, "REST pages", lambda: (len(page.records) for page in client.query(SOQL, Person))),
            _read(client, "bulk, set after set", lambda: _by_job(client, parallel=False)),
            _read(client, "bulk, in parallel", lambda: _by_job(client, parallel=True)),
        ]
        printed = _printed(client)
        peak = _peak_mib(process)
        decoding = _decoding(client)
    heads = ["way", "records", "calls", "seconds", "records/s", "client CPU us/record"]
    stage.table(heads, [read.cells() for read in reads])
    print(
        f"\nthe simulated org alone: {printed:,.0f} records/s of CSV, memory {before:.0f} -> {peak:.0f} MiB\n"
    )
    stage.table(["decoding", "us/record"], decoding)
    print(f"\nthreshold {routes.THRESHOLD:,}: REST {routes.rest_calls(routes.THRESHOLD)} calls,", end=" ")
    print(f"bulk {routes.bulk_calls(routes.THRESHOLD)} with {routes.LOOKS} looks at the job")


def _read(client: Client, way: str, work: Callable[[], Iterator[int]]) -> Read:
    client.sign_in()
    calls, cpu, begun = client.transport.total_calls, time.process_time(), time.monotonic()
    records = sum(work())
    return Read(
        way,
        records,
        client.transport.total_calls - calls,
        time.monotonic() - begun,
        time.process_time() - cpu,
    )


def _by_job(client: Client, *, parallel: bool) -> Iterator[int]:
    bulk = client.bulk
    job = bulk.wait(bulk.create(SOQL), seconds=_PATIENCE, polling=_QUICKLY)
    if parallel:
        yield from map(len, bulk.pages_in_parallel(job, Person))
    else:
        yield from (len(page.records) for page in bulk.pages(job, Person))
    bulk.delete(job.id)


def _printed(client: Client) -> float:
    """Records a second of the results alone, taken off the wire and not decoded."""
    bulk = client.bulk
    job = bulk.wait(bulk.create(SOQL), seconds=_PATIENCE, polling=_QUICKLY)
    begun = time.monotonic()
    first = f"/services/data/v66.0/jobs/query/{job.id}/results?maxRecords=250000"
    locator = ""
    while locator != "null":
        locator = _answer(client, f"{first}&locator={locator}").headers["sforce-locator"]
    seconds = time.monotonic() - begun
    bulk.delete(job.id)
    return job.processed / seconds


def _decoding(client: Client) -> list[list[str]]:
    """CPU of the decoders on one page and one set in memory, and of the bare ones under them."""
    page = _answer(client, "/services/data/v66.0/query?q=" + SOQL.replace(" ", "+"))
    job = client.bulk.wait(client.bulk.create(SOQL), seconds=_PATIENCE, polling=_QUICKLY)
    path = f"/services/data/v66.0/jobs/query/{job.id}/results?maxRecords={_PAGE_OF_DECODING}"
    result = _answer(client, path)
    client.bulk.delete(job.id)
    decode, bare = page_decoder(Person), msgspec.json.Decoder(_Bare)
    return [
        ["JSON page: ours", _cost(lambda: len(decode(page).records))],
        ["JSON page: msgspec alone", _cost(lambda: len(bare.decode(page.body).records))],
        ["CSV set: ours", _cost(lambda: sum(len(batch) for batch in batches(result.body, Person)))],
        ["CSV set: csv.reader alone", _cost(lambda: sum(1 for _ in _rows(result.body)) - 1)],
    ]


class _Bare(msgspec.Struct):
    records: list[Person]


def _rows(body: bytes) -> Iterator[list[str]]:
    yield from csv.reader(io.TextIOWrapper(io.BytesIO(body), encoding="utf-8", newline=""))


def _cost(decode: Callable[[], int]) -> str:
    """The best of several rounds, each long enough to measure."""
    best = float("inf")
    for _ in range(7):
        begun, records = time.process_time(), 0
        while records < _PAGE_OF_DECODING:
            records += decode()
        best = min(best, (time.process_time() - begun) / records)
    return f"{best * 1e6:.2f}"


def _answer(client: Client, path: str) -> Answer:
    session = client.session
    authorized = {"Authorization": f"Bearer {session.access_token}"}
    call = Call(kind="bench", path=path, origin=session.instance_url, headers=authorized)
    return client.transport.send(call, lambda answer: answer)


@contextmanager
def _client(org: str) -> Iterator[Client]:
    credentials = ClientCredentials("orgsim-client", "orgsim-secret")
    with Client(host=org, credentials=credentials, allow_local=True, retry=Retry()) as client:
        yield client


@contextmanager
def _orgsim(contacts: int) -> Iterator[tuple[str, Any]]:
    """As stage.orgsim, with the process at hand."""
    port = stage.free_port()
    command = [
        str(stage.BIN / "orgsim"),
        "serve",
        "--port",
        str(port),
        "--data",
        str(stage.org_file(contacts)),
    ]
    with stage.server(
        [*command, "--contacts", str(contacts), "--leads", "0", "--seed", "1"], port
    ) as process:
        yield f"http://127.0.0.1:{port}", process


def _peak_mib(process: Any) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0
