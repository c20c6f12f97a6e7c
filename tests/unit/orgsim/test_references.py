import pytest

from orgsim.rest.references import UnknownReferenceError, filled, filled_text, is_reference_id

ANSWERS: dict[str, object] = {
    "made": {"id": "001x", "success": True},
    "query": {"records": [{"Id": "003x", "Owner": {"Name": "Dana"}}]},
    "many": [{"id": "a"}, {"id": "b"}],
    "empty": None,
}


def test_a_text_that_is_one_reference_becomes_its_value() -> None:
    body = {"AccountId": "@{made.id}", "Flag": "@{made.success}", "List": ["@{many[1].id}", 3, None]}

    assert filled(body, ANSWERS) == {"AccountId": "001x", "Flag": True, "List": ["b", 3, None]}


def test_references_inside_a_text_are_written_into_it() -> None:
    text = "/sobjects/Contact/@{query.records[0].Id}?x=@{query.records[0].Owner.Name}"

    assert filled_text(text, ANSWERS) == "/sobjects/Contact/003x?x=Dana"


@pytest.mark.parametrize(
    "expression",
    ["gone.id", "made.name", "query.records[1].Id", "made[0]", "many.id", "empty.id", "made..id"],
)
def test_a_reference_to_nothing_is_named(expression: str) -> None:
    name = expression.split(".")[0].split("[")[0]

    with pytest.raises(UnknownReferenceError, match="No value for") as caught:
        filled(f"@{{{expression}}}", ANSWERS)

    assert str(caught.value).startswith(
        f"Invalid reference specified. No value for {expression} found in {name}."
    )


@pytest.mark.parametrize(
    ("text", "good"), [("ref_1", True), ("1a", True), ("_a", False), ("a-b", False), ("", False)]
)
def test_reference_ids(text: str, good: bool) -> None:
    assert is_reference_id(text) is good
