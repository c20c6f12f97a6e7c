"""The commands as others script them: what they print, where, and the exit code."""

import csv
import io
import json
import subprocess
import sysconfig
from datetime import UTC, datetime
from pathlib import Path

import pytest

from carillon.accounts.models import Member, Workspace
from carillon.contacts.models import Contact
from carillon.imports.models import ImportSetup
from orgsim.testing import OrgSim
from tests.integration.commands import carillon, environment
from tests.integration.imports.conftest import org, org_ids, org_template

__all__ = ["org", "org_template"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SETUP = """
[workspace]
name = "Admissions"
default_region = "US"
[contact]
enabled = true
[contact.source]
type = "list_view"
name = "TextingContacts"
[contact.standard_fields]
first_name = "Preferred_Name__c"
first_name_fallback = "FirstName"
last_name = "LastName"
mobile_number = "MobilePhone"
user_identification = "OwnerId"
[[contact.additional_fields]]
salesforce = "Program__c"
contact_field = "program"
label = "Program"
type = "text"
[contact.schedule]
timezone = "America/New_York"
windows = []
"""
IMPORT_KEYS = {
    "status", "object", "mode", "trigger", "org_count", "received", "created", "updated", "unchanged", "rejected",
    "left_source", "held", "issue_count", "issues", "api_calls", "api_calls_by_kind",
    "started_at", "finished_at", "error",
}  # fmt: skip
DRY_RUN_KEYS = {
    "dry_run", "status", "object", "source", "mode", "mode_reason", "org_count", "received", "created", "updated",
    "unchanged", "rejected", "rejected_by_reason", "left_source", "held", "issue_count", "issues_by_code", "blanked",
    "opted_in", "opted_out",
    "api_calls", "api_calls_by_kind", "seconds", "started_at", "finished_at", "note", "error", "flips",
}  # fmt: skip


def test_from_an_empty_database_to_contacts_without_a_browser(org: OrgSim, tmp_path: Path) -> None:
    file = tmp_path / "setup.toml"
    file.write_text(SETUP)

    assert carillon("migrate").code == 0
    connected = carillon("connect", "--host", org.url, "--client-id", "orgsim-client")
    assert connected.code == 0, connected.err
    applied = carillon("setup", "apply", str(file))
    assert applied.code == 0, applied.err
    imported = carillon("import", "contact", "--json")
    assert imported.code == 0, imported.err

    members = org_ids(org, "MobilePhone IS NOT NULL")
    assert set(imported.json) >= IMPORT_KEYS
    assert imported.json["status"] == "succeeded"
    assert imported.json["org_count"] == imported.json["created"] == len(members)
    assert set(imported.json["issues"][0]) == {"salesforce_id", "field", "value", "code", "message"}
    listed = list(csv.DictReader(io.StringIO(carillon("contacts", "--format", "csv", "--all").out)))
    assert {row["salesforce_id"] for row in listed} == members
    assert list(listed[0]) == [
        "salesforce_id", "object", "first_name", "last_name", "mobile_number", "mobile_as_given",
        "user_identification", "consent", "in_source", "source_modified_at", "program",
    ]  # fmt: skip
    assert {row["in_source"] for row in listed} == {"yes"}
    assert {row["consent"] for row in listed if row["mobile_number"]} == {"opted_in"}
    assert {row["consent"] for row in listed if not row["mobile_number"]} == {""}
    history = carillon("history", "--json", "--limit", "1").json
    assert history[0]["status"] == "succeeded"


def test_the_exported_setup_applies_again_and_holds_no_secret(org: OrgSim, tmp_path: Path) -> None:
    file = tmp_path / "setup.toml"
    file.write_text(SETUP)
    carillon("migrate")
    carillon("connect", "--host", org.url, "--client-id", "orgsim-client")
    carillon("setup", "apply", str(file))

    exported = carillon("setup", "export")
    file.write_text(exported.out)
    again = carillon("setup", "apply", str(file))

    assert exported.code == again.code == 0
    assert 'name = "TextingContacts"' in exported.out
    assert "orgsim-secret" not in exported.out + carillon("setup", "show", "--json").out
    assert carillon("setup", "export").out == exported.out


def test_an_absent_section_is_left_untouched(org: OrgSim, tmp_path: Path) -> None:
    file = tmp_path / "setup.toml"
    file.write_text(SETUP)
    carillon("migrate")
    carillon("connect", "--host", org.url, "--client-id", "orgsim-client")
    carillon("setup", "apply", str(file))
    file.write_text('[contact.source]\ntype = "list_view"\nname = "All Contacts"\n')

    assert carillon("setup", "apply", str(file)).code == 0

    setup = ImportSetup.objects.get(object="Contact")
    assert setup.enabled
    assert setup.source_name == "AllContacts"
    assert setup.mobile_number == "MobilePhone"
    assert setup.mappings.count() == 1


def test_an_unknown_key_names_the_nearest_known_one(tmp_path: Path) -> None:
    file = tmp_path / "setup.toml"
    file.write_text('[contact.standard_fields]\nmobile_numbr = "MobilePhone"\n')
    carillon("migrate")

    done = carillon("setup", "apply", str(file))

    assert done.code == 1
    assert "mobile_numbr" in done.err
    assert "contact.standard_fields.mobile_number" in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_an_import_that_fails_prints_its_json_and_exits_with_1(org: OrgSim, tmp_path: Path) -> None:
    file = tmp_path / "setup.toml"
    file.write_text(SETUP)
    carillon("migrate")
    carillon("connect", "--host", org.url, "--client-id", "orgsim-client")
    carillon("setup", "apply", str(file))
    org.unshare("TextingContacts")

    done = carillon("import", "contact", "--json")

    assert done.code == 1
    assert done.json["status"] == "failed"
    assert "Texting" in done.json["error"]
    assert not Contact.objects.exists()


def test_a_dry_run_tells_what_the_import_then_does(org: OrgSim, tmp_path: Path) -> None:
    file = tmp_path / "setup.toml"
    file.write_text(SETUP)
    carillon("migrate")
    carillon("connect", "--host", org.url, "--client-id", "orgsim-client")
    carillon("setup", "apply", str(file))

    tried = carillon("import", "contact", "--dry-run", "--json")
    assert not Contact.objects.exists()
    in_words = carillon("import", "contact", "--dry-run", "--everything")
    done = carillon("import", "contact", "--json")

    assert (tried.code, in_words.code, tried.err) == (0, 0, "")
    assert set(tried.json) == DRY_RUN_KEYS
    same = DRY_RUN_KEYS & IMPORT_KEYS - {"started_at", "finished_at"}
    assert {key: tried.json[key] for key in same} == {key: done.json[key] for key in same}
    codes = [issue["code"] for issue in done.json["issues"]]
    assert tried.json["issues_by_code"] == {code: codes.count(code) for code in set(codes)}
    assert set(tried.json["blanked"]) == {
        "first_name", "last_name", "mobile_number", "user_identification", "program"
    }  # fmt: skip
    assert "nothing was stored" in in_words.out
    assert len(in_words.out.strip().splitlines()) == 1


def test_a_dry_run_that_fails_exits_with_1(org: OrgSim, tmp_path: Path) -> None:
    file = tmp_path / "setup.toml"
    file.write_text(SETUP)
    carillon("migrate")
    without = carillon("import", "contact", "--dry-run", "--json")
    carillon("connect", "--host", org.url, "--client-id", "orgsim-client")
    carillon("setup", "apply", str(file))
    org.unshare("TextingContacts")

    failed = carillon("import", "contact", "--dry-run", "--json")

    assert without.code == failed.code == 1
    assert set(without.json) == set(failed.json) == DRY_RUN_KEYS
    assert "not set up" in without.json["error"]
    assert "no longer shared" in failed.json["error"]
    assert failed.json["left_source"] is None


def test_an_import_without_a_setup_says_so(tmp_path: Path) -> None:
    carillon("migrate")

    done = carillon("import", "lead", "--json")

    assert done.code == 1
    assert set(done.json) >= IMPORT_KEYS
    assert done.json["status"] == "failed"
    assert "not set up" in done.json["error"]


def test_wrong_usage_exits_with_2_and_one_sentence() -> None:
    done = carillon("import", "account")

    assert done.code == 2
    assert done.out == ""
    assert len(done.err.strip().splitlines()) == 1


def test_a_wrong_secret_is_told_in_one_sentence(org: OrgSim) -> None:
    carillon("migrate")

    done = carillon(
        "connect", "--host", org.url, "--client-id", "orgsim-client", CARILLON_CLIENT_SECRET="wrong"
    )

    assert done.code == 1
    assert "secret" in done.err
    assert "wrong" not in done.err.replace("wrong host", "")
    assert len(done.err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "host",
    ["http://acme.my.salesforce.com", "https://evil.example", "https://acme.my.salesforce.com.evil.example"],
)
def test_hosts_outside_salesforce_are_refused(host: str) -> None:
    carillon("migrate")

    done = carillon("connect", "--host", host, "--client-id", "x", CARILLON_CLIENT_SECRET="")

    assert done.code == 1
    assert "CARILLON_CLIENT_SECRET" not in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_without_a_terminal_the_secret_comes_from_the_environment() -> None:
    carillon("migrate")

    host = "https://acme.my.salesforce.com"
    done = carillon("connect", "--host", host, "--client-id", "x", CARILLON_CLIENT_SECRET="")

    assert done.code == 1
    assert "CARILLON_CLIENT_SECRET" in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_the_installed_program_answers_as_the_forked_one_of_these_tests() -> None:
    program = Path(sysconfig.get_path("scripts"), "carillon")
    carillon("migrate")
    carillon("member", "add", "ada@example.edu", "--role", "texter")

    listed, refused = (
        subprocess.run([program, *arguments], env=environment(), capture_output=True, text=True, timeout=60)
        for arguments in (("member", "list"), ("member", "set", "nobody@example.edu", "--role", "texter"))
    )

    forked, forked_refused = (
        carillon("member", "list"),
        carillon("member", "set", "nobody@example.edu", "--role", "texter"),
    )
    assert (listed.returncode, listed.stdout, listed.stderr) == (0, forked.out, "")
    assert "ada@example.edu" in listed.stdout
    assert (refused.returncode, refused.stderr) == (forked_refused.code, forked_refused.err)
    assert refused.returncode == 1


def test_members_are_added_changed_listed_and_switched_off() -> None:
    carillon("migrate")

    added = carillon("member", "add", "Ada@Example.edu", "--role", "texter", "--user-id", "005A")
    changed = carillon("member", "set", "ada@example.edu", "--role", "auditor")
    listed = carillon("member", "list")
    off = carillon("member", "off", "ada@example.edu")

    assert [added.code, changed.code, listed.code, off.code] == [0, 0, 0, 0]
    assert "/password/" in added.out
    assert "auditor" in listed.out
    assert "invited" in listed.out
    assert not Member.objects.get(email="ada@example.edu").is_active


def test_two_workspaces_need_a_name() -> None:
    carillon("migrate")
    Workspace.objects.create(name="Alumni")

    done = carillon("contacts")
    named = carillon("contacts", "--workspace", "Alumni")

    assert done.code == 1
    assert "--workspace" in done.err
    assert named.code == 0


def test_contacts_as_json_are_an_array() -> None:
    carillon("migrate")

    assert json.loads(carillon("contacts", "--format", "json", "--all").out) == []


def test_whoever_gets_the_first_contacts_only_is_told() -> None:
    carillon("migrate")
    for number in range(27):
        add_person(number, "Lee" if number else "Poe")

    first = carillon("contacts", "--format", "csv", "--query", "lee")
    every = carillon("contacts", "--format", "csv", "--query", "lee", "--all")
    few = carillon("contacts", "--format", "csv", "--query", "poe")

    assert first.err == "carillon: 25 of 26; --all for all\n"
    assert (first.out.count("003000000"), every.out.count("003000000")) == (25, 26)
    assert (every.err, few.err) == ("", "")


def add_person(number: int, name: str) -> Contact:
    return Contact.objects.create(
        workspace=Workspace.objects.get(),
        object="Contact",
        salesforce_id=f"003000000{number:06d}AAA",
        last_name=name,
        sort_name=name.lower(),
        mobile_number="+12125550123",
        system_modstamp=datetime.now(UTC),
    )


def test_a_person_is_erased_and_their_number_is_not_texted() -> None:
    carillon("migrate")
    person, other = add_person(1, "Okafor"), add_person(2, "Lindqvist")

    refused = carillon("contacts", "erase", person.salesforce_id)
    still_there = Contact.objects.count()
    erased = carillon("contacts", "erase", person.salesforce_id, "--yes")
    again = carillon("contacts", "erase", person.salesforce_id, "--yes")

    listed = list(csv.DictReader(io.StringIO(carillon("contacts", "--format", "csv", "--all").out)))
    assert (refused.code, still_there) == (1, 2)
    assert "can't be undone" in refused.err
    assert (erased.code, erased.out) == (0, "The person was erased.\n")
    assert again.code == 1
    assert len(again.err.strip().splitlines()) == 1
    assert [(row["salesforce_id"], row["consent"]) for row in listed] == [(other.salesforce_id, "opted_out")]


def test_a_workspace_named_before_erase_counts_too() -> None:
    carillon("migrate")
    person = add_person(1, "Okafor")
    Workspace.objects.create(name="Alumni")

    elsewhere = carillon("contacts", "--workspace", "Alumni", "erase", person.salesforce_id, "--yes")
    here = carillon("contacts", "erase", person.salesforce_id, "--yes", "--workspace", "Main")

    assert (elsewhere.code, here.code) == (1, 0)
    assert not Contact.objects.exists()


def test_retention_is_part_of_the_setup_file(tmp_path: Path) -> None:
    carillon("migrate")
    file = tmp_path / "setup.toml"
    file.write_text("[retention]\nissues_days = 30\n")

    applied = carillon("setup", "apply", str(file))
    shown = carillon("setup", "show", "--json").json["retention"]
    file.write_text("[retention]\nissues_days = 0\n")
    refused = carillon("setup", "apply", str(file))

    assert applied.code == 0, applied.err
    assert shown == {"issues_days": 30, "runs_days": 730, "changes_days": 365, "texts_days": 730}
    assert refused.code == 1
    assert refused.err.startswith("carillon: retention.issues_days is 0 days.")
    assert Workspace.objects.get().keep_issues_days == 30


def test_faults_are_told_where_the_file_has_them_and_warnings_as_the_page_does(
    org: OrgSim, tmp_path: Path
) -> None:
    org.add_list_view("Contact", "Mine", scope="mine")
    file = tmp_path / "setup.toml"
    carillon("migrate")
    carillon("connect", "--host", org.url, "--client-id", "orgsim-client")

    file.write_text(SETUP.replace('"Preferred_Name__c"', '"Nick__c"').replace('"text"', '"colour"'))
    refused = carillon("setup", "apply", str(file))
    opt_out = (
        '[contact.opt_out]\nfield = "SMS_Opt_Out__c"\ntype = "checkbox"\nunchecked_means_opted_in = true\n'
    )
    file.write_text(SETUP.replace("TextingContacts", "Mine") + opt_out)
    warned = carillon("setup", "apply", str(file))

    assert refused.code == 1
    assert "contact.standard_fields.first_name: Nick__c does not exist" in refused.err
    assert "contact.additional_fields[1].type: Choose one of" in refused.err
    assert warned.code == 0, warned.err
    assert "scope mine" in warned.err
    assert "Warning" not in warned.out
    assert "Contacts: opt-out field: SMS_Opt_Out__c, unchecked means opted in." in warned.out
