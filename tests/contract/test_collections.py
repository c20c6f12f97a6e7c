"""Many records in one call: /composite/sobjects."""

import time

import httpx
import pytest

from orgsim.testing import OrgSim
from tests.contract.conftest import V, soql

URL = f"{V}/composite/sobjects"
ABSENT = "003Hs000000zzzzIAA"


def _contact(**fields: object) -> dict[str, object]:
    return {"attributes": {"type": "Contact"}, **fields}


def _patch(client: httpx.Client, *records: dict[str, object], all_or_none: bool = False) -> httpx.Response:
    return client.patch(URL, json={"allOrNone": all_or_none, "records": list(records)})


def _title(client: httpx.Client, record_id: str) -> object:
    return client.get(f"{V}/sobjects/Contact/{record_id}").json()["Title"]


def _failed(code: str, message: str, *fields: str) -> dict[str, object]:
    return {"success": False, "errors": [{"statusCode": code, "message": message, "fields": list(fields)}]}


def test_an_edit_answers_each_record_in_order_as_recorded(org: OrgSim, client: httpx.Client) -> None:
    first, second = org.ids("Contact")[:2]
    lead = org.ids("Lead")[0]

    answer = _patch(
        client,
        _contact(Id=second, SMS_Opt_Out__c=True),
        {"attributes": {"type": "Lead"}, "id": lead[:15], "SMS_Opt_Out__c": True},
        _contact(id=first, SMS_Opt_Out__c=True),
    )

    assert answer.status_code == 200
    assert answer.json() == [
        {"id": record_id, "success": True, "errors": []} for record_id in (second, lead, first)
    ]
    rows = soql(client, "SELECT COUNT() FROM Contact WHERE SMS_Opt_Out__c = true").json()
    assert rows["totalSize"] >= 2


def test_refused_records_have_a_status_code_and_no_id(org: OrgSim, client: httpx.Client) -> None:
    good, gone = org.ids("Contact")[:2]
    org.delete(gone)

    answer = _patch(
        client,
        _contact(id=ABSENT, Title="a"),
        _contact(id=gone, Title="a"),
        _contact(id=good, CleanStatus="Dusty"),
        _contact(id="23foo", Title="a"),
        _contact(Title="a"),
        _contact(id=good[:15], CreatedDate="2026-01-01T00:00:00Z"),
        _contact(id=org.ids("Contact")[3], Title="a"),
    )

    results = answer.json()
    assert answer.status_code == 200
    assert results[0] == _failed("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    assert results[1] == _failed("ENTITY_IS_DELETED", "entity is deleted")
    assert [r["errors"][0]["statusCode"] for r in results[3:5]] == ["MALFORMED_ID", "MISSING_ARGUMENT"]
    assert [r["success"] for r in results] == [False] * 6 + [True]


def test_one_record_twice_is_refused_both_times(org: OrgSim, client: httpx.Client) -> None:
    record_id = org.ids("Contact")[0]

    results = _patch(client, _contact(id=record_id, Title="a"), _contact(id=record_id[:15], Title="b")).json()

    assert [r["errors"][0]["statusCode"] for r in results] == ["DUPLICATE_VALUE"] * 2
    assert _title(client, record_id) not in ("a", "b")


def test_all_or_none_undoes_the_innocent(org: OrgSim, client: httpx.Client) -> None:
    record_id = org.ids("Contact")[0]
    before = client.get(f"{V}/sobjects/Contact/{record_id}").json()

    answer = _patch(
        client, _contact(id=record_id, Title="a"), _contact(id=ABSENT, Title="a"), all_or_none=True
    )

    assert answer.status_code == 200
    assert answer.json() == [
        _failed(
            "ALL_OR_NONE_OPERATION_ROLLED_BACK",
            "Record rolled back because not all records were valid and the request was using AllOrNone header",
        ),
        _failed("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"),
    ]
    assert client.get(f"{V}/sobjects/Contact/{record_id}").json() == before


def test_an_unreadable_record_fails_alone(org: OrgSim, client: httpx.Client) -> None:
    record_id, other, third = org.ids("Contact")[:3]

    answer = _patch(
        client,
        _contact(id=record_id, Title="a"),
        _contact(id=other, foo=1),
        {"Title": "a"},
        {"attributes": {"type": "Nope"}},
        _contact(id=third, Birthdate="soon"),
        _contact(Title="a"),
    )

    assert answer.status_code == 200
    done, unknown, untyped, *others = answer.json()
    assert done == {"id": record_id, "success": True, "errors": []}
    assert unknown == _failed("INVALID_FIELD", "No such column 'foo' on sobject of type Contact")
    message = (
        "Nested object for polymorphic foreign key must have an attributes field before any other fields."
    )
    assert untyped == _failed("JSON_PARSER_ERROR", message)
    codes = [item["errors"][0]["statusCode"] for item in others]
    assert codes == ["INVALID_TYPE", "JSON_PARSER_ERROR", "MISSING_ARGUMENT"]
    assert _title(client, record_id) == "a"


@pytest.mark.parametrize(("records", "code"), [([], "REQUIRED_FIELD_MISSING"), ("x", "JSON_PARSER_ERROR")])
def test_a_body_without_records_is_refused(client: httpx.Client, records: object, code: str) -> None:
    answer = client.patch(URL, json={"records": records})

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_more_than_200_records_or_ten_chunks_are_refused(org: OrgSim, client: httpx.Client) -> None:
    contact, lead = org.ids("Contact")[0], org.ids("Lead")[0]
    mixed: list[dict[str, object]] = [_contact(id=contact), {"attributes": {"type": "Lead"}, "id": lead}] * 6

    many = _patch(client, *[_contact(id=contact)] * 201)
    chunks = _patch(client, *mixed)

    assert (many.status_code, many.json()[0]["errorCode"]) == (400, "LIMIT_EXCEEDED")
    assert chunks.status_code == 400
    assert "10 chunks" in chunks.json()[0]["message"]


def test_creation_and_deletion(org: OrgSim, client: httpx.Client) -> None:
    person = org.ids("Contact")[0]
    task = {"attributes": {"type": "Task"}, "WhoId": person, "Subject": "SMS: inbound", "Status": "Completed"}

    made = client.post(
        URL, json={"records": [_contact(LastName="One"), _contact(FirstName="Two"), task]}
    ).json()

    assert made[1] == _failed("REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", "LastName")
    ids = [made[0]["id"], made[2]["id"]]
    deleted = client.delete(URL, params={"ids": f"{ids[0]},{ids[1]},nonsense", "allOrNone": "false"})
    assert deleted.json() == [
        {"id": ids[0], "success": True, "errors": []},
        {"id": ids[1], "success": True, "errors": []},
        _failed("MALFORMED_ID", "malformed id nonsense"),
    ]


def test_upsert_by_external_id(client: httpx.Client) -> None:
    url = f"{URL}/Contact/Student_ID__c"
    client.post(f"{V}/sobjects/Contact", json={"LastName": "Old", "Student_ID__c": "S-1"})

    records = [
        _contact(Student_ID__c="s-1", Title="Known"),
        _contact(Student_ID__c="S-2", LastName="New"),
        _contact(Student_ID__c="S-3", LastName="Twin"),
        _contact(Student_ID__c="S-3", LastName="Twin"),
    ]
    results = client.patch(url, json={"records": records}).json()

    assert [(r["success"], r["created"]) for r in results] == [(True, False), (True, True)] + [
        (False, False)
    ] * 2
    assert results[2]["errors"][0]["message"] == "Duplicate external id specified: S-3"
    assert list(results[1]) == ["id", "success", "errors", "created"]
    found = soql(client, "SELECT Title, Student_ID__c FROM Contact WHERE Student_ID__c != null").json()[
        "records"
    ]
    assert {(r["Title"], r["Student_ID__c"]) for r in found} == {("Known", "S-1"), (None, "S-2")}


def test_upsert_by_id_makes_what_has_none_as_recorded(org: OrgSim, client: httpx.Client) -> None:
    known = org.ids("Contact")[0]

    results = client.patch(
        f"{URL}/Contact/Id",
        json={
            "allOrNone": False,
            "records": [_contact(LastName="Sitwell", Id=None), _contact(Id=known, Title="a")],
        },
    ).json()

    assert [r["created"] for r in results] == [True, False]
    assert results[1]["id"] == known
    assert _title(client, known) == "a"


def test_records_are_retrieved_in_order_with_null_for_what_is_gone(org: OrgSim, client: httpx.Client) -> None:
    first, second, gone = org.ids("Contact")[:3]
    org.delete(gone)
    ids = [second, ABSENT, gone, first, org.ids("Lead")[0]]

    posted = client.post(f"{URL}/Contact", json={"ids": ids, "fields": ["LastName", "MailingAddress"]})
    got = client.get(f"{URL}/Contact", params={"ids": ",".join(ids), "fields": "lastname"})

    assert [r and r["Id"] for r in posted.json()] == [second, None, None, first, None]
    assert list(posted.json()[0]) == ["attributes", "Id", "LastName", "MailingAddress"]
    assert [r and set(r) for r in got.json()] == [
        r and {"attributes", "Id", "LastName"} for r in posted.json()
    ]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"ids": ["003Hs0000000001"], "fields": ["LastName", "foo"]}, "INVALID_FIELD"),
        ({"ids": ["23foo"], "fields": ["LastName"]}, "MALFORMED_ID"),
        ({"ids": ["003Hs0000000001"] * 2_001, "fields": ["Id"]}, "LIMIT_EXCEEDED"),
        ({"ids": ["003Hs0000000001"]}, "MISSING_ARGUMENT"),
    ],
)
def test_a_wrong_retrieve_fails_as_a_whole(client: httpx.Client, body: dict[str, object], code: str) -> None:
    answer = client.post(f"{URL}/Contact", json=body)

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_private_contacts_are_not_reached(org: OrgSim, client: httpx.Client) -> None:
    private = org.create("Contact", LastName="Private")
    seen = _patch(client, _contact(id=private, Title="a")).json()[0]["errors"][0]

    org.ungrant("Contact", "View All")

    unseen = _patch(client, _contact(id=private, Title="a")).json()[0]["errors"][0]
    row = client.post(f"{URL}/Contact", json={"ids": [private], "fields": ["Id"]}).json()
    assert seen["statusCode"] == "INSUFFICIENT_ACCESS_OR_READONLY"
    assert unseen["statusCode"] == "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
    assert row == [None]


def test_a_collection_is_one_call_and_quick(org: OrgSim, client: httpx.Client) -> None:
    made = client.post(URL, json={"records": [_contact(LastName=f"L{n}") for n in range(200)]})
    used = made.headers["Sforce-Limit-Info"]
    ids = [r["id"] for r in made.json()]
    started = time.monotonic()

    answer = _patch(client, *[_contact(id=record_id, SMS_Opt_Out__c=True) for record_id in ids])

    taken = time.monotonic() - started
    assert all(r["success"] for r in answer.json())
    count = [int(text.split("=")[1].split("/")[0]) for text in (used, answer.headers["Sforce-Limit-Info"])]
    assert count[1] - count[0] == 1
    assert taken < 1
