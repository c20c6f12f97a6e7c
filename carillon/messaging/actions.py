"""Changes of the Texting page, each with its audit entry; the auth token and the webhooks' token never enter one."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

from django.conf import settings
from django.db import transaction

from carillon.accounts.actions import audit
from carillon.accounts.models import Member, Workspace
from carillon.connections.models import SalesforceConnection
from carillon.lib import phones
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from carillon.messaging import addresses, credentials
from carillon.messaging.carriers import twilio
from carillon.messaging.models import AnswersHelp, CarrierKind, Confirms, Texting
from carillon.messaging.parts import parts_of

# Carriers' guidelines: what a program says by itself stays short.
MOST_PARTS = 2
SIMULATED_NUMBER = "+12025550100"
# How many digits a short code has.
SHORT_CODE = (5, 6)


class TextingInvalid(CarillonError):
    """What was entered cannot be saved; `field` is one of TextingDraft's, or auth_token. `others` are wrong as well."""

    def __init__(self, field: str, sentence: str, remedy: str = "") -> None:
        super().__init__(sentence, remedy)
        self.field = field
        self.others: tuple[TextingInvalid, ...] = ()


class _Faults:
    """Gathers what is wrong in each `with` block, to tell all of it at once."""

    def __init__(self) -> None:
        self._found: list[TextingInvalid] = []

    @contextmanager
    def gathered(self) -> Iterator[None]:
        try:
            yield
        except TextingInvalid as error:
            self._found += [error, *error.others]

    def raise_them(self) -> None:
        """Raises the first of them with the others, if there are any."""
        if self._found:
            first, *others = self._found
            first.others = tuple(others)
            raise first


@dataclass(frozen=True, slots=True)
class TextingDraft:
    """The Texting page as entered. `numbers` as people type them; `auth_token` empty keeps the one stored."""

    carrier: str
    public_url: str
    help_text: str
    confirmation_text: str
    account_sid: str = ""
    auth_token: str = field(default="", repr=False)
    messaging_service_sid: str = ""
    numbers: tuple[str, ...] = ()
    confirms: str = Confirms.CARRIER
    answers_help: str = AnswersHelp.WE
    quiet_until: int = 8
    quiet_from: int = 21


def suggested(workspace: Workspace, email: str) -> TextingDraft:
    """What the page shows before anything is saved. People know the name of the org rather than that of the workspace;
    `email` is where they can ask."""
    connection = SalesforceConnection.objects.filter(workspace=workspace).first()
    name = (connection.org_name if connection else "") or workspace.name
    return TextingDraft(
        carrier=CarrierKind.TWILIO,
        public_url=settings.PUBLIC_URL,
        help_text=f"{name}: ask {email}. Reply STOP to get no more texts. Message and data rates may apply.",
        confirmation_text=f"{name}: you get no more texts from us. Reply START to get them again.",
    )


def draft_of(texting: Texting) -> TextingDraft:
    return TextingDraft(
        carrier=texting.carrier,
        public_url=texting.public_url,
        help_text=texting.help_text,
        confirmation_text=texting.confirmation_text,
        account_sid=texting.account_sid,
        messaging_service_sid=texting.messaging_service_sid,
        numbers=tuple(texting.numbers),
        confirms=texting.confirms,
        answers_help=texting.answers_help,
        quiet_until=texting.quiet_until,
        quiet_from=texting.quiet_from,
    )


@transaction.atomic
def save_texting(*, workspace: Workspace, draft: TextingDraft, by: Member | None) -> Texting:
    """Raises TextingInvalid."""
    existing = Texting.objects.select_for_update().filter(workspace=workspace).first()
    texting = existing or Texting(workspace=workspace, path_token=credentials.new_path_token())
    before = _told(draft_of(existing)) if existing else None
    replaced = _set_all(texting, draft)
    after = _told(draft_of(texting))
    if after == before and not replaced:
        return texting
    texting.updated_at = now()
    texting.save()
    detail = {"before": before, "after": after, "auth_token": "replaced" if replaced else "kept"}
    audit(workspace, by, "texting saved", texting.get_carrier_display(), detail)
    return texting


@transaction.atomic
def rotate_path_token(*, texting: Texting, by: Member | None) -> None:
    """New addresses for the webhooks; calls to the old ones are not found from now on."""
    token = credentials.new_path_token()
    Texting.objects.filter(pk=texting.pk).update(path_token=token, updated_at=now())
    texting.path_token = token
    audit(texting.workspace, by, "webhook addresses replaced", texting.get_carrier_display())


def _told(draft: TextingDraft) -> dict[str, object]:
    return {name: value for name, value in asdict(draft).items() if name != "auth_token"}


def _set_all(texting: Texting, draft: TextingDraft) -> bool:
    """Whether the auth token was replaced."""
    faults, replaced = _Faults(), False
    with faults.gathered():
        replaced = _set_carrier(texting, draft)
    with faults.gathered():
        texting.numbers = _numbers(texting.workspace, draft)
    with faults.gathered():
        texting.public_url = _public_url(draft.public_url)
    with faults.gathered():
        texting.confirmation_text = _own_words("confirmation_text", draft.confirmation_text)
    with faults.gathered():
        texting.help_text = _own_words("help_text", draft.help_text)
    with faults.gathered():
        texting.quiet_until, texting.quiet_from = _hours(draft)
    faults.raise_them()
    texting.confirms, texting.answers_help = Confirms(draft.confirms), AnswersHelp(draft.answers_help)
    return replaced


def _set_carrier(texting: Texting, draft: TextingDraft) -> bool:
    """Whether the auth token was replaced."""
    if draft.carrier not in CarrierKind.values:
        raise TextingInvalid("carrier", "There is no such carrier.", "Choose one of the list.")
    moved = texting.carrier != draft.carrier
    texting.carrier = CarrierKind(draft.carrier)
    if texting.carrier == CarrierKind.SIMULATED:
        return _set_simulated(texting, moved)
    account_sid, service_sid = draft.account_sid.strip(), draft.messaging_service_sid.strip()
    auth_token, is_other = draft.auth_token.strip(), moved or account_sid != texting.account_sid
    _check_account(account_sid, service_sid, has_token=bool(auth_token) or not is_other)
    texting.account_sid, texting.messaging_service_sid = account_sid, service_sid
    if auth_token:
        credentials.replace_auth_token(texting, auth_token, is_rotated=not is_other)
    return bool(auth_token)


def _check_account(account_sid: str, service_sid: str, *, has_token: bool) -> None:
    faults = _Faults()
    with faults.gathered():
        if not twilio.ACCOUNT_SID.fullmatch(account_sid):
            raise TextingInvalid(
                "account_sid",
                "This is no account SID.",
                "It begins with AC, has 34 characters, and is on the first page of the Twilio console.",
            )
    with faults.gathered():
        if not has_token:
            raise TextingInvalid(
                "auth_token",
                "The auth token is missing.",
                "It stands beside the account SID, and belongs to that account.",
            )
    with faults.gathered():
        if service_sid and not twilio.SERVICE_SID.fullmatch(service_sid):
            raise TextingInvalid(
                "messaging_service_sid",
                "This is no messaging service SID.",
                "It begins with MG, and has 34 characters.",
            )
    faults.raise_them()


def _set_simulated(texting: Texting, moved: bool) -> bool:
    if not settings.ALLOW_LOCAL_ORG:
        raise TextingInvalid(
            "carrier", "The simulated carrier is for demos and tests only.", "Choose Twilio."
        )
    if moved:
        texting.account_sid, texting.messaging_service_sid = f"AC{secrets.token_hex(16)}", ""
        credentials.replace_auth_token(texting, secrets.token_hex(16), is_rotated=False)
    return moved


def _public_url(text: str) -> str:
    try:
        return addresses.check_origin(text, allow_local=settings.ALLOW_LOCAL_ORG)
    except CarillonError as error:
        raise TextingInvalid("public_url", error.sentence, error.remedy) from None


def _numbers(workspace: Workspace, draft: TextingDraft) -> list[str]:
    found = [_number(workspace, typed) for typed in draft.numbers if typed.strip()]
    if found or (draft.carrier == CarrierKind.TWILIO and draft.messaging_service_sid.strip()):
        return list(dict.fromkeys(found))
    if draft.carrier == CarrierKind.SIMULATED:
        return [SIMULATED_NUMBER]
    raise TextingInvalid(
        "numbers", "Nothing says whom texts come from.", "Enter a number, or a messaging service."
    )


def _number(workspace: Workspace, typed: str) -> str:
    typed = typed.strip()
    if typed.isascii() and typed.isdigit() and len(typed) in SHORT_CODE:
        return typed
    if phone := phones.parse(typed, workspace.default_region).e164:
        return phone
    raise TextingInvalid("numbers", f"{typed!r} is no phone number.", "Give one a line, or a short code.")


def _own_words(name: str, text: str) -> str:
    text = "\n".join(text.replace("\0", "").split("\r\n")).strip()
    if not text:
        raise TextingInvalid(name, "This text is empty.", "People must get an answer.")
    parts = parts_of(text)
    if parts.count > MOST_PARTS:
        raise TextingInvalid(
            name, f"This text has {parts.count} parts.", f"Shorten it to {MOST_PARTS} parts at most."
        )
    return text


def _hours(draft: TextingDraft) -> tuple[int, int]:
    if not 0 <= draft.quiet_until < draft.quiet_from <= 24:
        raise TextingInvalid(
            "quiet_from", "The hours leave no time to text in.", "The first must be before the second."
        )
    return draft.quiet_until, draft.quiet_from
