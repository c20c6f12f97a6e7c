import sqlite3
import time
from pathlib import Path

import httpx
import pytest

from orgsim import history
from orgsim.staff import API_USERNAME, REGISTRAR_USERNAME
from orgsim.testing import OrgSim
from tests.contract.conftest import V, signed_in

MISSING = [{"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}]


def _url(record_id: str, sobject: str = "Contact") -> str:
    return f"{V}/sobjects/{sobject}/{record_id}"


@pytest.fixture
def contact(org: OrgSim) -> str:
    return org.ids("Contact")[0]


def test_a_record_is_read_whole_or_by_fields(client: httpx.Client, contact: str) -> None:
    whole = client.get(_url(contact)).json()
    part = client.get(_url(contact), params={"fields": "firstname,MobilePhone"}).json()

    assert whole["attributes"] == {"type": "Contact", "url": _url(contact)}
    assert {"Id", "Name", "MailingAddress", "IsDeleted", "SystemModstamp"} <= set(whole)
    assert set(part) == {"attributes", "Id", "FirstName", "MobilePhone"}
    assert part["FirstName"] == whole["FirstName"]


def test_a_15_character_id_finds_the_record(client: httpx.Client, contact: str) -> None:
    assert client.get(_url(contact[:15])).json()["Id"] == contact


def test_an_edit_moves_the_stamps_and_names_the_editor(
    org: OrgSim, client: httpx.Client, contact: str
) -> None:
    before = client.get(_url(contact)).json()

    answer = client.patch(
        _url(contact), json={"SMS_Opt_Out__c": True, "FirstName": "Zoë", "Description": "  "}
    )

    after = client.get(_url(contact)).json()
    me = client.get("/services/oauth2/userinfo").json()
    assert (answer.status_code, answer.content) == (204, b"")
    assert (after["SMS_Opt_Out__c"], after["FirstName"], after["Description"]) == (True, "Zoë", None)
    assert after["Name"] == f"Zoë {before['LastName']}"
    assert after["LastModifiedDate"] == after["SystemModstamp"] > before["SystemModstamp"]
    assert after["Last_Modified_Date_Time__c"] == after["LastModifiedDate"]
    assert (after["LastModifiedById"], after["CreatedDate"]) == (me["user_id"], before["CreatedDate"])
    assert me["preferred_username"] == API_USERNAME


def test_staff_edit_under_their_own_name(org: OrgSim, client: httpx.Client, contact: str) -> None:
    with signed_in(org, REGISTRAR_USERNAME) as registrar:
        registrar.patch(_url(contact), json={"DoNotCall": True})
        registrar_id = registrar.get("/services/oauth2/userinfo").json()["user_id"]

    assert client.get(_url(contact)).json()["LastModifiedById"] == registrar_id


@pytest.mark.parametrize(
    ("values", "code", "fields"),
    [
        ({"foo": 1}, "INVALID_FIELD", None),
        ({"CreatedDate": "2026-01-01T00:00:00Z"}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["CreatedDate"]),
        (
            {"Last_Modified_Date_Time__c": None},
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            ["Last_Modified_Date_Time__c"],
        ),
        ({"FirstName": "x" * 41}, "STRING_TOO_LONG", ["FirstName"]),
        ({"LastName": None}, "REQUIRED_FIELD_MISSING", ["LastName"]),
        ({"SMS_Opt_Out__c": "yes"}, "JSON_PARSER_ERROR", None),
        ({"SMS_Opt_Out__c": None}, "JSON_PARSER_ERROR", None),
        ({"FirstName": True}, "JSON_PARSER_ERROR", None),
        ({"Graduation_Year__c": "soon"}, "JSON_PARSER_ERROR", None),
        ({"Graduation_Year__c": 20_268}, "NUMBER_OUTSIDE_VALID_RANGE", ["Graduation_Year__c"]),
        ({"Birthdate": "01/02/2003"}, "JSON_PARSER_ERROR", None),
        ({"Birthdate": "2003-02-01 00:00:00"}, "JSON_PARSER_ERROR", None),
        ({"EmailBouncedDate": "2026-01-01 00:00:00"}, "JSON_PARSER_ERROR", None),
        ({"Email": "no address"}, "INVALID_EMAIL_ADDRESS", ["Email"]),
        ({"CleanStatus": "Dusty"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["CleanStatus"]),
        ({"OwnerId": "nobody"}, "MALFORMED_ID", ["OwnerId"]),
        ({"OwnerId": "003000000000001"}, "INVALID_CROSS_REFERENCE_KEY", ["OwnerId"]),
    ],
)
def test_a_wrong_write_is_refused_and_changes_nothing(
    client: httpx.Client, contact: str, values: dict[str, object], code: str, fields: list[str] | None
) -> None:
    before = client.get(_url(contact)).json()

    answer = client.patch(_url(contact), json={"Title": "Changed", **values})

    [error] = answer.json()
    assert (answer.status_code, error["errorCode"], error.get("fields")) == (400, code, fields)
    assert client.get(_url(contact)).json() == before


def test_the_unknown_field_is_named_as_recorded(client: httpx.Client, contact: str) -> None:
    expected = [{"message": "No such column 'foo' on sobject of type Contact", "errorCode": "INVALID_FIELD"}]

    assert client.patch(_url(contact), json={"foo": 1}).json() == expected
    assert client.get(_url(contact), params={"fields": "foo"}).json() == expected


def test_a_body_that_is_no_json_object_is_refused(client: httpx.Client, contact: str) -> None:
    for body in (b"{", b"[]", b'"x"'):
        answer = client.patch(_url(contact), content=body, headers={"Content-Type": "application/json"})
        assert answer.json()[0]["errorCode"] == "JSON_PARSER_ERROR"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/sobjects/Contact"),
        ("PATCH", "/sobjects/Contact/{id}"),
        ("PATCH", "/composite/sobjects"),
        ("POST", "/composite"),
        ("POST", "/composite/batch"),
        ("POST", "/jobs/query"),
    ],
)
def test_a_write_without_a_body_is_refused_as_recorded(
    client: httpx.Client, contact: str, method: str, path: str
) -> None:
    answer = client.request(method, V + path.format(id=contact))

    message = "The HTTP entity body is required, but this request has no entity body."
    assert answer.status_code == 400
    assert answer.json() == [{"message": message, "errorCode": "JSON_PARSER_ERROR"}]


def test_ids_that_name_nothing(client: httpx.Client, org: OrgSim) -> None:
    absent = client.get(_url("003Hs000000zzzz"))
    odd = client.get(_url("23foo"))
    other = client.patch(_url(org.ids("Lead")[0]), json={})

    assert (absent.status_code, absent.json()) == (404, MISSING)
    assert odd.json() == [
        {
            "message": "Provided external ID field does not exist or is not accessible: 23foo",
            "errorCode": "NOT_FOUND",
        }
    ]
    assert (other.status_code, other.json()[0]["errorCode"], other.json()[0]["fields"]) == (
        400,
        "MALFORMED_ID",
        ["Id"],
    )


def test_create_then_delete(org: OrgSim, client: httpx.Client) -> None:

    made = client.post(f"{V}/sobjects/Contact", json={"LastName": "Ünal", "MobilePhone": "(212) 555-0123"})

    record_id = made.json()["id"]
    assert (made.status_code, made.json()) == (201, {"id": record_id, "success": True, "errors": []})
    assert made.headers["Location"] == _url(record_id)
    record = client.get(_url(record_id)).json()
    assert (record["Name"], record["SMS_Opt_Out__c"], record["CreatedDate"]) == (
        "Ünal",
        False,
        record["SystemModstamp"],
    )
    assert client.delete(_url(record_id)).status_code == 204
    refusal = {"message": "entity is deleted", "errorCode": "ENTITY_IS_DELETED"}
    read = client.get(_url(record_id))
    assert (read.status_code, read.json()) == (404, [refusal])
    for answer in (client.patch(_url(record_id), json={}), client.delete(_url(record_id))):
        assert (answer.status_code, answer.json()) == (404, [refusal | {"fields": []}])


def test_create_without_what_is_required(org: OrgSim, client: httpx.Client) -> None:

    answer = client.post(f"{V}/sobjects/Lead", json={"FirstName": "Ann"})

    [error] = answer.json()
    assert error["message"] == "Required fields are missing: [LastName, Company]"
    assert (error["errorCode"], error["fields"]) == ("REQUIRED_FIELD_MISSING", ["LastName", "Company"])


def test_users_cannot_be_written(client: httpx.Client, org: OrgSim) -> None:
    answer = client.patch(_url(org.ids("User")[0], "User"), json={"Title": "Boss"})

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS_OR_READONLY")


def test_a_converted_lead_is_read_only(org: OrgSim, client: httpx.Client) -> None:
    with org.store.writing() as connection:
        connection.execute("UPDATE Lead SET IsConverted = 1 WHERE Id = ?", (org.ids("Lead")[0],))

    answer = client.patch(_url(org.ids("Lead")[0], "Lead"), json={"SMS_Opt_Out__c": True})

    assert answer.json()[0]["errorCode"] == "CANNOT_UPDATE_CONVERTED_LEAD"


def test_what_is_in_the_path_is_not_repeated_in_the_body(client: httpx.Client, contact: str) -> None:
    edit = client.patch(_url(contact), json={"Id": contact, "Title": "x"})
    made = client.post(f"{V}/sobjects/Contact", json={"Id": contact, "LastName": "x"})
    upsert = client.patch(f"{V}/sobjects/Contact/Student_ID__c/S-1", json={"Student_ID__c": "S-1"})

    assert edit.json() == [
        {"message": "The Id field should not be specified in the sobject data.", "errorCode": "INVALID_FIELD"}
    ]
    assert made.json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert (
        upsert.json()[0]["message"] == "The Student_ID__c field should not be specified in the sobject data."
    )


def test_a_hidden_field_can_not_be_written(org: OrgSim, client: httpx.Client, contact: str) -> None:
    org.hide_field("Contact", "SMS_Opt_Out__c")

    answer = client.patch(_url(contact), json={"SMS_Opt_Out__c": True})

    assert answer.json()[0]["message"] == "No such column 'SMS_Opt_Out__c' on sobject of type Contact"


def test_private_contacts_of_others_are_seen_but_not_written(org: OrgSim, client: httpx.Client) -> None:
    private = org.create("Contact", LastName="Private")

    seen, written = client.get(_url(private)), client.patch(_url(private), json={"Title": "x"})
    erased = client.delete(_url(private))
    org.grant("Contact", "Modify All")

    expected = {
        "message": "insufficient access rights on object id",
        "errorCode": "INSUFFICIENT_ACCESS_OR_READONLY",
        "fields": [],
    }
    assert seen.status_code == 200
    assert (written.status_code, written.json(), erased.json()) == (403, [expected], [expected])
    assert client.patch(_url(private), json={"Title": "x"}).status_code == 204


def test_upsert_by_external_id(client: httpx.Client) -> None:
    url = f"{V}/sobjects/Contact/Student_ID__c/S-7"

    absent = client.patch(url, params={"updateOnly": "true"}, json={"LastName": "New"})
    made = client.patch(url, json={"LastName": "New"})
    again = client.patch(url.replace("S-7", "s-7"), json={"Title": "Known"})
    old = client.patch(url.replace("v66.0", "v45.0"), json={"Title": "Known"})

    record_id = made.json()["id"]
    assert (absent.status_code, absent.json()) == (404, MISSING)
    assert (made.status_code, made.json()) == (
        201,
        {"id": record_id, "success": True, "errors": [], "created": True},
    )
    assert made.headers["Location"] == _url(record_id)
    assert (again.status_code, again.json()) == (
        200,
        {"id": record_id, "success": True, "errors": [], "created": False},
    )
    assert (old.status_code, old.content) == (204, b"")
    assert client.get(url).json()["Title"] == "Known"
    assert client.delete(url).status_code == 204
    assert client.get(url).status_code == 404


def test_an_external_id_with_several_records_answers_their_addresses(client: httpx.Client) -> None:
    ids = [
        client.post(f"{V}/sobjects/Contact", json={"LastName": "Twin", "Student_ID__c": "T"}).json()["id"]
        for _ in range(2)
    ]

    answer = client.patch(f"{V}/sobjects/Contact/Student_ID__c/T", json={"Title": "x"})

    assert (answer.status_code, answer.json()) == (300, [_url(record_id) for record_id in ids])


def test_a_field_that_is_no_external_id_is_named_as_recorded(client: httpx.Client) -> None:
    expected = [
        {
            "message": "Provided external ID field does not exist or is not accessible: Namez",
            "errorCode": "NOT_FOUND",
        }
    ]

    for method in ("GET", "PATCH", "DELETE"):
        answer = client.request(method, f"{V}/sobjects/Contact/Namez/x", json={})
        assert (answer.status_code, answer.json()) == (404, expected)


def test_the_parent_of_a_record_has_an_address(org: OrgSim, client: httpx.Client) -> None:
    contact = org.create("Contact", LastName="Child", AccountId=org.ids("Account")[0])

    assert client.get(f"{_url(contact)}/Account").json()["Id"] == org.ids("Account")[0]
    assert client.get(f"{_url(contact)}/Nobody").status_code == 404


def test_a_record_is_read_and_written_on_conditions(client: httpx.Client, contact: str) -> None:
    moment = client.get(_url(contact)).headers["Last-Modified"]
    long_ago = "Mon, 01 Jan 2001 00:00:00 GMT"

    unchanged = client.get(_url(contact), headers={"If-Modified-Since": moment})
    changed = client.get(_url(contact), headers={"If-Modified-Since": long_ago})
    stale = client.patch(_url(contact), json={"Title": "x"}, headers={"If-Unmodified-Since": long_ago})
    fresh = client.patch(_url(contact), json={"Title": "x"}, headers={"If-Unmodified-Since": moment})
    odd = client.get(_url(contact), headers={"If-Modified-Since": "some day"})

    statuses = [answer.status_code for answer in (unchanged, changed, stale, fresh, odd)]
    assert statuses == [304, 200, 412, 204, 200]
    assert unchanged.content == b""
    assert "ETag" not in changed.headers


def test_accounts_have_entity_tags(org: OrgSim, client: httpx.Client) -> None:
    url = _url(org.ids("Account")[0], "Account")
    tag = client.get(url).headers["ETag"]

    same = client.get(url, headers={"If-None-Match": tag})
    other = client.patch(url, json={"Phone": "1"}, headers={"If-Match": '"00000000"'})
    fresh = client.patch(url, json={"Phone": "1"}, headers={"If-Match": tag})
    gone = client.get(url, headers={"If-None-Match": tag})

    assert [answer.status_code for answer in (same, other, fresh, gone)] == [304, 412, 204, 200]


@pytest.mark.parametrize("setting", ["moved", "kept"])
def test_whether_writing_the_same_value_moves_the_stamps_is_switched(
    org: OrgSim, client: httpx.Client, contact: str, setting: str
) -> None:
    org.switch("quiet_write_stamps", setting)
    before = client.get(_url(contact)).json()

    client.patch(_url(contact), json={"LastName": before["LastName"]})

    after = client.get(_url(contact)).json()
    assert (after["SystemModstamp"] > before["SystemModstamp"]) is (setting == "moved")
    client.patch(_url(contact), json={"LastName": "Other"})
    assert client.get(_url(contact)).json()["SystemModstamp"] > before["SystemModstamp"]


def test_a_task_moves_only_the_system_stamp_of_its_person(org: OrgSim, client: httpx.Client) -> None:
    for sobject in ("Contact", "Lead"):
        person = org.ids(sobject)[1]
        before = client.get(_url(person, sobject)).json()

        made = client.post(
            f"{V}/sobjects/Task",
            json={
                "WhoId": person,
                "Subject": "SMS: inbound",
                "Description": "Yes please",
                "Status": "Completed",
                "ActivityDate": "2030-05-06",
                "TaskSubtype": "Task",
            },
        )

        after = client.get(_url(person, sobject)).json()
        moved = {name for name in after if after[name] != before[name]}
        assert made.status_code == 201
        assert moved == {"SystemModstamp", "LastActivityDate"}
        assert after["LastActivityDate"] == "2030-05-06"


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"Subject": "x" * 256}, "STRING_TOO_LONG", "Subject"),
        ({"WhoId": "account"}, "FIELD_INTEGRITY_EXCEPTION", "WhoId"),
        ({"WhoId": "lead", "WhatId": "account"}, "FIELD_INTEGRITY_EXCEPTION", "WhatId"),
        ({"TaskSubtype": "SMS"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "TaskSubtype"),
    ],
)
def test_wrong_tasks_are_refused(
    org: OrgSim, client: httpx.Client, values: dict[str, str], code: str, field: str
) -> None:
    ids = {"account": org.ids("Account")[0], "lead": org.ids("Lead")[0]}

    answer = client.post(
        f"{V}/sobjects/Task", json={name: ids.get(text, text) for name, text in values.items()}
    )

    [error] = answer.json()
    assert (answer.status_code, error["errorCode"], error["fields"]) == (400, code, [field])


def test_the_subtype_of_a_task_is_fixed(org: OrgSim, client: httpx.Client) -> None:
    task = org.create("Task", Subject="SMS", TaskSubtype="Task")

    answer = client.patch(_url(task, "Task"), json={"TaskSubtype": "Call"})

    assert answer.json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"


def test_a_task_that_changes_hands_moves_both_people(org: OrgSim, client: httpx.Client) -> None:
    old, new = org.ids("Contact")[:2]
    task = org.create("Task", Subject="SMS", WhoId=old)
    before = [client.get(_url(person)).json()["SystemModstamp"] for person in (old, new)]
    time.sleep(1.1)

    client.patch(_url(task, "Task"), json={"WhoId": new})

    after = [client.get(_url(person)).json()["SystemModstamp"] for person in (old, new)]
    assert [late > early for early, late in zip(before, after, strict=True)] == [True, True]


@pytest.mark.parametrize("verb", ["bounce", "touch"])
def test_the_system_moves_only_its_own_stamp(
    org: OrgSim, client: httpx.Client, contact: str, verb: str
) -> None:
    before = client.get(_url(contact)).json()

    getattr(org, verb)(contact)

    after = client.get(_url(contact)).json()
    assert after["SystemModstamp"] > before["SystemModstamp"]
    assert (after["LastModifiedDate"], after["Last_Modified_Date_Time__c"]) == (
        before["LastModifiedDate"],
    ) * 2
    assert after["IsEmailBounced"] is (verb == "bounce")


def test_numbers_and_booleans_may_come_as_texts(client: httpx.Client, contact: str) -> None:
    client.patch(_url(contact), json={"Graduation_Year__c": "2027", "SMS_Opt_Out__c": "TRUE"})

    after = client.get(_url(contact)).json()
    assert (after["Graduation_Year__c"], after["SMS_Opt_Out__c"]) == (2027, True)


def test_an_inactive_user_owns_nothing_new(client: httpx.Client, contact: str) -> None:
    query = "SELECT Id FROM User WHERE IsActive = false"
    user = client.get(f"{V}/query", params={"q": query}).json()["records"][0]["Id"]

    answer = client.patch(_url(contact), json={"OwnerId": user})

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INACTIVE_OWNER_OR_USER")


def test_a_file_from_before_history_and_external_ids_is_completed(tmp_path: Path) -> None:
    file = tmp_path / "org.db"
    with OrgSim(file, contacts=5, leads=5):
        pass
    with sqlite3.connect(file) as connection:
        for table in ("history", "deletion", "automation"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute('DROP INDEX "Contact_Student_ID__c"')
        connection.execute("ALTER TABLE Contact DROP COLUMN Student_ID__c")
    connection.close()

    with OrgSim(file) as org, signed_in(org) as client:
        url = f"{V}/sobjects/Contact/Student_ID__c/S-1"
        made = client.patch(url, json={"LastName": "New"}).json()["id"]
        assert client.get(url).json()["Id"] == made
        assert [change.field for change in history.of_record(org.org, made)] == [history.CREATED]
