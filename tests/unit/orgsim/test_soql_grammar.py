"""Every construct of the SOQL reference parses; what is not SOQL is refused with the words of an org."""

import time

import pytest

from orgsim.soql import SoqlError, parse
from orgsim.soql.ast import And, Call, Comparison, Kind, Literal, Not, Or, Path, TypeOf

VALID = [
    "SELECT Id FROM Contact",
    "select id from contact",
    "SELECT Id\n,\tName\r\nFROM\n  Contact  ",
    "SELECT Account.Owner.Manager.Name FROM Contact",
    "SELECT c.Name, a.Name FROM Contact c, c.Account a WHERE a.Name = 'x'",
    "SELECT c.Name FROM Contact AS c",
    "SELECT Name FROM Group WHERE Type = 'Queue' ORDER BY CreatedDate ASC",
    "SELECT Id, Order.Name, Group.Name FROM Order",
    "SELECT First, Last, View, Reference, Update, Offset, All, Scope, End, Data FROM Contact",
    "SELECT COUNT() FROM Contact",
    "SELECT COUNT(Id), COUNT_DISTINCT(Name) d, SUM(A), AVG(A) average, MIN(A), MAX(A) FROM Contact",
    "SELECT CALENDAR_YEAR(CreatedDate), COUNT(Id) FROM Contact GROUP BY CALENDAR_YEAR(CreatedDate)",
    "SELECT CALENDAR_YEAR(convertTimezone(CreatedDate)) FROM Contact GROUP BY CALENDAR_YEAR(convertTimezone(CreatedDate))",
    "SELECT toLabel(Status), format(Amount) Amt, convertCurrency(Amount), FORMAT(MIN(closedate)) FROM Opportunity",
    "SELECT FIELDS(ALL) FROM Contact LIMIT 200",
    "SELECT FIELDS(STANDARD), FIELDS(CUSTOM) FROM Contact LIMIT 200",
    "SELECT Id, (SELECT Id FROM Contacts WHERE Name != null ORDER BY Name LIMIT 5) FROM Account",
    "SELECT Id, (SELECT Id FROM Account.Contacts) FROM Account",
    "SELECT TYPEOF What WHEN Account THEN Phone, Name WHEN Opportunity THEN Amount ELSE Name, Email END FROM Event",
    "SELECT TYPEOF What WHEN Account THEN Phone END, Id FROM Event",
    "SELECT Id FROM Contact USING SCOPE mine WHERE Name = 'x'",
    "SELECT Id FROM Contact USING SCOPE scopingRule",
    "SELECT Id FROM A WHERE a = 1 AND b != 2 AND c <> 3 AND d < 4 AND e <= 5 AND f > -6.5 AND g >= +7e2",
    "SELECT Id FROM A WHERE a = 1 OR b = 2 OR (c = 3 AND (d = 4 OR NOT e = 5))",
    "SELECT Id FROM A WHERE NOT a = 1 AND NOT (b = 2)",
    "SELECT Id FROM A WHERE (NOT(a LIKE 'x%'))AND(b=1)",
    "SELECT Id FROM A WHERE Name LIKE '%O\\'Brien\\_%' AND x IN ('a','b') AND y NOT  IN (1, 2.5, null)",
    "SELECT Id FROM A WHERE x INCLUDES ('A;B','C') AND y EXCLUDES ('D')",
    "SELECT Id FROM A WHERE x IN (SELECT AccountId FROM Contact WHERE Name = 'x') AND y NOT IN (SELECT Id FROM B)",
    "SELECT Id FROM A WHERE d > 2026-05-01 AND e <= 2026-05-01T07:25:37Z AND f = 2026-05-01T07:25:37.123+02:00",
    "SELECT Id FROM A WHERE d > 2026-05-01T07:25:37.000+0000 AND t = 10:30:00.000Z",
    "SELECT Id FROM A WHERE d = TODAY OR d = last_n_days:30 OR d = LAST_N_DAYS: 3 OR d = N_FISCAL_YEARS_AGO:2",
    "SELECT Id FROM A WHERE a = TRUE AND b = false AND c = null AND d > USD5000 AND e = EUR12.50",
    "SELECT Id FROM A WHERE DISTANCE(Location__c, GEOLOCATION(37.775,-122.418), 'mi') < 20",
    "SELECT Id FROM A WHERE CALENDAR_MONTH(CreatedDate) = 5 AND toLabel(Status) = 'Neu'",
    "SELECT Title FROM KnowledgeArticleVersion WITH DATA CATEGORY Geography__c AT (usa__c, uk__c) AND Product__c ABOVE_OR_BELOW tv__c",
    "SELECT Id FROM Account WITH SECURITY_ENFORCED",
    "SELECT Id FROM Account WHERE Name = 'x' WITH USER_MODE LIMIT 1",
    "SELECT Id FROM Account WITH RecordVisibilityContext (maxDescriptorPerRecord=100, supportsDomains=true)",
    "SELECT Id FROM UserProfileFeed WITH UserId='005D0000001AamR' ORDER BY CreatedDate DESC",
    "SELECT Name, COUNT(Id) FROM A GROUP BY Name HAVING COUNT(Id) > 1 AND Name LIKE 'a%'",
    "SELECT A, B, COUNT(Id), GROUPING(A) g FROM X GROUP BY ROLLUP(A, B)",
    "SELECT A, COUNT(Id) FROM X GROUP BY CUBE(A, B) ORDER BY GROUPING(A), COUNT(Id) DESC",
    "SELECT Id FROM A ORDER BY Name, Account.Name DESC NULLS LAST, CreatedDate ASC NULLS FIRST, x NULLS LAST",
    "SELECT Id FROM A LIMIT 10 OFFSET 20",
    "SELECT Id FROM A WHERE Name = 'x' FOR VIEW",
    "SELECT Id FROM A LIMIT 1 FOR REFERENCE",
    "SELECT Id FROM A FOR UPDATE",
    "SELECT Id FROM A UPDATE TRACKING, VIEWSTAT",
    "SELECT Id FROM A ALL ROWS",
    "SELECT Id FROM A WHERE Id IN :ids AND Name = :name LIMIT :n",
    "SELECT name, tolabel(type), owner.alias FROM Account WHERE CreatedDate = THIS_WEEK ORDER BY Name ASC NULLS FIRST, Id ASC NULLS FIRST",
]


@pytest.mark.parametrize("soql", VALID)
def test_all_of_soql_parses(soql: str) -> None:
    assert parse(soql).text == soql


UNEXPECTED = [
    ("", None),
    ("SELECT", "<EOF>"),
    ("SELECT Id, FROM Contact", "FROM"),
    ("SELECT Id FROM Contact WHERE", "<EOF>"),
    ("SELECT Id FROM Contact WHERE a = 1 AND b = 2 OR c = 3", "OR"),
    ("SELECT Id FROM Contact WHERE a IS NULL", "IS"),
    ("SELECT Id FROM Contact WHERE (a = 1", "<EOF>"),
    ("SELECT Id FROM Contact WHERE a = 1)", ")"),
    ("SELECT Id FROM Contact LIMIT 1 WHERE a = 1", "WHERE"),
    ("SELECT Id FROM Contact ORDER BY", "<EOF>"),
    ("SELECT Id FROM Contact GROUP", "GROUP"),
    ("SELECT Id Name Email FROM Contact", "Email"),
    ("SELECT * FROM Contact", "*"),
    ("SELECT Id FROM Contact;", ";"),
    ("SELECT Id FROM Contact WHERE Name = 'O''Brien'", "'"),
    ("SELECT Id FROM Contact WHERE Id IN ()", ")"),
    ("UPDATE Contact SET Name = 'x'", "UPDATE"),
]


@pytest.mark.parametrize(("soql", "token"), UNEXPECTED)
def test_what_is_not_soql_names_the_token(soql: str, token: str | None) -> None:
    with pytest.raises(SoqlError) as raised:
        parse(soql)

    reason = raised.value.message.splitlines()[-1]
    expected = "SOQL statements cannot be empty or null" if token is None else f"unexpected token: '{token}'"
    assert (raised.value.error_code, reason) == ("MALFORMED_QUERY", expected)


OTHER_FAULTS = [
    ("SELECT Id FROM A WHERE Name = Yes", "expecting a colon, found 'Yes'"),
    ("SELECT Id FROM A WHERE d >= WhoId.Born__c", "expecting a colon, found 'WhoId.Born__c'"),
    ("SELECT Id FROM A WHERE Name = 'x", "line 1:32 mismatched character '<EOF>' expecting '''"),
    (
        "SELECT Id FROM A WHERE d = 2020-03-17T21:04:32.000 0000",
        "line 1:50 no viable alternative at character ' '",
    ),
]


@pytest.mark.parametrize(("soql", "reason"), OTHER_FAULTS)
def test_faulty_values_are_named_as_an_org_names_them(soql: str, reason: str) -> None:
    with pytest.raises(SoqlError) as raised:
        parse(soql)

    assert (raised.value.error_code, raised.value.message.splitlines()[-1]) == ("MALFORMED_QUERY", reason)


def test_a_query_over_the_length_limit_is_refused() -> None:
    soql = f"SELECT Id FROM A WHERE Name = '{'x' * 100_000}'"

    with pytest.raises(SoqlError, match="longer than 100000 characters"):
        parse(soql)


def test_conditions_nest_as_bracketed() -> None:
    where = parse("SELECT Id FROM A WHERE a = 1 OR (b LIKE 'x' AND NOT c IN ('y', 'z'))").where

    assert isinstance(where, Or)
    assert isinstance(where.terms[1], And)
    inner = where.terms[1].terms[1]
    assert isinstance(inner, Not)
    assert inner.term == Comparison(
        Path(("c",), 52), "in", (Literal(Kind.STRING, "'y'", 58), Literal(Kind.STRING, "'z'", 63))
    )


def test_functions_and_typeof_keep_their_parts() -> None:
    items = parse(
        "SELECT COUNT(Id) n, TYPEOF What WHEN A THEN x ELSE y, z END, (SELECT Id FROM Bs) FROM Event"
    ).select

    assert items[0].expression == Call("COUNT", (Path(("Id",), 13),), 7)
    assert items[0].alias == "n"
    assert isinstance(items[1].expression, TypeOf)
    assert [name for name, _ in items[1].expression.branches] == ["A"]
    assert [path.dotted for path in items[1].expression.otherwise] == ["y", "z"]


def test_order_and_endings_keep_their_parts() -> None:
    query = parse("SELECT Id FROM A ORDER BY a, b DESC NULLS LAST LIMIT 3 OFFSET 4 for  view ALL ROWS")

    assert [(o.descending, o.nulls_last) for o in query.order_by] == [(False, False), (True, True)]
    assert query.endings == ("FOR VIEW", "ALL ROWS")


def test_a_list_of_600_ids_parses_fast() -> None:
    listed = ",".join(f"'0035e00000{n:05d}AAA'" for n in range(600))
    soql = f"SELECT Id, {'Name__c, ' * 800} Email FROM Contact WHERE Id IN ({listed}) AND Name != null"
    parse("SELECT Id FROM A")

    started = time.perf_counter()
    parse(soql)

    assert (
        time.perf_counter() - started < 0.5
    )  # 10 ms alone on a slow machine; the rest is room for its neighbours
