"""Each workspace is audited each night, whatever stopped the worker, the org or another workspace's audit meanwhile; and
where none was, that is known."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from carillon.accounts.models import Workspace
from carillon.connections.models import SalesforceConnection
from carillon.consent import audit, jobs, nightly
from carillon.consent.actions import set_mapping
from carillon.consent.models import ConsentAudit, OptOutMapping
from carillon.lib.clock import now
from carillon.salesforce.records.resource import Records
from carillon.salesforce.records.stored import Record
from orgsim.testing import OrgSim
from tests.integration.consent.org_people import connected_to, stored
from tests.integration.consent.people import LONG_AGO


def at(hour: int, minute: int, day: int = 10) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


@pytest.fixture
def mapped(workspace: Workspace) -> Workspace:
    """Its opt-out field was mapped long ago."""
    SalesforceConnection.objects.create(workspace=workspace, host="https://org.example.org", client_id="id")
    OptOutMapping.objects.update(since=LONG_AGO)
    return workspace


def an_audit(
    workspace: Workspace, ended: datetime | None, *, error: str = "", repairs: bool = True
) -> ConsentAudit:
    began = (ended or at(8, 30)) - timedelta(minutes=1)
    return ConsentAudit.objects.create(
        workspace=workspace, started_at=began, finished_at=ended, error=error, repairs=repairs
    )


def is_due(moment: datetime) -> bool:
    return nightly.workspaces_due(moment).exists()


def test_it_is_due_from_the_nights_hour_until_it_is_done(mapped: Workspace) -> None:
    an_audit(mapped, at(8, 25, day=9))

    due = [is_due(moment) for moment in (at(8, 22), at(8, 23), at(8, 34), at(23, 0), at(7, 0, day=11))]
    an_audit(mapped, at(8, 40))

    assert due == [False, True, True, True, True]
    assert not is_due(at(8, 41))
    assert is_due(at(8, 23, day=11))


def test_one_that_was_cut_off_or_only_compared_does_not_count(mapped: Workspace) -> None:
    an_audit(mapped, None)
    an_audit(mapped, at(8, 30), repairs=False)

    assert is_due(at(8, 31))


def test_one_that_failed_is_due_again_after_an_hour(mapped: Workspace) -> None:
    an_audit(mapped, at(8, 30), error="The org did not answer.")

    assert [is_due(at(9, 29)), is_due(at(9, 31))] == [False, True]


def test_nothing_is_due_without_a_connection_or_a_field_that_was_mapped_before_the_night(
    mapped: Workspace,
) -> None:
    OptOutMapping.objects.update(since=at(8, 25))
    freshly_mapped = is_due(at(9, 0))
    OptOutMapping.objects.update(since=LONG_AGO)
    SalesforceConnection.objects.all().delete()
    unconnected = is_due(at(9, 0))

    assert [freshly_mapped, unconnected] == [False, False]


def test_none_for_26_hours_is_overdue_where_there_could_have_been_one(mapped: Workspace) -> None:
    never = nightly.is_overdue(mapped, at(9, 0))
    an_audit(mapped, at(8, 30))
    an_audit(mapped, at(8, 40, day=11), error="The org did not answer.")
    in_time, late = (
        nightly.is_overdue(mapped, moment) for moment in (at(10, 29, day=11), at(10, 31, day=11))
    )
    OptOutMapping.objects.update(since=at(9, 0, day=11))
    freshly_mapped = nightly.is_overdue(mapped, at(10, 31, day=11))
    set_mapping(workspace=mapped, object_name="Contact", field=None, by=None)
    unmapped = nightly.is_overdue(mapped, now() + timedelta(days=2))

    assert [never, in_time, late, freshly_mapped, unmapped] == [True, False, True, False, False]


def test_the_last_that_went_well_is_kept_however_often_it_failed_since(
    mapped: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "KEEP", 2)
    good = an_audit(mapped, at(8, 30))
    for minute in range(3):
        an_audit(mapped, at(9, minute), error="The org did not answer.")
    SalesforceConnection.objects.all().delete()

    with pytest.raises(Exception, match="Salesforce"):
        audit.run(mapped, repair=True)

    assert ConsentAudit.objects.count() == 3
    assert ConsentAudit.objects.filter(pk=good.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_each_workspace_has_a_job_of_its_own_and_what_stops_one_leaves_the_others(
    connected: Workspace, org: OrgSim, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(connected, org)
    other = connected_to(org, "Alumni")
    stored(other, org)
    OptOutMapping.objects.update(since=LONG_AGO)
    read_many, asked = Records.read_many, []

    def fails_at_first(records: Records, *args: Any) -> list[Record | None]:
        asked.append(records)
        if len(asked) == 1:
            raise RuntimeError("nobody foresaw this")
        return read_many(records, *args)

    monkeypatch.setattr(Records, "read_many", fails_at_first)

    jobs.look_after()
    jobs.look_after()
    waiting = ProcrastinateJob.objects.filter(task_name="carillon.audit_consent", status="todo").order_by(
        "id"
    )
    first, second = (one.args["workspace_id"] for one in waiting)
    with pytest.raises(RuntimeError):
        jobs.audit_when_due(first)
    jobs.audit_when_due(second)
    jobs.audit_when_due(second)
    once = ConsentAudit.objects.filter(workspace=second).count()
    jobs.audit_when_due(second, asked=True)

    assert (once, ConsentAudit.objects.filter(workspace=second, repairs=True).count()) == (1, 2)
    assert {first, second} == {connected.pk, other.pk}
    failed, done, _ = ConsentAudit.objects.order_by("pk")
    assert "unexpected" in failed.error
    assert (done.workspace_id, done.compared, done.error) == (second, 1, "")
    assert not nightly.workspaces_due(now()).exists()
