"""The preview of an entered setup, and dry runs from the pages."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from django.test import Client
from django.urls import reverse
from procrastinate.contrib.django.models import ProcrastinateJob

from carillon.accounts.models import Member, Workspace
from carillon.connections import actions as connections
from carillon.contacts.models import Contact
from carillon.imports import actions, jobs
from carillon.imports.dry_run import Findings
from carillon.imports.erasing import erase
from carillon.imports.models import DryRun, ImportRun, ImportSetup, Mode, RecordIssue, RunStatus
from carillon.imports.preview import SHOWN, Person, Preview
from carillon.imports.runner import execute
from carillon.imports.runs import Request
from carillon.imports.tally import Flip
from carillon.lib.clock import now
from orgsim.testing import OrgSim
from tests.integration.web.conftest import Rows, SignedIn
from tests.integration.web.test_contact_import import entered, row, source_called

PAGE = "/contact-import/contact/"
DRY_RUN = reverse("dry_run", args=["contact"])
PROGRESS = reverse("dry_run_progress", args=["contact"])


@pytest.fixture
def org() -> Iterator[OrgSim]:
    with OrgSim(contacts=50, leads=10) as running:
        yield running


@pytest.fixture
def admin(alice: Member, workspace: Workspace, org: OrgSim, signed_in: SignedIn) -> Client:
    """Alice's browser, with her workspace connected to the org."""
    connections.save_connection(
        workspace=workspace, host=org.url, client_id="orgsim-client", client_secret="orgsim-secret", by=alice
    )
    return signed_in(alice)


def previewed(client: Client, data: dict[str, str]) -> Preview:
    shown: Preview = client.post(PAGE, {**data, "preview": "1"}).context["preview"]
    return shown


def values_of(person: Person) -> dict[str, Any]:
    return {cell.column.name: cell.value for cell in person.cells}


def tried(client: Client, data: dict[str, str]) -> DryRun:
    """A dry run of an entered setup, done as a worker does it."""
    response = client.post(PAGE, {**data, "try": "1"})
    assert response.headers["Location"] == DRY_RUN
    asked = DryRun.objects.get()
    jobs.find_out(asked.pk)
    asked.refresh_from_db()
    return asked


def test_the_preview_shows_people_as_they_would_be_stored(
    admin: Client, workspace: Workspace, org: OrgSim
) -> None:
    data = entered(
        source_called(workspace, "AllContacts"),
        row("Program__c"),
        row("Graduation_Year__c"),
        user_identification="OwnerId",
    )

    people = previewed(admin, data).people

    assert len(people) == SHOWN
    assert not Contact.objects.exists()
    assert not ImportSetup.objects.get(object="Contact").source_id
    admin.post(PAGE, data)
    execute(Request(ImportSetup.objects.get(object="Contact"), Mode.CHANGES))
    for person in people:
        stored = Contact.objects.get(salesforce_id=person.salesforce_id)
        assert values_of(person) == {
            "first_name": stored.first_name,
            "last_name": stored.last_name,
            "mobile_number": stored.mobile_number,
            "user_identification": stored.user_identification,
            "program": stored.fields["program"] or "",
            "graduation_year": ""
            if stored.fields["graduation_year"] is None
            else stored.fields["graduation_year"],
        }
        issues = RecordIssue.objects.filter(salesforce_id=person.salesforce_id)
        assert {issue.message for issue in person.issues} == {issue.message for issue in issues}


def test_each_person_has_the_name_and_address_of_the_record(
    admin: Client, workspace: Workspace, org: OrgSim
) -> None:
    response = admin.post(PAGE, {**entered(source_called(workspace, "AllContacts")), "preview": "1"})

    names = {one[0]: one[1] for one in org.store.reader().execute("SELECT Id, Name FROM Contact")}
    people = response.context["preview"].people
    assert [person.name for person in people] == [names[person.salesforce_id] for person in people]
    body = response.content.decode()
    assert f'href="{org.url}/{people[0].salesforce_id}"' in body


def test_issues_are_marked_with_their_sentence(admin: Client, workspace: Workspace, org: OrgSim) -> None:
    with org.store.writing() as store:
        store.execute("UPDATE Contact SET MobilePhone = '555 nonsense'")

    body = admin.post(
        PAGE, {**entered(source_called(workspace, "AllContacts")), "preview": "1"}
    ).content.decode()

    assert body.count("This is not a valid phone number") == SHOWN
    assert body.count("typed as 555 nonsense") == SHOWN


def test_who_was_erased_is_not_shown_and_not_named(
    admin: Client, workspace: Workspace, org: OrgSim, alice: Member
) -> None:
    data = entered(source_called(workspace, "AllContacts"))
    before = previewed(admin, data).people
    admin.post(PAGE, data)
    execute(Request(ImportSetup.objects.get(object="Contact"), Mode.EVERYTHING))
    erase(workspace=workspace, salesforce_id=before[0].salesforce_id, by=alice)

    response = admin.post(PAGE, {**data, "preview": "1"})

    shown = response.context["preview"]
    assert (shown.people, shown.erased) == (before[1:], 1)
    body = response.content.decode()
    assert "1 of the first was erased here" in " ".join(body.split())
    assert before[0].salesforce_id not in body


def test_a_record_that_would_be_rejected_is_shown_with_its_reason(
    admin: Client, workspace: Workspace, org: OrgSim
) -> None:
    data = entered(source_called(workspace, "AllContacts"))
    previewed(admin, data)
    org.mangle(
        lambda path, body: body.replace(b'"LastName":"', b'"LastName":42,"x":"') if "/query" in path else body
    )

    response = admin.post(PAGE, {**data, "preview": "1"})

    people = response.context["preview"].people
    assert all(person.cells == () and person.issues[0].code == "wrong_type" for person in people)
    assert people[0].name != people[0].salesforce_id
    assert "Would be rejected" in response.content.decode()


def test_the_preview_keeps_what_was_entered_and_marks_faults_as_saving_does(
    admin: Client, workspace: Workspace
) -> None:
    source = source_called(workspace, "AllContacts")
    wrong = entered(source, row("", label="Nickname"), mobile_number="Nonsense__c")

    response = admin.post(PAGE, {**wrong, "preview": "1"})
    fine = admin.post(PAGE, {**entered(source, row("Email")), "preview": "1"})

    assert not response.context["preview"]
    assert set(response.context["form"].standard.errors) == {"mobile_number"}
    assert "salesforce" in response.context["form"].rows[0].errors
    assert fine.context["form"].rows[0]["salesforce"].value() == "Email"


def test_an_org_that_does_not_answer_is_said(admin: Client, workspace: Workspace, org: OrgSim) -> None:
    data = entered(source_called(workspace, "AllContacts"))
    previewed(admin, data)
    org.fail_next(503, times=100, path_contains="/query")

    response = admin.post(PAGE, {**data, "preview": "1"})

    assert response.status_code == 200
    assert response.context["form"].errors


def test_leads_have_a_preview_and_a_dry_run(admin: Client, workspace: Workspace) -> None:
    page = reverse("contact_import", args=["lead"])
    data = entered(
        source_called(workspace, "AllLeads", "Lead"), first_name="FirstName", first_name_fallback=""
    )

    assert admin.post(page, {**data, "preview": "1"}).context["preview"].people
    admin.post(page, {**data, "try": "1"})
    jobs.find_out(DryRun.objects.get(object="Lead").pk)

    assert DryRun.objects.get(object="Lead").status == "succeeded"


def test_a_dry_run_from_the_form_stores_nothing_but_its_result(admin: Client, workspace: Workspace) -> None:
    asked = tried(admin, entered(source_called(workspace, "AllContacts"), row("Program__c")))

    assert asked.status == "succeeded"
    assert asked.findings
    assert asked.findings["created"] == 50
    assert not Contact.objects.exists()
    assert not ImportRun.objects.exists()
    assert not ImportSetup.objects.get(object="Contact").source_id
    response = admin.get(DRY_RUN)
    numbers = {count.label: count.number for count in response.context["run"].counts}
    assert (numbers["New"], numbers["Leaving the list"]) == (50, 0)
    assert "each of them accounted for" in response.content.decode()


def test_the_setup_that_was_tried_can_be_gone_on_with(admin: Client, workspace: Workspace) -> None:
    source = source_called(workspace, "AllContacts")
    tried(admin, entered(source, row("Program__c")))

    body = admin.get(DRY_RUN).content.decode()
    form = admin.get(PAGE, {"tried": "1"}).context["form"]

    assert "?tried=1" in body
    assert "Import changes" not in body
    assert form.draft.source == source
    assert form.rows[0]["salesforce"].value() == "Program__c"


def test_a_dry_run_of_the_saved_setup_offers_the_import(admin: Client, workspace: Workspace) -> None:
    admin.post(PAGE, entered(source_called(workspace, "AllContacts"), row("Program__c")))

    response = admin.post(reverse("start_dry_run", args=["contact"]), {"mode": "everything"})
    jobs.find_out(DryRun.objects.get().pk)

    assert response.headers["Location"] == DRY_RUN
    body = admin.get(DRY_RUN).content.decode()
    assert "Import everything" in body
    assert "?tried=1" not in body


def test_blanked_values_are_named_by_their_label(admin: Client, workspace: Workspace, org: OrgSim) -> None:
    admin.post(PAGE, entered(source_called(workspace, "AllContacts"), row("Program__c", label="Studies")))
    execute(Request(ImportSetup.objects.get(object="Contact"), Mode.CHANGES))
    one = Contact.objects.exclude(fields__studies=None).order_by("pk")[0]
    org.edit(one.salesforce_id, Program__c=None)

    admin.post(reverse("start_dry_run", args=["contact"]))
    assert admin.get(DRY_RUN).context["run"].mode == "Changes"
    jobs.find_out(DryRun.objects.get().pk)

    blanked = admin.get(DRY_RUN).context["run"].blanked
    assert [(value.label, value.number) for value in blanked] == [("Studies", 1)]


def test_asking_again_replaces_and_the_replaced_one_stops(admin: Client, workspace: Workspace) -> None:
    admin.post(PAGE, entered(source_called(workspace, "AllContacts")))
    admin.post(reverse("start_dry_run", args=["contact"]))
    first = DryRun.objects.get()
    assert admin.get(DRY_RUN).context["run"].mode == "Everything", "nothing was imported yet"

    admin.post(reverse("start_dry_run", args=["contact"]))
    jobs.find_out(first.pk)

    assert DryRun.objects.get().pk != first.pk
    assert DryRun.objects.get().status == "queued"


def test_the_panel_tells_how_far_it_is_and_stops_at_the_end(
    alice: Member, rows: Rows, signed_in: SignedIn
) -> None:
    asked, client = add_dry_run(rows.setup), signed_in(alice)
    first = client.get(PROGRESS)
    same = client.get(PROGRESS, headers={"If-None-Match": first.headers["ETag"]})
    DryRun.objects.filter(pk=asked.pk).update(received=1200, expected=4000, status="running", phase="reading")
    moved = client.get(PROGRESS, headers={"If-None-Match": first.headers["ETag"]})
    asked.delete()
    over = client.get(PROGRESS)

    assert (first.status_code, same.status_code, moved.status_code, over.status_code) == (200, 304, 200, 286)
    assert "1,200 of 4,000 records" in moved.content.decode()
    assert over.headers["HX-Trigger"] == "run-over"


def test_cancelling_forgets_it(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    add_dry_run(rows.setup)

    body = signed_in(alice).post(reverse("drop_dry_run", args=["contact"]), follow=True).content.decode()

    assert not DryRun.objects.exists()
    assert "No dry run" in body


@pytest.fixture
def flipped(rows: Rows) -> DryRun:
    """A dry run that found two whose consent would change."""
    asked = add_dry_run(rows.setup)
    flips = [
        Flip("003000000000001AAA", "Ann Archer", "+12125550101", "opted_out", "opted_in", held=True),
        Flip("003000000000002AAA", "=Bea", "+12125550102", "opted_in", "opted_out", held=False),
    ]
    findings = msgspec.to_builtins(Findings(RunStatus.SUCCEEDED, Mode.CHANGES, org_count=2))
    over = DryRun.objects.filter(pk=asked.pk)
    over.update(status="succeeded", findings=findings, flips=flips, finished_at=now())
    return asked


def test_a_dry_run_shows_whose_consent_would_change(
    alice: Member, flipped: DryRun, signed_in: SignedIn
) -> None:
    client = signed_in(alice)

    body = client.get(DRY_RUN).content.decode()
    response = client.get(reverse("dry_run_flips", args=["contact"]))

    assert "Ann Archer" in body
    assert "opted out → opted in, held" in body
    lines = response.getvalue().decode().lstrip("\ufeff").splitlines()
    assert lines[0] == "salesforce_id,name,number,from,to,held_for_an_admin"
    assert lines[1].startswith("003000000000001AAA,Ann Archer,")
    assert lines[1].endswith(",opted_out,opted_in,yes")
    assert len(lines) == 3


@pytest.mark.parametrize(
    ("opted_out", "created", "is_warned"), [(21, 0, True), (20, 0, False), (21, 1, False)]
)
def test_many_opt_outs_of_people_stored_before_are_warned_of(
    alice: Member, flipped: DryRun, signed_in: SignedIn, opted_out: int, created: int, is_warned: bool
) -> None:
    found = Findings(RunStatus.SUCCEEDED, Mode.CHANGES, org_count=1000, opted_out=opted_out, created=created)
    DryRun.objects.update(findings=msgspec.to_builtins(found))

    body = signed_in(alice).get(DRY_RUN).content.decode()

    assert ("21 numbers would be opted out" in body) is is_warned


def test_of_many_the_page_shows_some_and_the_download_has_all(
    alice: Member, flipped: DryRun, signed_in: SignedIn
) -> None:
    ids = [f"003{n:012d}AAA" for n in range(6_001)]
    flips = [Flip(one, "Ann", "+12125550101", "opted_in", "opted_out", held=False) for one in ids]
    DryRun.objects.update(flips=flips)
    client = signed_in(alice)

    body = client.get(DRY_RUN).content.decode()
    response = client.get(reverse("dry_run_flips", args=["contact"]))

    assert "The first 20 of 6,001" in body
    assert body.count("+1 212-555-0101") == 20
    lines = response.getvalue().decode().splitlines()[1:]
    assert [line.partition(",")[0] for line in lines] == ids


def test_erasing_somebody_forgets_a_dry_run_that_names_them(flipped: DryRun, rows: Rows) -> None:
    erase(workspace=rows.setup.workspace, salesforce_id="003000000000001AAA", by=None)

    assert not DryRun.objects.exists()


def test_a_dry_run_is_kept_for_a_day(rows: Rows) -> None:
    kept = add_dry_run(rows.setup)
    assert jobs.delete_old_dry_runs() == 0
    DryRun.objects.filter(pk=kept.pk).update(queued_at=now() - jobs.KEEP_DRY_RUNS)

    assert jobs.delete_old_dry_runs() == 1


def test_import_history_offers_it_before_a_run(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    add_dry_run(rows.setup)

    body = signed_in(alice).get(reverse("import_history")).content.decode()

    assert f'action="{reverse("start_dry_run", args=["contact"])}"' in body
    assert f'href="{DRY_RUN}"' in body


def test_charlie_sees_no_dry_run_of_another_workspace(
    charlie: Member, rows: Rows, signed_in: SignedIn
) -> None:
    add_dry_run(rows.setup)
    client = signed_in(charlie)

    body = client.get(DRY_RUN).content.decode()
    client.post(reverse("drop_dry_run", args=["contact"]))

    assert "Secret List" not in body
    assert client.get(PROGRESS).status_code == 286
    assert DryRun.objects.count() == 1


def test_auditors_read_a_dry_run_and_start_none(dana: Member, rows: Rows, signed_in: SignedIn) -> None:
    add_dry_run(rows.setup)
    client = signed_in(dana)

    assert "Cancel" not in client.get(DRY_RUN).content.decode()
    for name in ("start_dry_run", "drop_dry_run"):
        assert client.post(reverse(name, args=["contact"])).status_code == 403
    assert client.post(PAGE, {"preview": "1"}).status_code == 403


def test_texters_see_none(bob: Member, rows: Rows, signed_in: SignedIn) -> None:
    assert signed_in(bob).get(DRY_RUN).status_code == 403
    assert signed_in(bob).get(PROGRESS).status_code == 403


def test_a_lost_wake_up_is_made_up_for(rows: Rows) -> None:
    DryRun.objects.filter(pk=add_dry_run(rows.setup).pk).update(queued_at=now() - jobs.KEEP_DRY_RUNS / 24)

    actions.wake_workers_again()

    assert ProcrastinateJob.objects.filter(task_name="carillon.execute_dry_run").count() == 1


def add_dry_run(setup: ImportSetup) -> DryRun:
    draft = {
        "source": setup.source_id,
        "first_name": "FirstName",
        "last_name": "LastName",
        "mobile_number": "MobilePhone",
    }
    return DryRun.objects.create(
        workspace=setup.workspace,
        object=setup.object,
        draft=draft,
        source_label=setup.source_label,
        mode="changes",
        started_by_name="alice@campus.example",
    )
