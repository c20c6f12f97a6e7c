import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.salesforce.ids import InvalidId, to_18
from carillon.salesforce.soql import (
    ListQuery,
    UnsupportedListQuery,
    compose,
    datetime_literal,
    id_condition,
    id_list_chunks,
    parse_datetime,
    parse_list_view_query,
    string_literal,
)

SPACES = st.text(" \t\n\r\u00a0", min_size=1, max_size=3)
NAMES = st.sampled_from(
    ["Name", "Program__c", "Owner.Alias", "Account.Order__r.Group__c", "Limits__c", "FromDate__c"]
)
STRINGS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(["SELECT x FROM y", " ORDER BY Name", "it's) LIMIT 5", "\\", "\\'", "((", "' WHERE '"]),
).map(string_literal)
LEAVES = st.one_of(
    st.builds("{} = {}".format, NAMES, STRINGS),
    st.builds("{}={}".format, NAMES, STRINGS),
    st.builds("{} IN ({},{})".format, NAMES, STRINGS, STRINGS),
    st.builds("{} LIKE {}".format, NAMES, STRINGS),
    st.builds("{} >= LAST_N_DAYS:30".format, NAMES),
    st.builds("Id in (select ContactId from\tCampaignMember where X = {} LIMIT 3)".format, STRINGS),
    st.builds("NOT({} = null)".format, NAMES),
)
WHERES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds("{}{}AND{}{}".format, inner, SPACES, SPACES, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("( ( {} ) )".format, inner),
    ),
    max_leaves=6,
)
SCOPES = st.sampled_from(["", "USING SCOPE mine", "using  scope\tTeam", "Using Scope queue_owned"])
SOURCES = st.sampled_from(["Contact", "lead", "Contact c", "Thing__c AS  t"])
TAILS = st.sampled_from(
    ["", "ORDER BY Name ASC NULLS FIRST, Id", "order  by Owner.Alias", "FOR VIEW", "for reference"]
)
FIELDS = st.sampled_from(
    ["Id", "name, tolabel(type), owner.alias", "(SELECT Id FROM Tasks WHERE a = 'FROM'), Id"]
)
CASES: st.SearchStrategy[Callable[[str], str]] = st.sampled_from([str, str.upper, str.lower, str.title])


@st.composite
def list_view_queries(draw: st.DrawFn) -> tuple[str, ListQuery]:
    case = draw(CASES)
    source, scope, where, tail = (
        draw(part) for part in (SOURCES, SCOPES, st.one_of(st.just(""), WHERES), TAILS)
    )
    pieces = [case("SELECT"), draw(FIELDS), case("FROM"), source, scope]
    pieces += [case("WHERE"), where] if where else []
    pieces += [tail]
    query = draw(SPACES).join(piece for piece in pieces if piece)
    words = source.split()
    return query, ListQuery(words[0], words[-1] if len(words) > 1 else "", source, scope, where)


@given(list_view_queries())
def test_source_scope_and_filter_stay_byte_for_byte(case: tuple[str, ListQuery]) -> None:
    query, expected = case

    assert parse_list_view_query(query) == expected


@given(list_view_queries(), st.lists(LEAVES, max_size=2), st.sampled_from(["", "SystemModstamp ASC, Id ASC"]))
def test_a_composed_query_holds_the_filter_in_brackets(
    case: tuple[str, ListQuery], conditions: list[str], order: str
) -> None:
    parsed = parse_list_view_query(case[0])

    again = parse_list_view_query(compose(parsed, ["Id", "Name"], conditions=conditions, order_by=order))

    assert (again.source, again.scope) == (parsed.source, parsed.scope)
    if not conditions:
        assert again.where == (f"({parsed.where})" if parsed.where else "")
    elif parsed.where:
        assert again.where.startswith(f"({parsed.where}) AND ")


@given(st.text(max_size=60))
def test_any_text_is_either_taken_apart_or_refused(text: str) -> None:
    try:
        parsed = parse_list_view_query("SELECT Id FROM " + text)
    except UnsupportedListQuery:
        return

    assert parsed.source in text
    assert parsed.where in text


def test_the_query_of_the_documented_describe() -> None:
    query = (
        "SELECT name, site, billingstate, phone, tolabel(type), owner.alias, id, createddate, lastmodifieddate, "
        "systemmodstamp FROM Account WHERE CreatedDate = THIS_WEEK ORDER BY Name ASC NULLS FIRST, Id ASC NULLS FIRST"
    )

    parsed = parse_list_view_query(query)

    assert parsed == ListQuery("Account", "", "Account", "", "CreatedDate = THIS_WEEK")
    composed = compose(
        parsed, ["Id", "Name"], conditions=["Phone != null"], order_by="SystemModstamp, Id", limit=2000
    )
    assert composed == (
        "SELECT Id, Name FROM Account WHERE (CreatedDate = THIS_WEEK) AND Phone != null "
        "ORDER BY SystemModstamp, Id LIMIT 2000"
    )


def test_a_condition_with_or_gets_brackets_of_its_own() -> None:
    everything = parse_list_view_query("SELECT Id FROM Contact")

    composed = compose(
        everything, ["Id"], conditions=["A = 1 or B = ' or '", "C = ' OR '", "(D = 1 OR E = 2)"]
    )

    assert (
        composed == "SELECT Id FROM Contact WHERE (A = 1 or B = ' or ') AND C = ' OR ' AND (D = 1 OR E = 2)"
    )


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("SELECT Id FROM Contact LIMIT 50", "LIMIT"),
        ("SELECT Id FROM Contact WHERE A = 1 ORDER BY Name\nlimit 50", "LIMIT"),
        ("SELECT Id FROM Contact OFFSET 5", "OFFSET"),
        ("SELECT Id FROM Contact WHERE A = 1 GROUP BY Id", "GROUP BY"),
        ("SELECT Id FROM Contact HAVING COUNT(Id) > 1", "HAVING|GROUP BY"),
        ("SELECT Id FROM Contact WITH SECURITY_ENFORCED", "WITH"),
        ("SELECT Id FROM Contact WHERE A = 1 ALL ROWS", "ALL ROWS"),
        ("SELECT Id FROM Contact c, c.Account a", "more than one"),
        ("SELECT Id FROM Contact WHERE A = 'open", "quotation"),
        ("SELECT Id FROM Contact WHERE (A = 1", "brackets"),
        ("SELECT Id FROM Contact WHERE A = 1)", "brackets"),
        ("SELECT Id FROM Contact WHERE", "empty"),
        ("SELECT Id FROM Contact WHERE A = 1 WHERE B = 2", "two"),
        ("SELECT Id", "no object"),
        ("SELECT Id FROM", "more than one"),
        ("FIND {x}", "SELECT"),
        ("ſelect Id FROM Contact", "SELECT"),
        ("", "SELECT"),
    ],
)
def test_a_query_whose_records_would_change_is_refused(query: str, why: str) -> None:
    with pytest.raises(UnsupportedListQuery, match=why):
        parse_list_view_query(query)


@pytest.mark.parametrize(
    ("moment", "literal"),
    [
        (datetime(2026, 5, 1, 7, 25, 37, tzinfo=UTC), "2026-05-01T07:25:37Z"),
        (datetime(2026, 5, 1, 7, 25, 37, 4000, tzinfo=UTC), "2026-05-01T07:25:37.004Z"),
        (datetime(2026, 5, 1, 7, 25, 37, 999, tzinfo=UTC), "2026-05-01T07:25:37Z"),
        (datetime(2026, 5, 1, 7, 25, 37, tzinfo=timezone(timedelta(hours=2))), "2026-05-01T05:25:37Z"),
    ],
)
def test_a_moment_is_written_in_utc_with_milliseconds_when_it_has_any(moment: datetime, literal: str) -> None:
    assert datetime_literal(moment) == literal


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        datetime_literal(datetime(2026, 5, 1))  # noqa: DTZ001
    with pytest.raises(ValueError, match="offset"):
        parse_datetime("2026-05-01T07:25:37")


@pytest.mark.parametrize(
    "text", ["2026-05-01T07:25:37.000+0000", "2026-05-01T07:25:37.000Z", "2026-05-01T09:25:37+02:00"]
)
def test_both_forms_of_a_moment_are_read(text: str) -> None:
    assert parse_datetime(text) == datetime(2026, 5, 1, 7, 25, 37, tzinfo=UTC)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_written_is_the_moment_read_to_the_millisecond(moment: datetime) -> None:
    back = parse_datetime(datetime_literal(moment))

    assert timedelta() <= moment - back < timedelta(milliseconds=1)


def test_text_is_quoted() -> None:
    assert string_literal("O'Neil \\ \n") == r"'O\'Neil \\ \n'"


@given(st.integers(0, 50), st.integers(45, 400))
def test_ids_are_split_so_that_each_condition_fits_its_budget(count: int, budget: int) -> None:
    ids = [to_18(f"{random.Random(number).randrange(10**14):015}") for number in range(count)]

    chunks = list(id_list_chunks(ids, budget))

    assert [record_id for chunk in chunks for record_id in chunk] == ids
    assert all(len(quote_plus(id_condition(chunk))) <= budget for chunk in chunks)
    for chunk, following in pairwise(chunks):
        assert len(quote_plus(id_condition([*chunk, following[0]]))) > budget


def test_a_budget_below_one_id_and_a_text_that_is_no_id_are_refused() -> None:
    with pytest.raises(ValueError, match="budget"):
        list(id_list_chunks(["003dM00001vWOXJ"], 20))
    with pytest.raises(InvalidId):
        id_condition(["') OR (Id != '"])
