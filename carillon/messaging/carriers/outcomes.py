"""What is handed to a carrier and what it makes of it. A text may reach somebody unless the outcome says surely not."""

from dataclasses import dataclass

from carillon.messaging.states import State


@dataclass(frozen=True, slots=True)
class Outgoing:
    """`sender` or `service_sid` says whom it comes from; `status_url` is where the carrier tells what became of it."""

    to: str
    body: str
    status_url: str
    sender: str = ""
    service_sid: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    sid: str
    state: State


@dataclass(frozen=True, slots=True)
class Refused:
    """The carrier said no: it was not sent and never will be."""

    code: int | None


@dataclass(frozen=True, slots=True)
class NotReached:
    """Surely not sent, and to be tried again: nothing got to the carrier, it asks to come again later, or does not know
    us. `code` says which where the carrier answered."""

    code: int | None = None


@dataclass(frozen=True, slots=True)
class Unclear:
    """The carrier may have it or not: its answer did not come, or makes no sense."""


Outcome = Accepted | Refused | NotReached | Unclear
