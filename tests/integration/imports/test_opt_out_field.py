"""What imports read about texting consent: at first sight, later, stale, by whom, through every way of reading."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import connection

from carillon.accounts.actions import add_member
from carillon.accounts.models import Member, Role, Workspace
from carillon.connections.clients import client_for, connection_for, sign_in
from carillon.consent import actions as consent
from carillon.consent import queries
from carillon.consent.importing import apply_staged
from carillon.consent.keywords import Meaning
from carillon.consent.models import ConsentConflict, ConsentEvent, ConsentPush, OptOutMapping, StagedFlip
from carillon.consent.reading import FieldKind, OptOutField
from carillon.contacts.models import Contact, RecogniserKey
from carillon.imports import bulk_reads, held_opt_ins, jobs, runs
from carillon.imports.actions import save_setup, setup_for
from carillon.imports.checking import SetupInvalid, check_setup
from carillon.imports.drafts import NO_OPT_OUT, SetupDraft, draft_of
from carillon.imports.dry_run import Findings, Trial, try_import
from carillon.imports.dry_run import Options as Trying
from carillon.imports.erasing import erase
from carillon.imports.models import HeldOptIns, ImportAlert, ImportRun, Mode, RecordIssue, RunStatus
from carillon.imports.runner import Options, execute
from carillon.imports.runs import Request
from carillon.imports.tally import Flip
from carillon.salesforce.bulk import routes
from carillon.salesforce.bulk.resource import Polling
from carillon.salesforce.transport import Retry
from orgsim.testing import OrgSim
from tests.integration.imports.conftest import connected_setup, org_ids
from tests.integration.imports.test_report_source import ALONE, BY_IDS

pytestmark = pytest.mark.django_db(transaction=True)

OUT_BOX = OptOutField("SMS_Opt_Out__c")
IN_BOX = OptOutField("SMS_Opt_In__c", unchecked_means_opted_in=False)
PICKLIST = OptOutField(
    "Texting_Preference__c", FieldKind.PICKLIST, opted_in_value="Yes", opted_out_value="No"
)
EMPTY_IS_IN = replace(PICKLIST, empty_means_opted_in=True)

LISTED = SetupDraft(
    source="AllContacts",
    first_name="Preferred_Name__c",
    first_name_fallback="FirstName",
    last_name="LastName",
    mobile_number="MobilePhone",
)
WAYS = {"pages": LISTED, "bulk": LISTED, "by ids": BY_IDS, "report only": ALONE}
type_of_imports = Callable[..., ImportRun]


@pytest.fixture(scope="session")
def org_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Few people: what is tested is what becomes of each."""
    file = tmp_path_factory.mktemp("org") / "org.db"
    with OrgSim(file, contacts=400, leads=20, seed=1):
        pass
    return file


@pytest.fixture(params=list(WAYS))
def draft(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> SetupDraft:
    """Each way of reading the same people."""
    if request.param == "bulk":
        monkeypatch.setattr(routes, "THRESHOLD", 1)
        monkeypatch.setattr(bulk_reads, "POLLING", Polling(0.2, 0.2))
    return WAYS[request.param]


@pytest.fixture
def imports(workspace: Workspace, org: OrgSim, draft: SetupDraft) -> type_of_imports:
    return importing(workspace, org, draft)


@pytest.fixture
def by_pages(workspace: Workspace, org: OrgSim) -> type_of_imports:
    return importing(workspace, org, LISTED)


def importing(workspace: Workspace, org: OrgSim, draft: SetupDraft) -> type_of_imports:
    """Imports, after the opt-out field was mapped so where one is given."""
    setup = connected_setup(workspace, org, draft)

    def run(mapped: OptOutField | None = None, mode: Mode = Mode.CHANGES) -> ImportRun:
        if mapped is not None:
            save_setup(setup=setup, draft=replace(draft_of(setup), opt_out=mapped), by=None)
        return execute(Request(setup, mode), Options(retry=Retry(budget_seconds=10, read_timeout=20)))

    return run


def succeeded(run: ImportRun) -> ImportRun:
    assert run.status == RunStatus.SUCCEEDED, run.error
    return run


def textable(org: OrgSim, condition: str) -> set[str]:
    """Valid numbers of the org's people for whom the condition holds."""
    numbers = Contact.objects.filter(salesforce_id__in=org_ids(org, condition)).exclude(mobile_number="")
    return set(numbers.values_list("mobile_number", flat=True))


def opted_out(workspace: Workspace) -> set[str]:
    numbers = set(Contact.objects.exclude(mobile_number="").values_list("mobile_number", flat=True))
    found = queries.standings(workspace, sorted(numbers))
    return {number for number, standing in found.items() if standing.status == "opted_out"}


def somebody(org: OrgSim, condition: str) -> Contact:
    """One whose number is nobody else's."""
    for contact in Contact.objects.filter(salesforce_id__in=org_ids(org, condition)).order_by(
        "salesforce_id"
    ):
        if contact.mobile_number and Contact.objects.filter(mobile_number=contact.mobile_number).count() == 1:
            return contact
    raise AssertionError(condition)


def status(contact: Contact) -> str:
    found = queries.standings(contact.workspace, [contact.mobile_number])
    return found[contact.mobile_number].status.value


def pushed(contact: Contact) -> list[str]:
    found = ConsentPush.objects.filter(salesforce_id=contact.salesforce_id).order_by("pk")
    return [push.wanted for push in found]


@pytest.mark.parametrize(
    ("mapped", "out"),
    [
        (OUT_BOX, "SMS_Opt_Out__c = 1"),
        (IN_BOX, "SMS_Opt_In__c = 0"),
        (PICKLIST, "Texting_Preference__c IS NOT 'Yes'"),
        (EMPTY_IS_IN, "Texting_Preference__c <> 'Yes'"),
    ],
    ids=["opt-out box", "opt-in box", "picklist", "picklist, empty is in"],
)
def test_first_sight_takes_the_value_of_the_record(
    org: OrgSim,
    workspace: Workspace,
    draft: SetupDraft,
    imports: type_of_imports,
    mapped: OptOutField,
    out: str,
) -> None:
    if mapped is IN_BOX and draft is ALONE:
        pytest.skip("this report has no column with the field")

    run = succeeded(imports(mapped))

    expected = textable(org, out)
    assert expected
    assert opted_out(workspace) == expected
    assert run.opted_out == len(expected)
    assert run.opted_in == 0


def test_without_an_opt_out_field_everybody_is_opted_in(
    workspace: Workspace, imports: type_of_imports
) -> None:
    succeeded(imports())

    assert opted_out(workspace) == set()
    assert not ConsentEvent.objects.exists()


def test_a_value_that_is_neither_is_an_issue_of_its_record(org: OrgSim, imports: type_of_imports) -> None:
    run = succeeded(imports(PICKLIST))

    issues = RecordIssue.objects.filter(run=run, code="opt_out_unclear")
    unsure = org_ids(org, "Texting_Preference__c = 'Unsure'")
    assert unsure
    assert {issue.salesforce_id for issue in issues} == unsure
    assert {issue.value for issue in issues} == {"Unsure"}


def test_a_person_who_changes_the_record_later_speaks(
    org: OrgSim, workspace: Workspace, draft: SetupDraft, imports: type_of_imports
) -> None:
    succeeded(imports(OUT_BOX))
    inside, outside = somebody(org, "SMS_Opt_Out__c = 0"), somebody(org, "SMS_Opt_Out__c = 1")
    org.edit(inside.salesforce_id, SMS_Opt_Out__c=True)
    org.edit(outside.salesforce_id, SMS_Opt_Out__c=False)
    touch(org, inside, outside)

    run = succeeded(imports())

    assert (status(inside), status(outside)) == ("opted_out", "opted_in")
    assert (run.opted_out, run.opted_in) == (1, 1)
    assert pushed(inside) == pushed(outside) == []
    assert not StagedFlip.objects.exists()


def touch(org: OrgSim, *contacts: Contact) -> None:
    """The formula of the report that shows when a record changed knows minutes only."""
    with org.store.writing() as store:
        for number, contact in enumerate(contacts):
            moment = f"2030-01-01T00:0{number}:00.000+0000"
            store.execute(
                "UPDATE Contact SET SystemModstamp = ?, LastModifiedDate = ? WHERE Id = ?",
                [moment, moment, contact.salesforce_id],
            )


def test_what_our_own_user_wrote_opts_nobody_in(
    org: OrgSim, workspace: Workspace, imports: type_of_imports
) -> None:
    succeeded(imports(OUT_BOX))
    outside = somebody(org, "SMS_Opt_Out__c = 1")
    known = connection_for(workspace.pk)
    with client_for(known) as client:
        sign_in(client, known)
        client.records.update("Contact", outside.salesforce_id, {"SMS_Opt_Out__c": False})
    touch(org, outside)

    run = succeeded(imports())

    assert status(outside) == "opted_out"
    assert run.opted_in == 0


def test_a_stop_is_kept_against_a_page_that_was_read_before_it(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    succeeded(by_pages(OUT_BOX))
    person = somebody(org, "SMS_Opt_Out__c = 0")
    stop(person)

    succeeded(by_pages(mode=Mode.EVERYTHING))

    assert status(person) == "opted_out"
    assert pushed(person) == ["opted_out"]
    assert not ConsentConflict.objects.exists()


def stop(person: Contact) -> None:
    consent.text_received(
        workspace=person.workspace,
        number=person.mobile_number,
        words="STOP",
        meaning=Meaning.STOP,
        message_id=f"SM{person.pk}",
    )


def test_a_record_that_wants_somebody_back_who_said_stop_is_a_conflict(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    succeeded(by_pages(OUT_BOX))
    person = somebody(org, "SMS_Opt_Out__c = 1")
    stop(person)
    org.edit(person.salesforce_id, SMS_Opt_Out__c=False)

    run = succeeded(by_pages())

    assert status(person) == "opted_out"
    assert ConsentConflict.objects.get().salesforce_id == person.salesforce_id
    assert pushed(person) == ["opted_out"]
    assert run.opted_in == 0


def test_a_changed_number_takes_its_opt_out_along(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    """Also where no opt-out field is mapped."""
    succeeded(by_pages())
    person = somebody(org, "SMS_Opt_Out__c = 0")
    stop(person)
    org.edit(person.salesforce_id, MobilePhone="(617) 555-0199")

    succeeded(by_pages())

    person.refresh_from_db()
    assert person.mobile_number == "+16175550199"
    assert status(person) == "opted_out"


def test_who_comes_to_an_opted_out_number_is_told(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    succeeded(by_pages(OUT_BOX))
    person, other = somebody(org, "SMS_Opt_Out__c = 1"), somebody(org, "SMS_Opt_Out__c = 0")
    org.edit(other.salesforce_id, MobilePhone=person.mobile_as_given)

    succeeded(by_pages())

    assert pushed(other) == ["opted_out"]


def test_an_unreadable_opt_out_field_stops_the_run_before_it_changes_anything(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    succeeded(by_pages(OUT_BOX))
    before = opted_out(workspace)
    changed = somebody(org, "SMS_Opt_Out__c = 0")
    org.edit(changed.salesforce_id, LastName="Changed", SMS_Opt_Out__c=True)
    org.hide_field("Contact", "SMS_Opt_Out__c")

    run = by_pages()

    assert run.status == RunStatus.FAILED
    assert "SMS_Opt_Out__c" in run.error
    assert "consent stays as it is" in run.error
    assert not Contact.objects.filter(last_name="Changed").exists()
    assert opted_out(workspace) == before


def retyped(path: str, body: bytes) -> bytes:
    """The checkbox is a picklist now."""
    if not path.endswith("/Contact/describe"):
        return body
    answer = json.loads(body)
    for field in answer["fields"]:
        if field["name"] == "SMS_Opt_Out__c":
            field["type"] = "picklist"
    return json.dumps(answer).encode()


def test_an_opt_out_field_of_another_type_stops_the_run(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    succeeded(by_pages(OUT_BOX))
    lines = ConsentEvent.objects.count()
    org.mangle(retyped)

    run = by_pages(mode=Mode.EVERYTHING)

    assert run.status == RunStatus.FAILED
    assert "SMS_Opt_Out__c of Contact is no checkbox any more" in run.error
    assert ConsentEvent.objects.count() == lines


def test_a_report_that_lost_the_column_of_the_opt_out_field_stops_the_run(
    org: OrgSim, workspace: Workspace
) -> None:
    from_report = importing(workspace, org, ALONE)
    succeeded(from_report(OUT_BOX))
    lines = ConsentEvent.objects.count()
    org.remove_report_column("All_Contacts", "Contact.SMS_Opt_Out__c")

    run = from_report(mode=Mode.EVERYTHING)

    assert run.status == RunStatus.FAILED
    assert "shows no column with the opt-out field SMS_Opt_Out__c" in run.error
    assert ConsentEvent.objects.count() == lines


def test_blank_says_nothing_later_unless_empty_means_opted_in(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    succeeded(by_pages(PICKLIST))
    yes, no = somebody(org, "Texting_Preference__c = 'Yes'"), somebody(org, "Texting_Preference__c = 'No'")
    for person in (yes, no):
        org.edit(person.salesforce_id, Texting_Preference__c=None)

    succeeded(by_pages())

    assert (status(yes), status(no)) == ("opted_in", "opted_out")


def test_blank_speaks_where_empty_means_opted_in(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    succeeded(by_pages(EMPTY_IS_IN))
    no = somebody(org, "Texting_Preference__c = 'No'")
    org.edit(no.salesforce_id, Texting_Preference__c=None)

    succeeded(by_pages())

    assert status(no) == "opted_in"


def test_a_new_mapping_is_first_sight_of_everybody(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    succeeded(by_pages(OUT_BOX))
    before = opted_out(workspace)

    run = succeeded(by_pages(PICKLIST))

    assert run.mode == Mode.EVERYTHING
    assert opted_out(workspace) == before | textable(org, "Texting_Preference__c IS NOT 'Yes'")
    assert OptOutMapping.objects.get().read_version == 2


def test_who_returns_to_the_list_under_a_mapping_never_read_is_seen_for_the_first_time(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    succeeded(by_pages())
    person = somebody(org, "Texting_Preference__c IS NULL")
    Contact.objects.filter(pk=person.pk).update(in_source=False, left_source_at=person.created_at)
    succeeded(by_pages(PICKLIST))

    assert status(person) == "opted_out"


def test_who_was_away_when_a_new_mapping_was_first_read_is_seen_for_the_first_time(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    succeeded(by_pages())
    person = somebody(org, "Texting_Preference__c IS NULL")
    org.delete(person.salesforce_id)
    succeeded(by_pages(PICKLIST))
    org.undelete(person.salesforce_id)

    succeeded(by_pages())

    person.refresh_from_db()
    assert (person.in_source, status(person)) == (True, "opted_out")


def test_a_mapping_changed_under_a_run_stops_it(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    by_pages(OUT_BOX)

    def remap(path: str, body: bytes) -> bytes:
        if "SMS_Opt_Out__c" in path:
            field = replace(OUT_BOX, unchecked_means_opted_in=False)
            consent.set_mapping(workspace=workspace, object_name="Contact", field=field, by=None)
            # The org answers in a thread of its own.
            connection.close()
        return body

    org.mangle(remap)
    before = ConsentEvent.objects.count()

    run = by_pages(mode=Mode.EVERYTHING)

    assert run.status == RunStatus.FAILED
    assert "mapped anew" in run.error
    assert ConsentEvent.objects.count() == before


def test_a_merge_keeps_the_stricter_consent(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    succeeded(by_pages(OUT_BOX))
    loser, master = somebody(org, "SMS_Opt_Out__c = 1"), somebody(org, "SMS_Opt_Out__c = 0")
    org.merge(master.salesforce_id, (loser.salesforce_id,))

    succeeded(by_pages())

    assert status(master) == "opted_out"
    assert pushed(master)[-1] == "opted_out"


def test_an_erased_person_is_nowhere_in_consent(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    succeeded(by_pages(OUT_BOX))
    person = somebody(org, "SMS_Opt_Out__c = 1")
    erase(workspace=workspace, salesforce_id=person.salesforce_id, by=None)

    assert not queries.timeline(workspace, person.mobile_number).exists()
    assert status(person) == "opted_out"


def test_who_leaves_the_list_by_opting_out_is_heard(org: OrgSim, workspace: Workspace) -> None:
    by_pages = importing(workspace, org, replace(LISTED, source="PrefersTexting"))
    succeeded(by_pages(PICKLIST))
    person = somebody(org, "Texting_Preference__c = 'Yes'")
    org.edit(person.salesforce_id, Texting_Preference__c="No")

    found = tried(workspace, PICKLIST)
    assert status(person) == "opted_in"
    run = succeeded(by_pages())

    person.refresh_from_db()
    assert (person.in_source, status(person)) == (False, "opted_out")
    assert (found.opted_out, found.left_source) == (1, 1)
    assert (run.opted_out, run.left_source) == (1, 1)


# Too many at once.


def reversed_and_back(by_pages: type_of_imports) -> ImportRun:
    """An admin turns the slider, sees everybody opted out, and turns it back."""
    succeeded(by_pages(OUT_BOX))
    succeeded(by_pages(replace(OUT_BOX, unchecked_means_opted_in=False)))
    return succeeded(by_pages(OUT_BOX))


def held_after(run: ImportRun) -> HeldOptIns:
    return HeldOptIns.objects.get(run=run, status="open")


def apply(held: HeldOptIns, by: Member | None = None, reason: str = "") -> None:
    """As an admin decides, and a worker does."""
    held_opt_ins.apply(held=held, by=by, reason=reason)
    jobs.apply_opt_ins(held.setup_id)


def test_a_reversed_slider_is_held_and_its_opt_outs_apply_at_once(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    succeeded(by_pages(OUT_BOX))
    before = opted_out(workspace)

    run = succeeded(by_pages(replace(OUT_BOX, unchecked_means_opted_in=False)))

    assert before < opted_out(workspace)
    held = HeldOptIns.objects.get()
    assert (held.status, held.run, held.people) == ("open", run, StagedFlip.objects.count())
    assert run.held == [{"kind": "opt_ins", "count": held.people, "reason": held.reason}]
    assert "the wrong way round" in held.reason
    assert ImportAlert.objects.get(over_at__isnull=True).kind == "opt_ins"


def test_turning_the_slider_back_ends_the_held_set_and_holds_those_it_opted_out(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    run = reversed_and_back(by_pages)

    first, second = HeldOptIns.objects.order_by("pk")
    assert (first.status, second.status) == ("over", "open")
    assert second.run == run
    assert StagedFlip.objects.exclude(run=run.public_id).count() == 0


def test_an_admin_who_accepts_with_a_reason_brings_them_back(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    held = held_after(reversed_and_back(by_pages))
    admin = add_member(workspace=workspace, email="ada@example.org", role=Role.ADMIN, user_id="", by=None)

    apply(held, by=admin, reason="The slider was the wrong way round.")

    assert opted_out(workspace) == textable(org, "SMS_Opt_Out__c = 1")
    held.refresh_from_db()
    assert (held.status, held.decided_by) == ("applied", admin.email)
    assert not StagedFlip.objects.exists()
    assert not ImportAlert.objects.filter(over_at__isnull=True).exists()
    assert ImportRun.objects.get(pk=held.run_id).opted_in > 20


def test_applying_without_a_reason_keeps_out_whom_staff_opted_out(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    held = held_after(reversed_and_back(by_pages))
    before = opted_out(workspace)

    apply(held)

    assert opted_out(workspace) == before


def test_dropped_opt_ins_are_found_again_by_the_next_import_of_everything(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    held = held_after(reversed_and_back(by_pages))
    before = opted_out(workspace)

    held_opt_ins.drop(held=held, by=None)
    assert not StagedFlip.objects.exists()
    succeeded(by_pages())
    assert HeldOptIns.objects.filter(status="open").count() == 0
    again = succeeded(by_pages(mode=Mode.EVERYTHING))

    assert opted_out(workspace) == before
    assert HeldOptIns.objects.get(status="open").run == again


def test_a_mass_update_in_salesforce_is_held(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    succeeded(by_pages(PICKLIST))
    numbers = opted_out(workspace)
    out = [one for one in Contact.objects.all() if one.mobile_number in numbers][:40]
    for person in out:
        org.edit(person.salesforce_id, Texting_Preference__c="Yes")

    run = succeeded(by_pages())

    held = HeldOptIns.objects.get()
    assert run.opted_in == 0
    assert "changed for many records in one go" in held.reason
    assert "of 4" in held.reason
    apply(held)

    run.refresh_from_db()
    assert run.opted_in > 20


def many_opted_in(org: OrgSim, workspace: Workspace) -> list[Contact]:
    """An upload that opts in more people than an import does by itself; each has a number of their own."""
    numbers = opted_out(workspace)
    people = Contact.objects.filter(mobile_number__in=numbers).order_by("salesforce_id")
    found = [one for one in people[:60] if shares_with_nobody(one)][:25]
    assert len(found) == 25
    for person in found:
        org.edit(person.salesforce_id, Texting_Preference__c="Yes")
    return found


def shares_with_nobody(contact: Contact) -> bool:
    return Contact.objects.filter(mobile_number=contact.mobile_number).count() == 1


def test_who_is_opted_out_again_while_opt_ins_are_held_is_not_opted_in_by_applying_them(
    org: OrgSim, workspace: Workspace
) -> None:
    by_pages = importing(workspace, org, replace(LISTED, source="TextingContacts"))
    succeeded(by_pages(PICKLIST))
    person, leaver, *others = many_opted_in(org, workspace)
    succeeded(by_pages())
    org.edit(person.salesforce_id, Texting_Preference__c="No")
    org.edit(leaver.salesforce_id, Texting_Preference__c="No", MobilePhone=None)

    assert succeeded(by_pages()).left_source == 1
    held = HeldOptIns.objects.get(status="open")
    apply(held)

    assert held.people == len(others)
    assert {status(person), status(leaver)} == {"opted_out"}
    assert {status(one) for one in others} == {"opted_in"}


def test_whom_an_import_of_changes_reads_again_goes_on_waiting_for_the_admin(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    succeeded(by_pages(PICKLIST))
    people = many_opted_in(org, workspace)
    first = succeeded(by_pages())
    org.edit(people[0].salesforce_id, LastName="Changed")

    again = succeeded(by_pages())

    held = HeldOptIns.objects.get()
    assert (held.status, held.run, held.people) == ("open", first, len(people))
    assert (again.opted_in, again.held) == (0, [])
    assert {status(one) for one in people} == {"opted_out"}
    assert ImportAlert.objects.get(over_at__isnull=True).run == first


def test_an_import_goes_on_with_what_a_killed_worker_left_unapplied(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    succeeded(by_pages(PICKLIST))
    people = many_opted_in(org, workspace)
    held = held_after(succeeded(by_pages()))

    held_opt_ins.apply(held=held, by=None)
    assert held_opt_ins.to_go(HeldOptIns.objects.get()) == len(people)
    apply_staged(workspace=workspace, run=held.run.public_id, most=10)
    assert [status(one) for one in people].count("opted_in") == 10
    assert list(held_opt_ins.unfinished()) == [held]
    succeeded(by_pages())

    assert {status(one) for one in people} == {"opted_in"}
    assert list(held_opt_ins.unfinished()) == []
    assert ImportRun.objects.get(pk=held.run_id).opted_in == len(people) - 10


def test_what_can_not_be_applied_fails_the_import_that_finds_it_and_waits_still(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    succeeded(by_pages(PICKLIST))
    people = many_opted_in(org, workspace)
    held = held_after(succeeded(by_pages()))
    erased = Contact.objects.exclude(pk__in=[one.pk for one in people]).exclude(mobile_number="").first()
    assert erased
    erase(workspace=workspace, salesforce_id=erased.salesforce_id, by=None)
    held_opt_ins.apply(held=held, by=None)
    RecogniserKey.objects.update(sealed_key="sealed with another key")

    run = by_pages()

    assert run.status == RunStatus.FAILED
    assert "CARILLON_SECRET_KEY" in run.error + run.remedy
    assert held_opt_ins.to_go(HeldOptIns.objects.get()) == len(people)


def test_a_field_that_is_mapped_anew_ends_what_is_still_to_be_applied(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    succeeded(by_pages(PICKLIST))
    people = many_opted_in(org, workspace)
    held = held_after(succeeded(by_pages()))
    held_opt_ins.apply(held=held, by=None)

    succeeded(by_pages(OUT_BOX))

    assert not StagedFlip.objects.filter(run=held.run.public_id).exists()
    assert ImportRun.objects.get(pk=held.run_id).opted_in == 0
    assert "opted_out" in {status(one) for one in people}


def test_who_says_stop_while_opt_ins_are_held_stays_out(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    held = held_after(reversed_and_back(by_pages))
    admin = add_member(workspace=workspace, email="ada@example.org", role=Role.ADMIN, user_id="", by=None)
    person = somebody(org, "SMS_Opt_Out__c = 0")
    stop(person)

    apply(held, by=admin, reason="The slider was the wrong way round.")

    assert status(person) == "opted_out"


# The setup.


@pytest.mark.parametrize(
    ("mapped", "place", "sentence"),
    [
        (OptOutField("Nothing__c"), "opt_out.field", "does not exist"),
        (OptOutField("LastName"), "opt_out.field", "not a checkbox or a picklist"),
        (OptOutField("Texting_Preference__c"), "opt_out.type", "is a picklist, not a checkbox"),
        (replace(PICKLIST, opted_in_value=""), "opt_out.opted_in_value", "Choose the value"),
        (replace(PICKLIST, opted_in_value="Maybe"), "opt_out.opted_in_value", "Maybe is no value"),
        (replace(PICKLIST, opted_out_value="Yes"), "opt_out.opted_out_value", "another value"),
    ],
)
def test_what_can_not_be_an_opt_out_field_is_said(
    org: OrgSim, workspace: Workspace, mapped: OptOutField, place: str, sentence: str
) -> None:
    connected_setup(workspace, org, LISTED)

    with pytest.raises(SetupInvalid) as caught:
        check_setup(workspace, "Contact", replace(LISTED, opt_out=mapped))

    assert sentence in caught.value.errors[place]


def test_a_report_without_the_column_can_not_be_read_alone(org: OrgSim, workspace: Workspace) -> None:
    connected_setup(workspace, org, ALONE)

    with pytest.raises(SetupInvalid, match="no column with it"):
        check_setup(workspace, "Contact", replace(ALONE, opt_out=IN_BOX))


def test_no_opt_out_field_any_more_leaves_consent_as_it_is(
    workspace: Workspace, by_pages: type_of_imports
) -> None:
    succeeded(by_pages(OUT_BOX))
    before = opted_out(workspace)

    run = succeeded(by_pages(NO_OPT_OUT))

    assert opted_out(workspace) == before
    assert run.mode == Mode.EVERYTHING


# Before an import: what it would do.


def tried(workspace: Workspace, mapped: OptOutField, mode: Mode = Mode.CHANGES) -> Findings:
    setup = setup_for(workspace, "Contact")
    draft = check_setup(workspace, "Contact", replace(draft_of(setup), opt_out=mapped)).draft
    return try_import(Trial(setup, draft, setup.source_label, mode))


def test_a_dry_run_counts_each_flip_that_the_import_then_makes(
    org: OrgSim, workspace: Workspace, imports: type_of_imports
) -> None:
    found = tried(workspace, PICKLIST)

    assert not ConsentEvent.objects.exists()
    assert not OptOutMapping.objects.exists()
    succeeded(imports(PICKLIST))
    assert found.opted_out == len(opted_out(workspace)) == ImportRun.objects.get().opted_out
    assert found.opted_in == 0
    assert "opt_out_unclear" in {kind.code for kind in found.issue_kinds}


def test_a_dry_run_sees_a_reversed_slider(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    succeeded(by_pages(OUT_BOX))
    before = ConsentEvent.objects.count()

    found = tried(workspace, replace(OUT_BOX, unchecked_means_opted_in=False))

    assert found.mode == Mode.EVERYTHING
    assert "the wrong way round" in found.held_opt_ins_reason
    staying = Contact.objects.filter(
        salesforce_id__in=org_ids(org, "SMS_Opt_Out__c = 1"), mobile_number__gt=""
    )
    assert (found.opted_in, found.held_opt_ins) == (0, staying.count())
    assert found.opted_out > 100
    assert ConsentEvent.objects.count() == before
    assert draft_of(setup_for(workspace, "Contact")).opt_out == OUT_BOX


def test_a_dry_run_names_each_flip_both_ways(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    succeeded(by_pages(OUT_BOX))
    inside, outside = somebody(org, "SMS_Opt_Out__c = 0"), somebody(org, "SMS_Opt_Out__c = 1")
    org.edit(inside.salesforce_id, SMS_Opt_Out__c=True)
    org.edit(outside.salesforce_id, SMS_Opt_Out__c=False)
    setup, flips = setup_for(workspace, "Contact"), list[Flip]()

    found = try_import(
        Trial(setup, draft_of(setup), setup.source_label, Mode.CHANGES), Trying(keep=flips.extend)
    )

    assert flips == [
        Flip(outside.salesforce_id, str(outside), outside.mobile_number, "opted_out", "opted_in", held=False),
        Flip(inside.salesforce_id, str(inside), inside.mobile_number, "opted_in", "opted_out", held=False),
    ]
    run = succeeded(by_pages())
    assert (found.opted_out, found.opted_in) == (run.opted_out, run.opted_in) == (1, 1)


def test_a_dry_run_of_a_new_mapping_opts_in_nobody_whom_staff_opted_out(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    """As few as these are not held: they stay opted out, and Salesforce is corrected."""
    succeeded(by_pages(OUT_BOX))
    for person in Contact.objects.filter(salesforce_id__in=org_ids(org, "SMS_Opt_Out__c = 1"))[3:]:
        org.edit(person.salesforce_id, Texting_Preference__c="No")

    found = tried(workspace, EMPTY_IS_IN, Mode.EVERYTHING)
    run = succeeded(by_pages(EMPTY_IS_IN))

    assert (found.opted_out, found.opted_in) == (run.opted_out, run.opted_in)


def test_nobody_speaking_is_no_flip(workspace: Workspace, by_pages: type_of_imports) -> None:
    succeeded(by_pages(OUT_BOX))

    found = tried(workspace, OUT_BOX, Mode.EVERYTHING)

    assert (found.opted_out, found.opted_in, found.held_opt_ins_reason) == (0, 0, "")


def test_a_continued_run_keeps_what_the_failed_one_staged(
    org: OrgSim, workspace: Workspace, by_pages: type_of_imports
) -> None:
    succeeded(by_pages(PICKLIST))
    person = somebody(org, "Texting_Preference__c = 'No'")
    failed = ImportRun.objects.get()
    run = ImportRun.objects.create(
        workspace=workspace, setup=failed.setup, object="Contact", mode=Mode.CHANGES, status=RunStatus.RUNNING
    )
    StagedFlip.objects.create(
        workspace=workspace,
        run=failed.public_id,
        object="Contact",
        salesforce_id=person.salesforce_id,
        stamp=person.system_modstamp,
        by_us=False,
    )

    runs._continue(run, failed)

    assert StagedFlip.objects.get().run == run.public_id
