"""Reads CARILLON_* variables, and says which one is wrong and how it should look."""

import os
from collections.abc import Sequence
from urllib.parse import urlsplit

from carillon.lib.errors import CarillonError


def address(name: str, default: str) -> str:
    """An http or https address without a path. Raises CarillonError."""
    value = (os.environ.get(name) or default).rstrip("/")
    try:
        parts = urlsplit(value)
        sound = (
            parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.path and parts.port != 0
        )
    except ValueError:
        sound = False
    if not sound:
        raise CarillonError(f"{name} is not an address.", "It looks like https://carillon.example.org.")
    return value


def number(name: str, default: int) -> int:
    """A number from 0 up. Raises CarillonError."""
    value = os.environ.get(name) or str(default)
    if not (value.isascii() and value.isdigit()):
        raise CarillonError(f"{name} is not a number.", f"Leave it out for {default}.")
    return int(value)


def choice(name: str, known: Sequence[str], default: str) -> str:
    """One of the known words, in any case. Raises CarillonError."""
    value = (os.environ.get(name) or default).upper()
    if value not in known:
        raise CarillonError(f"{name} is not one of {', '.join(known)}.", f"Leave it out for {default}.")
    return value
