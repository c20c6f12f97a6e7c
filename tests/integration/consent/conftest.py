"""A workspace whose Contacts have a checkbox for opting out, with an admin and a texter; and one connected to an org."""

from collections.abc import Iterator

import pytest

from carillon.accounts.models import Member, Role, Workspace
from carillon.consent import lines
from carillon.consent.push import Means
from orgsim.testing import OrgSim
from tests.integration.consent.org_people import Clock, connected_to, impatient
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


@pytest.fixture
def org() -> Iterator[OrgSim]:
    with OrgSim(contacts=30, leads=10) as running:
        yield running


@pytest.fixture
def connected(db: None, org: OrgSim) -> Iterator[Workspace]:
    """A workspace whose Contacts and Leads have an opt-out box in the org."""
    made = connected_to(org)
    yield made
    lines.hang_up(made.pk)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def means(clock: Clock) -> Means:
    return Means(clock=clock, sleep=clock.sleep, jitter=lambda: 1.0, patience=impatient)
