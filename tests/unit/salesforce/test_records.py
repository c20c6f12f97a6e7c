"""The client of records against scripted answers: what is sent, what is repeated, what is made of odd answers."""

import logging
from datetime import date
from typing import Any

import pytest

from carillon.salesforce import errors
from carillon.salesforce.client import Client, ClientCredentials
from carillon.salesforce.ids import to_18
from carillon.salesforce.records.activities import LONGEST_DESCRIPTION, LONGEST_SUBJECT, logged_text
from carillon.salesforce.records.refusals import Kind, WriteRefusal
from carillon.salesforce.records.stored import ReadBack, Record
from carillon.salesforce.records.writing import NewRecord, RecordUpdate, Unanswered, Written
from tests.unit.salesforce.conftest import BRIEF, SECRET
from tests.unit.salesforce.org import TOKEN_PATH, Reply, TinyOrg

BASE = "/services/data/v66.0"
ID, OTHER = to_18("003000000000001"), to_18("003000000000002")
ONE = f"{BASE}/sobjects/Contact/{ID}"
TASKS = f"{BASE}/sobjects/Task"
COLLECTION = f"{BASE}/composite/sobjects"
RETRIEVE = f"{BASE}/composite/sobjects/Contact"
COMPOSITE = f"{BASE}/composite"
NO_CONTENT = Reply(status=204)
TASK_ID = to_18("00T000000000001")
SAVED = {"id": TASK_ID, "success": True, "errors": []}
LOCKED = Reply(
    [{"errorCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access", "fields": []}], 400
)
EXPIRED = Reply([{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}], 401)


def saved(record_id: str) -> dict[str, Any]:
    return {"id": record_id, "success": True, "errors": []}


def refused(code: str) -> dict[str, Any]:
    return {"success": False, "errors": [{"statusCode": code, "message": "no", "fields": []}]}


def changes(*ids: str) -> list[RecordUpdate]:
    return [RecordUpdate("Contact", record_id, {"Stop__c": True}) for record_id in ids]


def test_a_change_sends_only_its_fields_and_the_headers_of_a_write(org: TinyOrg, client: Client) -> None:
    org.script(ONE, NO_CONTENT)

    outcome = client.records.update("Contact", ID[:15], {"Stop__c": True, "Note__c": None})

    assert outcome == Written(ID)
    (request,) = org.requests(ONE)
    assert (request.method, request.json) == ("PATCH", {"Stop__c": True, "Note__c": None})
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Sforce-Auto-Assign"] == "FALSE"
    assert request.headers["Sforce-Duplicate-Rule-Header"].split("; ")[0] == "allowSave=true"
    assert client.transport.calls["update"] == 1


@pytest.mark.parametrize("headers", [{}, {"Sforce-Limit-Info": "api-usage=5/15000"}])
def test_an_empty_answer_may_come_without_the_usage(
    org: TinyOrg, client: Client, headers: dict[str, str]
) -> None:
    org.script(ONE, Reply(status=204, headers=headers))

    assert client.records.update("Contact", ID, {"Stop__c": True}) == Written(ID)
    assert (client.transport.usage is None) == (not headers)


@pytest.mark.parametrize("first", [LOCKED, Reply(status=503), Reply(drop=True), EXPIRED])
def test_a_change_is_repeated_as_long_as_it_may_pass(org: TinyOrg, client: Client, first: Reply) -> None:
    org.script(ONE, first, NO_CONTENT)

    assert client.records.update("Contact", ID, {"Stop__c": True}) == Written(ID)
    assert [request.json for request in org.requests(ONE)] == [{"Stop__c": True}] * 2


def test_a_row_that_stays_locked_is_a_refusal_that_passes(org: TinyOrg, impatient: Client) -> None:
    org.script(ONE, LOCKED)

    outcome = impatient.records.update("Contact", ID, {"Stop__c": True})

    assert isinstance(outcome, WriteRefusal)
    assert outcome.transient
    assert len(org.requests(ONE)) > 1


def test_a_refused_change_is_data_and_sent_once(org: TinyOrg, client: Client) -> None:
    org.script(ONE, Reply([{"errorCode": "ENTITY_IS_DELETED", "message": "entity is deleted"}], 404))

    outcome = client.records.update("Contact", ID, {"Stop__c": True})

    assert isinstance(outcome, WriteRefusal)
    assert outcome.kind is Kind.GONE
    assert len(org.requests(ONE)) == 1


def test_a_second_lost_session_ends_it(org: TinyOrg, client: Client) -> None:
    org.script(ONE, EXPIRED)

    with pytest.raises(errors.SessionLost):
        client.records.update("Contact", ID, {"Stop__c": True})

    assert (len(org.requests(ONE)), len(org.requests(TOKEN_PATH))) == (2, 2)


def test_the_body_of_a_write_is_never_logged(
    org: TinyOrg, impatient: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    org.script(ONE, Reply([{"errorCode": "UNABLE_TO_LOCK_ROW", "message": "Zyx"}], 400))

    outcome = impatient.records.update("Contact", ID, {"Note__c": "Zyx"})

    assert "update failed" in caplog.text
    assert "Zyx" not in caplog.text + repr(outcome)


def test_a_creation_gives_the_new_id(org: TinyOrg, client: Client) -> None:
    org.script(TASKS, Reply(SAVED, 201))

    assert client.records.create("Task", {"Subject": "SMS"}) == Written(TASK_ID)


@pytest.mark.parametrize(
    "lost", [Reply(SAVED, 201, drop=True), Reply(status=503), Reply(status=502), Reply(b"<html>", 200)]
)
def test_a_creation_without_a_clear_answer_is_not_repeated(org: TinyOrg, client: Client, lost: Reply) -> None:
    org.script(TASKS, lost)

    with pytest.raises(errors.OutcomeUnknown, match="is not known") as caught:
        client.records.create("Task", {"Subject": "SMS"})

    assert "before it is made again" in caught.value.remedy
    assert len(org.requests(TASKS)) == 1


@pytest.mark.parametrize(
    "first",
    [
        EXPIRED,
        LOCKED,
        Reply(
            [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "ConcurrentRequests Limit exceeded."}], 403
        ),
    ],
)
def test_a_creation_that_surely_did_nothing_is_repeated(org: TinyOrg, client: Client, first: Reply) -> None:
    org.script(TASKS, first, Reply(SAVED, 201))

    assert client.records.create("Task", {"Subject": "SMS"}) == Written(TASK_ID)
    assert len(org.requests(TASKS)) == 2


def test_a_creation_that_could_not_sign_in_again_is_known_not_to_be_done(
    org: TinyOrg, impatient: Client
) -> None:
    impatient.sign_in()
    org.script(TASKS, EXPIRED)
    org.script(TOKEN_PATH, Reply(status=503))

    with pytest.raises(errors.Unavailable) as caught:
        impatient.records.create("Task", {"Subject": "SMS"})

    assert caught.value.untouched


def test_nobody_listening_leaves_a_creation_undone() -> None:
    credentials = ClientCredentials("the-app", SECRET)
    with (
        Client(host="http://127.0.0.1:1", credentials=credentials, allow_local=True, retry=BRIEF) as client,
        pytest.raises(errors.Unreachable) as caught,
    ):
        client.records.create("Task", {"Subject": "SMS"})

    assert caught.value.untouched


def test_a_record_is_read_by_the_names_asked_for(org: TinyOrg, client: Client) -> None:
    org.script(ONE, Reply({"attributes": {"type": "Contact"}, "Id": ID, "Stop__c": False}))

    record = client.records.read("Contact", ID, ["id", "stop__C"])

    assert record == Record("Contact", ID, {"stop__C": False})
    assert org.requests(ONE)[0].path.endswith("?fields=Id%2Cstop__C")


@pytest.mark.parametrize("code", ["NOT_FOUND", "ENTITY_IS_DELETED"])
def test_a_record_that_is_not_there_is_none(org: TinyOrg, client: Client, code: str) -> None:
    org.script(ONE, Reply([{"errorCode": code, "message": "no"}], 404))

    assert client.records.read("Contact", ID, ["Stop__c"]) is None


def test_a_place_that_is_not_there_is_no_missing_record(org: TinyOrg, client: Client) -> None:
    org.script(ONE, Reply(b"<html>", 404))

    with pytest.raises(errors.NotFound):
        client.records.read("Contact", ID, ["Stop__c"])


def test_a_hidden_field_fails_the_whole_read(org: TinyOrg, client: Client) -> None:
    hidden = {"errorCode": "INVALID_FIELD", "message": "No such column 'Stop__c' on sobject of type Contact"}
    org.script(RETRIEVE, Reply([hidden], 400))

    with pytest.raises(errors.FieldNotFound, match="Stop__c"):
        client.records.read_many("Contact", [ID], ["Stop__c"])


def test_many_records_come_in_their_order_and_none_where_nothing_is_visible(
    org: TinyOrg, client: Client
) -> None:
    org.script(RETRIEVE, Reply([{"Id": OTHER, "Stop__c": True}, None]))

    found = client.records.read_many("Contact", [OTHER, ID, OTHER[:15]], ["Stop__c"])

    record = Record("Contact", OTHER, {"Stop__c": True})
    assert found == [record, None, record]
    assert org.requests(RETRIEVE)[0].json == {"ids": [OTHER, ID], "fields": ["Id", "Stop__c"]}


def test_more_than_2000_records_take_another_call(org: TinyOrg, client: Client) -> None:
    ids = [to_18(f"003{n:012d}") for n in range(2_001)]
    org.script(
        RETRIEVE, Reply([{"Id": i, "A__c": 1} for i in ids[:2_000]]), Reply([{"Id": ids[-1], "A__c": 2}])
    )

    found = client.records.read_many("Contact", ids, ["A__c"])

    assert [record.id for record in found if record] == ids
    assert client.transport.calls["read_many"] == 2


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"Id": ID, "Stop__c": 1}],
        [{"Id": OTHER, "Stop__c": 1}, {"Id": ID, "Stop__c": 1}],
        [{"Id": ID}, None],
        [{"Stop__c": 1}, None],
        {"records": []},
    ],
)
def test_an_answer_that_does_not_match_what_was_asked_is_malformed(
    org: TinyOrg, impatient: Client, rows: Any
) -> None:
    org.script(RETRIEVE, Reply(rows))

    with pytest.raises(errors.MalformedAnswer):
        impatient.records.read_many("Contact", [ID, OTHER], ["Stop__c"])


@pytest.mark.parametrize("field", ["Owner.Name", "", "Stop__c FROM", "Stop__c,Id"])
def test_only_plain_fields_of_the_object_can_be_read(client: Client, field: str) -> None:
    with pytest.raises(ValueError):
        client.records.read_many("Contact", [ID], [field])
    with pytest.raises(ValueError):
        client.records.read("Contact/x", ID, [])


def test_a_collection_names_the_object_of_each_record(org: TinyOrg, client: Client) -> None:
    lead = RecordUpdate("Lead", to_18("00Q000000000001"), {"Stop__c": True})
    org.script(COLLECTION, Reply([saved(ID), refused("ENTITY_IS_LOCKED"), saved(lead.id)]))
    first, second = changes(ID, OTHER)

    outcomes = client.records.update_many([first, lead, second])

    assert outcomes[:2] == [Written(ID), Written(lead.id)]
    assert isinstance(outcomes[2], WriteRefusal)
    (request,) = org.requests(COLLECTION)
    assert request.json == {
        "allOrNone": False,
        "records": [
            {"attributes": {"type": "Contact"}, "id": ID, "Stop__c": True},
            {"attributes": {"type": "Contact"}, "id": OTHER, "Stop__c": True},
            {"attributes": {"type": "Lead"}, "id": lead.id, "Stop__c": True},
        ],
    }
    assert request.headers["Sforce-Auto-Assign"] == "FALSE"


def test_results_out_of_shape_are_asked_for_again_and_then_unanswered(
    org: TinyOrg, client: Client, impatient: Client
) -> None:
    org.script(COLLECTION, Reply([saved(ID)]), Reply([saved(ID), saved(OTHER)]))
    assert client.records.update_many(changes(ID, OTHER)) == [Written(ID), Written(OTHER)]

    org.script(COLLECTION, Reply([saved(OTHER), saved(ID)]))
    outcomes = impatient.records.update_many(changes(ID, OTHER))

    assert [type(o.error) for o in outcomes if isinstance(o, Unanswered) and o.sent] == [
        errors.MalformedAnswer
    ] * 2


def test_creations_of_a_lost_answer_may_exist_and_the_rest_is_not_sent(org: TinyOrg, client: Client) -> None:
    tasks = [NewRecord("Task", {"Subject": str(n)}) for n in range(450)]
    org.script(COLLECTION, Reply([SAVED] * 200), Reply([SAVED] * 200, drop=True))

    outcomes = client.records.create_many(tasks)

    assert outcomes[:200] == [Written(TASK_ID)] * 200
    assert [o.sent for o in outcomes[200:] if isinstance(o, Unanswered)] == [True] * 200 + [False] * 50
    assert len(org.requests(COLLECTION)) == 2


def test_a_large_body_is_sent_packed_and_a_small_one_as_it_is(org: TinyOrg, client: Client) -> None:
    ids = [to_18(f"003{n:012d}") for n in range(200)]
    org.script(COLLECTION, Reply([saved(i) for i in ids]), Reply([saved(ID)]))

    client.records.update_many(changes(*ids))
    client.records.update_many(changes(ID))

    large, small = org.requests(COLLECTION)
    assert large.headers["Content-Encoding"] == "gzip"
    assert int(large.headers["Content-Length"]) < len(large.body) / 4
    assert "Content-Encoding" not in small.headers
    assert len(large.json["records"]) == 200


def test_a_stop_is_heeded_between_two_batches(org: TinyOrg) -> None:
    ids = [to_18(f"003{n:012d}") for n in range(300)]
    org.script(COLLECTION, Reply([saved(i) for i in ids[:200]]))

    def should_stop() -> bool:
        return bool(org.requests(COLLECTION))

    with Client(
        host=org.origin, credentials=ClientCredentials("a", "b"), allow_local=True, should_stop=should_stop
    ) as client:
        outcomes = client.records.update_many(changes(*ids))

    assert outcomes[:200] == [Written(record_id) for record_id in ids[:200]]
    assert all(
        isinstance(o, Unanswered) and isinstance(o.error, errors.Stopped) and not o.sent
        for o in outcomes[200:]
    )


def test_nothing_to_write_costs_no_call(org: TinyOrg, client: Client) -> None:
    assert client.records.update_many([]) == client.records.create_many([]) == []
    assert client.records.read_many("Contact", [], ["A__c"]) == []
    assert org.seen == []


def composite(status: int, body: Any, read_status: int = 200, read_body: Any = None) -> Reply:
    stored = {"Id": ID, "Stop__c": True} if read_body is None else read_body
    steps = [
        {"body": body, "httpHeaders": {}, "httpStatusCode": status, "referenceId": "written"},
        {"body": stored, "httpHeaders": {}, "httpStatusCode": read_status, "referenceId": "stored"},
    ]
    return Reply({"compositeResponse": steps})


def test_a_change_is_read_back_in_the_same_call(org: TinyOrg, client: Client) -> None:
    org.script(COMPOSITE, composite(204, None))

    outcome = client.records.update_and_read("Contact", ID, {"Stop__c": True}, ["Stop__c"])

    assert outcome == ReadBack(ID, Record("Contact", ID, {"Stop__c": True}))
    assert client.transport.total_calls == 1
    write, read = org.requests(COMPOSITE)[0].json["compositeRequest"]
    assert (write["method"], write["url"], write["body"]) == ("PATCH", ONE, {"Stop__c": True})
    assert write["httpHeaders"]["Sforce-Auto-Assign"] == "FALSE"
    assert (read["method"], read["url"]) == ("GET", f"{ONE}?fields=Id%2CStop__c")


def test_a_refused_change_is_not_read_back(org: TinyOrg, client: Client) -> None:
    org.script(COMPOSITE, composite(400, [{"errorCode": "ENTITY_IS_LOCKED", "message": "locked"}]))

    outcome = client.records.update_and_read("Contact", ID, {"Stop__c": True}, ["Stop__c"])

    assert isinstance(outcome, WriteRefusal)
    assert outcome.kind is Kind.APPROVAL


def test_a_locked_row_inside_the_call_is_tried_again(org: TinyOrg, client: Client) -> None:
    locked = [{"errorCode": "UNABLE_TO_LOCK_ROW", "message": "locked"}]
    org.script(COMPOSITE, composite(400, locked), composite(204, None))

    assert isinstance(client.records.update_and_read("Contact", ID, {"Stop__c": True}, ["Stop__c"]), ReadBack)


def test_a_change_that_hides_the_record_reads_back_nothing(org: TinyOrg, client: Client) -> None:
    org.script(COMPOSITE, composite(204, None, 404, [{"errorCode": "NOT_FOUND", "message": "no"}]))

    assert client.records.update_and_read("Contact", ID, {"Stop__c": True}, ["Stop__c"]) == ReadBack(ID, None)


def test_a_field_that_cannot_be_read_back_is_an_error(org: TinyOrg, client: Client) -> None:
    hidden = [
        {"errorCode": "INVALID_FIELD", "message": "No such column 'Stop__c' on sobject of type Contact"}
    ]
    org.script(COMPOSITE, composite(204, None, 400, hidden))

    with pytest.raises(errors.FieldNotFound):
        client.records.update_and_read("Contact", ID, {"Stop__c": True}, ["Stop__c"])


def test_a_call_that_answers_half_is_malformed(org: TinyOrg, impatient: Client) -> None:
    org.script(COMPOSITE, Reply({"compositeResponse": []}))

    with pytest.raises(errors.MalformedAnswer):
        impatient.records.update_and_read("Contact", ID, {"Stop__c": True}, ["Stop__c"])


def test_a_text_is_logged_as_a_completed_task_cut_to_the_fields() -> None:
    task = logged_text(
        ID[:15], subject="S" * 300, text="t" * 40_000, day=date(2026, 5, 6), owner_id="005000000000001"
    )

    assert task.sobject == "Task"
    assert (task.values["WhoId"], task.values["OwnerId"]) == (ID, to_18("005000000000001"))
    assert (task.values["Status"], task.values["ActivityDate"]) == ("Completed", date(2026, 5, 6))
    assert len(str(task.values["Subject"])) == LONGEST_SUBJECT
    assert len(str(task.values["Description"])) == LONGEST_DESCRIPTION
    assert "OwnerId" not in logged_text(ID, subject="s", text="t", day=date(2026, 5, 6)).values


@pytest.mark.parametrize("on", [True, False])
def test_person_accounts_are_known_by_their_field(org: TinyOrg, client: Client, on: bool) -> None:
    fields = [{"name": "IsPersonAccount", "type": "boolean"}] if on else [{"name": "Id", "type": "id"}]
    org.script(f"{BASE}/sobjects/Contact/describe", Reply({"name": "Contact", "fields": fields}))

    assert client.has_person_accounts() is on
