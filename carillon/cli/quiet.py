"""Commands tell an outcome in one sentence; the tries that led there are no news beside it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_retries() -> Iterator[None]:
    """Leaves out the client's warnings about single tries as long as the block lasts."""
    client = logging.getLogger("carillon.salesforce")
    before = client.level
    client.setLevel(logging.ERROR)
    try:
        yield
    finally:
        client.setLevel(before)
