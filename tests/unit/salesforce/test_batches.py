"""The batches of a collection against a small model of an org that writes, refuses and fails at will."""

import itertools
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.salesforce.errors import LimitExceeded, SalesforceError, Unreachable
from carillon.salesforce.ids import to_18
from carillon.salesforce.records.batches import LARGEST, MOST_OBJECTS, batches, write_in_batches
from carillon.salesforce.records.refusals import ErrorItem, Kind, WriteRefusal, WriteRefused, refusal_of
from carillon.salesforce.records.writing import Outcome, RecordUpdate, Unanswered, Written

LIMIT = refusal_of(ErrorItem(statusCode="LIMIT_EXCEEDED"))
PARSER = refusal_of(ErrorItem(errorCode="JSON_PARSER_ERROR"))
HIDDEN = refusal_of(ErrorItem(errorCode="INVALID_FIELD"))


def change(number: int, sobject: str = "Contact", field: str = "A__c", value: int = 0) -> RecordUpdate:
    return RecordUpdate(sobject, to_18(f"003{number:012d}"), {field: value})


changes = st.lists(
    st.builds(
        change,
        st.integers(0, 30),
        st.sampled_from([f"Object{n}__c" for n in range(13)] + ["Contact", "Lead"]),
        value=st.integers(),
    ),
    max_size=60,
)


@given(changes, st.integers(1, 20))
def test_every_record_is_in_one_batch_and_no_batch_breaks_a_rule(
    records: list[RecordUpdate], largest: int
) -> None:
    made = list(batches(records, largest=largest))

    assert sorted(place for batch in made for place in batch) == list(range(len(records)))
    for batch in made:
        objects = [records[place].sobject for place in batch]
        runs = 1 + sum(a != b for a, b in itertools.pairwise(objects))
        assert 1 <= len(batch) <= largest
        assert runs == len(set(objects)) <= MOST_OBJECTS
        assert len({records[place].id for place in batch}) == len(batch)


def test_more_objects_than_a_call_may_mix_take_another_call() -> None:
    records = [change(number, f"Object{number % 23}__c") for number in range(46)]

    mixed = [len({records[place].sobject for place in batch}) for batch in batches(records)]

    assert mixed == [MOST_OBJECTS, MOST_OBJECTS, 3]


@given(changes)
def test_changes_of_a_record_keep_their_order(records: list[RecordUpdate]) -> None:
    turn = {place: number for number, batch in enumerate(batches(records, largest=7)) for place in batch}

    for first in range(len(records)):
        for second in range(first + 1, len(records)):
            if records[first].id == records[second].id:
                assert turn[first] < turn[second]


@given(st.integers(0, 450))
def test_records_of_one_object_fill_their_batches_in_the_order_given(count: int) -> None:
    made = list(batches([change(number) for number in range(count)]))

    assert [place for batch in made for place in batch] == list(range(count))
    assert len(made) == -(-count // LARGEST)


class Org:
    """Takes `most` records a transaction; refuses the records of some numbers however few they are."""

    def __init__(
        self, records: Sequence[RecordUpdate], *, most: int = LARGEST, refused: dict[int, WriteRefusal]
    ) -> None:
        self.records, self.most, self.refused = records, most, refused
        self.sent: Counter[int] = Counter()
        self.stored: dict[str, object] = {}
        self.calls = 0

    def send(self, places: list[int]) -> list[Outcome]:
        self.calls += 1
        self.sent.update(places)
        whole = next(
            (r for place, r in self.refused.items() if place in places and r.kind is not Kind.LIMIT), None
        )
        if whole:
            raise WriteRefused(whole)
        if len(places) > self.most or (len(places) > 1 and set(places) & set(self.refused)):
            return [LIMIT] * len(places)
        return [self._write(place) for place in places]

    def _write(self, place: int) -> Outcome:
        if place in self.refused:
            return self.refused[place]
        record = self.records[place]
        self.stored[record.id] = record.values
        return Written(record.id)


@given(changes, st.integers(1, LARGEST), st.data())
def test_halving_writes_whatever_can_be_written(
    records: list[RecordUpdate], most: int, data: st.DataObject
) -> None:
    refused = data.draw(st.dictionaries(st.integers(0, 59), st.sampled_from([LIMIT, PARSER]), max_size=3))
    org = Org(records, most=most, refused={place: r for place, r in refused.items() if place < len(records)})

    outcomes = write_in_batches(records, org.send)

    expected = [org.refused.get(place, Written(record.id)) for place, record in enumerate(records)]
    assert outcomes == expected
    assert org.calls <= 2 * len(records) + 1
    last = {record.id: record.values for place, record in enumerate(records) if place not in org.refused}
    assert org.stored == last


def test_one_record_too_much_for_the_org_costs_few_calls_more() -> None:
    records = [change(number) for number in range(LARGEST)]
    org = Org(records, refused={77: LIMIT})

    outcomes = write_in_batches(records, org.send)

    assert [place for place, outcome in enumerate(outcomes) if outcome == LIMIT] == [77]
    assert org.calls <= 20


def test_a_batch_that_is_too_large_is_halved_only_as_far_as_needed() -> None:
    records = [change(number) for number in range(2 * LARGEST)]
    org = Org(records, most=50, refused={})

    outcomes = write_in_batches(records, org.send)

    assert all(isinstance(outcome, Written) for outcome in outcomes)
    assert org.calls == 2 * (1 + 2 + 4)


def test_a_hidden_field_of_leads_does_not_keep_contacts_from_being_written() -> None:
    records = [change(number, "Lead" if number % 2 else "Contact") for number in range(100)]

    def send(places: list[int]) -> list[Outcome]:
        calls.append(len(places))
        if any(records[place].sobject == "Lead" for place in places):
            raise WriteRefused(HIDDEN)
        return [Written(records[place].id) for place in places]

    calls: list[int] = []
    outcomes = write_in_batches(records, send)

    assert [isinstance(outcome, Written) for outcome in outcomes] == [True, False] * 50
    assert calls == [100, 50, 50]


@given(st.integers(1, 700), st.integers(0, 3))
def test_after_a_failed_call_nothing_more_is_sent_and_every_record_says_so(count: int, good: int) -> None:
    records = [change(number) for number in range(count)]
    lost = Unreachable("gone")

    def send(places: list[int]) -> list[Outcome]:
        calls.append(places)
        if len(calls) > good:
            raise lost
        return [Written(records[place].id) for place in places]

    calls: list[list[int]] = []
    outcomes = write_in_batches(records, send)

    done, flying = good * LARGEST, (good + 1) * LARGEST
    assert outcomes[:done] == [Written(record.id) for record in records[:done]]
    assert outcomes[done:flying] == [Unanswered(lost, sent=True)] * len(records[done:flying])
    assert outcomes[flying:] == [Unanswered(lost, sent=False)] * len(records[flying:])
    assert len(calls) <= good + 1


def test_a_call_that_was_refused_as_such_has_sent_nothing() -> None:
    def send(places: list[int]) -> list[Outcome]:
        raise error

    error: SalesforceError = LimitExceeded("none left")

    assert write_in_batches([change(1)], send) == [Unanswered(error, sent=False)]


def test_all_or_none_is_one_batch_and_never_taken_apart() -> None:
    records = [change(number) for number in range(LARGEST)]
    org = Org(records, most=10, refused={})

    assert write_in_batches(records, org.send, all_or_none=True) == [LIMIT] * LARGEST
    assert org.calls == 1
    with pytest.raises(ValueError, match="200"):
        write_in_batches([*records, change(999)], org.send, all_or_none=True)
    with pytest.raises(ValueError, match="different"):
        write_in_batches([change(1), change(1)], org.send, all_or_none=True)
