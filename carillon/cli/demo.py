"""`carillon demo`: everything on one machine, as one foreground process tree, on a data folder of its own."""

import http.client
import os
import secrets
import shlex
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import urlencode

import click

from carillon.cli import runtime
from carillon.cli.demo_ports import Ports, choose_ports, forget_running
from carillon.lib import home, postgres
from carillon.lib.errors import CarillonError
from carillon.lib.files import Claim, write_once
from carillon.lib.processes import Child, Supervisor, die_with_parent

GRACE_SECONDS = 27.0
ORG_FILE = "orgsim.db"
ORG_TOKEN_FILE = "org-token"  # noqa: S105 - a file name
# The first start writes the simulated org's file; its size is the user's choice.
ORG_SECONDS = 600.0
WEB_SECONDS = 60.0
# A new org lets its API user write to private contacts as well; later it has what somebody left it.
WHEN_MADE = ("grant", '{"sobject": "Contact", "permission": "Modify All"}')
WHEN_LEFT = ("ids", '{"sobject": "Organization"}')


class SignIn(Protocol):
    @property
    def email(self) -> str: ...

    @property
    def password(self) -> str: ...


class Request(NamedTuple):
    """What a server that is up answers with 200."""

    method: str
    path: str
    body: str | None = None
    headers: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    folder: Path
    ports: Ports
    contacts: int
    leads: int
    seed: int

    @property
    def org_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.org}"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.ports.web}"


@click.command()
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port of the pages."
)
@click.option(
    "--contacts", default=10_000, show_default=True, type=click.IntRange(0), help="Contacts in the org."
)
@click.option("--leads", default=2_000, show_default=True, type=click.IntRange(0), help="Leads in the org.")
@click.option("--seed", default=1, show_default=True, type=int, help="Another seed makes other people.")
def demo(port: int, contacts: int, leads: int, seed: int) -> None:
    """Run everything on this machine with a simulated Salesforce org.

    Starts a database, the simulated org, the pages and the worker, and runs a first import. Stop it with Ctrl-C;
    what you did is there again at the next start. CONTACTS, LEADS and SEED count when the org is made.
    """
    if "MAKELEVEL" in os.environ:
        # Started by `make demo`: a killed make must not leave a demo behind that blocks the next one.
        die_with_parent(os.getppid())
    folder = home.make_data_dir() / "demo"
    _use(folder)
    with _only_one(folder), Supervisor(grace=GRACE_SECONDS, tell=click.echo) as supervisor:
        try:
            ports = choose_ports(folder, web=port)
            _start(supervisor, Plan(folder, ports, contacts, leads, seed), wanted_port=port)
            supervisor.run()
        finally:
            click.echo("Stopping.")
    click.echo("Stopped. Your data is kept for the next start.")


def _use(folder: Path) -> None:
    """Point this process and its children to the demo's own data, whatever a real install here uses."""
    if os.environ.pop("CARILLON_DATABASE_URL", None):
        click.echo("The demo keeps to its own database; CARILLON_DATABASE_URL is not used.")
    os.environ["CARILLON_DATA_DIR"] = str(folder)
    os.environ["CARILLON_ALLOW_LOCAL_ORG"] = "1"
    home.make_data_dir()


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Hold the data folder; stop its database at the end, when every child has ended."""
    claim = Claim(folder / "demo.lock")
    if not claim.take():
        raise CarillonError(
            f"A demo runs already on {folder} (process {claim.holder()}).",
            "Stop it with Ctrl-C first, or set CARILLON_DATA_DIR to another folder.",
        )
    try:
        yield
    finally:
        postgres.stop(folder)
        forget_running(folder)
        claim.release()


def _start(supervisor: Supervisor, plan: Plan, wanted_port: int) -> None:
    started = time.monotonic()
    logs = plan.folder / "logs"
    logs.mkdir(exist_ok=True, mode=0o700)
    for old in logs.glob("*.log"):
        old.unlink()
    if plan.ports.web != wanted_port:
        click.echo(
            f"Port {wanted_port} is in use by another program; the pages are on {plan.ports.web} instead."
        )
    os.environ["CARILLON_PUBLIC_URL"] = plan.address
    is_new = not (plan.folder / ORG_FILE).exists()
    click.echo(
        "Starting the simulated org as it was left."
        if not is_new
        else f"Starting a simulated org with {plan.contacts:,} Contacts and {plan.leads:,} Leads."
    )
    token = write_once(plan.folder / ORG_TOKEN_FILE, secrets.token_urlsafe(16)).strip()
    supervisor.start(_org(plan, logs, token))
    click.echo("Starting the database and bringing it up to date.")
    runtime.call("carillon.cli.migrate_work:bring_up_to_date")
    click.echo("Starting the pages and the worker.")
    supervisor.start(_carillon("the web server", logs, "web", "--port", str(plan.ports.web)))
    supervisor.start(_carillon("the worker", logs, "worker"))
    # Its token tells it from the org of another demo that took the port in the same moment.
    verb, arguments = WHEN_MADE if is_new else WHEN_LEFT
    ready = Request("POST", f"/orgsim/admin/{verb}", arguments, {"X-Orgsim-Token": token})
    _wait(supervisor, "The simulated org", plan.ports.org, ORG_SECONDS, ready)
    click.echo("Connecting to the org and importing.")
    sign_in = runtime.call("carillon.cli.demo_seed:seed", plan.org_url, data_dir=plan.folder, tell=click.echo)
    _wait(supervisor, "The web server", plan.ports.web, WEB_SECONDS, Request("GET", "/sign-in/"))
    staff = f"{plan.org_url}/orgsim/sign-in?{urlencode({'token': token})}"
    click.echo(_welcome(plan, sign_in, staff, time.monotonic() - started))


def _org(plan: Plan, logs: Path, token: str) -> Child:
    program = Path(sysconfig.get_path("scripts")) / "orgsim"
    command = [str(program), "serve", "--port", str(plan.ports.org), "--data", str(plan.folder / ORG_FILE)]
    command += ["--contacts", str(plan.contacts), "--leads", str(plan.leads), "--seed", str(plan.seed)]
    environment = {**os.environ, "ORGSIM_ADMIN_TOKEN": token}
    return Child("the simulated org", command, environment=environment, log=logs / "orgsim.log")


def _carillon(name: str, logs: Path, *arguments: str) -> Child:
    command = [sys.executable, "-m", "carillon.cli.main", *arguments]
    return Child(name, command, log=logs / f"{arguments[0]}.log", restart=arguments[0] == "worker")


def _wait(supervisor: Supervisor, name: str, port: int, seconds: float, request: Request) -> None:
    if not supervisor.wait(lambda: _answers(port, request), seconds=seconds):
        raise CarillonError(
            f"{name} did not answer on port {port} within {seconds:.0f} s.", "Look at its log."
        )


def _answers(port: int, request: Request) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(request.method, request.path, request.body, request.headers or {})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _welcome(plan: Plan, sign_in: SignIn, staff: str, seconds: float) -> str:
    folder = shlex.quote(str(plan.folder))
    carillon = shlex.quote(str(Path(sysconfig.get_path("scripts")) / "carillon"))
    return f"""
Carillon is ready after {seconds:.1f} s.

  Address   {plan.address}
  E-mail    {sign_in.email}
  Password  {sign_in.password}

What to try
  Contacts         everybody of the list view, as imported; search a name or a number
  Import History   press "Import changes"; open a run to see its issues and what it cost
  Contact Import   choose another list view, map another field, import again
  Phone            hold somebody's phone: text STOP as them, and see what comes back
  Consent          text "please stop texting me" as somebody else, and decide there whether it is an opt-out
  Texting          the words of the answers; press "Self-test"

On the command line, in another terminal:
  export CARILLON_DATA_DIR={folder} CARILLON_ALLOW_LOCAL_ORG=1 CARILLON_PUBLIC_URL={plan.address}
  {carillon} contacts --query Garcia
  {carillon} import contact

Play Salesforce: change people there, or let calls fail, then import changes
  {staff}

Ctrl-C stops everything; your data is kept."""
