"""Faults that tests order: a status, a dropped connection, a slow answer, a changed body."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

Mangler = Callable[[str, bytes], bytes]

_MESSAGES = {
    500: (
        "UNKNOWN_EXCEPTION",
        "An unexpected error occurred. Please include this ErrorId if you contact support: 1234567-89 (-12345)",
    ),
    502: ("SERVER_UNAVAILABLE", "The server is temporarily unavailable."),
    503: ("SERVER_UNAVAILABLE", "The server is temporarily unavailable. Please try again later."),
    401: ("INVALID_SESSION_ID", "Session expired or invalid"),
    403: ("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."),
    404: ("NOT_FOUND", "The requested resource does not exist"),
    429: ("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."),
}


@dataclass(slots=True)
class Fault:
    """One order: `times` requests whose path holds `path_contains` get it, after `after` of them went well."""

    times: int = 1
    after: int = 0
    path_contains: str | None = None
    status: int | None = None
    drop: bool = False
    seconds: float = 0.0

    def takes(self, path: str) -> bool:
        if self.path_contains and self.path_contains not in path:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.times -= 1
        return True

    def error(self) -> list[dict[str, str]]:
        code, message = _MESSAGES.get(self.status or 500, ("UNKNOWN_EXCEPTION", "Something went wrong."))
        return [{"message": message, "errorCode": code}]


class Faults:
    def __init__(self) -> None:
        self._orders: list[Fault] = []
        self._manglers: list[Mangler] = []
        self._lock = threading.Lock()

    def order(self, fault: Fault) -> None:
        with self._lock:
            self._orders.append(fault)

    def mangle(self, mangler: Mangler) -> None:
        """Let `mangler(path and query, body)` rewrite every following answer that went well."""
        with self._lock:
            self._manglers.append(mangler)

    def clear(self) -> None:
        with self._lock:
            self._orders.clear()
            self._manglers.clear()

    def ordered(self) -> list[Fault]:
        """What is still to come, as copies."""
        with self._lock:
            return [replace(fault) for fault in self._orders]

    def due(self, path: str) -> Fault | None:
        """The fault this request gets, if any was ordered."""
        with self._lock:
            for fault in self._orders:
                if fault.takes(path):
                    if fault.times <= 0:
                        self._orders.remove(fault)
                    return fault
        return None

    def mangled(self, path: str, body: bytes) -> bytes:
        for mangler in tuple(self._manglers):
            body = mangler(path, body)
        return body
