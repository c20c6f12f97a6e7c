"""SOSL as clients send it to /search."""

from typing import Any

import httpx
import pytest

from tests.contract.conftest import V

Json = dict[str, Any]


def _make(client: httpx.Client, sobject: str = "Contact", **fields: object) -> str:
    answer = client.post(f"{V}/sobjects/{sobject}", json=fields)
    assert answer.status_code == 201, answer.text
    made: str = answer.json()["id"]
    return made


def _search(client: httpx.Client, text: str, version: str = "v66.0") -> httpx.Response:
    return client.get(f"/services/data/{version}/search/", params={"q": text})


def _found(client: httpx.Client, text: str) -> list[Json]:
    answer = _search(client, text)
    assert answer.status_code == 200, answer.text
    records: list[Json] = answer.json()["searchRecords"]
    return records


def _ids(client: httpx.Client, text: str) -> list[str]:
    return [record["Id"] for record in _found(client, text)]


def test_records_of_each_object_come_as_queries_give_them(client: httpx.Client) -> None:
    contact = _make(client, FirstName="Wilhelmina", LastName="Quackenbush")
    lead = _make(client, "Lead", LastName="Quackenbush", Company="Duck & Co")

    found = _found(
        client, "FIND {quackenbush} IN ALL FIELDS RETURNING Lead, Contact(Id, FirstName, Owner.Name)"
    )

    assert found[0] == {"attributes": {"type": "Lead", "url": f"{V}/sobjects/Lead/{lead}"}, "Id": lead}
    assert (found[1]["Id"], found[1]["FirstName"]) == (contact, "Wilhelmina")
    assert found[1]["Owner"]["attributes"]["type"] == "User"
    assert {*_ids(client, "FIND {Quackenbush}")} == {contact, lead}


@pytest.mark.parametrize(
    ("term", "fits"),
    [
        ("Quackenbush", True),
        ("QUACK*", True),
        ("Qu?ckenbush", True),
        ("Wilhelmina Quackenbush", True),
        ("Wilhelmina AND Quackenbush", True),
        ('"Wilhelmina Quackenbush"', True),
        ('"Quackenbush Wilhelmina"', False),
        ("Quack", False),
        ("ckenbush", False),
        ("Wilhelmina Nobody", False),
        ("wq\\@ducks.example", True),
        ("%ackenbush", False),
    ],
)
def test_whole_words_are_compared(client: httpx.Client, term: str, fits: bool) -> None:
    made = _make(client, FirstName="Wilhelmina", LastName="Quackenbush", Email="wq@ducks.example")

    assert _ids(client, f"FIND {{{term}}} RETURNING Contact") == ([made] if fits else [])


@pytest.mark.parametrize(
    ("scope", "fits"), [("ALL", True), ("NAME", False), ("EMAIL", True), ("PHONE", False)]
)
def test_a_scope_names_the_fields(client: httpx.Client, scope: str, fits: bool) -> None:
    made = _make(client, LastName="Li", Email="quackenbush@ducks.example")

    assert _ids(client, f"FIND {{quackenbush}} IN {scope} FIELDS RETURNING Contact") == (
        [made] if fits else []
    )


def test_conditions_order_and_limits(client: httpx.Client) -> None:
    made = [_make(client, LastName="Quackenbush", Title=title) for title in "ABC"]

    some = "Contact(Id WHERE Title IN ('B', 'C, ORDER BY (', 'C') ORDER BY Title DESC LIMIT 5)"
    assert _ids(client, f"FIND {{Quackenbush}} RETURNING {some}, Lead(Id)") == [made[2], made[1]]
    assert len(_ids(client, "FIND {Quackenbush} RETURNING Contact(Id LIMIT 2), Lead")) == 2
    assert len(_ids(client, "FIND {Quackenbush} RETURNING Contact LIMIT 1")) == 1


def test_a_deleted_record_is_not_found(client: httpx.Client) -> None:
    made = _make(client, LastName="Quackenbush")
    client.delete(f"{V}/sobjects/Contact/{made}")

    assert _ids(client, "FIND {Quackenbush}") == []


def test_old_versions_answer_a_bare_array(client: httpx.Client) -> None:
    assert _search(client, "FIND {nobody} RETURNING Contact", "v36.0").json() == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "MALFORMED_SEARCH"),
        ("Osei", "MALFORMED_SEARCH"),
        ("FIND {a}", "MALFORMED_SEARCH"),
        ("FIND {*}", "MALFORMED_SEARCH"),
        ("FIND {Osei OR Li}", "MALFORMED_SEARCH"),
        ("FIND {Osei} IN SOME FIELDS", "MALFORMED_SEARCH"),
        ("FIND {Osei} RETURNING Contact(Id", "MALFORMED_SEARCH"),
        ("FIND {Osei} RETURNING Contact(Id LIMIT 5 WHERE Title = 'x')", "MALFORMED_SEARCH"),
        ("FIND {Osei} RETURNING Contact(Id LIMIT many)", "MALFORMED_SEARCH"),
        ("FIND {Osei} RETURNING Contact(Id USING LISTVIEW=Recent)", "MALFORMED_QUERY"),
        ("FIND {Osei} RETURNING Nothing__c(Id)", "INVALID_TYPE"),
        ("FIND {Osei} RETURNING Contact(Nothing__c)", "INVALID_FIELD"),
        ("FIND {Osei} RETURNING Contact(Id WHERE Nothing__c = 1)", "INVALID_FIELD"),
    ],
)
def test_what_is_no_search_is_refused(reader: httpx.Client, text: str, code: str) -> None:
    answer = _search(reader, text)

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


@pytest.mark.parametrize(
    ("text", "column", "sign"),
    [
        ("FIND {John|jane_gray@uoa.edu} RETURNING Contact", 10, "|"),
        ("FIND {Marie-Pier Martin}", 11, "-"),
    ],
)
def test_a_sign_that_is_not_escaped_is_refused_as_recorded(
    reader: httpx.Client, text: str, column: int, sign: str
) -> None:
    message = (
        f"\n{text}\n{' ' * (column - 1)}^\nERROR at Row:1:Column:{column}\n"
        f"line 1:{column} mismatched character '{sign}' expecting '}}'"
    )
    assert _search(reader, text).json() == [{"message": message, "errorCode": "MALFORMED_SEARCH"}]
    assert _search(reader, text.replace(sign, f"\\{sign}")).status_code == 200
