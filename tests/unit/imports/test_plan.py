"""What a run asks Salesforce for, and when a setup counts as another one."""

from dataclasses import replace
from typing import Any

import pytest

from carillon.imports.plan import SYSTEM_FIELDS, ImportPlan, MappedField
from carillon.salesforce.soql import parse_list_view_query
from tests.unit.imports.plans import PLAN, plan_with

PROGRAM = MappedField("Program__c", "picklist", "program", "choice")
YEAR = MappedField("Year__c", "double", "year", "number")
TWO = plan_with(PROGRAM, YEAR)
ORG = "00DD0000000abcdMAA"


def test_each_field_is_selected_once_system_fields_first() -> None:
    plan = plan_with(
        MappedField("FirstName", "string", "given", "text"),
        MappedField("LastModifiedDate", "datetime", "changed", "datetime"),
        MappedField("LastModifiedDate", "datetime", "changed_day", "date"),
        user_identification="LastModifiedById",
        first_name="FirstName",
    )

    assert plan.selected == (*SYSTEM_FIELDS, "FirstName", "LastName", "MobilePhone")
    assert SYSTEM_FIELDS[:2] == ("Id", "SystemModstamp")


def test_fields_that_are_not_mapped_or_not_readable_are_not_selected() -> None:
    plan = replace(TWO, first_name_fallback="", user_identification="", unreadable=frozenset(["Year__c"]))

    assert plan.selected[4:] == ("Preferred_Name__c", "LastName", "MobilePhone", "Program__c")
    assert "Year__c" in plan.mapped
    assert "" not in plan.mapped


def test_the_list_is_read_in_the_order_of_the_cursor() -> None:
    assert PLAN.soql() == (
        "SELECT Id, SystemModstamp, LastModifiedDate, LastModifiedById, Preferred_Name__c, FirstName, LastName,"
        " MobilePhone, OwnerId FROM Contact WHERE (MobilePhone != null) ORDER BY SystemModstamp, Id"
    )


def test_conditions_are_added_to_the_filter_of_the_list() -> None:
    soql = PLAN.soql(("Id",), conditions=("A = 1 OR B = 2", "C = 3"), order_by="Id", limit=7)

    assert soql == (
        "SELECT Id FROM Contact WHERE (MobilePhone != null) AND (A = 1 OR B = 2) AND C = 3 ORDER BY Id LIMIT 7"
    )


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("SELECT Id FROM Lead", "IsConverted = false"),
        ("SELECT Id FROM Lead WHERE A = 1 OR B = 2", "(A = 1 OR B = 2) AND IsConverted = false"),
    ],
)
def test_leads_are_read_while_they_are_not_converted(query: str, where: str) -> None:
    plan = replace(PLAN, object="Lead", query=parse_list_view_query(query))

    assert plan.soql(("Id",), order_by="") == f"SELECT Id FROM Lead WHERE {where}"
    assert plan.soql(("Id",), conditions=("C = 3",), order_by="").endswith(f"WHERE {where} AND C = 3")


def queried(query: str) -> ImportPlan:
    return replace(TWO, query=parse_list_view_query(query))


def one_with(**changes: Any) -> ImportPlan:
    return replace(TWO, additional=(replace(PROGRAM, **changes), YEAR))


@pytest.mark.parametrize(
    "changed",
    [
        replace(TWO, object="Lead"),
        replace(TWO, region="GB"),
        queried("SELECT Name FROM Contact c WHERE MobilePhone != null"),
        queried("SELECT Name FROM Contact USING SCOPE mine WHERE MobilePhone != null"),
        queried("SELECT Name FROM Contact WHERE MobilePhone = null"),
        queried("SELECT Name FROM Contact"),
        replace(TWO, first_name="FirstName"),
        replace(TWO, first_name_fallback=""),
        replace(TWO, last_name="Surname__c"),
        replace(TWO, mobile_number="Phone"),
        replace(TWO, user_identification=""),
        replace(TWO, first_name=TWO.first_name_fallback, first_name_fallback=TWO.first_name),
        replace(TWO, additional=(PROGRAM,)),
        one_with(salesforce="Plan__c"),
        one_with(salesforce_type="string"),
        one_with(contact_field="course"),
        one_with(type="text"),
        replace(TWO, unreadable=frozenset(["Year__c"])),
        replace(TWO, additional=(replace(PROGRAM, keeps_when_blank=True), YEAR)),
        replace(TWO, types={**TWO.types, "OwnerId": "datetime"}),
    ],
)
def test_whatever_could_change_stored_contacts_changes_the_fingerprint(changed: ImportPlan) -> None:
    assert changed.fingerprint(ORG) != TWO.fingerprint(ORG)


def test_another_org_changes_the_fingerprint() -> None:
    assert TWO.fingerprint("00DD0000000abceMAA") != TWO.fingerprint(ORG)


@pytest.mark.parametrize(
    "same",
    [
        replace(TWO),
        queried("SELECT Id, Email FROM Contact WHERE MobilePhone != null ORDER BY Name"),
        replace(TWO, additional=(YEAR, PROGRAM)),
        replace(TWO, types={**TWO.types, "LastName": "string"}),
        replace(TWO, unreadable=frozenset[str]()),
        replace(TWO, stale=frozenset(["Year__c"])),
    ],
    ids=[
        "equal",
        "columns and order of the list",
        "order of the mappings",
        "known types",
        "all readable",
        "stale",
    ],
)
def test_what_changes_no_stored_contact_leaves_the_fingerprint(same: ImportPlan) -> None:
    assert same.fingerprint(ORG) == TWO.fingerprint(ORG)


def test_the_order_in_which_fields_became_unreadable_does_not_matter() -> None:
    # Enough that the two sets hold them in another order.
    names = [f"Field_{number}__c" for number in range(200)]
    one, other = (replace(TWO, unreadable=frozenset(order)) for order in (names, names[::-1]))

    assert list(one.unreadable) != list(other.unreadable)
    assert one.fingerprint(ORG) == other.fingerprint(ORG)
