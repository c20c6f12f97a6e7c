"""Once a day the sweep compares stamps too: what slipped past every *changes* run is read again, and only that."""

from datetime import UTC, datetime, timedelta

import pytest

from carillon.contacts.models import Contact
from carillon.imports import bulk_reads
from carillon.imports.drafts import draft_of
from carillon.imports.dry_run import Findings, Options, Trial, try_import
from carillon.imports.models import ImportSetup, Mode, RunStatus
from carillon.salesforce.bulk import routes
from carillon.salesforce.bulk.resource import Polling
from carillon.salesforce.transport import Retry
from orgsim.testing import OrgSim
from tests.integration.imports.conftest import org_ids, stored_ids, type_of_import

pytestmark = [pytest.mark.large_org, pytest.mark.django_db(transaction=True)]

ROUTES = pytest.mark.parametrize("threshold", [16_000, 1_000], ids=["pages", "job"])


@pytest.fixture
def swept_ways(monkeypatch: pytest.MonkeyPatch, threshold: int) -> None:
    monkeypatch.setattr(routes, "THRESHOLD", threshold)
    monkeypatch.setattr(bulk_reads, "POLLING", Polling(0.4, 0.4))


def a_day_later(setup: ImportSetup) -> None:
    """The last sweep with stamps was yesterday."""
    setup.refresh_from_db()
    assert setup.stamps_swept_at is not None
    ImportSetup.objects.filter(pk=setup.pk).update(stamps_swept_at=setup.stamps_swept_at - timedelta(days=1))


def slip_past(org: OrgSim, person: str, name: str, stamp: str = "2020-01-01T00:00:00.000+0000") -> None:
    """An edit whose stamp no *changes* run asks for."""
    with org.store.writing() as connection:
        connection.execute(
            "UPDATE Contact SET LastName = ?, SystemModstamp = ? WHERE Id = ?", [name, stamp, person]
        )


def last_name(person: str) -> str:
    return Contact.objects.get(salesforce_id=person).last_name


@ROUTES
@pytest.mark.usefixtures("swept_ways")
def test_a_record_whose_stamp_differs_is_read_again_once_a_day(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    import_now()
    older, newer, *_ = sorted(org_ids(org))
    slip_past(org, older, "Older")
    Contact.objects.filter(salesforce_id=newer).update(
        system_modstamp=datetime(2019, 1, 1, tzinfo=UTC), last_name="Wrong"
    )
    right = org.store.reader().execute("SELECT LastName FROM Contact WHERE Id = ?", [newer]).fetchone()[0]

    same_day = import_now()
    a_day_later(setup)
    next_day = import_now()
    again = import_now()

    assert (same_day.received, next_day.received, again.received) == (0, 2, 0)
    assert next_day.status == RunStatus.SUCCEEDED, next_day.error
    assert next_day.updated == 2
    assert (last_name(older), last_name(newer)) == ("Older", right.strip())
    assert next_day.org_count == len(org_ids(org))


@ROUTES
@pytest.mark.usefixtures("swept_ways")
def test_a_day_without_differences_reads_nobody_again(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    import_now()
    plain = import_now()
    a_day_later(setup)

    run = import_now()

    setup.refresh_from_db()
    assert (run.mode, run.received, run.left_source) == (Mode.CHANGES, 0, 0)
    assert run.api_calls == plain.api_calls
    assert setup.stamps_swept_at == run.org_clock


def test_an_import_of_everything_counts_as_the_days_sweep(
    setup: ImportSetup, import_now: type_of_import
) -> None:
    run = import_now()

    setup.refresh_from_db()
    assert run.mode == Mode.EVERYTHING
    assert setup.stamps_swept_at == run.org_clock


def test_a_run_that_fails_leaves_the_days_sweep_to_the_next(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    import_now()
    slipped = min(org_ids(org))
    slip_past(org, slipped, "Slipped")
    a_day_later(setup)
    org.fail_next(503, times=10_000, path_contains="SystemModstamp+FROM")
    failed = import_now(seconds=2)
    org.clear_faults()

    run = import_now()

    assert (failed.status, run.status) == (RunStatus.FAILED, RunStatus.SUCCEEDED)
    assert last_name(slipped) == "Slipped"


def test_who_is_edited_between_the_sweep_and_the_reading_is_not_missing(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    """The stamp that comes with the record is then neither the stored nor the swept one."""
    import_now()
    person = min(org_ids(org))
    slip_past(org, person, "First")
    a_day_later(setup)
    edited: list[str] = []

    def edit(path: str, body: bytes) -> bytes:
        if "SystemModstamp+FROM" in path and not edited:
            edited.append(path)
            org.edit(person, LastName="Second")
        return body

    org.mangle(edit)

    run = import_now()

    assert edited
    assert run.status == RunStatus.SUCCEEDED, run.error
    assert last_name(person) == "Second"


def test_a_difference_that_left_meanwhile_is_a_leaver(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    import_now()
    person = min(org_ids(org))
    slip_past(org, person, "Gone")
    a_day_later(setup)
    deleted: list[str] = []

    def delete(path: str, body: bytes) -> bytes:
        if "SystemModstamp+FROM" in path and not deleted:
            deleted.append(path)
            org.delete(person)
        return body

    org.mangle(delete)

    run = import_now()

    assert deleted
    assert run.status == RunStatus.SUCCEEDED, run.error
    assert run.left_source == 1
    assert person not in stored_ids(in_source=True)


def test_a_dry_run_sees_the_same_differences_and_keeps_the_sweep_due(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    import_now()
    slip_past(org, min(org_ids(org)), "Slipped")

    def dry_run() -> Findings:
        setup.refresh_from_db()
        retry = Retry(budget_seconds=20, read_timeout=20, first_wait=0.05, longest_wait=0.5)
        return try_import(
            Trial(setup, draft_of(setup), setup.source_label, Mode.CHANGES), Options(retry=retry)
        )

    same_day = dry_run()
    a_day_later(setup)
    found = dry_run()
    run = import_now()

    assert same_day.received == 0
    assert (found.received, found.updated) == (run.received, run.updated) == (1, 1)
