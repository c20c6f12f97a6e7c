"""Names as people type them into a search: without case, accents and ligatures (`García` and `GARCIA` are `garcia`)."""

import sqlite3
import unicodedata

# Letters that Unicode doesn't take apart into a letter and an accent.
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "’": "'"}
)


def plain(text: str) -> str:
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in parts if not unicodedata.combining(sign)).translate(_LETTERS)


def _plain_column(value: str | None) -> str | None:
    return None if value is None else plain(value)


def register(connection: sqlite3.Connection) -> None:
    """Teach a connection `plain(text)`; indexes on it need it on every connection that writes."""
    connection.create_function("plain", 1, _plain_column, deterministic=True)
