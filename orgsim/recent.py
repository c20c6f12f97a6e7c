"""What each user made, edited or opened last, as `/recent` tells it: recorded of records written and read by the API.

Queries leave no trace here, as documented. It is kept while the process runs.
"""

import threading
from collections import defaultdict

MOST = 200


class Recent:
    """`org.recent`. Ids of records that are gone since may be among them."""

    def __init__(self) -> None:
        self._seen: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._lock = threading.Lock()

    def note(self, user_id: str, record_id: str) -> None:
        with self._lock:
            seen = self._seen[user_id]
            seen.pop(record_id, None)
            seen[record_id] = None
            if len(seen) > MOST:
                del seen[next(iter(seen))]

    def of(self, user_id: str) -> list[str]:
        """The latest first."""
        with self._lock:
            return list(reversed(self._seen[user_id]))
