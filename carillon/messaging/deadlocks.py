"""What carriers say once is done anew when it fell victim to a deadlock: PostgreSQL ends one of those that wait for each
other, and no carrier calls again."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import OperationalError, transaction
from psycopg.errors import DeadlockDetected

MOST_TRIES = 3

P = ParamSpec("P")
R = TypeVar("R")


def done_anew(work: Callable[P, R]) -> Callable[P, R]:
    """Each try is a transaction of its own."""

    @wraps(work)
    def tried(*args: P.args, **more: P.kwargs) -> R:
        for _ in range(MOST_TRIES - 1):
            try:
                with transaction.atomic():
                    return work(*args, **more)
            except OperationalError as error:
                if not isinstance(error.__cause__, DeadlockDetected):
                    raise
        with transaction.atomic():
            return work(*args, **more)

    return tried
