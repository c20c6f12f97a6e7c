"""Whatever text arrives, it is refused with a Salesforce code or becomes SQL that runs; nothing else escapes."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from orgsim.soql import SoqlError, compile_query
from tests.unit.orgsim.soql_world import CONTEXT, SCHEMA, connect

CODES = {
    "MALFORMED_QUERY",
    "INVALID_FIELD",
    "INVALID_TYPE",
    "INVALID_QUERY_FILTER_OPERATOR",
    "INVALID_QUERY_SCOPE",
    "NUMBER_OUTSIDE_VALID_RANGE",
    "QUERY_TOO_COMPLICATED",
    "FUNCTIONALITY_NOT_ENABLED",
}
MODELS = [
    "SELECT Id , Owner.Name , toLabel ( Level__c ) FROM Contact c , c.Account a USING SCOPE mine WHERE ( Name LIKE 'a%' "
    "OR NOT Age__c >= -1.5 ) AND Born__c < LAST_N_DAYS:3 ORDER BY Level__c DESC NULLS LAST , a.Name LIMIT 5 OFFSET 2",
    "SELECT COUNT ( ) FROM Contact WHERE Seen__c >= 2026-05-01T00:00:00Z AND Tags__c INCLUDES ( 'a;b' , 'c' ) ALL ROWS",
    "SELECT Name , COUNT ( Id ) n , MAX ( Seen__c ) FROM Contact WHERE Optout__c = true GROUP BY Name HAVING COUNT ( Id ) "
    "> 1 ORDER BY MAX ( Seen__c ) LIMIT 9",
    "SELECT CALENDAR_YEAR ( Seen__c ) , AVG ( Age__c ) FROM Contact GROUP BY CALENDAR_YEAR ( Seen__c )",
    "SELECT FIELDS ( ALL ) FROM Account WHERE Id IN ( SELECT AccountId FROM Contact WHERE Email != null ) LIMIT 200",
    "SELECT TYPEOF Owner WHEN User THEN Name ELSE Id END , ( SELECT Id FROM Contacts ) FROM Contact WHERE Id NOT IN "
    "( '003000000000001' , null ) WITH USER_MODE FOR VIEW",
    "SELECT Id FROM Contact WHERE SystemModstamp > TODAY OR ( SystemModstamp = TODAY AND Id > '' ) OR Name IN :x",
]
WORDS = sorted({word for model in MODELS for word in model.split()})


@st.composite
def mangled(draw: st.DrawFn) -> str:
    """A valid query with a few words dropped, doubled, swapped or replaced by any other word of the language."""
    words = draw(st.sampled_from(MODELS)).split()
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(words) - 1))
        other = draw(st.sampled_from([[], words[at : at + 1] * 2, [draw(st.sampled_from(WORDS))]]))
        words[at : at + 1] = other or ([] if len(words) > 1 else words)
    return " ".join(words)


def outcome(soql: str) -> str:
    try:
        plan = compile_query(soql, SCHEMA, CONTEXT)
    except SoqlError as error:
        return error.error_code
    connection = connect()
    if plan.aggregate:
        connection.execute(plan.aggregate.sql, plan.aggregate.params).fetchall()
        return "rows"
    connection.execute(plan.count_sql, plan.ids_params).fetchall()
    if plan.projection:
        connection.execute(plan.projection.sql("t.pk IN (1)")).fetchall()
    return "rows"


@settings(max_examples=300, deadline=None)
@given(mangled())
def test_a_mangled_query_is_refused_or_runs(soql: str) -> None:
    assert outcome(soql) in CODES | {"rows"}


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40) | st.text("SELECTFROMcontactidnae ,.()'=\\:0129-TZ%\n", max_size=60))
def test_any_text_is_refused_by_a_code(text: str) -> None:
    assert outcome(text) in CODES
    assert outcome(f"SELECT Id FROM Contact WHERE Name = {text}") in CODES | {"rows"}


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30))
def test_any_text_can_be_quoted_as_a_value(value: str) -> None:
    escaped = re.sub(r"(['\\])", r"\\\1", value)

    assert outcome(f"SELECT Id FROM Contact WHERE Name = '{escaped}'") == "rows"
    assert (
        outcome(f"SELECT Id FROM Contact WHERE Name LIKE '{escaped}' OR Tags__c INCLUDES ('{escaped}')")
        == "rows"
    )


def test_every_model_means_what_it_says() -> None:
    assert [outcome(model) for model in MODELS] == [
        "rows",
        "MALFORMED_QUERY",
        "rows",
        "rows",
        "rows",
        "FUNCTIONALITY_NOT_ENABLED",
        "MALFORMED_QUERY",
    ]
