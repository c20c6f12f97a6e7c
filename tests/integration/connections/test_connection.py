"""What *Test connection* tells a person, against an org that takes permissions away."""

import json
import logging
from collections.abc import Iterator
from dataclasses import asdict

import pytest

from carillon.accounts.models import AuditEntry, Workspace
from carillon.cli.connect_work import connect
from carillon.connections import actions
from carillon.connections.actions import ConnectionReport
from carillon.connections.models import ConnectionState, SalesforceConnection
from carillon.connections.permissions import NOT_NEEDED, Uses
from carillon.lib.errors import CarillonError
from orgsim.staff import API_USERNAME, CLIENT_ID, CLIENT_SECRET
from orgsim.testing import OrgSim

pytestmark = pytest.mark.django_db

OF_EACH = ("Read {}s", "See {}: Mobile", "List views of {}s", "View All {}s", "Edit {}s")
NO_USES = Uses()
TELLS_BOTH = Uses(opt_out_fields={"Contact": "SMS_Opt_Out__c", "Lead": "SMS_Opt_Out__c"})
OF_REPORTS = ["Tabular reports", "Run Reports"]
NAMES = [
    "API Enabled",
    *(n.format(o) for o in ("Contact", "Lead") for n in OF_EACH),
    "Read Accounts",
    *OF_REPORTS,
]


@pytest.fixture
def org() -> Iterator[OrgSim]:
    with OrgSim(contacts=20, leads=10) as org:
        yield org


@pytest.fixture
def workspace() -> Workspace:
    return Workspace.objects.create(name="Admissions")


@pytest.fixture
def connection(workspace: Workspace, org: OrgSim) -> SalesforceConnection:
    return _saved(workspace, org.url)


def _saved(workspace: Workspace, host: str, secret: str = CLIENT_SECRET) -> SalesforceConnection:
    return actions.save_connection(
        workspace=workspace, host=host, client_id=CLIENT_ID, client_secret=secret, by=None
    )


def _tested(connection: SalesforceConnection, uses: Uses = NO_USES) -> ConnectionReport:
    report = actions.test_connection(connection=connection, by=None, uses=uses)
    connection.refresh_from_db()
    return report


def _not_granted(report: ConnectionReport) -> dict[str, bool | None]:
    """But for writing where no opt-out field is mapped."""
    unmapped = "No opt-out field mapped yet"
    missing = (check for check in report.checks if not check.ok)
    return {check.name: check.ok for check in missing if not check.remedy.startswith(unmapped)}


def _remedy(report: ConnectionReport, name: str) -> str:
    return next(check.remedy for check in report.checks if check.name == name)


def test_a_good_connection_says_which_org_and_user_answer(connection: SalesforceConnection) -> None:
    report = _tested(connection)

    assert (report.ok, report.error, report.remedy) == (True, "", "")
    assert (report.org_name, report.api_user) == ("Hawthorn State University", API_USERNAME)
    assert report.org_id == connection.org_id
    assert report.calls_used
    assert report.calls_limit == 100_000
    assert [check.name for check in report.checks] == NAMES
    assert _not_granted(report) == {}
    assert {check.remedy for check in report.checks if check.ok} == {""}
    assert (connection.state, connection.last_error) == (ConnectionState.CONNECTED, "")
    assert connection.last_tested_at is not None


@pytest.mark.parametrize("sobject", ["Contact", "Lead"])
def test_view_all_that_is_missing_is_named_with_its_remedy(
    org: OrgSim, connection: SalesforceConnection, sobject: str
) -> None:
    org.ungrant(sobject, "View All")

    report = _tested(connection)

    assert _not_granted(report) == {f"View All {sobject}s": False}
    assert _remedy(report, f"View All {sobject}s").startswith(
        f"Give the API user View All on {sobject} under"
    )


def test_an_object_that_can_not_be_read_is_missing_and_not_asked_further(
    org: OrgSim, connection: SalesforceConnection
) -> None:
    org.ungrant("Lead", "Read")

    report = _tested(connection)

    assert report.ok
    assert _not_granted(report) == {"Read Leads": False}
    assert [check.name for check in report.checks if "Lead" in check.name] == ["Read Leads"]
    assert "Give Read on Lead" in _remedy(report, "Read Leads")


def test_a_hidden_mobile_number_is_missing(org: OrgSim, connection: SalesforceConnection) -> None:
    org.hide_field("Contact", "MobilePhone")

    report = _tested(connection)

    assert _not_granted(report) == {"See Contact: Mobile": False}
    assert "field-level security" in _remedy(report, "See Contact: Mobile")


def test_accounts_that_can_not_be_read_are_missing(org: OrgSim, connection: SalesforceConnection) -> None:
    org.ungrant("Account", "Read")

    assert _not_granted(_tested(connection)) == {"Read Accounts": False}


def test_list_views_that_are_not_shared_are_missing(org: OrgSim, connection: SalesforceConnection) -> None:
    shared = (
        org.store.reader().execute("SELECT id FROM list_view WHERE sobject = 'Lead' AND shared").fetchall()
    )
    for (view,) in shared:
        org.unshare(view)

    assert _not_granted(_tested(connection)) == {"List views of Leads": False}


def test_run_reports_that_is_missing_is_a_note_until_an_import_reads_a_report(
    org: OrgSim, connection: SalesforceConnection
) -> None:
    org.ungrant_run_reports()

    unused = _tested(connection)
    used = _tested(connection, Uses(reports=True))

    for report, note in ((unused, "For reports only"), (used, "")):
        assert report.ok
        assert _not_granted(report) == {"Run Reports": False}
        assert _remedy(report, "Run Reports").startswith("Give the API user Run Reports under System")
        assert {check.unless for check in report.checks if check.name in OF_REPORTS} == {note}


def test_without_a_report_that_is_shared_running_them_is_unknown(
    org: OrgSim, connection: SalesforceConnection
) -> None:
    folders = org.store.reader().execute("SELECT Id FROM Folder WHERE Type = 'Report'").fetchall()
    for (folder,) in folders:
        org.unshare_report_folder(folder)

    report = _tested(connection)

    assert _not_granted(report) == {"Tabular reports": False, "Run Reports": None}
    assert _remedy(report, "Tabular reports").startswith("Share the folder of a tabular report")
    assert _remedy(report, "Run Reports").startswith("Could not be checked without a report to open")


def test_person_accounts_are_said_not_to_be_served(workspace: Workspace) -> None:
    with OrgSim(contacts=20, leads=10, person_accounts=True) as org:
        report = _tested(_saved(workspace, org.url))

    assert report.ok
    assert _not_granted(report) == {"Contacts without person accounts": False}
    assert "(4)" in _remedy(report, "Contacts without person accounts")
    assert "Is Person Account equals False" in _remedy(report, "Contacts without person accounts")


def test_what_the_org_refuses_to_tell_is_unknown(org: OrgSim, connection: SalesforceConnection) -> None:
    org.block_permission_queries()

    report = _tested(connection)

    assert report.ok
    assert _not_granted(report) == {"View All Contacts": None, "View All Leads": None}
    assert _remedy(report, "View All Leads").startswith(
        "Could not be checked from here: make sure the API user has View All on Lead"
    )


def test_permission_rows_the_org_does_not_show_are_unknown_not_missing(
    org: OrgSim, connection: SalesforceConnection
) -> None:
    _tested(connection)
    with org.store.writing() as store:
        store.execute("DELETE FROM ObjectPermissions")

    assert _not_granted(_tested(connection)) == {"View All Contacts": None, "View All Leads": None}


def test_writing_is_a_note_until_an_opt_out_field_is_mapped(connection: SalesforceConnection) -> None:
    report = _tested(connection)

    notes = {check.name: check.unless for check in report.checks if check.ok is None}
    assert notes == dict.fromkeys(("Edit Contacts", "Edit Leads"), NOT_NEEDED)
    assert _remedy(report, "Edit Leads").startswith("No opt-out field mapped yet")


def test_what_writing_opt_outs_needs_is_granted_row_by_row(
    org: OrgSim, connection: SalesforceConnection
) -> None:
    org.grant("Contact", "Modify All")

    report = _tested(connection, TELLS_BOTH)

    edits = [check.name for check in report.checks if check.name.startswith(("Edit", "Modify")) and check.ok]
    assert edits == [
        "Edit Contacts",
        "Edit Contact: SMS Opt Out",
        "Modify All Contacts",
        "Edit Leads",
        "Edit Lead: SMS Opt Out",
    ]


def test_edit_that_was_taken_is_missing(org: OrgSim, connection: SalesforceConnection) -> None:
    org.grant("Contact", "Modify All")
    org.ungrant("Contact", "Edit")

    report = _tested(connection, TELLS_BOTH)

    assert _not_granted(report) == {"Edit Contacts": False, "Modify All Contacts": False}
    assert _remedy(report, "Edit Contacts").startswith("Give Edit on Contact under Object Settings")


def test_an_opt_out_field_that_can_not_be_edited_or_seen_is_missing(
    org: OrgSim, connection: SalesforceConnection
) -> None:
    org.hide_field("Lead", "SMS_Opt_Out__c")
    formula = Uses(opt_out_fields={"Contact": "Name", "Lead": "SMS_Opt_Out__c"})
    org.grant("Contact", "Modify All")

    report = _tested(connection, formula)

    assert _not_granted(report) == {"Edit Contact: Full Name": False, "Edit Lead: SMS_Opt_Out__c": False}
    assert "field-level security" in _remedy(report, "Edit Lead: SMS_Opt_Out__c")


def test_private_contacts_need_modify_all_while_there_are_some(
    org: OrgSim, connection: SalesforceConnection
) -> None:
    with org.store.writing() as store:
        (account,) = store.execute("SELECT Id FROM Account LIMIT 1").fetchone()
        store.execute("UPDATE Contact SET AccountId = NULL WHERE pk = (SELECT min(pk) FROM Contact)")
    with_some = _tested(connection, TELLS_BOTH)
    with org.store.writing() as store:
        store.execute("UPDATE Contact SET AccountId = ?", [account])
    without = _tested(connection, TELLS_BOTH)

    for report, note in ((with_some, ""), (without, NOT_NEEDED)):
        assert _not_granted(report) == {"Modify All Contacts": False}
        (check,) = (check for check in report.checks if check.name == "Modify All Contacts")
        assert check.unless == note
        assert check.remedy.startswith("Give the API user Modify All on Contact")


def test_a_wrong_secret_fails_in_words(workspace: Workspace, org: OrgSim) -> None:
    connection = _saved(workspace, org.url, "not-the-secret")

    report = _tested(connection)

    assert (report.ok, report.checks) == (False, ())
    assert "client secret was refused" in report.error
    assert "consumer secret" in report.remedy
    assert (connection.state, connection.last_error) == (ConnectionState.FAILING, report.error)


def test_an_inactive_user_fails_in_words(org: OrgSim, connection: SalesforceConnection) -> None:
    org.set_active(API_USERNAME, False)

    report = _tested(connection)

    assert not report.ok
    assert "inactive or frozen" in report.error
    assert connection.state == ConnectionState.FAILING
    org.set_active(API_USERNAME, True)
    assert _tested(connection).ok
    assert connection.state == ConnectionState.CONNECTED


@pytest.mark.slow
def test_a_host_that_does_not_answer_fails_in_words(workspace: Workspace, org: OrgSim) -> None:
    connection = _saved(workspace, org.url)
    org.close()

    report = _tested(connection)

    assert not report.ok
    assert "could not be reached" in report.error
    assert "Check the host" in report.remedy
    assert connection.state == ConnectionState.FAILING


def test_another_org_stops_everything_until_confirmed(org: OrgSim, connection: SalesforceConnection) -> None:
    known = _tested(connection).org_id
    found = org.refresh_sandbox()

    report = _tested(connection)

    assert (report.ok, report.checks) == (False, ())
    assert f"{found} instead of {known}" in report.error
    assert (connection.state, connection.org_id) == (ConnectionState.OTHER_ORG, known)
    assert not _tested(connection).ok
    actions.confirm_org(connection=connection, by=None)
    connection.refresh_from_db()
    assert _tested(connection).org_id == found


@pytest.mark.parametrize("secret", [CLIENT_SECRET, "not-the-secret"])
def test_nothing_secret_is_reported_audited_or_logged(
    workspace: Workspace, org: OrgSim, caplog: pytest.LogCaptureFixture, secret: str
) -> None:
    caplog.set_level(logging.DEBUG)
    connection = _saved(workspace, org.url, secret)

    report = _tested(connection)

    audited = list(AuditEntry.objects.values("action", "subject", "detail", "actor"))
    told = "\n".join((json.dumps(asdict(report)), json.dumps(audited), caplog.text, connection.last_error))
    assert "connection saved" in told
    assert report.ok is (secret == CLIENT_SECRET)
    # A session id of Salesforce is the org's id, an exclamation mark and the token.
    for hidden in (secret, connection.client_secret_sealed, "!AQ"):
        assert hidden not in told


def test_the_command_gives_remedies_only_where_they_help(workspace: Workspace, org: OrgSim) -> None:
    org.hide_field("Lead", "MobilePhone")
    org.block_permission_queries()

    lines = connect("", org.url, CLIENT_ID, CLIENT_SECRET)

    assert lines[0].startswith("Connected to Hawthorn State University (00D")
    assert "  Read Contacts: ok" in lines
    assert any(line.startswith("  See Lead: Mobile: missing - Give Read Access") for line in lines)
    unknown = (
        "  View All Contacts: unknown - Could not be checked from here: make sure the API user has View All"
    )
    assert any(line.startswith(unknown) for line in lines)


def test_the_command_fails_with_the_report_s_words(workspace: Workspace, org: OrgSim) -> None:
    with pytest.raises(CarillonError, match="client secret was refused") as refused:
        connect("", org.url, CLIENT_ID, "not-the-secret")

    assert "consumer secret" in refused.value.remedy


def test_a_secret_is_never_kept_for_another_host(connection: SalesforceConnection) -> None:
    """It would be sent to whoever answers there."""
    with pytest.raises(actions.ConnectionInvalid) as refused:
        _saved(connection.workspace, "https://acme.my.salesforce.com", secret="")

    assert refused.value.field == "client_secret"
    connection.refresh_from_db()
    assert connection.host.startswith("http://127.0.0.1")


def test_another_host_is_not_shown_with_the_old_orgs_name(connection: SalesforceConnection) -> None:
    _tested(connection)

    saved = _saved(connection.workspace, "https://acme.my.salesforce.com", secret="another")

    assert (saved.org_name, saved.api_user, saved.last_tested_at) == ("", "", None)
    assert saved.state == ConnectionState.UNTESTED


def test_a_connect_that_fails_leaves_the_working_connection(
    connection: SalesforceConnection, org: OrgSim
) -> None:
    _tested(connection)

    with pytest.raises(CarillonError, match="Nothing was saved"):
        connect("", org.url, CLIENT_ID, "wrong")

    connection.refresh_from_db()
    assert connection.state == ConnectionState.CONNECTED
    assert _tested(connection).ok
