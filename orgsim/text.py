"""Small helpers for tables written as text."""


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def items(text: str) -> tuple[str, ...]:
    """What stands between commas."""
    return tuple(text.split(", "))
