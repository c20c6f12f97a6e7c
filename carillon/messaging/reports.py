"""What a carrier reports about a text it was given: its state, and what that means for the person's number. A number
that the carrier blocks has opted out there (Twilio's error 21610), which counts as the person's own word."""

from dataclasses import dataclass
from uuid import UUID

from django.http import QueryDict

from carillon.accounts.models import Workspace
from carillon.consent import actions as consent
from carillon.lib.clock import now
from carillon.messaging import error_codes, states
from carillon.messaging.deadlocks import done_anew
from carillon.messaging.models import Direction, Message, Texting, UnusableNumber
from carillon.messaging.numbers import as_number, is_phone
from carillon.messaging.states import FINAL, State


@dataclass(frozen=True, slots=True)
class Report:
    state: State
    error_code: int | None = None


def is_unusable(workspace_id: int, number: str) -> bool:
    return UnusableNumber.objects.filter(workspace=workspace_id, number=number).exists()


def receive(texting: Texting, fields: QueryDict, public_id: str) -> None:
    """A status callback, checked to be the carrier's. One about a text we don't know still says something about the
    number. `public_id`: which text, as we named it to the carrier; empty when it was not."""
    sid = fields.get("MessageSid", "").replace("\0", "")[:64]
    code = fields.get("ErrorCode", "")
    state = states.of_twilio(fields.get("MessageStatus", ""))
    error_code = int(code) if code.isascii() and code.isdigit() and len(code) < 10 else None
    text = _find(texting, sid, public_id)
    number = text.number if text else as_number(fields.get("To", ""), texting.workspace.default_region)
    if state is not None:
        take(
            texting.workspace_id, text.pk if text else None, Report(state, error_code), number=number, sid=sid
        )


@done_anew
def take(workspace_id: int, pk: int | None, report: Report, *, number: str, sid: str = "") -> None:
    """Keeps what is reported of the text with this key, and of the number."""
    if report.error_code == error_codes.OPTED_OUT and is_phone(number):
        # First, since consents are locked before texts.
        workspace = Workspace.objects.get(pk=workspace_id)
        key = f"blocked {pk or sid}" if pk or sid else ""
        consent.carrier_blocks(workspace=workspace, number=number, key=key)
    text = None if pk is None else Message.objects.select_for_update(of=("self",)).filter(pk=pk).first()
    if text is not None:
        _keep(text, report, sid)
    if report.error_code in error_codes.UNUSABLE:
        UnusableNumber.objects.get_or_create(
            workspace_id=workspace_id, number=number, defaults={"error_code": report.error_code}
        )


def _keep(text: Message, report: Report, sid: str) -> None:
    state = states.after(text.state, report.state)
    text.sid = text.sid or sid or None
    if state != text.state:
        text.state, text.error_code = state, report.error_code
        # A worker that was stopped before it could call may have put the text back; the carrier knows better.
        text.handed_over_at = text.handed_over_at or now()
        text.over_at = now() if state in FINAL else None
    text.save(update_fields=["sid", "state", "error_code", "handed_over_at", "over_at"])


def _find(texting: Texting, sid: str, public_id: str) -> Message | None:
    sent = Message.objects.filter(workspace=texting.workspace_id, direction=Direction.OUT)
    if found := sent.filter(sid=sid).first():
        return found
    try:
        return sent.filter(public_id=UUID(public_id), sid=None).first()
    except ValueError:
        return None
