"""Finds people by the beginning of a name or an e-mail address, or by a phone number in any notation.

The indexes this needs are made by the first search of an org's file: nobody else waits for them or carries them. They
are on expressions that no SOQL compiles to, so a query of the API runs the same with and without them.
"""

import threading
from dataclasses import dataclass

from orgsim.org import Org
from orgsim.plain import plain
from orgsim.schema import SObject
from orgsim.store import on

# More matches than these are not listed: typing another letter finds sooner than turning pages.
MOST = 200
_INDEXED = 60
_PHONE_DIGITS = 10
_AFTER_ANY_LETTER = "\U0010ffff"
_making = threading.Lock()


def _text_key(column: str) -> str:
    return f'plain(substr("{column}", 1, {_INDEXED}))'


def _digits_key(column: str) -> str:
    """The last ten digits: the same with and without a country code or a leading zero."""
    digits = f'"{column}"'
    for sign in ("' '", "'-'", "'('", "')'", "'.'", "'+'"):
        digits = f"replace({digits}, {sign}, '')"
    return f"substr({digits}, -{_PHONE_DIGITS})"


_KEYS = {
    "name": _text_key("Name"),
    "last": _text_key("LastName"),
    # An address outside ASCII is found as it is written.
    "email": f'lower(substr("Email", 1, {_INDEXED}))',
    "mobile": _digits_key("MobilePhone"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of the indexed keys have to begin with `start`."""

    keys: tuple[str, ...]
    start: str


def read(text: str) -> Wanted:
    text = text.strip()
    digits = "".join(filter(str.isdecimal, text))
    if len(digits) >= 3 and not any(map(str.isalpha, text)):
        national = digits[1:] if text.startswith("+1") else digits
        return Wanted(("mobile",), national[-_PHONE_DIGITS:])
    if "@" in text:
        return Wanted(("email",), text.lower()[:_INDEXED])
    return Wanted(("last", "name"), plain(text)[:_INDEXED])


def find(org: Org, sobject: SObject, wanted: Wanted) -> list[int]:
    """The keys of at most MOST + 1 living records, those of each index in its order."""
    _make_indexes(org, sobject)
    found: dict[int, None] = {}
    for key in wanted.keys:
        sql = on(
            sobject.name,
            "SELECT pk FROM {table} WHERE {key} >= ? AND {key} < ? AND IsDeleted = 0 ORDER BY {key}, pk LIMIT ?",
            key=_KEYS[key],
        )
        rows = org.store.reader().execute(sql, (wanted.start, wanted.start + _AFTER_ANY_LETTER, MOST + 1))
        found.update(dict.fromkeys(pk for (pk,) in rows))
    return list(found)[: MOST + 1]


def _make_indexes(org: Org, sobject: SObject) -> None:
    names = {f"{sobject.name}_find_{key}": expression for key, expression in _KEYS.items()}
    sql = "SELECT name FROM sqlite_master WHERE type = 'index'"
    with _making:
        present = {name for (name,) in org.store.reader().execute(sql)}
        if names.keys() <= present:
            return
        with org.store.writing() as connection:
            for name, expression in names.items():
                create = 'CREATE INDEX IF NOT EXISTS "{name}" ON {table} ({key}, IsDeleted)'
                connection.execute(on(sobject.name, create, name=name, key=expression))
