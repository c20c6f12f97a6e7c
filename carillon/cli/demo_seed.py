"""Fills the demo: a workspace with an admin, the simulated org connected, a List View mapped, a first import."""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from django.conf import settings

from carillon.accounts import actions as accounts
from carillon.accounts.models import Member, Role, Workspace
from carillon.connections import actions as connections
from carillon.connections.permissions import Uses
from carillon.consent.reading import OptOutField
from carillon.contacts.models import SalesforceObject
from carillon.imports import actions as imports
from carillon.imports.drafts import AdditionalField, SetupDraft
from carillon.imports.models import ImportRun, ImportSetup, Mode, RunStatus
from carillon.imports.runner import execute
from carillon.imports.runs import Request
from carillon.lib.errors import CarillonError
from carillon.lib.files import write_once
from carillon.messaging import actions as texting
from carillon.messaging.models import CarrierKind, Confirms
from carillon.messaging.queries import texting_of

ADMIN = "admin@carillon.example"
PASSWORD_FILE = "admin-password"  # noqa: S105 - a file name


@dataclass(frozen=True, slots=True)
class SignIn:
    email: str
    password: str


def seed(org_url: str, *, data_dir: Path, tell: Callable[[str], None]) -> SignIn:
    """Whatever is there already stays as somebody left it; only the org's address is brought up to date."""
    workspace = Workspace.objects.get(pk=accounts.ensure_first_workspace().pk)
    password = write_once(data_dir / PASSWORD_FILE, secrets.token_urlsafe(12)).strip()
    _admin(workspace, password)
    _connect(workspace, org_url)
    _texting(workspace)
    setup = imports.setup_for(workspace, SalesforceObject.CONTACT)
    if not setup.source_id:
        setup = imports.save_setup(setup=setup, draft=_draft(), by=None)
    if not ImportRun.objects.filter(setup=setup, status=RunStatus.SUCCEEDED).exists():
        _first_import(setup, tell)
    return SignIn(ADMIN, password)


def _admin(workspace: Workspace, password: str) -> None:
    if Member.objects.filter(email=ADMIN).exists():
        return
    member = accounts.add_member(workspace=workspace, email=ADMIN, role=Role.ADMIN, user_id="", by=None)
    accounts.set_password(member=member, password=password, by=None)


def _connect(workspace: Workspace, org_url: str) -> None:
    existing = getattr(workspace, "connection", None)
    if existing is not None and existing.host == org_url:
        return
    connection = connections.save_connection(
        workspace=workspace,
        host=org_url,
        client_id=existing.client_id if existing else "orgsim-client",
        client_secret=os.environ.get("CARILLON_CLIENT_SECRET", "orgsim-secret"),
        by=None,
    )
    report = connections.test_connection(connection=connection, by=None, uses=Uses())
    if not report.ok:
        raise CarillonError(report.error, report.remedy)
    workspace.refresh_from_db()


def _texting(workspace: Workspace) -> None:
    """The simulated carrier, reached where the pages are served now."""
    kept = texting_of(workspace)
    if kept is not None and kept.carrier != CarrierKind.SIMULATED:
        return
    draft = texting.draft_of(kept) if kept else texting.suggested(workspace, ADMIN)
    draft = replace(draft, carrier=CarrierKind.SIMULATED, public_url=settings.PUBLIC_URL)
    texting.save_texting(
        workspace=workspace, draft=draft if kept else replace(draft, confirms=Confirms.WE), by=None
    )


def _draft() -> SetupDraft:
    return SetupDraft(
        source="TextingContacts",
        first_name="Preferred_Name__c",
        first_name_fallback="FirstName",
        last_name="LastName",
        mobile_number="MobilePhone",
        user_identification="OwnerId",
        additional_fields=(
            AdditionalField("Program__c", "program", "Program", "text"),
            AdditionalField("Graduation_Year__c", "graduation_year", "Graduation year", "number"),
        ),
        opt_out=OptOutField("SMS_Opt_Out__c"),
    )


def _first_import(setup: ImportSetup, tell: Callable[[str], None]) -> None:
    run = execute(Request(setup, Mode.EVERYTHING))
    if run.status != RunStatus.SUCCEEDED:
        tell(f"The first import ended as {run.status}: {run.error} {run.remedy}")
        return
    tell(f"Imported {run.received:,} people, {run.issue_count:,} of their values need a look.")
