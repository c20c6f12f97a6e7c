import csv
import io
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.salesforce.bulk.csv_records import BATCH, batches
from carillon.salesforce.errors import MalformedAnswer
from carillon.salesforce.soql import parse_datetime


class OwnerOfIt(msgspec.Struct):
    Name: str | None = None
    IsActive: bool | None = None


class Person(msgspec.Struct):
    Id: str
    LastName: str | None = None
    Opted: bool | None = None
    Year: int | float | None = None
    Owner: OwnerOfIt | None = None


class Named(msgspec.Struct):
    Id: str
    LastName: str | None = None


HEADER = ["Id", "LastName", "Opted", "Year", "Owner.Name", "Owner.IsActive"]


def csv_of(*rows: list[str], header: list[str] = HEADER, delimiter: str = ",", ending: str = "\n") -> bytes:
    """As an org prints it: every value in quotes."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL).writerows(
        [header, *rows]
    )
    return text.getvalue().encode()


def read(body: bytes, record: type[Any] = Person, **options: Any) -> list[Any]:
    return [one for batch in batches(body, record, **options) for one in batch]


def test_values_get_the_types_of_the_record() -> None:
    body = csv_of(["003A", "Ng", "true", "2026.0", "Ada", "false"], ["003B", "Ó", "false", "12", "", "true"])

    assert read(body) == [
        Person("003A", "Ng", True, 2026.0, OwnerOfIt("Ada", False)),
        Person("003B", "Ó", False, 12, OwnerOfIt(None, True)),
    ]


def test_the_record_is_what_a_page_of_the_same_values_gives() -> None:
    pages = (
        b'{"Id":"003A","LastName":"Ng","Opted":true,"Year":1.5E8,"Owner":{"Name":"Ada","IsActive":false}}',
        b'{"Id":"003A","LastName":null,"Opted":null,"Year":null,"Owner":null}',
    )
    body = csv_of(["003A", "Ng", "true", "1.5E8", "Ada", "false"], ["003A", "", "", "", "", ""])

    assert read(body) == [msgspec.json.decode(page, type=Person) for page in pages]


def test_empty_is_null_and_a_parent_of_empty_values_is_none() -> None:
    assert read(csv_of(["003A", "", "", "", "", ""])) == [Person("003A", None, None, None, None)]


def test_columns_go_by_name_in_any_order_and_spelling() -> None:
    body = csv_of(["Ng", "x", "003A"], header=["lastname", "Unasked", "ID"])

    assert read(body) == [Person("003A", "Ng")]


def test_parents_nest_more_than_once() -> None:
    class Above(msgspec.Struct):
        Email: str | None = None

    class Boss(msgspec.Struct):
        Name: str | None = None
        Manager: Above | None = None

    class Deep(msgspec.Struct):
        Id: str
        Owner: Boss | None = None

    body = csv_of(
        ["1", "Ada", "m@x.org"],
        ["2", "", ""],
        ["3", "", "n@x.org"],
        header=["Id", "Owner.Name", "Owner.Manager.Email"],
    )

    assert read(body, Deep) == [
        Deep("1", Boss("Ada", Above("m@x.org"))),
        Deep("2", None),
        Deep("3", Boss(None, Above("n@x.org"))),
    ]


@pytest.mark.parametrize("text", ["2026-05-01T07:25:37.000Z", "2026-05-01T07:25:37.000+0000"])
def test_a_moment_stays_text_that_can_be_read_in_either_form(text: str) -> None:
    [person] = read(csv_of(["003A", text], header=["Id", "LastName"]), Named)

    assert parse_datetime(person.LastName).isoformat() == "2026-05-01T07:25:37+00:00"


@pytest.mark.parametrize("body", [b"", b"\n", csv_of()])
def test_no_body_and_a_header_alone_are_no_records(body: bytes) -> None:
    assert read(body) == []


def test_a_record_that_does_not_fit_comes_raw_among_the_others() -> None:
    body = csv_of(
        ["003A", "Ng", "perhaps", "", "Ada", ""], ["003B", "", "", "much", "", ""], ["003C"] + [""] * 5
    )

    first, second, third = read(body)

    assert msgspec.json.decode(first)["Opted"] == "perhaps"
    assert msgspec.json.decode(first)["Owner"] == {"Name": "Ada", "IsActive": None}
    assert msgspec.json.decode(second)["Year"] == "much"
    assert third == Person("003C")


def test_numbers_are_those_of_json() -> None:
    spelled = ["1_000", "０", "1 2", "nan", "inf", "+5", "0x1"]

    assert all(
        isinstance(one, msgspec.Raw) for one in read(csv_of(*[["1", "", "", n, "", ""] for n in spelled]))
    )


@pytest.mark.parametrize(
    "body",
    [
        csv_of(["", "Ng", "", "", "", ""]),
        csv_of(["003A", "Ng"]),
        csv_of(["003A", "Ng", "", "", "", ""])[:-3],
        csv_of(["003A", "Ng", "", "", "", ""])[:-12],
        b'"Id","LastName"\n"003A","N"g"\n',
        b'"Id","LastName"\n"003A","\xff"\n',
        b'"LastName"\n"Ng"\n',
        b'[{"errorCode":"UNKNOWN_EXCEPTION"}]',
    ],
)
def test_what_is_no_whole_csv_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedAnswer) as caught:
        read(body)

    assert "Ng" not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_large_bodies_come_in_batches_and_can_be_gone_on_with() -> None:
    body = csv_of(*[[f"{n}", "x"] for n in range(2 * BATCH + 1)], header=["Id", "LastName"])

    assert [len(batch) for batch in batches(body, Named)] == [BATCH, BATCH, 1]
    rest = list(batches(body, Named, skip=BATCH + 1))
    assert [len(batch) for batch in rest] == [BATCH]
    assert isinstance(rest[0][0], Named)
    assert rest[0][0].Id == str(BATCH + 1)
    assert list(batches(body, Named, skip=5 * BATCH)) == []


# A lone surrogate is no UTF-8; everything else may be in a text.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(
    st.lists(st.tuples(TEXTS.filter(bool), TEXTS, TEXTS), max_size=8),
    st.sampled_from(list(",\t|;^`")),
    st.sampled_from(["\n", "\r\n"]),
)
def test_any_text_survives(rows: list[tuple[str, str, str]], delimiter: str, ending: str) -> None:
    header = ["Id", "LastName", "Owner.Name"]
    body = csv_of(*map(list, rows), header=header, delimiter=delimiter, ending=ending)

    people = read(body, delimiter=delimiter)

    expected = [Person(i, n or None, None, None, OwnerOfIt(o) if o else None) for i, n, o in rows]
    assert people == expected


@given(st.data())
def test_a_body_cut_anywhere_never_gives_other_records(data: st.DataObject) -> None:
    whole = [[f"id{n}", data.draw(TEXTS)] for n in range(3)]
    body = csv_of(*whole, header=["Id", "LastName"])
    cut = body[: data.draw(st.integers(0, len(body) - 2))]

    try:
        people = read(cut, Named)
    except MalformedAnswer:
        return

    # At most the last of the records read can have lost something: that is why they are counted as well.
    assert len(people) <= 3
    assert [[p.Id, p.LastName or ""] for p in people[:-1]] == whole[: max(0, len(people) - 1)]
