import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.salesforce.errors import InvalidId, MalformedAnswer
from carillon.salesforce.ids import to_18
from carillon.salesforce.records.refusals import Kind, WriteRefusal
from carillon.salesforce.records.writing import (
    NewRecord,
    RecordUpdate,
    Values,
    Written,
    created_id_of,
    json_values,
    results_of,
)

ID = to_18("003000000000001")
OTHER = to_18("003000000000002")
# As recorded: a refused item has no id, and its code is called statusCode.
REFUSED = {
    "success": False,
    "errors": [{"statusCode": "ENTITY_IS_LOCKED", "message": "locked", "fields": []}],
}


def saved(record_id: str) -> dict[str, Any]:
    return {"id": record_id, "success": True, "errors": []}


def encoded(answer: Any) -> bytes:
    return json.dumps(answer).encode()


def test_moments_are_written_in_utc_with_a_t_and_days_as_days() -> None:
    eastern = timezone(timedelta(hours=-4))
    values: Values = {
        "A__c": datetime(2026, 5, 6, 7, 30, tzinfo=eastern),
        "B__c": date(2026, 5, 6),
        "C__c": None,
    }

    assert json.loads(json.dumps(json_values(values), default=str)) == {
        "A__c": "2026-05-06T11:30:00Z",
        "B__c": "2026-05-06",
        "C__c": None,
    }


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"Id": ID},
        {"attributes": "x"},
        {"Account.Name": "x"},
        {"A__c": 1, "a__C": 2},
        {"A__c": datetime(2026, 5, 6)},  # noqa: DTZ001 -- that it has no zone is the point
        {"A__c": float("nan")},
        {"A__c'": 1},
    ],
)
def test_what_cannot_be_meant_is_no_write(values: Values) -> None:
    with pytest.raises(ValueError):
        RecordUpdate("Contact", ID, values)
    with pytest.raises(ValueError):
        NewRecord("Contact", values)


def test_ids_of_15_characters_become_18_and_others_are_refused() -> None:
    assert RecordUpdate("Contact", ID[:15], {"A__c": 1}).id == ID
    with pytest.raises(InvalidId):
        RecordUpdate("Contact", "003", {"A__c": 1})


def test_values_do_not_show_in_a_repr() -> None:
    moment = datetime(2026, 5, 6, tzinfo=UTC)

    assert "2026" not in repr(RecordUpdate("Contact", ID, {"A__c": moment}))
    assert "2026" not in repr(NewRecord("Task", {"A__c": moment}))


@given(st.lists(st.booleans(), max_size=50))
def test_results_are_matched_by_order_alone(written: list[bool]) -> None:
    sent = [to_18(f"003{number:012d}") for number in range(len(written))]
    answer = [saved(record_id) if good else REFUSED for record_id, good in zip(sent, written, strict=True)]

    results = results_of(encoded(answer), sent)

    for record_id, good, result in zip(sent, written, results, strict=True):
        if good:
            assert result == Written(record_id)
        else:
            assert isinstance(result, WriteRefusal)
            assert result.kind is Kind.APPROVAL


def test_a_new_record_tells_its_id() -> None:
    assert results_of(encoded([saved(ID), saved(OTHER[:15])]), [None, None]) == [Written(ID), Written(OTHER)]
    assert created_id_of(encoded(saved(ID))) == ID


@pytest.mark.parametrize(
    "answer",
    [
        [],
        [saved(ID)],
        [saved(ID), saved(OTHER), saved(ID)],
        [saved(OTHER), saved(ID)],
        [saved(ID), {"success": True, "errors": []}],
        [saved(ID), {"success": True, "id": "no id"}],
        [saved(ID), None],
        [saved(ID), {"id": OTHER}],
        {"hasErrors": False, "results": [saved(ID), saved(OTHER)]},
        None,
    ],
)
def test_results_that_do_not_fit_what_was_sent_say_nothing(answer: Any) -> None:
    with pytest.raises(MalformedAnswer):
        results_of(encoded(answer), [ID, OTHER])


@pytest.mark.parametrize("answer", [b"", b"[]", encoded({"success": False}), encoded(saved("x"))])
def test_a_creation_without_an_id_is_malformed(answer: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        created_id_of(answer)


def test_a_refusal_without_any_reason_is_still_a_refusal() -> None:
    (result,) = results_of(encoded([{"success": False, "errors": []}]), [ID])

    assert isinstance(result, WriteRefusal)
    assert result.kind is Kind.UNKNOWN
