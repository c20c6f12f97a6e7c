"""The filter logic of a report: `(1 AND 2) OR 3` over its numbered filters.

Every filter must be named, and AND and OR may not meet without brackets, as in the report builder. The texts of these
refusals are inferred.
"""

import re
from collections.abc import Sequence

from orgsim.reports.errors import bad
from orgsim.soql.filters import Sql, joined

_TOKEN = re.compile(r"\s*(\(|\)|\d+|[A-Za-z]+)")
_DEEPEST = 10


def combined(logic: str | None, terms: Sequence[Sql]) -> Sql | None:
    """The filters joined as the logic says, all of them with AND when there is none."""
    if logic is None or not logic.strip():
        return joined("AND", terms) if terms else None
    return _Reader(logic, terms).whole()


class _Reader:
    def __init__(self, logic: str, terms: Sequence[Sql]) -> None:
        self._logic = logic
        self._terms = terms
        self._tokens = self._split()
        self._used: set[int] = set()

    def _split(self) -> list[str]:
        tokens, at = [], 0
        text = self._logic.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise self._invalid()
            tokens.append(match[1].upper())
            at = match.end()
        return tokens[::-1]

    def _invalid(self) -> Exception:
        return bad(f"The filter logic {self._logic} is invalid.")

    def whole(self) -> Sql:
        condition = self._any_of(0)
        if self._tokens:
            raise self._invalid()
        if len(self._used) != len(self._terms):
            raise bad("Some filter conditions are defined but not referenced in your filter logic.")
        return condition

    def _any_of(self, depth: int) -> Sql:
        if depth > _DEEPEST:
            raise self._invalid()
        terms = [self._one(depth)]
        word = ""
        while self._tokens and self._tokens[-1] in ("AND", "OR"):
            token = self._tokens.pop()
            if word and token != word:
                raise self._invalid()
            word = token
            terms.append(self._one(depth))
        return joined(word or "AND", terms)

    def _one(self, depth: int) -> Sql:
        token = self._tokens.pop() if self._tokens else ""
        if token == "NOT":  # noqa: S105  a word of the filter logic
            term = self._one(depth + 1)
            return Sql(f"NOT coalesce(({term.text}), 0)", term.params)
        if token == "(":  # noqa: S105
            inner = self._any_of(depth + 1)
            if not self._tokens or self._tokens.pop() != ")":
                raise self._invalid()
            return inner
        if not (token.isdecimal() and len(token) < 4) or not 1 <= int(token) <= len(self._terms):
            raise self._invalid()
        self._used.add(int(token))
        return self._terms[int(token) - 1]
