import time
from pathlib import Path

import httpx
import pytest

from orgsim.testing import OrgSim
from tests.contract.conftest import V, signed_in, soql


def test_ordered_failures_come_and_go(org: OrgSim, client: httpx.Client) -> None:
    org.fail_next(503, times=2, path_contains="/limits", after=1)

    statuses = [client.get(f"{V}/limits").status_code for _ in range(4)]

    assert statuses == [200, 503, 503, 200]
    org.fail_next(500, path_contains="/sobjects")
    assert client.get(f"{V}/limits").status_code == 200
    [error] = client.get(f"{V}/sobjects").json()
    assert error["errorCode"] == "UNKNOWN_EXCEPTION"
    assert "Please include this ErrorId if you contact support: " in error["message"]


def test_a_dropped_connection_breaks_off_in_the_body(org: OrgSim, client: httpx.Client) -> None:
    org.drop_connection()

    with pytest.raises(httpx.RemoteProtocolError):
        client.get(f"{V}/sobjects")

    assert client.get(f"{V}/sobjects").status_code == 200


def test_a_slow_answer_does_not_hold_up_others(org: OrgSim, client: httpx.Client) -> None:
    org.slow(3, path_contains="/limits")
    started = time.monotonic()

    with pytest.raises(httpx.ReadTimeout):
        client.get(f"{V}/limits", timeout=0.1)
    client.get(f"{V}/sobjects")

    assert time.monotonic() - started < 3


def test_pages_can_be_mangled(org: OrgSim, client: httpx.Client) -> None:
    org.mangle(lambda path, body: b'{"totalSize": 1' if path.startswith(f"{V}/query?") else body)

    assert soql(client, "SELECT Id FROM Contact").text == '{"totalSize": 1'
    assert client.get(f"{V}/limits").json()
    org.clear_faults()
    assert soql(client, "SELECT Id FROM Contact").json()["totalSize"] == 40


def test_a_late_commit_carries_an_older_stamp(org: OrgSim, client: httpx.Client) -> None:
    contact = org.ids("Contact")[0]
    org.edit(contact, Title="First")
    before = client.get(f"{V}/sobjects/Contact/{contact}").json()

    org.late_commit(contact, 8, Title="Late")

    after = client.get(f"{V}/sobjects/Contact/{contact}").json()
    assert after["Title"] == "Late"
    assert after["SystemModstamp"] < before["SystemModstamp"]


def test_stamps_follow_the_clock_of_the_org(org: OrgSim, client: httpx.Client) -> None:
    org.set_clock_offset(-3_600)
    contact = org.ids("Contact")[0]

    org.edit(contact, Title="Early")

    stamp = client.get(f"{V}/sobjects/Contact/{contact}").json()["SystemModstamp"]
    assert stamp[:16] <= time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() - 3_590))


def test_forgotten_cursors_are_invalid(shared_org: OrgSim) -> None:
    with signed_in(shared_org) as client:
        url = soql(client, "SELECT Id FROM Contact").json()["nextRecordsUrl"]
        shared_org.forget_cursors()

        assert client.get(url).json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_verbs_over_http_need_the_token(org: OrgSim, client: httpx.Client) -> None:
    url = f"{org.url}/orgsim/admin/edit"
    arguments = {"record_id": org.ids("Contact")[0], "LastName": "Von Außen"}

    refused = httpx.post(url, json=arguments, headers={"X-Orgsim-Token": "guess"})
    accepted = httpx.post(url, json=arguments, headers={"X-Orgsim-Token": org.admin_token})

    assert (refused.status_code, accepted.status_code) == (403, 200)
    assert client.get(f"{V}/sobjects/Contact/{arguments['record_id']}").json()["LastName"] == "Von Außen"


def test_verbs_over_http_say_what_is_wrong(org: OrgSim) -> None:
    admin = httpx.Client(base_url=f"{org.url}/orgsim/admin", headers={"X-Orgsim-Token": org.admin_token})

    with admin:
        unknown = admin.post("/explode")
        wrong = admin.post("/hide_field", json={"sobject": "Contact", "field": "Nope"})
        typed = admin.post("/fail_next", json={"status": "often"})
        missing = admin.post("/edit", json={"LastName": "Li"})
        strange = admin.post("/fail_next", json={"stat": 503})
        view = {"kind": "leaf", "field": "LastName", "operator": "equals", "values": ["'Li'"]}
        made = admin.post(
            "/add_list_view", json={"sobject": "Contact", "developer_name": "Lis", "where": view}
        )

    assert (unknown.status_code, wrong.status_code, typed.status_code) == (404, 400, 400)
    assert (missing.status_code, strange.status_code) == (400, 400)
    assert "Contact.Nope" in wrong.json()["error"]
    assert "status: Expected `int`" in typed.json()["error"]
    assert "takes record_id: str" in missing.json()["error"]
    assert "takes status: int" in strange.json()["error"]
    assert made.json()["result"].startswith("00B")


def test_a_restart_keeps_every_change(tmp_path: Path) -> None:
    data = tmp_path / "org.db"
    with OrgSim(data, contacts=30) as org:
        contact, gone = org.ids("Contact")[:2]
        org.edit(contact, LastName="Kept")
        org.delete(gone)
        made = org.create("Contact", LastName="New")
        org.unshare("TextingContacts")
        org.hide_field("Contact", "Program__c")

    with OrgSim(data) as org, signed_in(org) as client:
        rows = soql(client, "SELECT Id, LastName FROM Contact").json()["records"]
        names = {row["Id"]: row["LastName"] for row in rows}
        views = client.get(f"{V}/sobjects/Contact/listviews").json()["listviews"]
        assert len(names) == 30
        assert (names[contact], names[made]) == ("Kept", "New")
        assert gone not in names
        assert "TextingContacts" not in {view["developerName"] for view in views}
        assert soql(client, "SELECT Program__c FROM Contact").status_code == 400
        assert org.create("Contact", LastName="Newer") > made


def test_a_write_whose_answer_is_lost_was_done(org: OrgSim, client: httpx.Client) -> None:
    contact = org.ids("Contact")[0]
    org.drop_connection()

    with pytest.raises(httpx.RemoteProtocolError):
        client.patch(f"{V}/sobjects/Contact/{contact}", json={"Title": "Dean"})

    assert client.get(f"{V}/sobjects/Contact/{contact}").json()["Title"] == "Dean"


def test_an_ordered_failure_tells_the_usage_too(org: OrgSim, client: httpx.Client) -> None:
    org.fail_next(503, times=2)

    assert "api-usage=" in client.get(f"{V}/limits").headers["Sforce-Limit-Info"]
    assert "Sforce-Limit-Info" not in client.get("/services/data").headers
