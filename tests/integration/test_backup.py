"""Backup, restore and upgrade as docs/operations.md says, with its own commands, on an install of its own."""

import csv
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from carillon.lib import postgres
from orgsim.testing import OrgSim
from tests.integration.commands import COMMAND, run

pytestmark = pytest.mark.slow

DOCUMENT = (Path(__file__).parents[2] / "docs/operations.md").read_text()
PASSWORD = "three unrelated words"
SETUP = """
[contact]
enabled = true
[contact.source]
type = "list_view"
name = "AllContacts"
[contact.standard_fields]
first_name = "FirstName"
last_name = "LastName"
mobile_number = "MobilePhone"
"""
# Signs in with the password, opens the sealed secret with a live sign-in, and reads a person's page.
LOOK = """
import sys
import django
django.setup()
from django.test import Client
from carillon.connections.clients import client_for
from carillon.connections.models import SalesforceConnection
from carillon.contacts.models import Contact
browser = Client(SERVER_NAME="127.0.0.1")
signed_in = browser.post("/sign-in/", {"username": "ada@campus.example", "password": sys.argv[1]})
assert signed_in.status_code == 302, signed_in.content
person = Contact.objects.earliest("pk")
page = browser.get(f"/contacts/{person.salesforce_id}/")
assert page.status_code == 200 and person.last_name.encode() in page.content
with client_for(SalesforceConnection.objects.get()) as client:
    print(client.sign_in().org_id)
"""
SET_PASSWORD = """
import sys
import django
django.setup()
from carillon.accounts.actions import set_password
from carillon.accounts.models import Member
set_password(member=Member.objects.get(), password=sys.argv[1], by=None)
"""


def commands(heading: str, containing: str) -> str:
    """The block of commands of a section of the document that contains a text."""
    section = DOCUMENT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"(?:^    .+\n)+", section, re.MULTILINE)
    return next(str(block) for block in blocks if containing in block)


class Install:
    """An install with a data folder of its own, and a shell that runs what the document says."""

    def __init__(self, home: Path) -> None:
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("CARILLON_", "DJANGO_"))}
        self.data = home / "data"
        self.environment = {
            **kept,
            "CARILLON_DATA_DIR": str(self.data),
            "CARILLON_ALLOW_LOCAL_ORG": "1",
            "CARILLON_CLIENT_SECRET": "orgsim-secret",
            "DJANGO_SETTINGS_MODULE": "carillon.settings",
            "HOME": str(home),
        }

    def run(self, *command: str, code: int = 0) -> str:
        done = subprocess.run(
            command,
            env=self.environment,
            cwd=self.environment["HOME"],
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == code, f"{command}: {done.stderr}"
        return done.stdout + done.stderr

    def carillon(self, *arguments: str, code: int = 0) -> str:
        done = run(arguments, self.environment, Path(self.environment["HOME"]))
        assert done.code == code, f"{arguments}: {done.err}"
        return done.out + done.err

    def python(self, script: str, *arguments: str) -> str:
        return self.run(sys.executable, "-c", script, *arguments)

    def shell(self, *scripts: str) -> str:
        """The document's lines, but for the places of the program and of the data folder."""
        script = "\n".join(scripts).replace("/opt/carillon/.venv/bin/python", sys.executable)
        script = script.replace("/var/lib/carillon/restored", str(self.data))
        # What makes a database says that it is empty, and ends with 1.
        script = re.sub(r"^ *carillon history +#.*$", "carillon history || true", script, flags=re.MULTILINE)
        return self.run("bash", "-euc", f'carillon() {{ {" ".join(COMMAND)} "$@"; }}\n{script}')


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """Not pytest's own folder: for root its parents are closed to the account that runs the database."""
    with tempfile.TemporaryDirectory(prefix="carillon-backup-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        for data in (folder / "live/data", *folder.glob("new*/data"), folder / "server"):
            postgres.stop(data)


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrgSim]:
    with OrgSim(tmp_path_factory.mktemp("org") / "org.db", contacts=300, leads=0, seed=5) as running:
        yield running


@pytest.fixture(scope="module")
def live(home: Path, org: OrgSim) -> Install:
    """An install at work: a member with a password, a connection, people, and one who was erased. Each test leaves it
    upgraded; those that bring it to the version before, which forgets who was erased, come last."""
    (home / "live/somewhere-else").mkdir(parents=True)
    install = Install(home / "live")
    (home / "live/setup.toml").write_text(SETUP)
    install.carillon("migrate")
    install.carillon("member", "add", "ada@campus.example", "--role", "admin")
    install.python(SET_PASSWORD, PASSWORD)
    install.carillon("connect", "--host", org.url, "--client-id", "orgsim-client")
    install.carillon("setup", "apply", "setup.toml")
    install.carillon("import", "contact")
    somebody = next(csv.DictReader(io.StringIO(people(install))))
    install.carillon("contacts", "erase", somebody["salesforce_id"], "--yes")
    return install


def people(install: Install) -> str:
    return install.carillon("contacts", "--format", "csv", "--all")


@pytest.fixture
def server(home: Path) -> str:
    """Address of another PostgreSQL, with its superuser: stands for a server of one's own."""
    return postgres.ensure_running(home / "server")


def back_up(install: Install) -> None:
    places = commands("Backup and restore", "PGBIN=")
    install.shell(places, commands("Backup and restore", "pg_dump --format=custom"))


def restored(live: Install, home: Path) -> Install:
    """The backup's two files on another machine, as it were, restored there."""
    install = Install(Path(tempfile.mkdtemp(prefix="new-", dir=home)))
    folder = install.data.parent
    folder.chmod(0o755)
    shutil.move(home / "live/carillon.dump", folder)
    shutil.copytree(home / "live/somewhere-else", folder / "somewhere-else")
    restore = commands("Backup and restore", "pg_restore").splitlines()
    begin, rest = restore[:3], restore[3:]
    install.shell(*begin, commands("Backup and restore", "PGBIN="), *rest)
    return install


def test_a_backup_restored_into_a_new_data_folder_is_the_same_install(live: Install, home: Path) -> None:
    before, org_id = people(live), live.python(LOOK, PASSWORD)
    back_up(live)
    live.carillon("member", "add", "later@campus.example", "--role", "texter")

    install = restored(live, home)

    assert people(install) == before
    assert install.python(LOOK, PASSWORD) == org_id
    assert "later@campus.example" not in install.carillon("member", "list")
    imported = install.carillon("import", "contact", "--everything", "--json")
    assert '"status": "succeeded"' in imported
    assert people(install) == before


def database_for(install: Install, server: str, name: str) -> str:
    """Address of an empty database made as the document says, for a role that is no superuser."""
    made = commands("Install on several machines", "create role").replace("carillon", name)
    programs = commands("Backup and restore", "PGBIN=").splitlines()[0]
    install.shell(programs, f'$PGBIN/psql --quiet --set=ON_ERROR_STOP=1 "{server}" <<END\n{made}\nEND')
    return server.replace("carillon@/carillon", f"{name}@/{name}")


@pytest.mark.soak
def test_the_same_dump_moves_an_install_to_a_server_of_ones_own_and_back_up_from_there(
    live: Install, server: str
) -> None:
    before, key = people(live), (live.data / "secret.key").read_text().strip()
    back_up(live)
    programs = commands("Backup and restore", "PGBIN=").splitlines()[0]
    restore = commands("Backup and restore", '--dbname="$CARILLON_DATABASE_URL"')
    dump = "$PGBIN/" + next(
        found for found in re.findall(r"`(pg_dump [^`]*)`", DOCUMENT) if "CARILLON_DATABASE_URL" in found
    )
    moved = Install(live.data.parent)
    moved.environment["CARILLON_SECRET_KEY"] = key
    for name in ("campus", "annex"):
        moved.environment["CARILLON_DATABASE_URL"] = database_for(moved, server, name)

        moved.shell(programs, restore.replace("pg_restore", "$PGBIN/pg_restore"))

        assert people(moved) == before
        moved.python(LOOK, PASSWORD)
        # The next one is made from a dump of this one.
        moved.shell(programs, dump)
    moved.carillon("migrate")
    assert '"status": "succeeded"' in moved.carillon("import", "contact", "--everything", "--json")
    assert people(moved) == before


def to_the_version_before(live: Install) -> str:
    """Brings the database to the first version's form; the people as they must be after an upgrade. That version
    did not know who was erased."""
    before = people(live).replace("opted_out", "opted_in")
    for app in ("imports", "contacts", "accounts"):
        live.run(sys.executable, "-m", "django", "migrate", app, "0001_initial", "--verbosity", "0")
    return before


def test_an_install_of_the_version_before_is_upgraded_by_migrate(live: Install) -> None:
    before = to_the_version_before(live)
    told = live.carillon("contacts", code=1)

    live.carillon("migrate")

    assert "Run `carillon migrate` first" in told
    assert people(live) == before
    live.python(LOOK, PASSWORD)
    assert '"status": "succeeded"' in live.carillon("import", "contact", "--everything", "--json")


@pytest.mark.soak
def test_a_dump_of_the_version_before_is_restored_and_upgraded(live: Install, home: Path) -> None:
    before = to_the_version_before(live)
    places = commands("Backup and restore", "PGBIN=")
    dump = commands("Backup and restore", "pg_dump --format=custom")
    live.shell(places, dump.replace("carillon history --limit 1 > /dev/null", "true"))
    live.carillon("migrate")

    install = restored(live, home)

    assert people(install) == before
    install.python(LOOK, PASSWORD)
