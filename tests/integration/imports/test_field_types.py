"""A field of every Salesforce type, from an org over HTTP into the contact field that fits it; what a blank does, and
what may have gone stale."""

import csv
import io
import json
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from carillon.cli import contacts_work
from carillon.contacts.models import Contact, ContactField, FieldChange
from carillon.imports.actions import SetupInvalid, save_setup
from carillon.imports.drafts import AdditionalField, SetupDraft, draft_of
from carillon.imports.dry_run import Options, Trial, try_import
from carillon.imports.models import ImportRun, ImportSetup, Mode, RecordIssue, RunStatus
from carillon.lib.clock import now
from carillon.salesforce.transport import Retry
from orgsim.testing import OrgSim
from tests.integration.imports.conftest import org_ids, type_of_import

pytestmark = pytest.mark.django_db(transaction=True)

ZONE = ZoneInfo("America/New_York")


def mapping(salesforce: str, name: str, kind: str = "", blank: str = "clear") -> AdditionalField:
    return AdditionalField(salesforce, name, "", kind, blank)


def remap(setup: ImportSetup, *fields: AdditionalField, **changes: Any) -> None:
    save_setup(setup=setup, draft=replace(draft_of(setup), additional_fields=fields, **changes), by=None)


def retype(org: OrgSim, **types: str) -> None:
    """The org's admin gives fields of Contact another type, which touches no record."""

    def describe(path: str, body: bytes) -> bytes:
        if not path.endswith("/sobjects/Contact/describe"):
            return body
        said = json.loads(body)
        for field in said["fields"]:
            field["type"] = types.get(field["name"], field["type"])
        return json.dumps(said).encode()

    org.mangle(describe)


def noon(org: OrgSim, *, days: int = 1) -> None:
    """Sets the org's clock: tests of days must not depend on when they run."""
    at = datetime.combine(now().astimezone(ZONE).date() + timedelta(days=days), datetime.min.time(), ZONE)
    org.set_clock_offset((at + timedelta(hours=12) - now()).total_seconds())


def somebody(org: OrgSim) -> str:
    return min(org_ids(org, "MobilePhone IS NOT NULL AND AccountId IS NOT NULL AND Program__c IS NOT NULL"))


def fields_of(salesforce_id: str) -> dict[str, Any]:
    return dict(Contact.objects.get(salesforce_id=salesforce_id).fields)


def warnings(run: ImportRun) -> list[tuple[str, str, str]]:
    found = RecordIssue.objects.filter(run=run, salesforce_id="")
    return list(found.order_by("field").values_list("field", "value", "code"))


def test_every_type_goes_to_the_contact_field_that_fits(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import, capsys: pytest.CaptureFixture[str]
) -> None:
    retype(
        org,
        OtherLatitude="percent",
        OtherLongitude="currency",
        Department="time",
        AssistantName="combobox",
        Jigsaw="encryptedstring",
    )
    person = somebody(org)
    account = org.store.reader().execute("SELECT AccountId FROM Contact WHERE Id = ?", [person]).fetchone()[0]
    org.edit(account, Name="Lyceum", AnnualRevenue=123456789012345, NumberOfEmployees=12)
    org.edit(
        person,
        Title="Dean; of men",
        Description="First line\nSecond line",
        Email="ada@campus.example",
        Birthdate="2001-02-28",
        EmailBouncedDate="2026-05-01T07:25:37.000+0000",
        Program__c="MBA",
        Interests__c="Athletics;Housing",
        Graduation_Year__c=2027,
        OtherLatitude=12.5,
        OtherLongitude=0.1,
        Department="14:30:00.000Z",
        AssistantName="Maybe",
        Jigsaw="****1234",
        SMS_Opt_In__c=True,
        SMS_Opt_Out__c=False,
    )
    remap(
        setup,
        *(
            mapping(salesforce, name)
            for salesforce, name in (
                ("Title", "string_"),
                ("Description", "textarea"),
                ("Email", "email"),
                ("HomePhone", "phone"),
                ("PhotoUrl", "url"),
                ("Account.NumberOfEmployees", "int_"),
                ("Graduation_Year__c", "double"),
                ("OtherLongitude", "currency"),
                ("Account.AnnualRevenue", "revenue"),
                ("OtherLatitude", "percent"),
                ("Birthdate", "date"),
                ("EmailBouncedDate", "moment"),
                ("Department", "time"),
                ("SMS_Opt_In__c", "yes"),
                ("SMS_Opt_Out__c", "no"),
                ("Program__c", "picklist"),
                ("Interests__c", "several"),
                ("AssistantName", "combobox"),
                ("AccountId", "reference"),
                ("Jigsaw", "encrypted"),
                ("Institution__c", "formula"),
                ("Owner.Name", "owner"),
                ("Account.Owner.Email", "adviser"),
            )
        ),
        mapping("EmailBouncedDate", "day", "date"),
        mapping("Interests__c", "as_text", "text"),
        mapping("Title", "split", "choices"),
        user_identification="Owner.Email",
    )

    run = import_now()

    assert run.status == RunStatus.SUCCEEDED, run.error
    assert not RecordIssue.objects.filter(salesforce_id=person)
    found = fields_of(person)
    assert found.pop("owner")
    assert "@" in found.pop("adviser")
    assert found.pop("reference") == account
    assert {
        name: found[name] for name in found if name not in ("phone", "url", "program", "graduation_year")
    } == {
        "string_": "Dean; of men",
        "textarea": "First line\nSecond line",
        "email": "ada@campus.example",
        "int_": 12,
        "double": 2027,
        "currency": Decimal("0.1"),
        "revenue": 123456789012345,
        "percent": Decimal("12.5"),
        "date": "2001-02-28",
        "moment": "2026-05-01T07:25:37Z",
        "time": "14:30",
        "yes": True,
        "no": False,
        "picklist": "MBA",
        "several": ["Athletics", "Housing"],
        "combobox": "Maybe",
        "encrypted": "****1234",
        "formula": "Lyceum",
        "day": "2026-05-01",
        "as_text": "Athletics;Housing",
        "split": ["Dean", "of men"],
    }
    kinds = dict(ContactField.objects.values_list("name", "type"))
    assert (kinds["several"], kinds["percent"], kinds["picklist"]) == ("choices", "number", "choice")
    assert "@" in Contact.objects.get(salesforce_id=person).user_identification
    contacts_work.write("", "csv", person, everyone=True)
    (line,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (line["several"], line["currency"], line["yes"], line["moment"]) == (
        "Athletics;Housing",
        "0.1",
        "yes",
        "2026-05-01T07:25:37Z",
    )
    contacts_work.write("", "json", person, everyone=True)
    (shown,) = json.loads(capsys.readouterr().out, parse_float=Decimal)
    assert (shown["several"], shown["currency"]) == (["Athletics", "Housing"], Decimal("0.1"))


def test_reading_everything_again_changes_nothing_of_any_type(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    person = somebody(org)
    org.edit(
        person, Interests__c="Athletics;Housing", MailingLatitude=0.1, EmailBouncedDate="2026-05-01T07:25:37Z"
    )
    remap(
        setup,
        mapping("Interests__c", "several"),
        mapping("MailingLatitude", "latitude"),
        mapping("EmailBouncedDate", "bounced"),
        mapping("SMS_Opt_Out__c", "flag"),
    )
    import_now()

    run = import_now(Mode.EVERYTHING)

    assert (run.updated, run.unchanged) == (0, run.received)


def test_a_choice_taken_away_is_a_change(org: OrgSim, setup: ImportSetup, import_now: type_of_import) -> None:
    person = somebody(org)
    org.edit(person, Interests__c="Athletics;Housing")
    remap(setup, mapping("Interests__c", "several"))
    import_now()
    org.edit(person, Interests__c="Housing")

    run = import_now()

    assert run.updated == 1
    change = FieldChange.objects.get()
    assert (change.field, change.before, change.after) == ("several", ["Athletics", "Housing"], ["Housing"])


def test_a_value_that_does_not_fit_is_an_issue_and_the_contact_keeps_what_it_had(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    person, other = somebody(org), max(org_ids(org))
    org.edit(person, Title="12.50")
    org.edit(other, Title="soon")
    remap(setup, mapping("Title", "score", "number"), mapping("Program__c", "program", "choice"))
    first = import_now()
    org.edit(person, Title="a dozen", Program__c="MBA")

    run = import_now()

    assert fields_of(person) == {"score": Decimal("12.5"), "program": "MBA"}
    assert "score" not in fields_of(other)
    issue = RecordIssue.objects.get(run=run, salesforce_id=person)
    assert (issue.field, issue.value, issue.code) == ("Title", "a dozen", "not_a_number")
    assert issue.message == "This text is not a number; the field was left as it was."
    assert RecordIssue.objects.get(run=first, salesforce_id=other, code="not_a_number").value == "soon"


@pytest.mark.parametrize(("blank", "kept"), [("keep", True), ("clear", False)])
def test_a_blank_clears_the_field_or_keeps_what_is_stored(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import, blank: str, kept: bool
) -> None:
    person = somebody(org)
    org.edit(person, Program__c="MBA", Title="Dean")
    remap(setup, mapping("Program__c", "program", "choice", blank), mapping("Title", "title"))
    import_now()
    org.edit(person, Program__c=None, Title=None, LastName="Changed")
    setup.refresh_from_db()
    quick = Options(retry=Retry(budget_seconds=20, read_timeout=20))

    tried = try_import(Trial(setup, draft_of(setup), "", Mode.CHANGES), quick)
    run = import_now()

    assert (tried.blanked["program"], tried.blanked["title"]) == (0 if kept else 1, 1)
    assert run.updated == 1
    assert fields_of(person) == {"program": "MBA" if kept else None, "title": None}
    changed = set(FieldChange.objects.values_list("field", flat=True))
    assert changed == {"last_name", "title"} | (set() if kept else {"program"})


def test_another_rule_for_blanks_makes_the_next_import_read_everything(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    person = somebody(org)
    org.edit(person, Program__c="MBA")
    remap(setup, mapping("Program__c", "program", "choice", "keep"))
    import_now()
    org.edit(person, Program__c=None)
    assert import_now().mode == Mode.CHANGES
    remap(setup, mapping("Program__c", "program", "choice", "clear"))

    run = import_now()

    assert run.mode == Mode.EVERYTHING
    assert fields_of(person)["program"] is None


def test_a_blank_user_identification_takes_the_assignment_away(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    person = somebody(org)
    org.edit(person, Department="  advising ")
    remap(setup, user_identification="Department")
    import_now()
    assert Contact.objects.get(salesforce_id=person).user_identification == "advising"
    org.edit(person, Department=None)

    import_now()

    assert Contact.objects.get(salesforce_id=person).user_identification == ""
    assert FieldChange.objects.filter(field="user_identification", before="advising", after="").count() == 1


@pytest.mark.parametrize("field", ["Account.Name", "Institution__c"])
def test_what_may_go_stale_is_read_in_full_by_the_first_import_of_a_day(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import, field: str
) -> None:
    noon(org)
    person = somebody(org)
    account = org.store.reader().execute("SELECT AccountId FROM Contact WHERE Id = ?", [person]).fetchone()[0]
    remap(setup, mapping(field, "school"))
    import_now()
    org.edit(account, Name="Lyceum")

    same_day = import_now()
    stale = fields_of(person)["school"]
    noon(org, days=2)
    next_day = import_now()
    again = import_now()

    assert (same_day.mode, same_day.mode_reason) == (Mode.CHANGES, "")
    assert stale != "Lyceum"
    assert (next_day.mode, again.mode) == (Mode.EVERYTHING, Mode.CHANGES)
    assert next_day.mode_reason.startswith("Everything is read, as once a day (America/New_York): ")
    assert field in next_day.mode_reason
    assert fields_of(person)["school"] == "Lyceum"


def test_a_full_read_that_fails_does_not_count_as_the_day_s(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    noon(org)
    remap(setup, mapping("Owner.Name", "owner"))
    import_now()
    noon(org, days=2)
    org.fail_next(503, times=50, path_contains="/query")

    failed = import_now(seconds=0.3)
    org.clear_faults()
    after = import_now()

    assert (failed.status, failed.mode) == (RunStatus.FAILED, Mode.EVERYTHING)
    assert (after.status, after.mode) == (RunStatus.SUCCEEDED, Mode.EVERYTHING)


def test_without_fields_that_go_stale_a_new_day_reads_changes(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    noon(org)
    import_now()
    noon(org, days=2)

    assert import_now().mode == Mode.CHANGES


def test_a_type_that_still_fits_is_followed(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    person = somebody(org)
    org.edit(person, Title="2027")
    remap(setup, mapping("Title", "title", "text"))
    import_now()
    retype(org, Title="picklist")

    run = import_now()

    assert (run.status, run.mode) == (RunStatus.SUCCEEDED, Mode.EVERYTHING)
    assert warnings(run) == []
    assert fields_of(person)["title"] == "2027"


def test_a_type_that_no_longer_fits_is_said_and_what_is_stored_stays(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    person = somebody(org)
    org.edit(person, Program__c="MBA", Title="Dean")
    remap(
        setup,
        mapping("Program__c", "program", "choice"),
        mapping("Program__c", "words", "text"),
        mapping("Title", "title"),
    )
    import_now()
    retype(org, Program__c="date", Title="location")
    org.edit(person, LastName="Changed")

    run = import_now()

    assert run.status == RunStatus.SUCCEEDED, run.error
    assert warnings(run) == [
        ("Program__c", "date", "type_no_longer_fits"),
        ("Title", "location", "type_no_longer_fits"),
    ]
    message = RecordIssue.objects.get(run=run, field="Program__c", salesforce_id="").message
    assert "the contact field Program (Choice) can't hold" in message
    stored = fields_of(person)
    assert (stored["program"], stored["title"]) == ("MBA", "Dean")
    assert Contact.objects.get(salesforce_id=person).last_name == "Changed"


def test_a_required_field_that_has_no_single_value_any_more_stops_the_import(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    import_now()
    retype(org, LastName="address")

    run = import_now()

    assert run.status == RunStatus.FAILED
    assert run.error.startswith(
        "The field LastName of Contact was changed in Salesforce and can't be imported"
    )
    assert run.remedy


def test_user_identification_that_has_no_single_value_any_more_keeps_assignments(
    org: OrgSim, setup: ImportSetup, import_now: type_of_import
) -> None:
    import_now()
    before = set(Contact.objects.values_list("salesforce_id", "user_identification"))
    retype(org, OwnerId="complexvalue")

    run = import_now()

    assert warnings(run) == [("OwnerId", "complexvalue", "type_no_longer_fits")]
    assert set(Contact.objects.values_list("salesforce_id", "user_identification")) == before


def test_a_compound_field_is_refused_with_its_reason(setup: ImportSetup, draft: SetupDraft) -> None:
    with pytest.raises(SetupInvalid) as invalid:
        remap(setup, mapping("MailingAddress", "address"))

    assert "an address has several parts" in invalid.value.errors["additional_fields.0.salesforce"]
