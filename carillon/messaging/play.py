"""Playing a person with a phone, with the simulated carrier: what they text goes over HTTP to the real webhook."""

from carillon.accounts.models import Workspace
from carillon.lib.errors import CarillonError
from carillon.messaging import addresses, credentials, queries
from carillon.messaging.carriers import simulated
from carillon.messaging.models import CarrierKind, Texting


class NoSimulatedCarrier(CarillonError):
    """Nobody can be played: texts of this workspace go to real people."""

    def __init__(self) -> None:
        super().__init__(
            "Texting does not use the simulated carrier, so nobody can be played here.",
            "Choose it on the Texting page.",
        )


def simulated_texting(workspace: Workspace) -> Texting:
    """Raises NoSimulatedCarrier."""
    texting = queries.texting_of(workspace)
    if texting is None or texting.carrier != CarrierKind.SIMULATED:
        raise NoSimulatedCarrier
    return texting


def text_as(texting: Texting, number: str, body: str) -> str:
    """Returns the id of the text. Raises NotDelivered, SealBroken."""
    return simulated.text_in(
        addresses.inbound_url(texting),
        texting.account_sid,
        credentials.auth_token(texting),
        simulated.Incoming(sender=number, to=texting.numbers[0], body=body),
    )
