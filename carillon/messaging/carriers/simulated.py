"""The simulated carrier: it calls the same webhooks as Twilio, over HTTP, signed the same way, and takes texts for
people who have no phone. For demos and tests: it sends nothing to anybody."""

import uuid
from contextlib import suppress
from dataclasses import dataclass

import httpx

from carillon.lib import tls
from carillon.lib.errors import CarillonError
from carillon.messaging.carriers import twilio
from carillon.messaging.carriers.outcomes import Accepted, Outgoing
from carillon.messaging.states import State

SECONDS = 10.0


class NotDelivered(CarillonError):
    """The webhook did not take the call."""


def call(url: str, auth_token: str, fields: dict[str, str]) -> httpx.Response:
    """Posts to a webhook as Twilio does. Raises httpx.HTTPError."""
    headers = {twilio.SIGNATURE_HEADER: twilio.sign(auth_token, url, fields), "User-Agent": "TwilioProxy/1.1"}
    with httpx.Client(
        timeout=SECONDS, trust_env=False, follow_redirects=False, verify=tls.context(trust_env=False)
    ) as client:
        return client.post(url, data=fields, headers=headers)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A person's text. `opt_out_type`: STOP, START or HELP when the carrier acted on it and answered by itself."""

    sender: str
    to: str
    body: str
    opt_out_type: str = ""


def text_in(url: str, account_sid: str, auth_token: str, text: Incoming) -> str:
    """Brings a person's text to the webhook; returns its id. Raises NotDelivered."""
    sid = new_sid()
    fields = {
        "MessageSid": sid,
        "SmsSid": sid,
        "AccountSid": account_sid,
        "From": text.sender,
        "To": text.to,
        "Body": text.body,
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsStatus": "received",
        "ApiVersion": "2010-04-01",
        **({"OptOutType": text.opt_out_type} if text.opt_out_type else {}),
    }
    try:
        answer = call(url, auth_token, fields)
    except httpx.HTTPError as error:
        raise NotDelivered(
            f"Nothing answers at {url.rsplit('/', 1)[0]} ({type(error).__name__}), so the text did not arrive.",
            "Mend the public address on the Texting page.",
        ) from None
    if answer.status_code != httpx.codes.OK:
        raise NotDelivered(
            f"The webhook answered {answer.status_code}, so the text was not taken.",
            "The self-test on the Texting page says more.",
        )
    return sid


def send(account_sid: str, auth_token: str, text: Outgoing) -> Accepted:
    """Takes the text, and reports that it was delivered."""
    sid = new_sid()
    fields = {
        "MessageSid": sid,
        "SmsSid": sid,
        "AccountSid": account_sid,
        "From": text.sender,
        "To": text.to,
        "MessageStatus": "delivered",
        "ApiVersion": "2010-04-01",
    }
    # As with a real carrier, a report that gets lost leaves the text where it was.
    with suppress(httpx.HTTPError):
        call(text.status_url, auth_token, fields)
    return Accepted(sid, State.ACCEPTED)


def new_sid() -> str:
    return f"SM{uuid.uuid4().hex}"
