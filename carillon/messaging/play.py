"""Playing a person with a phone, with the simulated carrier: what they text goes over HTTP to the real webhook."""

from carillon.accounts.models import Workspace
from carillon.consent.keywords import Meaning, carriers_meaning
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
        simulated.Incoming(number, texting.numbers[0], body, _opt_out_type(texting, body)),
    )


def _opt_out_type(texting: Texting, body: str) -> str:
    """A carrier that answers its own words has done so when it calls us."""
    carrier, meaning = queries.carrier_answers(texting), carriers_meaning(body)
    if meaning is None or not (carrier.help if meaning is Meaning.HELP else carrier.stop):
        return ""
    return meaning.name
