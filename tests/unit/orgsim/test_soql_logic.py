"""Compiled queries give what a slow, obvious reading of the rules gives, over random rows and conditions."""

import operator
import re
import sqlite3
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.orgsim.soql_world import connect, contact, insert, where

Row = dict[str, object]
Test = Callable[[Row], bool]
TESTS_PER_RULE = 150

_ALPHABET = "abkABKéÉsSßẞ ſİıK_%\\'Σσς"
_CONFUSABLE = [
    "k",
    "K",
    "\N{KELVIN SIGN}",
    "s",
    "S",
    "ſ",
    "ß",
    "ẞ",
    "ss",
    "i",
    "İ",
    "ı",
    "é",
    "É",
    "σ",
    "ς",
    "Σ",
    "ka",
    "éa",
    "ÉB",
]
texts = st.sampled_from(_CONFUSABLE) | st.text(_ALPHABET, min_size=1, max_size=4)
ages = st.integers(-3, 3).map(float)
days = st.sampled_from(["2026-05-04", "2026-05-05", "2026-05-06", "2026-05-07"])
instants = st.sampled_from(
    [
        "2026-05-05T03:59:59.999+0000",
        "2026-05-05T04:00:00.000+0000",
        "2026-05-06T03:59:59.000+0000",
        "2026-05-06T04:00:00.000+0000",
        "2026-05-07T04:00:00.000+0000",
    ]
)


def slow_fold(text: str) -> str:
    """Character by character; what would turn into ASCII, or into several characters, stays as lower() has it."""
    folded = []
    for c in text:
        candidates = [c.casefold(), c.lower()]
        one = next((x for x in candidates if len(x) == 1), c)
        folded.append(c if one.isascii() and not c.isascii() else one)
    return "".join(folded)


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def slow_like(value: str, pattern: list[str]) -> bool:
    parts = {"%": ".*", "_": "."}
    regex = "".join(parts.get(p, re.escape(slow_fold(p[-1]))) for p in pattern)
    return re.fullmatch(regex, slow_fold(value), re.DOTALL) is not None


def compare(op: str, left: object, right: object) -> bool:
    """Two values of one type, neither null."""
    a, b = (slow_fold(v) if isinstance(v, str) else v for v in (left, right))
    answer: bool = _PYTHON_OPERATORS[op](a, b)
    return answer


_PYTHON_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def comparison_of(name: str, op: str, value: object, literal: str) -> tuple[str, Test]:
    def test(row: Row) -> bool:
        if value is None:
            return (row[name] is None) == (op == "=")
        if row[name] is None:
            return op == "!="
        return compare(op, row[name], value)

    return f"{name} {op} {literal}", test


def listing_of(name: str, op: str, values: list[object], literals: list[str]) -> tuple[str, Test]:
    def test(row: Row) -> bool:
        value = row[name]
        found = any(v is None if value is None else v is not None and compare("=", value, v) for v in values)
        return found == (op == "IN")

    return f"{name} {op} ({', '.join(literals)})", test


def like_of(parts: list[str]) -> tuple[str, Test]:
    written = {"'": "\\'", "\\": "\\\\"}
    pattern = "".join(written.get(part, part) for part in parts)

    def test(row: Row) -> bool:
        return row["Name"] is not None and slow_like(str(row["Name"]), parts)

    return f"Name LIKE '{pattern}'", test


_EQUALITY = st.sampled_from(["=", "!="])
_ORDER = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
_like_parts = st.lists(st.sampled_from(["%", "_", "\\%", "\\_", *"abkKéÉΣς'\\"]), min_size=1, max_size=4)
_in_values = st.lists(st.one_of(st.none(), texts), min_size=1, max_size=4)

leaves = st.one_of(
    st.builds(lambda op, v: comparison_of("Name", op, v, quoted(v)), _ORDER, texts),
    st.builds(
        lambda name, op: comparison_of(name, op, None, "null"), st.sampled_from(["Name", "Age__c"]), _EQUALITY
    ),
    st.builds(lambda op: comparison_of("Name", op, None, "''"), _EQUALITY),
    st.builds(lambda op, v: comparison_of("Age__c", op, v, str(v)), _ORDER, ages),
    st.builds(lambda op, v: comparison_of("Optout__c", op, int(v), str(v).upper()), _EQUALITY, st.booleans()),
    st.builds(lambda op, v: comparison_of("Born__c", op, v, v), _ORDER, days),
    st.builds(lambda op, v: comparison_of("Seen__c", op, v, v.replace("+0000", "Z")), _ORDER, instants),
    st.builds(
        lambda op, vs: listing_of("Name", op, vs, ["null" if v is None else quoted(v) for v in vs]),
        st.sampled_from(["IN", "NOT IN"]),
        _in_values,
    ),
    st.builds(like_of, _like_parts),
)


def negation(inner: tuple[str, Test]) -> tuple[str, Test]:
    return f"(NOT {inner[0]})", lambda row: not inner[1](row)


def combination(word: str, parts: list[tuple[str, Test]]) -> tuple[str, Test]:
    every = all if word == "AND" else any
    return f"({f' {word} '.join(p[0] for p in parts)})", lambda row: every(p[1](row) for p in parts)


conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(negation, inner),
        st.builds(combination, st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=2, max_size=3)),
    ),
    max_leaves=8,
)
rows = st.lists(
    st.fixed_dictionaries(
        {
            "Name": st.none() | texts,
            "Age__c": st.none() | ages,
            "Optout__c": st.integers(0, 1),
            "Born__c": st.none() | days,
            "Seen__c": st.none() | instants,
        }
    ),
    min_size=1,
    max_size=30,
)


def database(values: list[Row]) -> sqlite3.Connection:
    connection = connect()
    insert(connection, "Contact", (contact(n, **row) for n, row in enumerate(values, 1)))
    return connection


@settings(max_examples=TESTS_PER_RULE, deadline=None)
@given(rows, conditions)
def test_a_condition_selects_what_the_rules_say(values: list[Row], condition: tuple[str, Test]) -> None:
    soql, test = condition
    connection = database(values)

    found = where(connection, soql)

    assert found == [n for n, row in enumerate(values, 1) if test(row)], soql


@settings(max_examples=TESTS_PER_RULE, deadline=None)
@given(rows, conditions)
def test_not_selects_exactly_the_other_rows(values: list[Row], condition: tuple[str, Test]) -> None:
    connection = database(values)

    chosen = where(connection, condition[0])
    others = where(connection, f"NOT ({condition[0]})")

    assert sorted(chosen + others) == list(range(1, len(values) + 1))
