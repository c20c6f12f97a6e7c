"""What imports changed of a person is kept with the update itself; first values and equal ones are no change."""

from dataclasses import replace

import pytest

from carillon.contacts.models import Contact, FieldChange
from carillon.imports import loader
from carillon.imports.actions import save_setup
from carillon.imports.drafts import AdditionalField, SetupDraft
from carillon.imports.models import ImportSetup, Mode, RunStatus
from orgsim.testing import OrgSim
from tests.integration.imports.conftest import org_ids, type_of_import

pytestmark = pytest.mark.django_db(transaction=True)


def changes_of(salesforce_id: str) -> dict[str, tuple[object, object]]:
    found = FieldChange.objects.filter(contact__salesforce_id=salesforce_id)
    return {change.field: (change.before, change.after) for change in found}


def test_first_values_are_no_change(import_now: type_of_import) -> None:
    import_now()

    assert not FieldChange.objects.exists()


def test_reading_everything_again_unchanged_writes_nothing(import_now: type_of_import) -> None:
    import_now()

    run = import_now(Mode.EVERYTHING)

    assert run.unchanged == run.received
    assert not FieldChange.objects.exists()


def test_an_update_keeps_each_field_before_and_after(org: OrgSim, import_now: type_of_import) -> None:
    import_now()
    person = min(org_ids(org, "MobilePhone IS NOT NULL AND Program__c IS NOT NULL"))
    before = Contact.objects.get(salesforce_id=person)
    org.edit(
        person,
        LastName='O\'Brien "Zoë" \\',
        MobilePhone="+44 7911 123456",
        Program__c=None,
        Graduation_Year__c=1999,
    )

    run = import_now()

    assert run.updated == 1
    assert changes_of(person) == {
        "last_name": (before.last_name, 'O\'Brien "Zoë" \\'),
        "mobile_number": (before.mobile_number, "+447911123456"),
        "mobile_as_given": (before.mobile_as_given, "+44 7911 123456"),
        "program": (before.fields["program"], None),
        "graduation_year": (before.fields["graduation_year"], 1999),
    }
    change = FieldChange.objects.latest("pk")
    assert (change.run, change.workspace) == (run.public_id, before.workspace)
    assert run.started_at is not None
    assert run.started_at < change.at < (run.finished_at or change.at)


def test_only_who_changed_has_a_line(org: OrgSim, import_now: type_of_import) -> None:
    import_now()
    person = max(org_ids(org))
    org.edit(person, LastName="Vandermeer")

    import_now(Mode.EVERYTHING)

    assert set(FieldChange.objects.values_list("contact__salesforce_id", "field")) == {(person, "last_name")}


def test_a_field_mapped_later_changes_nobody(
    org: OrgSim, setup: ImportSetup, draft: SetupDraft, import_now: type_of_import
) -> None:
    import_now()
    wider = replace(
        draft,
        additional_fields=(*draft.additional_fields, AdditionalField("Email", "email", "E-mail", "text")),
    )
    save_setup(setup=setup, draft=wider, by=None)

    run = import_now()

    assert run.updated > 600
    assert not FieldChange.objects.exists()
    person = min(org_ids(org, "Email IS NOT NULL"))
    before = Contact.objects.get(salesforce_id=person).fields["email"]
    org.edit(person, Email="new@campus.example")
    import_now()
    assert changes_of(person) == {"email": (before, "new@campus.example")}


def test_leaving_and_coming_back_are_changes(org: OrgSim, import_now: type_of_import) -> None:
    import_now()
    gone = min(org_ids(org))
    org.delete(gone)
    left = import_now()
    assert left.left_source == 1
    assert changes_of(gone) == {"in_source": (True, False), "record:absence": ("", "deleted")}

    org.undelete(gone)
    import_now()

    lines = FieldChange.objects.filter(contact__salesforce_id=gone).order_by("pk")
    assert list(lines.values_list("field", "before", "after")) == [
        ("in_source", True, False),
        ("record:absence", "", "deleted"),
        ("in_source", False, True),
        ("record:absence", "deleted", ""),
    ]


def test_a_batch_that_fails_leaves_no_change_behind(
    org: OrgSim, import_now: type_of_import, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_now()
    person = min(org_ids(org))
    org.edit(person, LastName="Never")
    monkeypatch.setattr(loader, "_UPDATE", "select 1/0")

    run = import_now()

    assert run.status == RunStatus.FAILED
    assert not FieldChange.objects.exists()
    assert Contact.objects.get(salesforce_id=person).last_name != "Never"
