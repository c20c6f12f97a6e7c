"""Kinds of calls and their words."""

import ast
from pathlib import Path

import carillon.salesforce
from carillon.salesforce.kinds import CallKind, words_of


def test_every_kind_has_words_of_its_own() -> None:
    words = [words_of(kind) for kind in CallKind]

    assert len(set(words)) == len(words)
    assert all(word[0].isupper() and "_" not in word for word in words)


def test_a_kind_of_an_earlier_version_is_shown_as_it_stands() -> None:
    assert words_of("not_told_apart") == "Not told apart"


def test_calls_name_their_kind_by_the_enum() -> None:
    """A kind in quotes would be counted under a name nobody has words for."""
    for file in Path(carillon.salesforce.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                named = [word.value for word in node.keywords if word.arg == "kind"]
                assert not any(isinstance(value, ast.Constant) for value in named), f"{file}:{node.lineno}"
