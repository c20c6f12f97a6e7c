"""What `carillon consent` does beyond its options."""

from datetime import UTC, datetime, timedelta

import pytest

from carillon.accounts.models import Workspace
from carillon.cli import consent_work
from carillon.consent.models import ConsentEvent
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from orgsim.testing import OrgSim
from tests.integration.consent.org_people import FIELD, stored
from tests.integration.consent.people import ANN


def test_a_request_of_a_day_counts_to_that_days_end_where_the_people_are(workspace: Workspace) -> None:
    consent_work.opt_out(workspace.name, ANN, "called", datetime(2026, 3, 2))  # noqa: DTZ001 - as click gives it

    event = ConsentEvent.objects.get()
    assert event.counts_at.replace(microsecond=0) == datetime(2026, 3, 3, 4, 59, 59, tzinfo=UTC)


def test_nobody_asked_in_the_future(workspace: Workspace) -> None:
    tomorrow = now().replace(tzinfo=None) + timedelta(days=2)

    with pytest.raises(CarillonError, match="has not come yet"):
        consent_work.opt_out(workspace.name, ANN, "called", tomorrow)

    assert not ConsentEvent.objects.exists()


def test_an_audit_that_salesforce_refuses_says_why_and_what_to_do(connected: Workspace, org: OrgSim) -> None:
    stored(connected, org)
    org.hide_field("Contact", FIELD)

    with pytest.raises(CarillonError, match=FIELD) as refused:
        consent_work.audit(connected.name, repair=False, tell=None)

    assert "field-level security" in refused.value.remedy
