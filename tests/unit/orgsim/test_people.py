from collections import Counter
from datetime import UTC, date, datetime
from functools import cache
from itertools import pairwise

import phonenumbers
import pytest

from orgsim import people
from orgsim.catalog import standard_schema
from orgsim.clock import parse_stamp

ENDS = date(2026, 11, 1)
Row = dict[str, object]


def _contacts(seed: int, count: int) -> list[people.Row]:
    return list(people.Population(seed, ENDS, 2_000).contacts(count))


@cache
def _crowd() -> tuple[Row, ...]:
    return tuple(dict(zip(people.CONTACT_COLUMNS, row, strict=True)) for row in _contacts(1, 6_000))


def _valid(text: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(text, "US"))
    except phonenumbers.NumberParseException:
        return False


def test_the_same_seed_makes_the_same_people() -> None:
    assert _contacts(5, 200) == _contacts(5, 200)
    assert _contacts(5, 200) != _contacts(6, 200)


def test_leads_and_accounts_have_a_value_for_each_column() -> None:
    population = people.Population(1, ENDS, 500)

    accounts, users = list(population.accounts()), list(population.users())
    leads = list(population.leads(400, 100))

    assert {len(row) for row in accounts} == {len(people.ACCOUNT_COLUMNS)}
    assert {len(row) for row in users} == {len(people.USER_COLUMNS)}
    assert {len(row) for row in leads} == {len(people.LEAD_COLUMNS)}
    converted = [dict(zip(people.LEAD_COLUMNS, row, strict=True)) for row in leads]
    assert 0 < sum(bool(lead["IsConverted"]) for lead in converted) < 40
    assert all(bool(lead["IsConverted"]) == bool(lead["ConvertedContactId"]) for lead in converted)


@pytest.mark.parametrize(
    ("sobject", "columns"),
    [("Contact", people.CONTACT_COLUMNS), ("Lead", people.LEAD_COLUMNS), ("User", people.USER_COLUMNS)],
)
def test_every_column_is_a_stored_field(sobject: str, columns: tuple[str, ...]) -> None:
    found = standard_schema().sobject(sobject)

    assert found is not None
    assert all((field := found.field(name)) and field.stored and field.name == name for name in columns)


def test_texts_fit_their_fields_and_are_never_empty() -> None:
    contact = standard_schema().sobject("Contact")
    assert contact is not None
    lengths = {field.name: field.length for field in contact.fields if field.length}

    too_long = [
        (name, value)
        for row in _crowd()
        for name, value in row.items()
        if isinstance(value, str) and name in lengths and not 0 < len(value) <= lengths[name]
    ]

    assert too_long == []


def test_about_8_percent_have_no_mobile_and_3_percent_no_number() -> None:
    mobiles = [row["MobilePhone"] for row in _crowd()]

    absent = sum(mobile is None for mobile in mobiles) / len(mobiles)
    invalid = sum(mobile is not None and not _valid(str(mobile)) for mobile in mobiles) / len(mobiles)

    assert 0.065 < absent < 0.095
    assert 0.02 < invalid < 0.04


def test_households_share_a_number_and_an_address() -> None:
    rows = [row for row in _crowd() if row["MobilePhone"] and _valid(str(row["MobilePhone"]))]
    shared = Counter(row["MobilePhone"] for row in rows)

    members = [row for row in rows if shared[row["MobilePhone"]] > 1]

    assert 0.03 < len(members) / len(rows) < 0.15
    for first, second in pairwise(members):
        if first["MobilePhone"] == second["MobilePhone"]:
            assert (first["LastName"], first["MailingStreet"]) == (
                second["LastName"],
                second["MailingStreet"],
            )


def test_names_come_from_many_cultures() -> None:
    text = "".join(str(row["Name"]) for row in _crowd())

    assert set("áñçøłễšığ'-ʻÖ") - set(text) <= {"ễ"}
    assert len({row["Name"] for row in _crowd()}) > 1_000


def test_texting_preference_has_one_stray_value() -> None:
    counts = Counter(row["Texting_Preference__c"] for row in _crowd())

    assert set(counts) == {"Yes", "No", None, "Unsure"}
    assert counts["Unsure"] < 60


def test_stamps_are_in_order_and_never_in_the_future() -> None:
    end = datetime(2026, 11, 1, tzinfo=UTC)
    for row in _crowd():
        created, modified, touched = (
            parse_stamp(str(row[name])) for name in ("CreatedDate", "LastModifiedDate", "SystemModstamp")
        )
        assert created <= modified <= touched < end


def test_bulk_loads_share_a_second_up_to_3000_records() -> None:
    created = Counter(row["CreatedDate"] for row in _crowd())

    assert 500 < max(created.values()) <= people.BULK_LOAD
    assert len(created) > 1_000
    assert max(Counter(row["SystemModstamp"] for row in _crowd()).values()) <= people.BULK_LOAD


def test_history_does_not_run_ahead_of_the_clock() -> None:
    assert people.history_end(datetime(2026, 3, 5, tzinfo=UTC)) == date(2026, 3, 5)
    assert people.history_end(datetime(2031, 3, 5, tzinfo=UTC)) == people.HISTORY_ENDS
