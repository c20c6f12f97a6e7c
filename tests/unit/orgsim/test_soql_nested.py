"""Records printed with their children, their owners of several kinds and what TYPEOF chooses: each against a slow
reading of the same rows."""

import json
import sqlite3
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orgsim.pagesql import page_sql
from orgsim.soql import QueryContext
from tests.unit.orgsim.soql_world import CONTEXT, ME, connect, contact, ids, insert, plan, record_id

Json = dict[str, Any]
LOCATOR = "0r8xxAbCdEfGhIjKlM"
QUEUE = record_id("00G", 1)
OTHER = record_id("005", 2)


def printed(org: sqlite3.Connection, soql: str, context: QueryContext = CONTEXT) -> list[Json]:
    """The records of a query as the page says them."""
    compiled = plan(soql, context)
    pks = ids(org, soql, context)
    sql, params = page_sql(compiled, "v66.0", LOCATOR, all_rows=context.all_rows)
    (text,) = org.execute(sql, (*params, json.dumps(pks))).fetchone()
    records: list[Json] = json.loads(f"[{text or ''}]")
    return records


def attributes(sobject: str, number: int, of: str | None = None) -> Json:
    prefix = {"Contact": "003", "Account": "001", "User": "005", "Group": "00G"}[of or sobject]
    url = f"/services/data/v66.0/sobjects/{of or sobject}/{record_id(prefix, number)}"
    return {"type": sobject, "url": url}


def with_accounts(org: sqlite3.Connection, count: int) -> None:
    rows = (
        {"pk": n, "Id": record_id("001", n), "Name": f"A{n}", "IsDeleted": 0, "OwnerId": ME}
        for n in range(1, count + 1)
    )
    insert(org, "Account", rows)


people = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.none() | st.sampled_from(["a", "B", "b", "'"]),
        st.none() | st.integers(0, 3).map(float),
        st.booleans(),
    ),
    max_size=14,
)


@settings(deadline=None)
@given(people, st.none() | st.integers(0, 4), st.integers(0, 2), st.booleans(), st.booleans())
def test_children_are_what_a_slow_reading_finds(
    rows: list[tuple[int, str | None, float | None, bool]],
    limit: int | None,
    offset: int,
    falling: bool,
    filtered: bool,
) -> None:
    org = connect()
    with_accounts(org, 3)
    made = [
        contact(
            n,
            AccountId=record_id("001", account) if account else None,
            Name=name,
            Age__c=age,
            IsDeleted=int(dead),
        )
        for n, (account, name, age, dead) in enumerate(rows, 1)
    ]
    insert(org, "Contact", made)
    bounds = (f" LIMIT {limit}" if limit is not None else "") + (f" OFFSET {offset}" if offset else "")
    where = " WHERE Age__c > 1" if filtered else ""
    direction = "DESC" if falling else "ASC"
    children = f"SELECT Name, Account.Name FROM Contacts{where} ORDER BY Id {direction}{bounds}"

    records = printed(org, f"SELECT Name, ({children}) FROM Account ORDER BY Id")

    for number, record in enumerate(records, 1):
        found = [
            row
            for row in sorted(made, key=lambda row: str(row["Id"]), reverse=falling)
            if row["AccountId"] == record_id("001", number)
            and not row["IsDeleted"]
            and (not filtered or float(str(row["Age__c"] or 0)) > 1)
        ][offset:][: len(made) if limit is None else limit]
        account = {"attributes": attributes("Account", number), "Name": f"A{number}"}
        expected = [
            {
                "attributes": attributes("Contact", int(str(row["pk"]))),
                "Name": row["Name"],
                "Account": account,
            }
            for row in found
        ]
        whole = {"totalSize": len(expected), "done": True, "records": expected}
        assert record == account | {"Contacts": whole if expected else None}


def test_more_children_than_a_page_holds_name_their_locator() -> None:
    org = connect()
    with_accounts(org, 1)
    insert(org, "Contact", (contact(n, AccountId=record_id("001", 1)) for n in range(1, 206)))

    (record,) = printed(org, "SELECT Id, (SELECT Id FROM Contacts) FROM Account")
    (capped,) = printed(org, "SELECT Id, (SELECT Id FROM Contacts LIMIT 200) FROM Account")

    assert (record["Contacts"]["totalSize"], record["Contacts"]["done"]) == (205, False)
    assert record["Contacts"]["nextRecordsUrl"] == f"/services/data/v66.0/query/{LOCATOR}01-200"
    assert len(record["Contacts"]["records"]) == 200
    assert capped["Contacts"]["done"] is True


def test_the_ids_of_children_are_those_of_their_page() -> None:
    org = connect()
    with_accounts(org, 2)
    insert(org, "Contact", (contact(n, AccountId=record_id("001", 1 + n % 2), Age__c=n) for n in range(1, 9)))
    compiled = plan(
        "SELECT (SELECT Id FROM Contacts WHERE Age__c < 7 ORDER BY Age__c DESC LIMIT 2) FROM Account"
    )
    assert compiled.projection is not None
    (children,) = compiled.projection.children

    sql = children.ids_sql(compiled.sobject)

    assert org.execute(sql, (*children.params, 1)).fetchall() == [(6,), (4,)]
    assert org.execute(sql, (*children.params, 2)).fetchall() == [(5,), (3,)]


@settings(deadline=None)
@given(st.lists(st.sampled_from([ME, OTHER, QUEUE, record_id("005", 9)]), min_size=1, max_size=8))
def test_an_owner_is_told_by_whichever_object_it_belongs_to(owners: list[str]) -> None:
    org = connect()
    insert(org, "User", [{"Id": ME, "Name": "Mia", "Email": "m@x"}, {"Id": OTHER, "Name": "Olga"}])
    insert(org, "Group", [{"Id": QUEUE, "Name": "Queue One"}])
    insert(org, "Contact", (contact(n, OwnerId=owner) for n, owner in enumerate(owners, 1)))
    known: dict[str, tuple[str, int, Json, str | None]] = {
        ME: ("User", 1, {"Name": "Mia", "Type": "User", "Email": "m@x"}, "Mia"),
        OTHER: ("User", 2, {"Name": "Olga", "Type": "User", "Email": None}, "Olga"),
        QUEUE: ("Group", 1, {"Name": "Queue One", "Type": "Queue", "Email": None}, None),
    }

    records = printed(org, "SELECT Owner.Name, Owner.Type, Owner.Email FROM Contact")
    chosen = printed(org, "SELECT TYPEOF Owner WHEN User THEN Name ELSE Type END FROM Contact")

    for owner, record, choice in zip(owners, records, chosen, strict=True):
        if owner not in known:
            assert (record["Owner"], choice["Owner"]) == (None, None)
            continue
        sobject, number, values, name = known[owner]
        assert record["Owner"] == {"attributes": attributes("Name", number, sobject)} | values
        told = {"Name": name} if name else {"Type": "Queue"}
        assert choice["Owner"] == {"attributes": attributes(sobject, number)} | told
    users = [n for n, owner in enumerate(owners, 1) if owner in (ME, OTHER)]
    assert ids(org, "SELECT Id FROM Contact WHERE Owner.Type = 'User' ORDER BY Id") == users


def test_a_choice_without_else_is_null_for_the_others() -> None:
    org = connect()
    insert(org, "Group", [{"Id": QUEUE, "Name": "Queue One"}])
    insert(org, "Contact", [contact(1, OwnerId=QUEUE)])

    (record,) = printed(org, "SELECT Id, TYPEOF Owner WHEN User THEN Name END, Name FROM Contact")

    assert list(record) == ["attributes", "Id", "Owner", "Name"]
    assert record["Owner"] is None


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("mine", [1]),
        ("team", [1, 2]),
        ("mine_and_my_groups", [1, 3]),
        ("queue_owned", [3]),
        ("scopingRule", [1, 2, 3, 4]),
    ],
)
def test_scopes_ask_for_owners(scope: str, expected: list[int]) -> None:
    org = connect()
    stranger = record_id("005", 3)
    insert(org, "User", [{"Id": OTHER, "ManagerId": ME}, {"Id": stranger}, {"Id": ME}])
    insert(org, "GroupMember", [{"Id": record_id("011", 1), "GroupId": QUEUE, "UserOrGroupId": ME}])
    insert(org, "Contact", (contact(n, OwnerId=o) for n, o in enumerate((ME, OTHER, QUEUE, stranger), 1)))

    assert ids(org, f"SELECT Id FROM Contact USING SCOPE {scope} ORDER BY Id") == expected


def test_dates_in_the_users_zone() -> None:
    org = connect()
    insert(
        org,
        "Contact",
        [contact(1, Seen__c="2026-01-01T03:30:00.000+0000", Born__c="2026-05-06", Age__c=1234.5)],
    )

    local = "CALENDAR_YEAR(convertTimezone(Seen__c)) = 2025 AND HOUR_IN_DAY(convertTimezone(Seen__c)) = 22"
    (record,) = printed(
        org,
        "SELECT FORMAT(Seen__c) seen, FORMAT(Born__c) born, FORMAT(Age__c) age, FORMAT(Name) n FROM Contact",
    )

    assert ids(org, f"SELECT Id FROM Contact WHERE {local}") == [1]
    assert ids(org, "SELECT Id FROM Contact WHERE CALENDAR_YEAR(Seen__c) = 2026") == [1]
    del record["attributes"]
    assert record == {"seen": "12/31/2025, 10:30 PM", "born": "5/6/2026", "age": "1,234.5", "n": None}


def test_children_that_are_not_shared_are_not_counted() -> None:
    org = connect()
    with_accounts(org, 1)
    rows = [
        contact(1, AccountId=record_id("001", 1)),
        contact(2, AccountId=record_id("001", 1), OwnerId=OTHER),
    ]
    insert(org, "Contact", rows)
    sharing = {"Contact": f"{{t}}.\"OwnerId\" = '{ME}'"}

    (record,) = printed(
        org, "SELECT (SELECT Id FROM Contacts) FROM Account", replace(CONTEXT, sharing=sharing)
    )

    assert record["Contacts"]["totalSize"] == 1
    assert record["Contacts"]["records"][0]["Id"] == record_id("003", 1)
