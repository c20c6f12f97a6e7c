"""A workspace whose Contacts have a checkbox for opting out, with an admin and a texter."""

import pytest

from carillon.accounts.models import Member, Role, Workspace
from tests.integration.consent.people import a_mapping, a_member


@pytest.fixture
def workspace(db: None) -> Workspace:
    made = Workspace.objects.create(name="Admissions")
    a_mapping(made)
    return made


@pytest.fixture
def admin(workspace: Workspace) -> Member:
    return a_member(workspace, Role.ADMIN)


@pytest.fixture
def texter(workspace: Workspace) -> Member:
    return a_member(workspace, Role.TEXTER)
