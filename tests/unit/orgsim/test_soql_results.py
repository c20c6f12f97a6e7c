"""What compiled queries return: order, ids, relative dates, choices, joins, grouping, projections, limits."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.orgsim.soql_world import CONTEXT, ME, connect, contact, ids, insert, plan, record_id, where

OTHER = record_id("005", 2)


@pytest.fixture
def org() -> sqlite3.Connection:
    return connect()


def numbered(org: sqlite3.Connection, **values: list[object]) -> None:
    """One contact a value: `numbered(org, Name=["a", None])` makes contacts 1 and 2."""
    (name, column), *more = values.items()
    rows = [{name: value} | {n: c[i] for n, c in more} for i, value in enumerate(column)]
    insert(org, "Contact", (contact(i, **row) for i, row in enumerate(rows, 1)))


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("Name", [2, 5, 3, 1, 4]),
        ("Name ASC NULLS LAST", [5, 3, 1, 4, 2]),
        ("Name DESC", [2, 4, 1, 3, 5]),
        ("Name DESC NULLS LAST", [4, 1, 3, 5, 2]),
        ("Account.Name, Id DESC", [5, 4, 3, 2, 1]),
    ],
)
def test_nulls_come_first_unless_said_and_text_sorts_without_case(
    org: sqlite3.Connection, order: str, expected: list[int]
) -> None:
    numbered(org, Name=["c", None, "B", "É", "a"])

    assert ids(org, f"SELECT Id FROM Contact ORDER BY {order}") == expected


@pytest.mark.parametrize(
    ("order", "sql"),
    [
        ("Age__c", 't."Age__c"'),
        ("Age__c ASC NULLS FIRST", 't."Age__c"'),
        ("Age__c DESC NULLS LAST", 't."Age__c" DESC'),
        ("Age__c DESC", 't."Age__c" DESC NULLS FIRST'),
        ("SystemModstamp DESC NULLS FIRST", 't."SystemModstamp" DESC'),
    ],
)
def test_nulls_are_only_placed_where_sqlite_would_not(order: str, sql: str) -> None:
    assert plan(f"SELECT Id FROM Contact ORDER BY {order}").ids_sql.endswith(f"ORDER BY {sql}")


def test_picklists_sort_as_they_are_set_up(org: sqlite3.Connection) -> None:
    numbered(org, Level__c=["High", "stray", "Low", None])

    assert ids(org, "SELECT Id FROM Contact ORDER BY Level__c") == [4, 3, 1, 2]


def test_limit_and_offset_cut_the_ordered_ids(org: sqlite3.Connection) -> None:
    numbered(org, Age__c=[5, 4, 3, 2, 1])

    assert ids(org, "SELECT Id FROM Contact ORDER BY Age__c LIMIT 2 OFFSET 1") == [4, 3]
    assert ids(org, "SELECT Id FROM Contact ORDER BY Age__c OFFSET 3") == [2, 1]
    assert ids(org, "SELECT Id FROM Contact LIMIT 0") == []


def test_deleted_rows_are_seen_by_query_all_only(org: sqlite3.Connection) -> None:
    numbered(org, IsDeleted=[0, 1])

    assert where(org, "Id != null") == [1]
    assert where(org, "Id != null", replace(CONTEXT, all_rows=True)) == [1, 2]
    assert where(org, "IsDeleted = true") == []
    assert where(org, "IsDeleted = true", replace(CONTEXT, all_rows=True)) == [2]


def test_fifteen_character_ids_equal_their_long_form(org: sqlite3.Connection) -> None:
    numbered(org, AccountId=["001b000003QSlaTAAT", "001B000003qslatAAA", None])

    assert where(org, "AccountId = '001b000003QSlaT'") == [1]
    assert where(org, "AccountId IN ('001b000003QSlaT', '')") == [1, 3]
    assert where(org, "AccountId != '001b000003QSlaTAAT'") == [2, 3]
    assert where(org, "AccountId > '001b000003QSla1'") == [1]


def test_ids_keep_their_case_in_order() -> None:
    compiled = plan("SELECT Id FROM Contact ORDER BY SystemModstamp, Id")

    assert compiled.ids_sql.endswith('ORDER BY t."SystemModstamp", t."Id"')


# Now is Wednesday 2026-05-06 11:30 in New York; the week began on Sunday the 3rd at 04:00 UTC.
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("= TODAY", [3, 4]),
        ("!= TODAY", [1, 2, 5, 6]),
        ("< TODAY", [1, 2]),
        ("<= TODAY", [1, 2, 3, 4]),
        ("> TODAY", [5]),
        (">= TODAY", [3, 4, 5]),
        ("= YESTERDAY", [2]),
        ("= TOMORROW", [5]),
        ("= THIS_WEEK", [2, 3, 4, 5]),
        ("= LAST_WEEK", [1]),
        ("<= LAST_WEEK", [1]),
        ("= LAST_N_DAYS:1", [2, 3, 4]),
        ("= N_DAYS_AGO:1", [2]),
        ("= LAST_N_WEEKS:1", [1]),
        ("= THIS_MONTH", [1, 2, 3, 4, 5]),
        ("= NEXT_N_DAYS:1", [5]),
        ("IN (YESTERDAY, TOMORROW, null)", [2, 5, 6]),
        ("NOT IN (YESTERDAY, TOMORROW, null)", [1, 3, 4]),
    ],
)
def test_date_literals_are_ranges_in_the_users_zone(
    org: sqlite3.Connection, condition: str, expected: list[int]
) -> None:
    numbered(
        org,
        Seen__c=[
            "2026-05-03T03:59:59.999+0000",
            "2026-05-06T03:59:59.999+0000",
            "2026-05-06T04:00:00.000+0000",
            "2026-05-07T03:59:59.999+0000",
            "2026-05-07T04:00:00.000+0000",
            None,
        ],
    )

    assert where(org, f"Seen__c {condition}") == expected


@pytest.mark.parametrize(
    ("literal", "first", "last"),
    [
        ("TODAY", "2026-05-06", "2026-05-06"),
        ("NEXT_WEEK", "2026-05-10", "2026-05-16"),
        ("LAST_MONTH", "2026-04-01", "2026-04-30"),
        ("NEXT_MONTH", "2026-06-01", "2026-06-30"),
        ("LAST_90_DAYS", "2026-02-05", "2026-05-06"),
        ("NEXT_90_DAYS", "2026-05-07", "2026-08-04"),
        ("LAST_N_DAYS:3", "2026-05-03", "2026-05-06"),
        ("NEXT_N_DAYS:3", "2026-05-07", "2026-05-09"),
        ("NEXT_N_WEEKS:2", "2026-05-10", "2026-05-23"),
        ("N_WEEKS_AGO:2", "2026-04-19", "2026-04-25"),
        ("LAST_N_MONTHS:2", "2026-03-01", "2026-04-30"),
        ("NEXT_N_MONTHS:8", "2026-06-01", "2027-01-31"),
        ("N_MONTHS_AGO:5", "2025-12-01", "2025-12-31"),
        ("THIS_QUARTER", "2026-04-01", "2026-06-30"),
        ("LAST_QUARTER", "2026-01-01", "2026-03-31"),
        ("LAST_N_QUARTERS:2", "2025-10-01", "2026-03-31"),
        ("N_QUARTERS_AGO:2", "2025-10-01", "2025-12-31"),
        ("THIS_YEAR", "2026-01-01", "2026-12-31"),
        ("LAST_N_YEARS:2", "2024-01-01", "2025-12-31"),
        ("NEXT_FISCAL_QUARTER", "2026-07-01", "2026-09-30"),
        ("N_FISCAL_YEARS_AGO:1", "2025-01-01", "2025-12-31"),
    ],
)
def test_each_date_literal_spans_the_documented_days(literal: str, first: str, last: str) -> None:
    params = plan(f"SELECT Id FROM Contact WHERE Born__c = {literal}").ids_params

    after = datetime.fromisoformat(last).toordinal() + 1
    assert params == (first, datetime.fromordinal(after).date().isoformat())


def test_the_day_changes_with_the_users_zone_and_with_daylight_saving() -> None:
    now = datetime(2026, 3, 8, 12, tzinfo=UTC)  # the night New York's clocks went forward
    context = replace(CONTEXT, now=now)

    params = plan("SELECT Id FROM Contact WHERE Seen__c = TODAY", context).ids_params

    assert params == ("2026-03-08T05:00:00.000+0000", "2026-03-09T04:00:00.000+0000")


@pytest.mark.parametrize(
    "literal", ["2026-05-01T07:25:37Z", "2026-05-01T09:25:37.000+02:00", "2026-05-01T02:25:37-0500"]
)
def test_datetimes_are_compared_as_instants(org: sqlite3.Connection, literal: str) -> None:
    numbered(org, Seen__c=["2026-05-01T07:25:37.000+0000", "2026-05-01T07:25:37.001+0000"])

    assert where(org, f"Seen__c = {literal}") == [1]
    assert where(org, f"Seen__c > {literal}") == [2]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("INCLUDES ('a')", [1, 2]),
        ("INCLUDES ('A;B')", [2]),
        ("INCLUDES ('a;b', 'ab')", [2, 3]),
        ("EXCLUDES ('a')", [3, 4]),
        ("EXCLUDES ('a', 'ab')", [4]),
        ("= 'a;b'", [2]),
        ("= null", [4]),
    ],
)
def test_choices_are_found_whole(org: sqlite3.Connection, condition: str, expected: list[int]) -> None:
    numbered(org, Tags__c=["a", "b;c;a", "ab", None] if "=" not in condition else ["a", "a;b", "ab", None])

    assert where(org, f"Tags__c {condition}") == expected


def test_a_missing_parent_reads_as_null(org: sqlite3.Connection) -> None:
    insert(org, "Account", [{"Id": record_id("001", 1), "Name": "Acme", "IsDeleted": 0, "OwnerId": OTHER}])
    insert(org, "User", [{"Id": OTHER, "Name": "Olga"}])
    numbered(org, AccountId=[record_id("001", 1), None])

    assert where(org, "Account.Name = 'ACME'") == [1]
    assert where(org, "Account.Name != 'x'") == [1, 2]
    assert where(org, "Account.Name = null") == [2]
    assert where(org, "Account.Owner.Name = 'olga'") == [1]


def test_semi_and_anti_joins(org: sqlite3.Connection) -> None:
    accounts = [
        {"Id": record_id("001", n), "Name": name, "IsDeleted": deleted, "OwnerId": ME}
        for n, name, deleted in ((1, "Acme", 0), (2, "Beta", 0), (3, "Acme", 1))
    ]
    insert(org, "Account", accounts)
    numbered(org, AccountId=[record_id("001", 1), record_id("001", 2), record_id("001", 3), None])

    acme = "(SELECT Id FROM Account WHERE Name = 'acme')"
    assert where(org, f"AccountId IN {acme}") == [1]
    assert where(org, f"AccountId NOT IN {acme}") == [2, 3, 4]
    own = "(SELECT AccountId FROM Contact WHERE Account.Name = 'Beta')"
    assert where(org, f"AccountId IN {own}") == [2]
    assert where(org, f"AccountId NOT IN {own}") == [1, 3, 4]
    assert where(org, "AccountId NOT IN (SELECT AccountId FROM Contact WHERE Name = null)") == [4]


def test_scope_mine_is_the_users_own(org: sqlite3.Connection) -> None:
    numbered(org, OwnerId=[ME, OTHER])

    assert ids(org, "SELECT Id FROM Contact USING SCOPE Mine") == [1]
    assert ids(org, "SELECT Id FROM Contact USING SCOPE everything") == [1, 2]
    assert ids(org, "SELECT Id FROM Contact USING SCOPE mine WHERE Age__c = 1 OR Name = null") == [1]


def test_labels_and_date_functions_filter(org: sqlite3.Connection) -> None:
    numbered(org, Level__c=["Low", "High"], Seen__c=["2026-02-28T23:00:00.000+0000", None])

    assert where(org, "toLabel(Level__c) = 'a LOT'") == [2]
    assert where(org, "CALENDAR_YEAR(Seen__c) = 2026 AND CALENDAR_QUARTER(Seen__c) = 1") == [1]
    assert where(
        org, "DAY_IN_WEEK(Seen__c) = 7 AND DAY_IN_YEAR(Seen__c) = 59 AND WEEK_IN_MONTH(Seen__c) = 4"
    ) == [1]
    assert where(org, "DAY_ONLY(Seen__c) = 2026-02-28 AND HOUR_IN_DAY(Seen__c) = 23") == [1]


def test_the_projection_fetches_columns_parents_and_formulas(org: sqlite3.Connection) -> None:
    insert(org, "User", [{"Id": ME, "Name": "Mia"}])
    numbered(org, Level__c=["Low"], AccountId=[None])
    soql = "SELECT owner.name, Id, toLabel(level__c), Account.Owner.Name, Modified__c FROM Contact c"

    projection = plan(soql).projection

    assert projection is not None
    assert [c.path for c in projection.columns] == [
        ("Owner", "Name"),
        ("Id",),
        ("Level__c",),
        ("Account", "Owner", "Name"),
        ("Modified__c",),
    ]
    assert [(p.path, p.sobject.name) for p in projection.parents] == [
        (("Owner",), "Name"),
        (("Account",), "Account"),
        (("Account", "Owner"), "User"),
    ]
    assert org.execute(projection.sql("t.pk IN (?)"), (1,)).fetchall() == [
        (1, "Mia", record_id("003", 1), "Just a little", None, "2026-05-01T00:00:00.000+0000", ME, None, None)
    ]


def test_alias_and_object_name_stand_for_the_object() -> None:
    for soql in (
        "SELECT c.Name, a.Name FROM Contact c, c.Account a",
        "SELECT Contact.Name, Account.Name FROM Contact",
    ):
        projection = plan(soql).projection
        assert projection is not None
        assert [c.path for c in projection.columns] == [("Name",), ("Account", "Name")]


def test_fields_all_standard_and_custom() -> None:
    def selected(soql: str) -> list[str]:
        projection = plan(soql).projection
        assert projection is not None
        return [c.path[0] for c in projection.columns]

    custom = selected("SELECT FIELDS(custom) FROM Contact LIMIT 200")
    standard = selected("SELECT FIELDS(STANDARD) FROM Contact")
    assert all(name.endswith("__c") for name in custom)
    assert sorted(custom + standard) == sorted(selected("SELECT FIELDS(ALL) FROM Contact LIMIT 1"))


def test_count_counts_what_the_query_would_return(org: sqlite3.Connection) -> None:
    numbered(org, Age__c=[1, 2, None])

    compiled = plan("SELECT count() FROM Contact WHERE Age__c != 2 LIMIT 5")

    assert compiled.count
    assert org.execute(compiled.count_sql, compiled.ids_params).fetchone() == (2,)


def aggregated(org: sqlite3.Connection, soql: str) -> tuple[list[str], list[tuple[object, ...]]]:
    compiled = plan(soql).aggregate
    assert compiled is not None
    return [c.name for c in compiled.columns], org.execute(compiled.sql, compiled.params).fetchall()


def test_groups_ignore_case_and_name_their_columns(org: sqlite3.Connection) -> None:
    numbered(org, Name=["a", "A", "b", None], Age__c=[1, 3, 5, None])
    soql = "SELECT Name, COUNT(Id) n, MAX(Age__c), AVG(Age__c) FROM Contact GROUP BY Name ORDER BY Name"

    columns, found = aggregated(org, soql)

    assert columns == ["Name", "n", "expr0", "expr1"]
    assert found == [(None, 1, None, None), ("A", 2, 3, 2.0), ("b", 1, 5, 5.0)]


def test_having_order_and_limit_apply_to_groups(org: sqlite3.Connection) -> None:
    numbered(org, Name=["a", "a", "b", "c", "c"])
    soql = "SELECT Name FROM Contact WHERE Name != 'x' GROUP BY Name HAVING {} ORDER BY COUNT(Id) DESC, Name DESC LIMIT 2"

    assert aggregated(org, soql.format("COUNT(Id) > 1"))[1] == [("c",), ("a",)]
    assert aggregated(org, soql.format("NOT (COUNT(Id) > 1 OR Name LIKE 'c%')"))[1] == [("b",)]


def test_aggregates_without_groups_give_one_row(org: sqlite3.Connection) -> None:
    numbered(org, Name=["é", "É", "z", None], Age__c=[1, 2, 3, None])
    soql = "SELECT COUNT_DISTINCT(Name), MIN(Name) low, SUM(Age__c), COUNT(Age__c) FROM Contact"

    assert aggregated(org, soql) == (["expr0", "low", "expr1", "expr2"], [(2, "z", 6, 3)])


def test_the_greatest_text_is_the_last_in_order(org: sqlite3.Connection) -> None:
    numbered(org, Name=["éa", "Éb", "z"])

    assert aggregated(org, "SELECT MAX(Name) FROM Contact")[1] == [("Éb",)]


def test_groups_by_parent_and_by_date_function(org: sqlite3.Connection) -> None:
    numbered(org, Seen__c=["2025-01-01T00:00:00.000+0000", "2026-01-01T00:00:00.000+0000"])

    by_year = aggregated(
        org, "SELECT CALENDAR_YEAR(Seen__c) y, COUNT(Id) FROM Contact GROUP BY CALENDAR_YEAR(Seen__c)"
    )
    by_account = aggregated(org, "SELECT Account.Name, COUNT(Id) FROM Contact GROUP BY Account.Name")

    assert by_year == (["y", "expr0"], [(2025, 1), (2026, 1)])
    assert by_account == (["Name", "expr0"], [(None, 2)])


STAMPS = st.integers(0, 3).map(lambda n: f"2026-05-0{n + 1}T00:00:00.000+0000")


@settings(deadline=None)
@given(
    st.lists(STAMPS, min_size=1, max_size=20),
    STAMPS,
    st.integers(1, 20),
    st.sampled_from("<>"),
    st.booleans(),
)
def test_the_keyset_form_is_a_row_value_and_means_the_same(
    stamps: list[str], stamp: str, number: int, op: str, inclusive: bool
) -> None:
    org = connect()
    numbered(org, SystemModstamp=list(stamps))
    at, last, ending = stamp.replace("+0000", "Z"), record_id("003", number), "=" if inclusive else ""

    keyset = f"SystemModstamp {op} {at} OR (SystemModstamp = {at} AND Id {op}{ending} '{last}')"
    split = where(org, f"SystemModstamp {op} {at}") + where(
        org, f"SystemModstamp = {at} AND Id {op}{ending} '{last}'"
    )

    assert '(t."SystemModstamp", t."Id")' in plan(f"SELECT Id FROM Contact WHERE {keyset}").ids_sql
    assert where(org, keyset) == sorted(split)


@pytest.mark.parametrize(
    "condition",
    [
        "Seen__c > 2026-05-01T00:00:00Z OR (Seen__c = 2026-05-01T00:00:00Z AND Id > '003000000000001')",
        "SystemModstamp > 2026-05-01T00:00:00Z OR (SystemModstamp = 2026-05-02T00:00:00Z AND Id > '003000000000001')",
        "SystemModstamp > 2026-05-01T00:00:00Z OR (SystemModstamp = 2026-05-01T00:00:00Z AND Id < '003000000000001')",
        "SystemModstamp > TODAY OR (SystemModstamp = TODAY AND Id > '003000000000001')",
    ],
)
def test_what_only_resembles_a_keyset_stays_an_or(condition: str) -> None:
    assert ", t." not in plan(f"SELECT Id FROM Contact WHERE {condition}").ids_sql


def searched(org: sqlite3.Connection, soql: str) -> str:
    compiled = plan(soql)
    return " ".join(
        row[3] for row in org.execute(f"EXPLAIN QUERY PLAN {compiled.ids_sql}", compiled.ids_params)
    )


@pytest.mark.parametrize(
    ("soql", "search"),
    [
        (
            "WHERE SystemModstamp >= 2026-05-01T00:00:00Z ORDER BY SystemModstamp, Id",
            "stamps (SystemModstamp>?)",
        ),
        (
            "WHERE (MobilePhone__c != null) AND (SystemModstamp > 2026-05-01T00:00:00Z OR (SystemModstamp = "
            "2026-05-01T00:00:00Z AND Id > '003000000000001')) ORDER BY SystemModstamp, Id LIMIT 10",
            "stamps ((SystemModstamp,Id)>(?,?))",
        ),
        ("WHERE Id IN ('003000000000001','003000000000002')", "ids (Id=?)"),
        ("WHERE Id > '003000000000001' ORDER BY Id LIMIT 5", "ids (Id>?)"),
    ],
)
def test_what_clients_page_by_searches_an_index_and_never_sorts(
    org: sqlite3.Connection, soql: str, search: str
) -> None:
    org.execute("CREATE UNIQUE INDEX ids ON Contact (Id)")
    org.execute("CREATE INDEX stamps ON Contact (SystemModstamp, Id)")

    steps = searched(org, f"SELECT Id FROM Contact {soql.replace('MobilePhone__c', 'Name')}")

    assert search in steps
    assert "TEMP B-TREE" not in steps


def test_very_long_and_deep_conditions_run(org: sqlite3.Connection) -> None:
    numbered(org, Age__c=[7])
    long = " OR ".join(f"Age__c = {n}" for n in range(3000))
    listed = ", ".join(f"'{record_id('003', n)}'" for n in range(4000))
    deep = "Age__c = 7"
    for _ in range(10):
        deep = f"(Age__c = 7 AND (Age__c = 1 OR {deep}))"
    deepest = deep.replace("Age__c = 7)", "AccountId NOT IN (SELECT Id FROM Account WHERE Name = 'x'))", 1)

    assert where(org, long) == [1]
    assert where(org, f"NOT ({long})") == []
    assert where(org, f"Id IN ({listed})") == [1]
    assert where(org, deep) == [1]
    assert where(org, deepest) == [1]


def test_escapes_stand_for_their_characters(org: sqlite3.Connection) -> None:
    numbered(org, Name=["O'Brien\n", "50%_\\", "\N{GRINNING FACE}"])

    assert where(org, r"Name = 'O\'Brien\n'") == [1]
    assert where(org, r"Name = '50\%\_\\'") == [2]
    assert where(org, r"Name LIKE '__\%\_\\'") == [2]
    assert where(org, r"Name = '\uD83D\uDE00'") == [3]
    assert where(org, "Name LIKE '_'") == [3]
