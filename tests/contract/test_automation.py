"""What the org's own automation does to writes of the API."""

import time
from pathlib import Path

import httpx
import pytest

from orgsim.staff import REGISTRAR_USERNAME
from orgsim.testing import OrgSim
from tests.contract.conftest import V, signed_in

DUPLICATE_HEADER = "Sforce-Duplicate-Rule-Header"
SAVE_ANYWAY = {DUPLICATE_HEADER: "allowSave=true; includeRecordDetails=false; runAsCurrentUser=true"}


def _url(record_id: str, sobject: str = "Contact") -> str:
    return f"{V}/sobjects/{sobject}/{record_id}"


@pytest.fixture
def contact(org: OrgSim) -> str:
    return org.create("Contact", LastName="Li", AccountId=org.ids("Account")[0], Email="li@example.org")


def _opt_out(
    client: httpx.Client, contact: str, headers: dict[str, str] | None = None, *, value: bool = True
) -> httpx.Response:
    return client.patch(_url(contact), json={"SMS_Opt_Out__c": value}, headers=headers)


def _error(answer: httpx.Response) -> tuple[int, str, str]:
    [error] = answer.json()
    return answer.status_code, error["errorCode"], error["message"]


def test_a_validation_rule_refuses_what_it_describes(org: OrgSim, client: httpx.Client, contact: str) -> None:
    org.set_validation_rule(
        "Contact",
        "SMS_Opt_Out__c = true AND Program__c = null",
        "A program is needed",
        field="Program__c",
    )

    refused = _opt_out(client, contact)
    allowed = client.patch(_url(contact), json={"SMS_Opt_Out__c": True, "Program__c": "MBA"})

    assert refused.status_code == 400
    assert refused.json() == [
        {
            "message": "A program is needed",
            "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "fields": ["Program__c"],
        }
    ]
    assert allowed.status_code == 204


def test_a_validation_rule_may_look_at_what_was(org: OrgSim, client: httpx.Client, contact: str) -> None:
    org.set_validation_rule(
        "Contact", "SMS_Opt_Out__c = false", "An opt-out stays", was="SMS_Opt_Out__c = true", name="Stays"
    )

    first = client.patch(_url(contact), json={"Title": "x"})
    _opt_out(client, contact)
    back = _opt_out(client, contact, value=False)

    assert first.status_code == 204
    assert _error(back)[1:] == ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "An opt-out stays")


def test_all_validation_rules_that_refuse_are_answered(
    org: OrgSim, client: httpx.Client, contact: str
) -> None:
    org.set_validation_rule("Contact", "SMS_Opt_Out__c = true", "One", name="One")
    org.set_validation_rule("Contact", "Owner.Name != null", "Two", name="Two")

    answer = _opt_out(client, contact)

    record = {"attributes": {"type": "Contact"}, "id": contact, "SMS_Opt_Out__c": True}
    item = client.patch(f"{V}/composite/sobjects", json={"records": [record]}).json()[0]
    assert [error["message"] for error in answer.json()] == ["One", "Two"]
    assert [error["message"] for error in item["errors"]] == ["One", "Two"]


def test_a_flow_puts_a_field_back_after_a_204(org: OrgSim, client: httpx.Client, contact: str) -> None:
    org.set_flow("Contact", "SMS_Opt_Out__c", put_back=True)
    before = client.get(_url(contact)).json()
    time.sleep(1.1)

    answer = client.patch(_url(contact), json={"SMS_Opt_Out__c": True, "Title": "Kept"})

    after = client.get(_url(contact)).json()
    assert answer.status_code == 204
    assert (after["SMS_Opt_Out__c"], after["Title"]) == (False, "Kept")
    assert after["SystemModstamp"] > before["SystemModstamp"]


def test_a_flow_sets_a_field_when_its_condition_holds(
    org: OrgSim, client: httpx.Client, contact: str
) -> None:
    org.set_flow("Contact", "Texting_Preference__c", value="No", when="SMS_Opt_Out__c = true")

    client.patch(_url(contact), json={"Title": "x"})
    untouched = client.get(_url(contact)).json()["Texting_Preference__c"]
    _opt_out(client, contact)

    assert untouched is None
    assert client.get(_url(contact)).json()["Texting_Preference__c"] == "No"


@pytest.mark.parametrize(
    ("kind", "code", "text"),
    [
        (
            "flow",
            "CANNOT_EXECUTE_FLOW_TRIGGER",
            "We can't save this record because the “Guard” process failed.",
        ),
        (
            "trigger",
            "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            "Guard: execution of BeforeUpdate\n\ncaused by: Oops",
        ),
    ],
)
def test_a_failing_automation_undoes_the_save(
    org: OrgSim, client: httpx.Client, contact: str, kind: str, code: str, text: str
) -> None:
    org.fail_saves("Contact", kind=kind, message="Oops", when="SMS_Opt_Out__c = true", name="Guard")

    status, given, message = _error(_opt_out(client, contact))

    assert (status, given) == (400, code)
    assert message.startswith(text)
    assert client.get(_url(contact)).json()["SMS_Opt_Out__c"] is False


def test_a_row_is_locked_for_some_attempts(org: OrgSim, client: httpx.Client, contact: str) -> None:
    org.lock_row(contact[:15], times=2)

    answers = [_opt_out(client, contact) for _ in range(3)]

    text = f"unable to obtain exclusive access to this record or 1 records: {contact}"
    assert [answer.status_code for answer in answers] == [400, 400, 204]
    assert _error(answers[0]) == (400, "UNABLE_TO_LOCK_ROW", text)


def test_a_row_is_locked_for_some_time_and_its_account_as_well(
    org: OrgSim, client: httpx.Client, contact: str
) -> None:
    account = client.get(_url(contact)).json()["AccountId"]
    org.lock_row(account, seconds=0.4)

    held = _opt_out(client, contact)
    org.edit(contact, Title="Staff wait for the lock")
    time.sleep(0.5)

    assert _error(held)[1:] == (
        "UNABLE_TO_LOCK_ROW",
        f"unable to obtain exclusive access to this record or 1 records: {account}",
    )
    assert _opt_out(client, contact).status_code == 204


def test_a_record_in_approval_is_locked_until_released(
    org: OrgSim, client: httpx.Client, contact: str
) -> None:
    org.lock_for_approval(contact[:15])

    refused, erased = _opt_out(client, contact), client.delete(_url(contact))
    org.edit(contact, Title="An administrator may")
    org.release_approval(contact)

    assert _error(refused)[:2] == _error(erased)[:2] == (400, "ENTITY_IS_LOCKED")
    assert _opt_out(client, contact).status_code == 204


@pytest.mark.parametrize("separator", [";", ", ", "; "])
def test_an_alerting_duplicate_rule_gives_way(
    org: OrgSim, client: httpx.Client, contact: str, separator: str
) -> None:
    other = org.create("Contact", LastName="Twin", Email="LI@example.org")
    org.set_duplicate_rule("Contact", ("Email",))

    refused = _opt_out(client, contact)
    header = separator.join(["allowSave=true", "includeRecordDetails=false", "runAsCurrentUser=true"])
    allowed = _opt_out(client, contact, {DUPLICATE_HEADER: header})

    [error] = refused.json()
    result = error["duplicateResult"]
    assert (refused.status_code, error["errorCode"]) == (400, "DUPLICATES_DETECTED")
    assert error["message"] == "Use one of these records?"
    assert (result["allowSave"], result["duplicateRule"]) == (True, "Standard_Contact_Duplicate_Rule")
    [match] = result["matchResults"]
    assert match["matchRecords"][0]["record"] == {
        "attributes": {"type": "Contact", "url": _url(other)},
        "Id": other,
    }
    assert allowed.status_code == 204


def test_a_blocking_duplicate_rule_does_not(org: OrgSim, client: httpx.Client, contact: str) -> None:
    org.create("Contact", LastName="Twin", Email="li@example.org")
    org.set_duplicate_rule("Contact", ("Email",), action="block", on_create=False)

    refused = _opt_out(client, contact, SAVE_ANYWAY)
    made = client.post(f"{V}/sobjects/Contact", json={"LastName": "Triplet", "Email": "li@example.org"})

    assert refused.json()[0]["duplicateResult"]["allowSave"] is False
    assert client.get(_url(contact)).json()["SMS_Opt_Out__c"] is False
    assert made.status_code == 201


def test_a_lead_goes_to_another_owner_unless_the_header_forbids_it(org: OrgSim, client: httpx.Client) -> None:
    kept, moved = org.ids("Lead")[:2]
    owner = client.get(_url(kept, "Lead")).json()["OwnerId"]
    with signed_in(org, REGISTRAR_USERNAME) as registrar:
        registrar_id = registrar.get("/services/oauth2/userinfo").json()["user_id"]
    org.set_assignment_rule(REGISTRAR_USERNAME)

    client.patch(_url(kept, "Lead"), json={"SMS_Opt_Out__c": True}, headers={"Sforce-Auto-Assign": "FALSE"})
    client.patch(_url(moved, "Lead"), json={"SMS_Opt_Out__c": True})

    assert client.get(_url(kept, "Lead")).json()["OwnerId"] == owner
    assert client.get(_url(moved, "Lead")).json()["OwnerId"] == registrar_id


def test_a_trigger_fails_for_many_records_at_once(org: OrgSim, client: httpx.Client) -> None:
    org.limit_batches("Lead", 3)
    records = [{"attributes": {"type": "Lead"}, "id": lead, "Title": "x"} for lead in org.ids("Lead")[:4]]

    many = client.patch(f"{V}/composite/sobjects", json={"records": records}).json()
    few = client.patch(f"{V}/composite/sobjects", json={"records": records[:3]}).json()

    assert {r["errors"][0]["statusCode"] for r in many} == {"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"}
    assert all("Too many SOQL queries: 101" in r["errors"][0]["message"] for r in many)
    assert all(r["success"] for r in few)


def test_one_record_that_is_refused_does_not_hold_up_others(
    org: OrgSim, client: httpx.Client, contact: str
) -> None:
    other = org.ids("Lead")[0]
    org.lock_row(contact)
    records = [
        {"attributes": {"type": kind}, "id": record_id, "SMS_Opt_Out__c": True}
        for kind, record_id in (("Contact", contact), ("Lead", other))
    ]

    first = client.patch(f"{V}/composite/sobjects", json={"records": records}).json()
    again = client.patch(f"{V}/composite/sobjects", json={"records": records}).json()

    assert [r["success"] for r in first] == [False, True]
    assert first[0]["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"
    assert [r["success"] for r in again] == [True, True]


def test_automation_outlives_a_restart_until_it_is_removed(tmp_path: Path) -> None:
    with OrgSim(tmp_path / "org.db", contacts=5, leads=5) as org:
        org.set_validation_rule("Lead", "Title = 'x'", "No x", name="No_X")

    with OrgSim(tmp_path / "org.db") as org, signed_in(org) as client:
        lead = org.ids("Lead")[0]
        refused = client.patch(_url(lead, "Lead"), json={"Title": "x"})
        assert [rule["type"] for rule in org.automation()] == ["validation"]
        org.remove_automation("No_X")
        assert _error(refused)[2] == "No x"
        assert client.patch(_url(lead, "Lead"), json={"Title": "x"}).status_code == 204


def test_wrong_automation_is_refused_when_it_is_set_up(org: OrgSim) -> None:
    with pytest.raises(ValueError):
        org.set_validation_rule("Contact", "Nope__c = 1", "x")
    with pytest.raises(LookupError):
        org.set_flow("Contact", "Nope__c")
    with pytest.raises(LookupError):
        org.set_duplicate_rule("Nobody", ("Email",))
    with pytest.raises(LookupError):
        org.set_assignment_rule("nobody@example.org")
    with pytest.raises(LookupError):
        org.remove_automation("Nothing")


def test_verbs_are_called_over_http(org: OrgSim, client: httpx.Client, contact: str) -> None:
    admin = httpx.Client(base_url=f"{org.url}/orgsim/admin", headers={"X-Orgsim-Token": org.admin_token})

    with admin:
        admin.post("/lock_row", json={"record_id": contact, "times": 1})
        made = admin.post("/convert", json={"lead": org.ids("Lead")[0]})
        rule = admin.post(
            "/set_duplicate_rule", json={"sobject": "Contact", "fields": ["Email"], "action": "never"}
        )
        emptied = admin.post("/empty_recycle_bin", json={"ids": []})

    assert _opt_out(client, contact).status_code == 400
    assert set(made.json()["result"]) == {"contact", "account"}
    assert (rule.status_code, emptied.json()) == (400, {"result": 0})
