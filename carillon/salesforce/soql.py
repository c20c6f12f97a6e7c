"""Rewriting the query of a list view, and the literals of SOQL. Pure text work.

A list view is run as Salesforce composed it: the SELECT list and the order are ours, FROM, USING SCOPE and WHERE
stay byte for byte, with the WHERE in brackets so that added conditions cannot change its meaning.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from carillon.salesforce.errors import UnsupportedListQuery as UnsupportedListQuery
from carillon.salesforce.ids import to_18

# Quoted text, a bracket, a comma, or a run of anything else that is no space: enough to find clauses.
_TOKEN = re.compile(r"'(?:[^'\\]|\\.)*'|[(),]|[^\s'(),]+", re.DOTALL)
_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
# Clauses after WHERE. The value is the word that must follow for it to be the clause and not a name.
_CLAUSES: dict[str, tuple[str, ...]] = {
    "USING": ("SCOPE",),
    "WHERE": (),
    "WITH": (),
    "GROUP": ("BY",),
    "HAVING": (),
    "ORDER": ("BY",),
    "LIMIT": (),
    "OFFSET": (),
    "FOR": ("VIEW", "REFERENCE", "UPDATE"),
    "UPDATE": ("TRACKING", "VIEWSTAT"),
    "ALL": ("ROWS",),
}
_CHANGES_MEMBERSHIP = {
    "LIMIT": "shows only the first so many records (LIMIT)",
    "OFFSET": "skips records (OFFSET)",
    "GROUP": "groups records (GROUP BY)",
    "HAVING": "groups records (HAVING)",
    "WITH": "filters by data category or access mode (WITH)",
    "ALL": "includes deleted records (ALL ROWS)",
}
_ESCAPES = str.maketrans(
    {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
)


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The parts of a list view's query that decide which records it holds.

    `source` (what stands after FROM), `scope` ("USING SCOPE mine" or "") and `where` are verbatim.
    """

    sobject: str
    alias: str
    source: str
    scope: str
    where: str


@dataclass(frozen=True, slots=True)
class _Token:
    word: str
    start: int
    end: int


def parse_list_view_query(query: str) -> ListQuery:
    """Take a list view's query apart; raises UnsupportedListQuery when it cannot be run page by page."""
    parts = _parts(query)
    sobject, alias = _source_names(parts["FROM"])
    if parts.get("WHERE") == "":
        raise UnsupportedListQuery("The list view's query has an empty filter.")
    return ListQuery(sobject, alias, parts["FROM"], parts.get("USING", ""), parts.get("WHERE", ""))


def compose(
    list_query: ListQuery,
    fields: Sequence[str],
    *,
    conditions: Sequence[str] = (),
    order_by: str = "",
    limit: int | None = None,
) -> str:
    """The query of our own: these fields of the list's records that also meet each of the conditions."""
    filters = [f"({list_query.where})"] if list_query.where else []
    filters += [_as_operand(condition) for condition in conditions]
    clauses = ["SELECT", ", ".join(fields), "FROM", list_query.source, list_query.scope]
    if filters:
        clauses += ["WHERE", " AND ".join(filters)]
    if order_by:
        clauses += ["ORDER BY", order_by]
    if limit is not None:
        clauses += ["LIMIT", str(limit)]
    return " ".join(clause for clause in clauses if clause)


def datetime_literal(moment: datetime) -> str:
    """2026-05-01T07:25:37Z, with milliseconds when there are any; the moment must know its zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone has no SOQL literal")
    spec = "milliseconds" if moment.microsecond >= 1000 else "seconds"
    return moment.astimezone(UTC).isoformat(timespec=spec).replace("+00:00", "Z")


def parse_datetime(text: str) -> datetime:
    """A moment as Salesforce writes it: 2026-05-01T07:25:37.000+0000 or ...Z; raises ValueError otherwise."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a Salesforce date and time always carries its offset")
    return moment.astimezone(UTC)


def string_literal(text: str) -> str:
    return f"'{text.translate(_ESCAPES)}'"


def id_condition(ids: Sequence[str]) -> str:
    """Id IN ('003...','003...'); raises InvalidId, so that nothing but ids ever gets into the query."""
    listed = ",".join(f"'{to_18(record_id)}'" for record_id in ids)
    return f"Id IN ({listed})"


# What the condition costs in an address: quotes, commas and brackets take three bytes each.
_BYTES_AROUND_IDS = len("Id+IN+%28%29")
_BYTES_PER_ID = 18 + len("%27%27%2C")


def id_list_chunks(ids: Sequence[str], budget_bytes: int) -> Iterator[list[str]]:
    """The ids in order, in parts whose URL-encoded `id_condition` has at most `budget_bytes` bytes."""
    size = (budget_bytes - _BYTES_AROUND_IDS + len("%2C")) // _BYTES_PER_ID
    if size < 1:
        raise ValueError("the budget is too small for a single id")
    for start in range(0, len(ids), size):
        yield [to_18(record_id) for record_id in ids[start : start + size]]


def _outer_tokens(query: str) -> list[_Token]:
    # Tokens outside all brackets and quotes, in upper case; what is quoted or nested can hold any word.
    outer: list[_Token] = []
    depth = 0
    position = 0
    while position < len(query):
        if query[position].isspace():
            position += 1
            continue
        match = _TOKEN.match(query, position)
        if match is None:
            raise UnsupportedListQuery("The list view's query ends inside quotation marks.")
        position = match.end()
        text = match.group()
        depth += (text == "(") - (text == ")")
        if depth < 0:
            break
        if depth == 0 and text != ")" and not text.startswith("'"):
            # Only ASCII is folded: other letters whose capitals are ASCII make no keyword.
            word = text.upper() if text.isascii() else text
            outer.append(_Token(word, match.start(), match.end()))
    if depth != 0:
        raise UnsupportedListQuery("The brackets of the list view's query do not match.")
    return outer


def _parts(query: str) -> dict[str, str]:
    # The verbatim text of each clause from FROM on, by its first word.
    tokens = _outer_tokens(query)
    if not tokens or tokens[0].word != "SELECT":
        raise UnsupportedListQuery("The list view has no query that starts with SELECT.")
    begin = next((index for index, token in enumerate(tokens) if token.word == "FROM"), None)
    if begin is None:
        raise UnsupportedListQuery("The list view's query names no object.")
    parts: dict[str, str] = {}
    for name, start, end in _clauses(tokens, begin, len(query)):
        if name in _CHANGES_MEMBERSHIP:
            reason = _CHANGES_MEMBERSHIP[name]
            raise UnsupportedListQuery(f"The list view {reason}, so it cannot be read in parts.")
        if name in parts and name in ("USING", "WHERE"):
            raise UnsupportedListQuery(f"The list view's query has two {name} clauses.")
        parts[name] = query[start:end].strip()
    return parts


def _clauses(tokens: Sequence[_Token], begin: int, end: int) -> Iterator[tuple[str, int, int]]:
    # (name, start, end) of each clause from FROM on. USING keeps its own words, the others begin after theirs.
    name, start = "FROM", tokens[begin].end
    for index in range(begin + 1, len(tokens)):
        token = tokens[index]
        second = tokens[index + 1].word if index + 1 < len(tokens) else ""
        followers = _CLAUSES.get(token.word)
        if followers is None or (followers and second not in followers):
            continue
        yield name, start, token.start
        name, start = token.word, token.start if token.word == "USING" else token.end
    yield name, start, end


def _source_names(source: str) -> tuple[str, str]:
    words = source.split()
    if len(words) == 3 and words[1].upper() == "AS":
        del words[1]
    if not 1 <= len(words) <= 2 or not all(_NAME.fullmatch(word) for word in words):
        raise UnsupportedListQuery("The list view reads more than one object.")
    return words[0], words[1] if len(words) == 2 else ""


def _as_operand(condition: str) -> str:
    words = {token.word for token in _outer_tokens(condition)}
    return f"({condition})" if words & {"OR", "NOT"} else condition
