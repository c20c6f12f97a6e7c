"""Several requests in one: /composite, /composite/batch, /composite/tree."""

from typing import Any

import httpx
import pytest

from orgsim.testing import OrgSim
from tests.contract.conftest import V, soql

URL = f"{V}/composite"
ROLLED_BACK = {
    "body": [
        {
            "message": "The transaction was rolled back since another operation in the same transaction failed.",
            "errorCode": "PROCESSING_HALTED",
        }
    ],
    "httpHeaders": {},
    "httpStatusCode": 400,
}


def _part(reference: str, method: str, path: str, body: object = None, **more: object) -> dict[str, object]:
    content = {} if body is None else {"body": body}
    return {"referenceId": reference, "method": method, "url": f"{V}{path}", **content, **more}


def _composite(
    client: httpx.Client, *parts: dict[str, object], all_or_none: bool = False
) -> list[dict[str, Any]]:
    answer = client.post(URL, json={"allOrNone": all_or_none, "compositeRequest": list(parts)})
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["compositeResponse"]
    response: list[dict[str, Any]] = answer.json()["compositeResponse"]
    return response


def _count(client: httpx.Client, sobject: str = "Contact") -> int:
    return int(soql(client, f"SELECT COUNT() FROM {sobject}").json()["totalSize"])


def test_parts_refer_to_what_was_answered_before(client: httpx.Client) -> None:
    made, child, query, edit, read = _composite(
        client,
        _part("refAccount", "POST", "/sobjects/Account", {"Name": "Hawthorn"}),
        _part("refContact", "POST", "/sobjects/Contact", {"LastName": "Li", "AccountId": "@{refAccount.id}"}),
        _part("refQuery", "GET", "/query?q=SELECT+Id,AccountId+FROM+Contact+WHERE+Id='@{refContact.id}'"),
        _part(
            "refEdit",
            "PATCH",
            "/sobjects/Contact/@{refQuery.records[0].Id}",
            {"Title": "of @{refAccount.id}"},
        ),
        _part("refRead", "GET", "/sobjects/Contact/@{refContact.id}?fields=Title,AccountId"),
    )

    account = made["body"]["id"]
    assert made["httpHeaders"] == {"Location": f"{V}/sobjects/Account/{account}"}
    assert (made["httpStatusCode"], made["referenceId"]) == (201, "refAccount")
    assert child["httpStatusCode"] == 201
    assert query["body"]["records"][0]["AccountId"] == account
    assert edit == {"body": None, "httpHeaders": {}, "httpStatusCode": 204, "referenceId": "refEdit"}
    assert read["body"]["Title"] == f"of {account}"


def test_a_reference_in_an_address_may_be_percent_encoded(client: httpx.Client) -> None:
    made, read = _composite(
        client,
        _part("a", "POST", "/sobjects/Account", {"Name": "Hawthorn"}),
        _part("b", "GET", "/sobjects/Account/%40%7Ba.id%7D"),
    )

    assert read["body"]["Id"] == made["body"]["id"]


def test_a_refused_part_keeps_its_status_and_array_as_recorded(client: httpx.Client) -> None:
    [answer] = _composite(client, _part("CCI__RefId__0__", "GET", "/sobjects/Foo"))

    assert answer == {
        "body": [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}],
        "httpHeaders": {},
        "httpStatusCode": 404,
        "referenceId": "CCI__RefId__0__",
    }


def test_what_refers_to_a_failed_part_is_halted_and_others_go_on(client: httpx.Client) -> None:
    before = _count(client)

    failed, halted, good = _composite(
        client,
        _part("a", "POST", "/sobjects/Account", {}),
        _part("b", "POST", "/sobjects/Contact", {"LastName": "Li", "AccountId": "@{a.id}"}),
        _part("c", "POST", "/sobjects/Contact", {"LastName": "Good"}),
    )

    assert (failed["httpStatusCode"], halted["httpStatusCode"], good["httpStatusCode"]) == (400, 400, 201)
    [error] = halted["body"]
    assert error["errorCode"] == "PROCESSING_HALTED"
    assert error["message"].startswith("Invalid reference specified. No value for a.id found in a.")
    assert _count(client) == before + 1


def test_all_or_none_undoes_every_part(client: httpx.Client) -> None:
    before = _count(client, "Account")

    made, failed, after = _composite(
        client,
        _part("a", "POST", "/sobjects/Account", {"Name": "Gone"}),
        _part("b", "POST", "/sobjects/Contact", {"AccountId": "@{a.id}"}),
        _part("c", "GET", "/limits"),
        all_or_none=True,
    )

    assert made == {**ROLLED_BACK, "referenceId": "a"}
    assert after == {**ROLLED_BACK, "referenceId": "c"}
    assert failed["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert _count(client, "Account") == before


@pytest.mark.parametrize("inner", [False, True])
def test_a_collection_breaks_the_whole_only_when_it_is_all_or_none_itself(
    client: httpx.Client, inner: bool
) -> None:
    before = _count(client, "Account")
    records = [{"attributes": {"type": "Contact"}}]

    answers = _composite(
        client,
        _part("a", "POST", "/sobjects/Account", {"Name": "Maybe"}),
        _part("b", "POST", "/composite/sobjects", {"allOrNone": inner, "records": records}),
        all_or_none=True,
    )

    assert answers[1]["httpStatusCode"] == 200
    assert _count(client, "Account") == before + (0 if inner else 1)


def test_parts_have_headers_of_their_own(client: httpx.Client, org: OrgSim) -> None:
    contact = org.ids("Contact")[0]
    path = f"/sobjects/Contact/{contact}"
    old = {"If-Unmodified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"}

    read, stale = _composite(
        client, _part("a", "GET", path), _part("b", "PATCH", path, {"Title": "x"}, httpHeaders=old)
    )

    assert set(read["httpHeaders"]) == {"Last-Modified"}
    assert stale["httpStatusCode"] == 412


def test_a_composite_is_one_call_and_a_batch_counts_each(client: httpx.Client) -> None:
    def used(answer: httpx.Response) -> int:
        return int(answer.headers["Sforce-Limit-Info"].split("=")[1].split("/")[0])

    parts = [_part(f"r{n}", "GET", "/limits") for n in range(3)]
    before = used(client.get(f"{V}/limits"))

    composite = used(client.post(URL, json={"compositeRequest": parts}))
    batch = client.post(
        f"{URL}/batch", json={"batchRequests": [{"method": "GET", "url": "v57.0/limits"}] * 3}
    )

    assert composite == before + 1
    assert used(batch) == composite + 3


@pytest.mark.parametrize(
    "parts",
    [
        [_part(f"r{n}", "GET", "/limits") for n in range(26)],
        [_part(f"r{n}", "GET", "/query?q=SELECT+Id+FROM+User") for n in range(6)],
        [_part("same", "GET", "/limits"), _part("same", "GET", "/limits")],
        [_part("not-a-name", "GET", "/limits")],
        [{"method": "GET", "url": f"{V}/limits"}],
    ],
)
def test_a_wrong_envelope_is_refused_whole(client: httpx.Client, parts: list[dict[str, object]]) -> None:
    answer = client.post(URL, json={"compositeRequest": parts})

    assert answer.status_code == 400
    assert set(answer.json()[0]) == {"message", "errorCode"}


def test_a_composite_holds_no_other_and_no_foreign_path(client: httpx.Client) -> None:
    nested, foreign = _composite(
        client,
        _part("a", "POST", "/composite", {"compositeRequest": []}),
        {"referenceId": "b", "method": "GET", "url": "/services/oauth2/userinfo"},
    )

    assert (nested["httpStatusCode"], foreign["httpStatusCode"]) == (400, 404)


def test_a_batch_goes_on_or_halts(client: httpx.Client) -> None:
    requests = [
        {"method": "GET", "url": f"{V[15:]}/sobjects/Foo"},
        {"method": "POST", "url": "v66.0/sobjects/Contact", "richInput": {"LastName": "Li"}},
    ]

    on = client.post(f"{URL}/batch", json={"batchRequests": requests}).json()
    halted = client.post(f"{URL}/batch", json={"haltOnError": True, "batchRequests": requests}).json()

    assert (on["hasErrors"], [r["statusCode"] for r in on["results"]]) == (True, [404, 201])
    assert on["results"][1]["result"]["success"] is True
    assert [r["statusCode"] for r in halted["results"]] == [404, 412]
    assert halted["results"][1]["result"][0]["errorCode"] == "BATCH_PROCESSING_HALTED"


def test_a_tree_is_made_whole_or_not_at_all(client: httpx.Client) -> None:
    account = {
        "attributes": {"type": "Account", "referenceId": "ref1"},
        "Name": "Tree",
        "Contacts": {
            "records": [{"attributes": {"type": "Contact", "referenceId": "ref2"}, "LastName": "Leaf"}]
        },
    }
    before = _count(client, "Account")

    good = client.post(f"{URL}/tree/Account", json={"records": [account]})
    bad = client.post(
        f"{URL}/tree/Account",
        json={"records": [account, {"attributes": {"type": "Account", "referenceId": "ref3"}}]},
    )

    twice = client.post(f"{URL}/tree/Account", json={"records": [account, account]})

    assert (good.status_code, good.json()["hasErrors"]) == (201, False)
    assert [r["referenceId"] for r in good.json()["results"]] == ["ref1", "ref2"]
    leaf = good.json()["results"][1]["id"]
    parent = client.get(f"{V}/sobjects/Contact/{leaf}").json()["AccountId"]
    assert parent == good.json()["results"][0]["id"]
    assert (bad.status_code, bad.json()["hasErrors"]) == (400, True)
    assert bad.json()["results"][0]["referenceId"] == "ref3"
    [refused] = twice.json()["results"]
    codes = [error["statusCode"] for error in refused["errors"]]
    assert (twice.status_code, refused["referenceId"]) == (400, "ref1")
    assert codes == ["INVALID_INPUT", "PROCESSING_HALTED"]
    assert _count(client, "Account") == before + 1


def test_the_resource_lists_the_others(client: httpx.Client) -> None:
    assert client.get(URL).json() == {
        "tree": f"{URL}/tree",
        "batch": f"{URL}/batch",
        "sobjects": f"{URL}/sobjects",
    }
