"""How an org compares text: case is ignored one character at a time; ids alone are exact.

`fold` maps each character to its simple case folding, except that no character outside ASCII folds into ASCII (the
Kelvin sign is not a k). Two things follow, and both are used: folding never changes a length, and against a literal
that is all ASCII SQLite's built-in NOCASE and LIKE give exactly what folding gives, at a fraction of the cost.
"""

import re
import sqlite3

from orgsim.soql.local import formatted, local_text

_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPED = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "b": "\b",
    "f": "\f",
    '"': '"',
    "'": "'",
    "\\": "\\",
    "_": "_",
    "%": "%",
}
_ID_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_LAST_CASED = 0x1F000  # no script with two cases lies beyond
_ID = re.compile(r"[0-9A-Za-z]{15}([0-9A-Za-z]{3})?")


def _fold_character(character: str) -> str:
    folded = character.casefold()
    if len(folded) != 1:
        folded = character.lower()
    return folded if len(folded) == 1 and not folded.isascii() else character


_FOLDING = {
    code: folded for code in range(128, _LAST_CASED) if (folded := _fold_character(chr(code))) != chr(code)
} | {code: chr(code + 32) for code in range(ord("A"), ord("Z") + 1)}


def fold(text: str) -> str:
    return text.lower() if text.isascii() else text.translate(_FOLDING)


def _fold_column(value: str | None) -> str | None:
    return value if value is None else fold(value)


def _compare(left: str, right: str) -> int:
    a, b = fold(left), fold(right)
    return (a > b) - (a < b)


def register(connection: sqlite3.Connection) -> None:
    """Teach a connection the functions and the collation of SOQL; every connection that runs a plan needs them."""
    connection.create_function("soql_fold", 1, _fold_column, deterministic=True)
    connection.create_function("soql_local", 2, local_text, deterministic=True)
    connection.create_function("soql_format", 3, formatted, deterministic=True)
    connection.create_collation("SOQL", _compare)


def unescape(raw: str) -> str:
    """The value of a quoted literal. Raises ValueError on an escape that SOQL does not know."""
    return _whole(_ESCAPE.sub(lambda match: _unescaped(match[1]), raw[1:-1]))


def _whole(text: str) -> str:
    r"""Escaped surrogates (`\uD83D\uDE00`) as the one character they stand for; a lone one is a ValueError."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16")


def _unescaped(code: str) -> str:
    if len(code) == 5:
        return chr(int(code[1:], 16))
    plain = _ESCAPED.get(code.lower())
    if plain is None:
        raise ValueError(code)
    return plain


def like_pattern(raw: str) -> str:
    r"""The same for LIKE, as a pattern for ESCAPE '\': `\%` and `\_` stay escaped, a real backslash becomes `\\`."""

    def replacement(match: re.Match[str]) -> str:
        plain = _unescaped(match[1])
        return "\\" + plain if plain in ("%", "_", "\\") else plain

    return _whole(_ESCAPE.sub(replacement, raw[1:-1]))


def id_suffix(id15: str) -> str:
    """The three check characters of an id: one bit for each capital letter, five to a character."""
    groups = (id15[start : start + 5] for start in (0, 5, 10))
    return "".join(
        _ID_SUFFIX[sum(1 << bit for bit, c in enumerate(group) if "A" <= c <= "Z")] for group in groups
    )


def full_id(value: str) -> str | None:
    """The 18-character form of a 15- or 18-character id; None when it is neither or its check does not match."""
    if not _ID.fullmatch(value):
        return None
    full = value[:15] + id_suffix(value[:15])
    return full if len(value) == 15 or value == full else None
