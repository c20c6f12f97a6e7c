"""So many leave at once that an admin looks first."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction
from pytest_django.fixtures import Settings

from carillon.accounts.actions import add_member
from carillon.accounts.models import AuditEntry
from carillon.contacts.models import Contact, FieldChange
from carillon.imports import alerts, held, jobs, queries
from carillon.imports.actions import save_setup
from carillon.imports.drafts import SetupDraft, draft_of
from carillon.imports.dry_run import Trial, try_import
from carillon.imports.erasing import erase
from carillon.imports.held import NothingHeld
from carillon.imports.leaving import HELD_ABOVE_PEOPLE, is_held
from carillon.imports.lock import setup_lock
from carillon.imports.models import (
    HeldIds,
    HeldLeavers,
    ImportAlert,
    ImportRun,
    ImportSetup,
    Mode,
    RunStatus,
)
from carillon.lib.errors import CarillonError
from orgsim.testing import OrgSim
from tests.integration.imports.conftest import org_ids, stored_ids, type_of_import

pytestmark = pytest.mark.django_db(transaction=True)

type_of_shrinking = Callable[[int], set[str]]


@pytest.fixture
def shrink(org: OrgSim, setup: ImportSetup, draft: SetupDraft) -> type_of_shrinking:
    """Lets so many of those in the list leave it, unmodified. The list holds people with a number."""
    save_setup(setup=setup, draft=replace(draft, source="TextingContacts"), by=None)

    def leave(people: int) -> set[str]:
        ids = sorted(stored_ids(in_source=True) & org_ids(org, "MobilePhone IS NOT NULL"))[:people]
        with org.store.writing() as store:
            store.executemany("UPDATE Contact SET MobilePhone = NULL WHERE Id = ?", [[one] for one in ids])
        return set(ids)

    return leave


def bring_back(org: OrgSim, ids: set[str]) -> None:
    with org.store.writing() as store:
        store.executemany(
            "UPDATE Contact SET MobilePhone = '(617) 555-0123' WHERE Id = ?", [[one] for one in ids]
        )


def a_fifth_and_one() -> int:
    people = Contact.objects.filter(in_source=True).count() // 5 + 1
    assert people > HELD_ABOVE_PEOPLE + 1
    return people


def test_many_leavers_are_held_and_everything_else_is_stored(
    org: OrgSim, setup: ImportSetup, shrink: type_of_shrinking, import_now: type_of_import
) -> None:
    import_now()
    stored = Contact.objects.filter(in_source=True).count()
    leaving = shrink(a_fifth_and_one())
    changed = max(stored_ids() - leaving)
    org.edit(changed, LastName="Changed")

    run = import_now()

    assert (run.status, run.left_source, run.updated) == (RunStatus.SUCCEEDED, 0, 1)
    assert leaving <= stored_ids(in_source=True)
    found = HeldLeavers.objects.get(setup=setup)
    assert (found.status, found.run, found.people) == ("open", run, len(leaving))
    assert set(HeldIds.objects.get().ids) == leaving
    assert f"{len(leaving):,} of the {stored:,} people" in found.reason
    assert "still in Salesforce" in found.reason
    assert queries.run_as_json(run)["held"] == [
        {"kind": "leavers", "count": len(leaving), "reason": found.reason}
    ]


def test_a_fifth_is_not_held(shrink: type_of_shrinking, import_now: type_of_import) -> None:
    import_now()
    leaving = shrink(a_fifth_and_one() - 1)

    run = import_now()

    assert run.left_source == len(leaving)
    assert not HeldLeavers.objects.exists()


def test_merged_people_are_followed_though_the_rest_is_held(
    org: OrgSim, shrink: type_of_shrinking, import_now: type_of_import
) -> None:
    import_now()
    leaving = shrink(a_fifth_and_one())
    loser, master, *_ = sorted(stored_ids() - leaving)
    org.merge(master, (loser,))

    run = import_now()

    assert run.merged == 1
    assert loser not in stored_ids()
    assert HeldLeavers.objects.get().people == len(leaving)


def test_applying_takes_them_off_with_what_was_found(
    org: OrgSim, setup: ImportSetup, shrink: type_of_shrinking, import_now: type_of_import
) -> None:
    import_now()
    leaving = shrink(a_fifth_and_one())
    deleted = min(leaving)
    org.delete(deleted)
    run = import_now()
    found = HeldLeavers.objects.get()

    assert held.apply(held=found, by=None) == len(leaving)

    assert stored_ids(in_source=False) == leaving
    assert stored_ids(absence="deleted") == {deleted}
    assert FieldChange.objects.filter(run=run.public_id, field="in_source").count() == len(leaving)
    assert HeldLeavers.objects.get().status == "applied"
    assert not HeldIds.objects.exists()
    run.refresh_from_db()
    assert (run.left_source, run.deleted) == (len(leaving), 1)
    entry = AuditEntry.objects.get(action="held people applied")
    assert entry.detail["people"] == len(leaving)
    assert import_now().left_source == 0


def test_dropped_people_stay_and_are_not_held_again(
    org: OrgSim, shrink: type_of_shrinking, import_now: type_of_import
) -> None:
    import_now()
    leaving = shrink(a_fifth_and_one())
    import_now()
    held.drop(held=HeldLeavers.objects.get(), by=None)

    quiet = import_now()
    few = shrink(3)
    run = import_now()

    assert (quiet.left_source, quiet.held) == (0, [])
    assert (run.left_source, run.held) == (3, [])
    assert leaving <= stored_ids(in_source=True)
    assert stored_ids(in_source=False) == few
    assert HeldLeavers.objects.get().status == "dropped"


def test_who_was_dropped_and_came_back_may_leave_again(
    org: OrgSim, shrink: type_of_shrinking, import_now: type_of_import
) -> None:
    import_now()
    leaving = shrink(a_fifth_and_one())
    import_now()
    held.drop(held=HeldLeavers.objects.get(), by=None)
    back = {min(leaving)}
    bring_back(org, back)
    import_now()
    with org.store.writing() as store:
        store.executemany("UPDATE Contact SET MobilePhone = NULL WHERE Id = ?", [[one] for one in back])

    run = import_now()

    assert run.left_source == 1
    assert stored_ids(in_source=False) == back


@pytest.mark.parametrize("dropped", [True, False])
def test_what_changed_of_somebody_outside_the_list_is_read_when_they_are_back(
    org: OrgSim, shrink: type_of_shrinking, import_now: type_of_import, *, dropped: bool
) -> None:
    import_now()
    back = min(shrink(a_fifth_and_one()))
    import_now()
    if dropped:
        held.drop(held=HeldLeavers.objects.get(), by=None)
    with org.store.writing() as store:
        store.execute("UPDATE Contact SET LastName = 'Wed-Meanwhile' WHERE Id = ?", [back])
    import_now()
    bring_back(org, {back})

    run = import_now()

    assert run.status == RunStatus.SUCCEEDED, run.error
    assert Contact.objects.get(salesforce_id=back).last_name == "Wed-Meanwhile"


def test_a_run_is_kept_as_long_as_its_people_are_not_settled(
    setup: ImportSetup, shrink: type_of_shrinking, import_now: type_of_import
) -> None:
    import_now()
    shrink(a_fifth_and_one())
    found_by = import_now()
    held.drop(held=HeldLeavers.objects.get(), by=None)
    import_now()
    ImportRun.objects.update(finished_at=setup.updated_at - timedelta(days=10_000))

    jobs.delete_what_is_old(setup.workspace)

    assert ImportRun.objects.filter(pk=found_by.pk).exists()
    assert HeldLeavers.objects.get().status == "dropped"
    assert ImportRun.objects.count() == 2


def test_a_dropped_set_is_over_when_all_are_back(
    org: OrgSim, shrink: type_of_shrinking, import_now: type_of_import
) -> None:
    import_now()
    leaving = shrink(a_fifth_and_one())
    import_now()
    held.drop(held=HeldLeavers.objects.get(), by=None)
    bring_back(org, leaving)

    import_now()

    assert HeldLeavers.objects.get().status == "over"
    assert not HeldIds.objects.exists()


def test_beyond_the_limits_anew_all_of_them_are_held(
    shrink: type_of_shrinking, import_now: type_of_import
) -> None:
    import_now()
    first = shrink(a_fifth_and_one())
    import_now()
    held.drop(held=HeldLeavers.objects.get(), by=None)
    second = shrink(a_fifth_and_one())

    run = import_now()

    now_open = HeldLeavers.objects.get(status="open")
    assert now_open.people == len(first | second)
    assert run.held[0]["count"] == len(first | second)
    assert HeldLeavers.objects.exclude(pk=now_open.pk).get().status == "over"


def test_whom_an_admin_keeps_leaves_when_the_record_is_deleted(
    org: OrgSim, shrink: type_of_shrinking, import_now: type_of_import
) -> None:
    import_now()
    leaving = shrink(a_fifth_and_one())
    import_now()
    held.drop(held=HeldLeavers.objects.get(), by=None)
    deleted = min(leaving)
    org.delete(deleted)

    import_now()

    assert stored_ids(in_source=False) == {deleted} == stored_ids(absence="deleted")


def test_a_newer_import_replaces_what_is_open(
    org: OrgSim, setup: ImportSetup, shrink: type_of_shrinking, import_now: type_of_import
) -> None:
    import_now()
    leaving = shrink(a_fifth_and_one())
    first = import_now()
    second = import_now()
    assert [one.status for one in HeldLeavers.objects.order_by("pk")] == ["over", "open"]
    bring_back(org, leaving)

    import_now()

    assert set(HeldLeavers.objects.values_list("run", "status")) == {(first.pk, "over"), (second.pk, "over")}
    with pytest.raises(NothingHeld):
        held.apply(held=HeldLeavers.objects.earliest("pk"), by=None)
    assert stored_ids(in_source=False) == set()


def test_nothing_is_decided_while_an_import_runs(
    setup: ImportSetup, shrink: type_of_shrinking, import_now: type_of_import
) -> None:
    import_now()
    shrink(a_fifth_and_one())
    import_now()

    with setup_lock(setup.pk), pytest.raises(CarillonError, match="running"):
        held.apply(held=HeldLeavers.objects.get(), by=None)

    assert HeldLeavers.objects.get().status == "open"


def test_erasing_somebody_takes_them_out_of_what_is_held(
    setup: ImportSetup, shrink: type_of_shrinking, import_now: type_of_import
) -> None:
    import_now()
    person = min(shrink(a_fifth_and_one()))
    import_now()

    erase(workspace=setup.workspace, salesforce_id=person, by=None)

    assert person not in HeldIds.objects.get().ids
    held.apply(held=HeldLeavers.objects.get(), by=None)
    assert person not in stored_ids()


def test_admins_are_mailed_once_and_once_more_when_it_is_over(
    org: OrgSim,
    setup: ImportSetup,
    shrink: type_of_shrinking,
    import_now: type_of_import,
    alice_gets_mail: None,
) -> None:
    import_now()
    leaving = shrink(a_fifth_and_one())
    import_now()
    alerts.send_mails()
    import_now()
    alerts.send_mails()
    assert [one.subject for one in mail.outbox] == [
        "Admissions: The import of Contacts found many who left and holds them"
    ]
    bring_back(org, leaving)

    import_now()
    alerts.send_mails()

    assert mail.outbox[-1].subject == "Admissions: The import of Contacts holds nobody any more"
    assert not ImportAlert.objects.filter(over_at__isnull=True).exists()


def test_a_decision_ends_the_alert_without_a_mail(
    shrink: type_of_shrinking, import_now: type_of_import, alice_gets_mail: None
) -> None:
    import_now()
    shrink(a_fifth_and_one())
    import_now()
    alerts.send_mails()

    held.drop(held=HeldLeavers.objects.get(), by=None)
    alerts.send_mails()

    assert len(mail.outbox) == 1
    assert not ImportAlert.objects.filter(over_at__isnull=True).exists()


def test_a_run_that_failed_after_storing_newcomers_hides_nothing(
    org: OrgSim, setup: ImportSetup, shrink: type_of_shrinking, import_now: type_of_import
) -> None:
    """The share is of those who were stored before any of it."""
    import_now()
    stored = Contact.objects.filter(in_source=True).count()
    leaving = shrink(a_fifth_and_one())
    ImportRun.objects.create(
        workspace=setup.workspace, setup=setup, object="Contact", mode=Mode.CHANGES, status=RunStatus.INCOMPLETE,
        stored_before=stored, error="It stopped.", finished_at=setup.updated_at,
    )  # fmt: skip
    bring_back(org, org_ids(org, "MobilePhone IS NULL") - leaving)

    run = import_now()

    assert run.stored_before == stored
    assert run.held[0]["count"] == len(leaving)


def test_a_dry_run_says_what_would_be_held(
    setup: ImportSetup, shrink: type_of_shrinking, import_now: type_of_import
) -> None:
    import_now()
    leaving = shrink(a_fifth_and_one())
    setup.refresh_from_db()

    found = try_import(Trial(setup, draft_of(setup), setup.source_label, Mode.CHANGES))

    assert found.left_source == len(leaving)
    assert f"{len(leaving):,} of the" in found.held_reason


def test_a_dry_run_counts_the_share_of_those_an_import_would_count(
    org: OrgSim, setup: ImportSetup, shrink: type_of_shrinking, import_now: type_of_import
) -> None:
    """Here an import stopped after storing newcomers, who are none of those who were stored before."""
    import_now()
    stored = Contact.objects.filter(in_source=True).count()
    many = a_fifth_and_one()
    bring_back(org, org_ids(org, "MobilePhone IS NULL"))
    stopped = import_now()
    assert not is_held(many, Contact.objects.filter(in_source=True).count())
    ImportRun.objects.filter(pk=stopped.pk).update(status=RunStatus.INCOMPLETE, error="It stopped.")
    shrink(many)
    setup.refresh_from_db()

    found = try_import(Trial(setup, draft_of(setup), setup.source_label, Mode.CHANGES))
    run = import_now()

    assert run.stored_before == stored
    assert f"{many:,} of the {stored:,} people" in run.held[0]["reason"]
    assert f"{many:,} of the {stored:,} people" in found.held_reason


def test_the_database_keeps_one_set_in_force(setup: ImportSetup) -> None:
    first, second = (
        ImportRun.objects.create(
            workspace=setup.workspace, setup=setup, object="Contact", mode=Mode.CHANGES,
            status=RunStatus.SUCCEEDED, finished_at=setup.updated_at,
        )
        for _ in range(2)
    )  # fmt: skip
    HeldLeavers.objects.create(setup=setup, run=first, people=1, reason="Many left.")

    with pytest.raises(IntegrityError), transaction.atomic():
        HeldLeavers.objects.create(setup=setup, run=second, people=1, reason="Many left.")
    with pytest.raises(IntegrityError), transaction.atomic():
        HeldLeavers.objects.update(status="applied")
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from imports_heldleavers")
        assert cursor.fetchone() == (1,)


@pytest.fixture
def alice_gets_mail(setup: ImportSetup, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    add_member(workspace=setup.workspace, email="alice@campus.example", role="admin", user_id="", by=None)
