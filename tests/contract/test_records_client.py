"""Carillon's client of records against the simulated org: what is written, refused, lost on the way and followed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest

from carillon.salesforce import errors
from carillon.salesforce.client import Client, ClientCredentials
from carillon.salesforce.records.activities import logged_text
from carillon.salesforce.records.fates import Fate, Whereabouts
from carillon.salesforce.records.refusals import Kind, WriteRefusal
from carillon.salesforce.records.stored import ReadBack
from carillon.salesforce.records.writing import NewRecord, RecordUpdate, Unanswered, Written
from carillon.salesforce.transport import Retry
from orgsim.staff import CLIENT_ID, CLIENT_SECRET
from orgsim.testing import OrgSim
from tests.contract.conftest import V

FIELD = "SMS_Opt_Out__c"
STOP = {FIELD: True}
COLLECTIONS = "/composite/sobjects"
QUICK = Retry(budget_seconds=30, read_timeout=20, first_wait=0.01, longest_wait=0.02, most_attempts=20)


class _Row(msgspec.Struct):
    Id: str


@pytest.fixture
def carillon(org: OrgSim) -> Iterator[Client]:
    credentials = ClientCredentials(CLIENT_ID, CLIENT_SECRET)
    with Client(host=org.url, credentials=credentials, allow_local=True, retry=QUICK) as made:
        yield made


@pytest.fixture
def contact(org: OrgSim) -> str:
    return org.ids("Contact")[0]


def stored(carillon: Client, ids: list[str], sobject: str = "Contact", name: str = FIELD) -> list[object]:
    return [record and record.values[name] for record in carillon.records.read_many(sobject, ids, [name])]


def refusal(outcome: object) -> WriteRefusal:
    assert isinstance(outcome, WriteRefusal)
    return outcome


def tasks(carillon: Client) -> int:
    return carillon.count("SELECT COUNT() FROM Task")


@pytest.mark.parametrize("limit_info", ["on", "off"])
def test_a_change_is_stored_whether_or_not_its_empty_answer_tells_the_usage(
    org: OrgSim, carillon: Client, contact: str, limit_info: str
) -> None:
    org.switch("limit_info_on_204", limit_info)

    assert carillon.records.update("Contact", contact, STOP) == Written(contact)
    assert (carillon.transport.usage is not None) == (limit_info == "on")
    record = carillon.records.read("Contact", contact, [FIELD, "SystemModstamp"])
    assert record
    assert record.values[FIELD] is True


@pytest.mark.parametrize("stamps", ["moved", "kept"])
def test_the_same_value_again_is_accepted_whatever_it_does_to_the_stamp(
    org: OrgSim, carillon: Client, contact: str, stamps: str
) -> None:
    org.switch("quiet_write_stamps", stamps)

    for _ in range(2):
        assert carillon.records.update("Contact", contact, STOP) == Written(contact)


def test_a_locked_row_is_waited_for(org: OrgSim, carillon: Client, contact: str) -> None:
    org.lock_row(contact, times=2)

    assert carillon.records.update("Contact", contact, STOP) == Written(contact)
    assert carillon.transport.calls["update"] == 3


def test_a_session_that_expires_between_two_changes_is_renewed(
    org: OrgSim, carillon: Client, contact: str
) -> None:
    carillon.records.update("Contact", contact, STOP)
    org.expire_sessions()

    assert carillon.records.update("Contact", contact, {FIELD: False}) == Written(contact)
    org.expire_sessions()
    assert isinstance(carillon.records.create("Task", {"Subject": "SMS"}), Written)
    assert tasks(carillon) == 1


def test_outages_are_waited_for(org: OrgSim, carillon: Client, contact: str) -> None:
    org.fail_next(503, times=3, path_contains="/sobjects/")

    assert carillon.records.update("Contact", contact, STOP) == Written(contact)


def test_a_change_whose_answer_is_lost_is_made_again_to_the_same_end(org: OrgSim, carillon: Client) -> None:
    ids = org.ids("Contact")[:3]
    org.drop_connection(path_contains=COLLECTIONS)

    outcomes = carillon.records.update_many([RecordUpdate("Contact", one, STOP) for one in ids])

    assert outcomes == [Written(one) for one in ids]
    assert carillon.transport.calls["update_many"] == 2
    assert stored(carillon, ids) == [True] * 3


def test_a_creation_whose_answer_is_lost_is_not_made_twice(org: OrgSim, carillon: Client) -> None:
    org.drop_connection(path_contains="/sobjects/Task")

    with pytest.raises(errors.OutcomeUnknown):
        carillon.records.create("Task", {"Subject": "SMS"})

    assert tasks(carillon) == 1


def test_texts_are_logged_in_one_call(org: OrgSim, carillon: Client, contact: str) -> None:
    day = datetime.now(UTC).date()
    entries = [logged_text(contact, subject=f"SMS {n}", text="Hi", day=day) for n in range(200)]

    outcomes = carillon.records.create_many(entries)

    assert all(isinstance(outcome, Written) for outcome in outcomes)
    assert (tasks(carillon), carillon.transport.calls["create_many"]) == (200, 1)


def test_outcomes_come_in_the_order_given_through_all_kinds_of_refusals(
    org: OrgSim, carillon: Client
) -> None:
    good, locked, approval, gone, ruled, *_ = org.ids("Contact")
    lead, converted = org.ids("Lead")[:2]
    org.lock_row(locked, times=1)
    org.lock_for_approval(approval)
    org.delete(gone)
    org.set_validation_rule("Contact", "LastName = 'Rule'", "Give a reason first.")
    org.convert(converted)
    given = [
        ("Contact", gone),
        ("Lead", lead),
        ("Contact", approval),
        ("Lead", converted),
        ("Contact", locked),
    ]
    changes = [RecordUpdate(sobject, one, STOP) for sobject, one in [*given, ("Contact", good)]]

    outcomes = carillon.records.update_many([*changes, RecordUpdate("Contact", ruled, {"LastName": "Rule"})])

    kinds = [o.kind if isinstance(o, WriteRefusal) else o for o in outcomes]
    assert kinds == [
        Kind.GONE,
        Written(lead),
        Kind.APPROVAL,
        Kind.CONVERTED,
        Kind.TRANSIENT,
        Written(good),
        Kind.VALIDATION,
    ]
    assert "Give a reason first." in refusal(outcomes[-1]).sentence
    assert carillon.transport.calls["update_many"] == 1


@pytest.mark.parametrize("one_by_one", [True, False])
def test_the_same_refusal_is_told_alone_and_in_a_collection(
    org: OrgSim, carillon: Client, contact: str, one_by_one: bool
) -> None:
    def written(values: dict[str, str]) -> WriteRefusal:
        if one_by_one:
            return refusal(carillon.records.update("Contact", contact, values))
        return refusal(carillon.records.update_many([RecordUpdate("Contact", contact, values)])[0])

    picklist = written({"CleanStatus": "Dusty"})
    hidden = written({"Nowhere__c": "x"})
    read_only = written({"Last_Modified_Date_Time__c": "2026-05-01T00:00:00Z"})
    malformed = written({FIELD: "perhaps"})
    org.set_duplicate_rule("Contact", ("LastName",), action="block")
    other = carillon.records.read("Contact", org.ids("Contact")[1], ["LastName"])
    assert other
    duplicate = written({"LastName": str(other.values["LastName"])})
    org.clear_automation()
    org.fail_saves("Contact")
    automation = written({"Title": "x"})

    assert (picklist.kind, picklist.fields) == (Kind.PICKLIST, ("CleanStatus",))
    assert (hidden.kind, hidden.fields) == (Kind.FIELD, ("Nowhere__c",))
    assert (read_only.kind, read_only.fields) == (Kind.FIELD, ("Last_Modified_Date_Time__c",))
    assert (malformed.kind, duplicate.kind, automation.kind) == (Kind.BUG, Kind.DUPLICATE, Kind.AUTOMATION)
    assert "NullPointerException" in automation.sentence


def test_an_alert_on_duplicates_does_not_stop_a_change(org: OrgSim, carillon: Client) -> None:
    first, second = org.ids("Contact")[:2]
    org.set_duplicate_rule("Contact", ("Email",), action="alert")

    for one in (first, second):
        assert carillon.records.update("Contact", one, {"Email": "same@example.org"}) == Written(one)


def test_no_lead_changes_hands_because_of_a_change(org: OrgSim, carillon: Client) -> None:
    alone, together = org.ids("Lead")[:2]
    before = stored(carillon, [alone, together], "Lead", "OwnerId")
    org.set_assignment_rule("registrar@orgsim.example")

    carillon.records.update("Lead", alone, STOP)
    carillon.records.update_many([RecordUpdate("Lead", together, STOP)])

    assert stored(carillon, [alone, together], "Lead", "OwnerId") == before


def test_a_field_hidden_on_leads_keeps_no_contact_from_being_written(org: OrgSim, carillon: Client) -> None:
    contacts, leads = org.ids("Contact")[:3], org.ids("Lead")[:3]
    org.hide_field("Lead", FIELD)
    pairs = [pair for both in zip(contacts, leads, strict=True) for pair in enumerate(both)]

    outcomes = carillon.records.update_many(
        [RecordUpdate(("Contact", "Lead")[n], one, STOP) for n, one in pairs]
    )

    assert outcomes[::2] == [Written(one) for one in contacts]
    assert {refusal(outcome).kind for outcome in outcomes[1::2]} == {Kind.FIELD}


def test_a_batch_too_large_for_a_trigger_is_halved(org: OrgSim, carillon: Client) -> None:
    ids = org.ids("Contact")
    org.limit_batches("Contact", 12)

    outcomes = carillon.records.update_many([RecordUpdate("Contact", one, STOP) for one in ids])

    assert outcomes == [Written(one) for one in ids]
    assert carillon.transport.calls["update_many"] == 1 + 2 + 4
    assert stored(carillon, ids) == [True] * len(ids)


def test_two_changes_of_a_record_end_with_the_later(org: OrgSim, carillon: Client, contact: str) -> None:
    changes = [RecordUpdate("Contact", contact, {FIELD: value}) for value in (True, False, True)]

    assert carillon.records.update_many(changes) == [Written(contact)] * 3
    assert stored(carillon, [contact]) == [True]


def test_all_or_none_writes_none_when_one_is_refused(org: OrgSim, carillon: Client) -> None:
    good, gone = org.ids("Contact")[:2]
    org.delete(gone)

    outcomes = carillon.records.update_many(
        [RecordUpdate("Contact", one, STOP) for one in (good, gone)], all_or_none=True
    )

    assert [refusal(outcome).kind for outcome in outcomes] == [Kind.ROLLED_BACK, Kind.GONE]
    assert stored(carillon, [good]) == [False]


def test_an_answer_out_of_shape_is_not_taken_for_a_result(
    org: OrgSim, carillon: Client, contact: str
) -> None:
    org.mangle(lambda path, body: b"[]" if path.endswith(COLLECTIONS) else body)

    (outcome,) = carillon.records.create_many([NewRecord("Task", {"Subject": "SMS", "WhoId": contact})])

    assert isinstance(outcome, Unanswered)
    assert outcome.sent
    assert isinstance(outcome.error, errors.OutcomeUnknown)
    assert tasks(carillon) == 1


def test_many_records_are_read_in_order_with_nothing_where_nothing_is_seen(
    org: OrgSim, carillon: Client
) -> None:
    first, deleted, last = org.ids("Contact")[:3]
    org.delete(deleted)

    found = carillon.records.read_many("Contact", [last, deleted, first, "003000000000999"], ["LastName"])

    assert [record and record.id for record in found] == [last, None, first, None]
    assert carillon.transport.calls["read_many"] == 1
    assert carillon.records.read("Contact", deleted, ["LastName"]) is None


def test_a_hidden_field_fails_a_read_by_its_name(org: OrgSim, carillon: Client, contact: str) -> None:
    org.hide_field("Contact", FIELD)

    for read in (
        lambda: carillon.records.read("Contact", contact, [FIELD]),
        lambda: carillon.records.read_many("Contact", [contact], [FIELD]),
    ):
        with pytest.raises(errors.FieldNotFound) as caught:
            read()
        assert caught.value.field == FIELD


def test_more_than_2000_records_are_read_in_order(shared_org: OrgSim) -> None:
    ids = shared_org.ids("Contact")[::-1]
    credentials = ClientCredentials(CLIENT_ID, CLIENT_SECRET)
    with Client(host=shared_org.url, credentials=credentials, allow_local=True) as carillon:
        found = carillon.records.read_many("Contact", ids, ["LastName"])

        assert [record.id for record in found if record] == ids
        assert carillon.transport.calls["read_many"] == 3


def test_merged_and_converted_records_are_followed_to_where_they_live_on(
    org: OrgSim, carillon: Client
) -> None:
    loser, survivor, last, deleted, emptied, alive = org.ids("Contact")[:6]
    lead, merged_lead, other_lead = org.ids("Lead")[:3]
    org.merge(survivor, (loser,))
    org.merge(last, (survivor,))
    org.delete(deleted)
    org.hard_delete(emptied)
    person = org.convert(lead)["contact"]
    org.merge(last, (person,))
    org.merge(other_lead, (merged_lead,))

    contacts = carillon.living("Contact", [loser, deleted, emptied, alive])
    leads = carillon.living("Lead", [lead, merged_lead])

    assert contacts == {
        loser: Fate(Whereabouts.LIVING, "Contact", last, (loser, survivor)),
        deleted: Fate(Whereabouts.DELETED, "Contact", deleted),
        emptied: Fate(Whereabouts.HIDDEN, "Contact", emptied),
        alive: Fate(Whereabouts.LIVING, "Contact", alive),
    }
    assert leads == {
        lead: Fate(Whereabouts.LIVING, "Contact", last, (lead, person)),
        merged_lead: Fate(Whereabouts.LIVING, "Lead", other_lead, (merged_lead,)),
    }
    assert carillon.transport.calls["query"] + carillon.transport.calls["query_more"] == 3 + 4


def test_the_log_tells_what_was_deleted_and_where_to_go_on(
    org: OrgSim, carillon: Client, contact: str
) -> None:
    other = org.ids("Contact")[1]
    org.edit(other, Title="Changed")
    org.delete(contact)
    now = carillon.transport.org_time or datetime.now(UTC)
    begin, end = now - timedelta(days=1), now + timedelta(minutes=2)

    deletions = carillon.records.deleted("Contact", begin, end)
    changes = carillon.records.updated("Contact", begin, end)

    assert [deletion.id for deletion in deletions.deleted] == [contact]
    assert other in changes.ids
    assert contact not in changes.ids
    assert deletions.covered_until <= end
    with pytest.raises(errors.StretchRefused):
        carillon.records.deleted("Contact", now - timedelta(days=16), now)


def test_more_deletions_than_the_log_lists_are_refused_in_words(org: OrgSim, carillon: Client) -> None:
    now = datetime.now(UTC)
    for one in org.ids("Contact")[:3]:
        org.delete(one)
    org.set_replication_limit(2)

    with pytest.raises(errors.StretchRefused, match="More records"):
        carillon.records.deleted("Contact", now - timedelta(hours=1), now + timedelta(minutes=2))


def test_a_change_that_the_org_puts_back_shows_in_the_same_call(
    org: OrgSim, carillon: Client, contact: str
) -> None:
    kept = carillon.records.update_and_read("Contact", contact, STOP, [FIELD, "LastModifiedById"])
    org.set_flow("Contact", FIELD, put_back=True)
    reverted = carillon.records.update_and_read("Contact", contact, {FIELD: False}, [FIELD])

    assert isinstance(kept, ReadBack)
    assert kept.record
    assert kept.record.values == {FIELD: True, "LastModifiedById": carillon.session.user_id}
    assert isinstance(reverted, ReadBack)
    assert reverted.record
    assert reverted.record.values == {FIELD: True}
    assert carillon.transport.calls["update_and_read"] == 2


def test_a_change_read_back_is_refused_locked_or_lost_like_any_other(org: OrgSim, carillon: Client) -> None:
    contact, lead, approval, converted = *org.ids("Contact")[:1], *org.ids("Lead")[:3]
    owner = stored(carillon, [lead], "Lead", "OwnerId")
    org.set_assignment_rule("registrar@orgsim.example")
    org.lock_row(contact)
    org.drop_connection(path_contains="/composite", after=2)
    org.lock_for_approval(approval)
    org.convert(converted)

    def put(sobject: str, record_id: str) -> ReadBack | WriteRefusal:
        return carillon.records.update_and_read(sobject, record_id, STOP, [FIELD])

    assert isinstance(put("Contact", contact), ReadBack)
    assert isinstance(put("Lead", lead), ReadBack)
    assert stored(carillon, [lead], "Lead", "OwnerId") == owner
    assert refusal(put("Lead", approval)).kind is Kind.APPROVAL
    assert refusal(put("Lead", converted)).kind is Kind.CONVERTED
    assert refusal(put("Contact", lead)).kind is Kind.BUG


def test_packed_and_plain_bodies_mean_the_same(org: OrgSim, client: httpx.Client, carillon: Client) -> None:
    ids = org.ids("Contact")
    plain = client.post(f"{V}{COLLECTIONS}/Contact", json={"ids": ids, "fields": ["Id", "LastName"]}).json()

    packed = carillon.records.read_many("Contact", ids * 3, ["LastName"])

    assert [record and record.values["LastName"] for record in packed[: len(ids)]] == [
        row["LastName"] for row in plain
    ]


def test_person_accounts_are_detected() -> None:
    credentials = ClientCredentials(CLIENT_ID, CLIENT_SECRET)
    with (
        OrgSim(contacts=40, leads=5, person_accounts=True) as org,
        Client(host=org.url, credentials=credentials, allow_local=True, retry=QUICK) as carillon,
    ):
        shadow = next(
            row.Id
            for page in carillon.query("SELECT Id FROM Contact WHERE IsPersonAccount = true", _Row)
            for row in page.records
            if isinstance(row, _Row)
        )

        assert carillon.has_person_accounts()
        refused = refusal(carillon.records.update("Contact", shadow, STOP))
        assert refused.kind is Kind.ACCESS
        assert "edited on its account" in refused.remedy
