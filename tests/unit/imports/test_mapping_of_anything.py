"""Whatever a record holds, it is stored or rejected with an issue, and what is stored can be stored."""

import json
import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from carillon.imports.mapping import Batch, Mapper
from carillon.imports.plan import MappedField
from tests.unit.imports.plans import ID, NEIGHBOUR, STAMP, mapped, plan_with, record

EVERY_TYPE = plan_with(
    MappedField("Text__c", "string", "text", "text"),
    MappedField("Choice__c", "picklist", "choice", "choice"),
    MappedField("Number__c", "double", "number", "number"),
    MappedField("TextNumber__c", "string", "text_number", "number"),
    MappedField("Date__c", "string", "date", "date"),
    MappedField("Datetime__c", "datetime", "datetime", "datetime"),
    MappedField("Flag__c", "boolean", "flag", "yes_no"),
    MappedField("Several__c", "multipicklist", "several", "choices"),
    MappedField("Kept__c", "string", "kept", "yes_no", keeps_when_blank=True),
    MappedField("Account.Name", "string", "school", "text"),
)
MAPPER = Mapper(EVERY_TYPE)
E164 = re.compile(r"\+[1-9]\d{3,14}")
UNSTORABLE = re.compile("[\0\ud800-\udfff]")

readable = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
phone_like = st.text("0123456789+()-. x", max_size=20)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
anything = (
    scalars | readable | phone_like | st.lists(scalars, max_size=2) | st.dictionaries(readable, scalars)
)
names = [name for name in EVERY_TYPE.selected if name not in ("Id", "SystemModstamp", "Account.Name")]
digits = st.integers(0, 40)
any_record = st.fixed_dictionaries({}, optional=dict.fromkeys([*names, "Account", "Unknown__c"], anything))


def check_batch(batch: Batch) -> None:
    for row in batch.rows:
        texts = [text for text in row if text is not None]
        assert not any(UNSTORABLE.search(text) for text in texts)
        assert row.mobile_number == "" or E164.fullmatch(row.mobile_number)
        assert "\\u0000" not in row.fields
        assert set(json.loads(row.fields)) <= {mapping.contact_field for mapping in EVERY_TYPE.additional}
    assert not any(UNSTORABLE.search(text) for issue in batch.issues for text in issue)
    assert all(len(issue.value) <= 255 for issue in batch.issues)


@given(values=any_record)
@settings(max_examples=100)
def test_any_record_is_stored_or_rejected_with_an_issue(values: dict[str, Any]) -> None:
    batch = mapped(EVERY_TYPE, record(**values), record(Id=NEIGHBOUR))

    check_batch(batch)
    stored = [row.salesforce_id for row in batch.rows]
    assert sorted([*stored, *batch.rejected]) == sorted([ID, NEIGHBOUR])
    assert NEIGHBOUR in stored
    assert {issue.salesforce_id for issue in batch.issues if issue.code == "wrong_type"} == set(
        batch.rejected
    )


@given(text=st.lists(st.text(st.characters(codec=None), max_size=30), min_size=9, max_size=9))
@settings(max_examples=150)
def test_any_text_can_be_stored(text: list[str]) -> None:
    """Made as a struct: no JSON that the decoder takes holds a lone surrogate."""
    fields = ("FirstName", "LastName", "MobilePhone", "OwnerId", "Text__c", "Choice__c", "TextNumber__c")
    values = dict(zip((*fields, "LastModifiedDate", "LastModifiedById"), text, strict=True))

    batch = MAPPER.page([MAPPER.record(Id=ID, SystemModstamp=STAMP, **values)])

    assert len(batch.rows) == 1
    check_batch(batch)


@given(given=phone_like | readable)
@settings(max_examples=100)
def test_a_row_has_a_number_or_an_issue_that_says_why_not(given: str) -> None:
    batch = mapped(EVERY_TYPE, record(MobilePhone=given))

    codes = {issue.code for issue in batch.issues}
    assert bool(batch.rows[0].mobile_number) is codes.isdisjoint({"mobile_missing", "mobile_invalid"})


def field_of(**values: Any) -> Any:
    (row,) = mapped(EVERY_TYPE, record(**values)).rows
    (name,) = values
    contact_field = next(found.contact_field for found in EVERY_TYPE.additional if found.salesforce == name)
    return json.loads(row.fields, parse_float=Decimal).get(contact_field, "left as it was")


@given(number=st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=50)
def test_no_number_changes_on_its_way(number: float) -> None:
    assert Decimal(str(field_of(Number__c=number))) == Decimal(repr(number))


@given(number=st.integers(-(10**25), 10**25))
@settings(max_examples=50)
def test_a_number_in_text_is_read_with_or_without_commas(number: int) -> None:
    assert field_of(TextNumber__c=str(number)) == field_of(TextNumber__c=f"{number:,}") == number


@given(day=st.dates())
@settings(max_examples=50)
def test_every_date_is_kept(day: date) -> None:
    assert field_of(Date__c=day.isoformat()) == day.isoformat()


@given(
    seconds=st.integers(-(10**10), 10**10),
    zone=st.integers(-840, 840).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
@settings(max_examples=50)
def test_every_moment_is_kept_to_the_second(seconds: int, zone: timezone) -> None:
    at = datetime(2026, 5, 1, microsecond=120_000, tzinfo=zone) + timedelta(seconds=seconds)

    stored = field_of(Datetime__c=at.isoformat(timespec="milliseconds"))

    assert datetime.fromisoformat(stored) == at.replace(microsecond=0)


@given(
    text=st.builds("{:04}-{:02}-{:02}{}".format, digits, digits, digits, st.sampled_from(["", "T24:00:00Z"]))
    | readable
)
@settings(max_examples=100)
def test_what_is_stored_as_a_date_is_one(text: str) -> None:
    stored = field_of(Date__c=text)

    if stored not in (None, "left as it was"):
        assert date.fromisoformat(stored).isoformat() == stored
