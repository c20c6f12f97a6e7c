from tests.contract.shapes import differences, shape_of


def test_a_structure_names_keys_and_types_and_no_values() -> None:
    shape = shape_of({"records": [{"Id": "003", "n": 1}, {"Id": "004", "n": None}]})

    assert shape == {
        "$": "object",
        "$.records": "array",
        "$.records[]": "object",
        "$.records[].Id": "string",
        "$.records[].n": "null|number",
    }


def test_keys_that_are_data_stand_as_one() -> None:
    shape = shape_of({"factMap": {"T!T": {"rows": []}, "0!T": {"rows": []}}}, ["$.factMap"])

    assert "$.factMap.*.rows" in shape
    assert not any("T!T" in path for path in shape)


def test_differences_are_what_a_client_could_notice() -> None:
    recorded = shape_of({"a": 1, "b": "x", "c": {"d": 1}, "e": None, "f": [{"g": True}]})
    answered = shape_of({"a": "1", "c": 5, "e": "anything", "f": [{"g": True, "h": 1}], "i": {"j": 1}})

    assert differences(recorded, answered) == {
        "$.a": "string instead of number",
        "$.b": "missing",
        "$.c": "number instead of object",
        "$.f[].h": "too many",
        "$.i": "too many",
    }


def test_an_empty_list_says_nothing_of_its_members() -> None:
    assert differences(shape_of({"errors": []}), shape_of({"errors": [{"message": "x"}]})) == {}
    assert differences(shape_of({"errors": [{"message": "x"}]}), shape_of({"errors": []})) == {}
