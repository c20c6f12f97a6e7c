"""Import of everything: from the simulated org by pages and by a bulk job, and from a server that replays recorded pages;
beside them the pages only fetched and decoded, the writer alone, and a dry run."""

import shutil
import sys
from pathlib import Path
from typing import Any

from benchmarks import replay, stage

# What an import under the benchmark's setup sends.
SOQL = (
    "SELECT Id, SystemModstamp, LastModifiedDate, LastModifiedById, Preferred_Name__c, FirstName, LastName,"
    " MobilePhone, OwnerId, Program__c FROM Contact ORDER BY SystemModstamp, Id"
)


def run(contacts: int) -> None:
    folder = stage.ORGS / f"{contacts}-pages"
    with stage.carillon_home() as env:
        with stage.orgsim(contacts) as org:
            stage.set_up(env, org)
            by_pages = _import(env, "pages")
            stage.measure(stage.step("benchmarks.steps", "empty"), env)
            by_job = _import(env, "job")
            replay.save_token(org, folder)
            pages = replay.record(org, SOQL, folder)
        print(f"{pages:,} pages recorded")
        port = stage.free_port()
        command = [sys.executable, "-m", "benchmarks.replay", "serve", str(port), str(folder)]
        with stage.server(command, port):
            _point_to(env, f"http://127.0.0.1:{port}")
            fetched = stage.measure(stage.step("benchmarks.steps", "fetch"), env).output
            written = stage.measure(stage.step("benchmarks.steps", "write"), env).output
            stage.measure(stage.step("benchmarks.steps", "empty"), env)
            tried = stage.measure(stage.step("benchmarks.steps", "dry-run"), env).output
            replayed = _import(env, "pages")
    _print(by_pages, by_job, replayed, fetched, written, tried)
    shutil.rmtree(folder, ignore_errors=True)


def _import(env: dict[str, str], way: str) -> Any:
    return stage.measure(stage.step("benchmarks.steps", "import", "everything", way), env).output


def _point_to(env: dict[str, str], origin: str) -> None:
    code = (
        "from carillon.cli import runtime; runtime.prepare();"
        "from carillon.connections.models import SalesforceConnection as C;"
        f"C.objects.update(host={origin!r})"
    )
    stage.run([sys.executable, "-c", code], env)


def _print(*measured: dict[str, float]) -> None:
    names = (
        "import from orgsim by pages",
        "import from orgsim by a job",
        "import from replayed pages",
        "(a) fetch and decode only",
        "(b) writer only",
        "dry run of replayed pages",
    )
    counts = [m.get("received", m.get("records", 0)) for m in measured]
    rates = [count / m["seconds"] for count, m in zip(counts, measured, strict=True)]
    rows = [
        [
            name,
            f"{count:,}",
            f"{m['seconds']:.1f}",
            f"{rate:,.0f}",
            f"{m['cpu'] / count * 1e6:.1f}" if "cpu" in m else "",
            f"{m['peak_mib']:.0f}" if "peak_mib" in m else "",
            f"{m['api_calls']:,}" if "api_calls" in m else "",
        ]
        for name, count, rate, m in zip(names, counts, rates, measured, strict=True)
    ]
    stage.table(["step", "records", "seconds", "records/s", "CPU us/record", "peak MiB", "API calls"], rows)
    _, _, replayed, fetched, written, _ = rates
    print(f"import from replayed pages / slower of (a) and (b): {replayed / min(fetched, written):.2f}")
    statuses = [m["status"] for m in measured if "status" in m]
    print(f"runs ended as: {', '.join(map(str, statuses))}")


if __name__ == "__main__":
    run(int(Path(sys.argv[1]).name) if len(sys.argv) > 1 else 100_000)
