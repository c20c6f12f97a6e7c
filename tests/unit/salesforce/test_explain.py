from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.salesforce.explain import explain

LABELS = {"MobilePhone": "Mobile Phone", "Program__c": "Program", "CreatedDate": "Created"}


def leaf(field: str, operator: str, *values: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator, "values": list(values)}


def tree(conjunction: str, *conditions: Any) -> dict[str, Any]:
    return {"conjunction": conjunction, "conditions": list(conditions)}


NURSING = leaf("program__c", "equals", "'Nursing'")


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (None, ""),
        ({}, ""),
        (leaf("CreatedDate", "equals", "THIS_WEEK"), "Created is this week"),
        (leaf("CreatedDate", "greaterThenOrEqualTo", "LAST_N_DAYS:30"), "Created is at least last 30 days"),
        (leaf("CreatedDate", "lessThanOrEqual", "2026-05-01"), "Created is at most 2026-05-01"),
        (leaf("MobilePhone", "notEquals", "null"), "Mobile Phone is not empty"),
        (leaf("MobilePhone", "equals", None), "Mobile Phone is empty"),
        (leaf("MobilePhone", "equals", "''"), "Mobile Phone is empty"),
        (leaf("Program__c", "in", "'Law'", "'It\\'s \\\\ Art'"), "Program is one of Law, It's \\ Art"),
        (leaf("Program__c", "notIn", "Law", "Art"), "Program is none of Law, Art"),
        (leaf("Program__c", "includes", "Law"), "Program includes Law"),
        (leaf("Name", "like", "'%ann%'"), "Name contains ann"),
        (leaf("Name", "like", "ann%"), "Name starts with ann"),
        (leaf("Name", "like", "%ann"), "Name ends with ann"),
        (leaf("Name", "notLike", "%ann%"), "Name does not contain ann"),
        (leaf("Name", "notLike", "ann"), "Name is not ann"),
        (leaf("Name", "like", "a_n%"), "Name looks like a_n%"),
        (leaf("Active__c", "equals", True), "Active__c is true"),
        (
            tree(
                "and",
                leaf("MobilePhone", "notEquals", "null"),
                tree("or", NURSING, leaf("Year__c", "lessThan", 3)),
            ),
            "Mobile Phone is not empty, and (Program is Nursing or Year__c is less than 3)",
        ),
        (tree("or", tree("and", NURSING)), "Program is Nursing"),
        (tree("not", NURSING), "not (Program is Nursing)"),
        ({"condition": tree("or", NURSING, NURSING)}, "not (Program is Nursing, or Program is Nursing)"),
        (tree("xor", "x", "y"), '{"conjunction": "xor", "conditions": ["x", "y"]}'),
        (leaf("Name", "resembles", "x"), '{"field": "Name", "operator": "resembles", "values": ["x"]}'),
        (
            {"field": "Id", "operator": "in", "subQuery": "SELECT"},
            '{"field": "Id", "operator": "in", "subQuery": "SELECT"}',
        ),
        ("new", '"new"'),
    ],
)
def test_a_filter_is_told_in_words(condition: Any, words: str) -> None:
    assert explain(condition, LABELS) == words


def test_a_long_unknown_node_is_cut() -> None:
    assert len(explain({"what": "x" * 1000}, {})) < 250


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["field", "operator", "values", "conditions", "conjunction", "condition"]), inner
        )
    ),
    max_leaves=10,
)


@given(JSON)
def test_any_structure_is_told_without_failing(condition: Any) -> None:
    assert isinstance(explain(condition, LABELS), str)
