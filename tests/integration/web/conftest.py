"""The people of the page tests. Alice, Bob and Dana share a workspace; Charlie must never see anything of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django.fixtures import Settings

from carillon.accounts import actions as accounts
from carillon.accounts.models import Member, Workspace
from carillon.connections import actions as connections
from carillon.connections.models import SalesforceConnection
from carillon.contacts.models import Contact
from carillon.contacts.search import sort_name
from carillon.imports.models import ImportRun, ImportSetup, RecordIssue
from carillon.lib.clock import now

PASSWORD = "three unrelated words"


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    cache.clear()


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    """The real hashing takes half a second a password, as it should."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def add_member(workspace: Workspace, email: str, role: str) -> Member:
    member = accounts.add_member(workspace=workspace, email=email, role=role, user_id="", by=None)
    accounts.set_password(member=member, password=PASSWORD, by=None)
    return member


@pytest.fixture
def workspace(db: None) -> Workspace:
    return Workspace.objects.create(name="Admissions")


@pytest.fixture
def alice(workspace: Workspace) -> Member:
    return add_member(workspace, "alice@campus.example", "admin")


@pytest.fixture
def bob(workspace: Workspace) -> Member:
    return add_member(workspace, "bob@campus.example", "texter")


@pytest.fixture
def dana(workspace: Workspace) -> Member:
    return add_member(workspace, "dana@campus.example", "auditor")


@pytest.fixture
def charlie(db: None) -> Member:
    return add_member(Workspace.objects.create(name="Other College"), "charlie@other.example", "admin")


SignedIn = Callable[[Member], Client]


@pytest.fixture
def signed_in() -> SignedIn:
    def sign_in(member: Member) -> Client:
        client = Client()
        client.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return sign_in


@dataclass(frozen=True, slots=True)
class Rows:
    """One row of everything, in Alice's workspace."""

    connection: SalesforceConnection
    setup: ImportSetup
    run: ImportRun
    contact: Contact


@pytest.fixture
def rows(workspace: Workspace, alice: Member) -> Rows:
    connection = connections.save_connection(
        workspace=workspace, host="http://127.0.0.1:9", client_id="app", client_secret="hush-hush", by=alice
    )
    setup = ImportSetup.objects.create(
        workspace=workspace,
        object="Contact",
        enabled=True,
        source_type="list_view",
        source_id="00B000000000001AAA",
        source_label="Secret List",
        first_name="FirstName",
        last_name="LastName",
        mobile_number="MobilePhone",
    )
    contact = add_contact(workspace, 1, "Zoë", "Okafor")
    return Rows(connection, setup, add_run(setup), contact)


def add_contact(workspace: Workspace, number: int, first_name: str, last_name: str) -> Contact:
    return Contact.objects.create(
        workspace=workspace,
        object="Contact",
        salesforce_id=f"003000000{number:06d}AAA",
        first_name=first_name,
        last_name=last_name,
        sort_name=sort_name(first_name, last_name),
        mobile_number=f"+1212555{number:04d}",
        system_modstamp=now(),
    )


def add_run(setup: ImportSetup, *, status: str = "succeeded", hours_ago: int = 0) -> ImportRun:
    at = now() - timedelta(hours=hours_ago)
    over = status not in ("queued", "running")
    return ImportRun.objects.create(
        workspace=setup.workspace,
        setup=setup,
        object=setup.object,
        source_label=setup.source_label,
        mode="everything",
        status=status,
        queued_at=at,
        started_at=None if status == "queued" else at,
        finished_at=at if over else None,
        expected=200,
        received=50,
        error="Salesforce did not answer." if status in ("failed", "incomplete", "postponed") else "",
    )


def add_issue(
    run: ImportRun, number: int, value: str, code: str = "mobile_invalid", field: str = "MobilePhone"
) -> RecordIssue:
    return RecordIssue.objects.create(
        run=run,
        salesforce_id=f"003000000{number:06d}AAA",
        field=field,
        value=value,
        code=code,
        message="This is no phone number.",
    )
