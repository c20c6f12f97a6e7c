"""Deleted, merged, converted: what /deleted, /updated and queryAll say of it."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from orgsim import history
from orgsim.testing import OrgSim
from tests.contract.conftest import V, signed_in, soql


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _span(**shift: float) -> dict[str, str]:
    """From some time ago (ten minutes) to a little after now."""
    now = datetime.now(UTC)
    return {
        "start": _iso(now - timedelta(**(shift or {"minutes": 10}))),
        "end": _iso(now + timedelta(minutes=2)),
    }


def _deleted(client: httpx.Client, sobject: str = "Contact", **params: str) -> httpx.Response:
    return client.get(f"{V}/sobjects/{sobject}/deleted/", params=params or _span())


def _updated(client: httpx.Client, sobject: str = "Contact", **params: str) -> httpx.Response:
    return client.get(f"{V}/sobjects/{sobject}/updated/", params=params or _span())


def _all_rows(client: httpx.Client, record_id: str, sobject: str = "Contact") -> list[dict[str, object]]:
    query = f"SELECT Id, IsDeleted, MasterRecordId FROM {sobject} WHERE Id = '{record_id}'"
    answer = client.get(f"{V}/queryAll", params={"q": query}).json()
    return [{k: v for k, v in row.items() if k != "attributes"} for row in answer["records"]]


def test_deleted_answers_as_recorded(org: OrgSim, client: httpx.Client) -> None:
    first, second = org.ids("Contact")[:2]
    org.delete(second)
    client.delete(f"{V}/sobjects/Contact/{first}")

    answer = _deleted(client).json()

    assert set(answer) == {"deletedRecords", "earliestDateAvailable", "latestDateCovered"}
    assert [set(row) for row in answer["deletedRecords"]] == [{"id", "deletedDate"}] * 2
    assert {row["id"] for row in answer["deletedRecords"]} == {first, second}
    for text in (answer["earliestDateAvailable"], answer["latestDateCovered"]):
        assert datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").second == 0


def test_updated_names_what_was_changed_and_lives(org: OrgSim, client: httpx.Client) -> None:
    edited, gone = org.ids("Contact")[:2]
    org.edit(edited, Title="x")
    org.edit(gone, Title="x")
    org.delete(gone)
    made = org.create("Contact", LastName="New")

    answer = _updated(client).json()

    assert set(answer) == {"ids", "latestDateCovered"}
    assert set(answer["ids"]) == {edited, made}


@pytest.mark.parametrize(
    ("path", "days", "status"),
    [("deleted", 14, 200), ("deleted", 16, 400), ("updated", 29, 200), ("updated", 31, 400)],
)
def test_how_far_back_a_span_may_reach(client: httpx.Client, path: str, days: int, status: int) -> None:
    answer = client.get(f"{V}/sobjects/Contact/{path}", params=_span(days=days))

    assert answer.status_code == status
    if status == 400:
        assert answer.json()[0]["errorCode"] == "INVALID_REPLICATION_DATE"


def test_a_span_is_a_minute_long_without_its_seconds(client: httpx.Client) -> None:
    minute = datetime.now(UTC).replace(second=0) - timedelta(minutes=5)

    same = _deleted(client, start=_iso(minute), end=_iso(minute + timedelta(seconds=59)))
    next_one = _deleted(
        client, start=_iso(minute + timedelta(seconds=59)), end=_iso(minute + timedelta(minutes=1))
    )
    no_date = _deleted(client, start="yesterday", end=_iso(minute))
    none = _deleted(client, end=_iso(minute))

    assert (same.status_code, same.json()[0]["errorCode"]) == (400, "INVALID_REPLICATION_DATE")
    assert next_one.status_code == 200
    assert (no_date.status_code, none.status_code) == (400, 400)


def test_an_offset_may_come_with_a_bare_plus(org: OrgSim, client: httpx.Client) -> None:
    org.delete(org.ids("Contact")[0])
    now = datetime.now(UTC)
    start = (now - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%S")
    end = (now + timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M:%S")

    answer = client.get(f"{V}/sobjects/Contact/deleted?start={start}+0000&end={end}%2B00:00")

    assert len(answer.json()["deletedRecords"]) == 1


def test_deleted_respects_access_and_the_id_limit(org: OrgSim, client: httpx.Client) -> None:
    private, public = org.create("Contact", LastName="Private"), org.ids("Contact")[0]
    org.delete(private)
    org.delete(public)
    org.set_replication_limit(1)

    too_many = _deleted(client)
    org.ungrant("Contact", "View All")
    visible = _deleted(client)

    assert too_many.json()[0]["errorCode"] == "EXCEEDED_ID_LIMIT"
    assert [row["id"] for row in visible.json()["deletedRecords"]] == [public]


def test_the_delete_log_may_be_purged(org: OrgSim, client: httpx.Client) -> None:
    org.delete(org.ids("Contact")[0])
    before = _deleted(client).json()["earliestDateAvailable"]

    org.purge_delete_log()

    after = _deleted(client).json()
    assert after["deletedRecords"] == []
    assert after["earliestDateAvailable"] > before


def test_the_recycle_bin_gives_back_or_is_emptied(org: OrgSim, client: httpx.Client) -> None:
    back, gone = org.ids("Contact")[:2]
    org.delete(back)
    org.delete(gone)

    org.undelete(back)
    org.empty_recycle_bin(gone)

    assert _all_rows(client, back) == [{"Id": back, "IsDeleted": False, "MasterRecordId": None}]
    assert _all_rows(client, gone) == []
    assert [row["id"] for row in _deleted(client).json()["deletedRecords"]] == [gone]
    assert client.get(f"{V}/sobjects/Contact/{gone}").json()[0]["errorCode"] == "NOT_FOUND"
    with pytest.raises(LookupError):
        org.undelete(gone)


def test_emptying_the_whole_bin(org: OrgSim, client: httpx.Client) -> None:
    first, second = org.ids("Contact")[0], org.ids("Lead")[0]
    org.delete(first)
    org.hard_delete(second)

    assert org.empty_recycle_bin() == 1
    assert _all_rows(client, first) == []


@pytest.mark.parametrize("setting", ["moved", "kept"])
def test_whether_a_deletion_moves_the_stamp_is_switched(
    org: OrgSim, client: httpx.Client, setting: str
) -> None:
    contact = org.ids("Contact")[0]
    org.switch("quiet_write_stamps", setting)
    query = {"q": f"SELECT SystemModstamp FROM Contact WHERE Id = '{contact}'"}
    before = client.get(f"{V}/queryAll", params=query).json()["records"][0]["SystemModstamp"]

    org.delete(contact)

    after = client.get(f"{V}/queryAll", params=query).json()["records"][0]["SystemModstamp"]
    assert (after > before) is (setting == "moved")
    assert len(_deleted(client).json()["deletedRecords"]) == 1


def test_a_merge_names_the_winner_and_moves_what_hung_on_the_losers(
    org: OrgSim, client: httpx.Client
) -> None:
    master, loser = org.ids("Contact")[:2]
    task = org.create("Task", WhoId=loser, Subject="SMS")
    before = client.get(f"{V}/sobjects/Contact/{master}").json()

    org.merge(master, (loser,), {"MobilePhone": "(212) 555-0199"})

    after = client.get(f"{V}/sobjects/Contact/{master}").json()
    assert _all_rows(client, loser) == [{"Id": loser, "IsDeleted": True, "MasterRecordId": master}]
    assert client.get(f"{V}/sobjects/Task/{task}").json()["WhoId"] == master
    assert after["SystemModstamp"] > before["SystemModstamp"]
    assert after["MobilePhone"] == "(212) 555-0199"
    assert [row["id"] for row in _deleted(client).json()["deletedRecords"]] == [loser]
    assert (history.MERGED, loser) in [(c.field, c.new) for c in history.of_record(org.org, master)]


def test_an_account_takes_its_contacts_and_tasks_with_it(org: OrgSim, client: httpx.Client) -> None:
    account = org.create("Account", Name="Closing")
    contact = org.create("Contact", LastName="Li", AccountId=account)
    task = org.create("Task", WhoId=contact, Subject="SMS")

    client.delete(f"{V}/sobjects/Account/{account}")

    for sobject, record_id in (("Contact", contact), ("Task", task)):
        assert client.get(f"{V}/sobjects/{sobject}/{record_id}").json()[0]["errorCode"] == "ENTITY_IS_DELETED"


def test_merges_that_no_org_allows(org: OrgSim) -> None:
    one, two, three, four = org.ids("Contact")[:4]
    for losers in ((), (one,), (two, three, four), (org.ids("Lead")[0],)):
        with pytest.raises(ValueError):
            org.merge(one, losers)


def test_a_converted_lead_points_at_its_contact_and_is_read_only(org: OrgSim, client: httpx.Client) -> None:
    lead = org.ids("Lead")[0]
    task = org.create("Task", WhoId=lead, Subject="SMS")
    before = client.get(f"{V}/sobjects/Lead/{lead}").json()

    made = org.convert(lead)

    after = client.get(f"{V}/sobjects/Lead/{lead}").json()
    contact = client.get(f"{V}/sobjects/Contact/{made['contact']}").json()
    assert (after["IsConverted"], after["ConvertedDate"]) == (True, after["LastModifiedDate"][:10])
    assert (after["ConvertedContactId"], after["ConvertedAccountId"]) == (made["contact"], made["account"])
    for name in ("FirstName", "LastName", "MobilePhone", "Email", "SMS_Opt_Out__c", "OwnerId"):
        assert contact[name] == before[name]
    assert (contact["MailingCity"], contact["AccountId"]) == (before["City"], made["account"])
    assert client.get(f"{V}/sobjects/Task/{task}").json()["WhoId"] == made["contact"]
    refused = client.patch(f"{V}/sobjects/Lead/{lead}", json={"SMS_Opt_Out__c": True})
    assert refused.json() == [
        {
            "message": "cannot reference converted lead",
            "errorCode": "CANNOT_UPDATE_CONVERTED_LEAD",
            "fields": [],
        }
    ]
    late = client.post(f"{V}/sobjects/Task", json={"WhoId": lead, "Subject": "SMS"})
    assert late.json()[0]["errorCode"] == "CANNOT_UPDATE_CONVERTED_LEAD"


def test_the_history_knows_every_write_path(org: OrgSim) -> None:
    with signed_in(org) as client:
        contact = client.post(f"{V}/sobjects/Contact", json={"LastName": "One"}).json()["id"]
        record = {"attributes": {"type": "Contact"}, "id": contact, "LastName": "Two"}
        client.patch(f"{V}/composite/sobjects", json={"records": [record]})
        bad = {**record, "LastName": "Undone"}
        client.patch(
            f"{V}/composite/sobjects", json={"allOrNone": True, "records": [bad, {**bad, "id": "x"}]}
        )
        org.edit(contact, SMS_Opt_Out__c=True)
        client.delete(f"{V}/sobjects/Contact/{contact}")
        me = soql(client, "SELECT Id FROM User WHERE Username LIKE 'api%'").json()["records"][0]["Id"]

    changes = history.of_record(org.org, contact)

    assert [(c.field, c.old, c.new) for c in reversed(changes)] == [
        (history.CREATED, None, None),
        ("LastName", "One", "Two"),
        ("Name", "One", "Two"),
        ("SMS_Opt_Out__c", 0, 1),
        (history.DELETED, None, None),
    ]
    assert [c.user_id == me for c in reversed(changes)] == [True, True, True, False, True]
    assert len(history.of_record(org.org, contact, limit=2)) == 2


def test_what_the_describe_calls_replicateable_is_told_of(client: httpx.Client) -> None:
    told = {
        entry["name"]: (
            _updated(client, entry["name"]).status_code,
            _deleted(client, entry["name"]).status_code,
        )
        for entry in client.get(f"{V}/sobjects").json()["sobjects"]
        if entry["replicateable"]
    }

    assert {"Account", "Contact", "Lead", "Task", "User"} <= set(told)
    assert set(told.values()) == {(200, 200)}
