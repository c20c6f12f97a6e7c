"""How fast the simulated org serves query pages, in one process, and how it starts from an existing file."""

import time

from benchmarks import replay, stage

SOQL = (
    "SELECT Id, SystemModstamp, LastModifiedDate, LastModifiedById, FirstName, LastName, MobilePhone, OwnerId"
    " FROM Contact ORDER BY SystemModstamp, Id"
)


def run(contacts: int) -> None:
    with stage.orgsim(contacts):
        pass
    started = time.monotonic()
    with stage.orgsim(contacts) as org:
        start_seconds = time.monotonic() - started
        pages = replay.pages(org, SOQL, replay.sign_in(org))
        opened = time.monotonic()
        next(pages)
        began = time.monotonic()
        rest = sum(1 for _ in pages)
        seconds = time.monotonic() - began
    stage.table(
        ["start s", "open query s", "records/s of the pages after the first"],
        [[f"{start_seconds:.1f}", f"{began - opened:.2f}", f"{rest * 2000 / seconds:,.0f}"]],
    )
