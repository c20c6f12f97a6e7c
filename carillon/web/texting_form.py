"""The form of the Texting page, and how many parts its texts have."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django import forms
from django.conf import settings

from carillon.lib.errors import CarillonError
from carillon.messaging.actions import TextingDraft
from carillon.messaging.models import AnswersHelp, CarrierKind, Confirms
from carillon.messaging.parts import parts_of
from carillon.web.forms import PageForm

_PLAIN = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
_HOURS = [(hour, f"{hour:02}:00") for hour in range(25)]


def _carriers() -> list[tuple[str, str]]:
    return [
        (kind.value, str(kind.label))
        for kind in CarrierKind
        if kind != CarrierKind.SIMULATED or settings.ALLOW_LOCAL_ORG
    ]


@dataclass(frozen=True, slots=True)
class Length:
    """How long a text is, in words. `foreign`: the characters that make it shorter for the same price."""

    sentence: str
    foreign: str


def length_of(text: str) -> Length:
    parts = parts_of("\n".join(text.split("\r\n")).strip())
    count = "1 part" if parts.count == 1 else f"{parts.count} parts"
    units = "1 character" if parts.units == 1 else f"{parts.units} characters"
    return Length(f"{count}, {units}", " ".join(parts.foreign[:10]))


class TextingForm(PageForm):
    carrier = forms.ChoiceField(choices=_carriers)
    account_sid = forms.CharField(
        label="Account SID",
        required=False,
        max_length=100,
        help_text="On the first page of the Twilio console. Begins with AC.",
        widget=forms.TextInput(attrs=_PLAIN),
    )
    auth_token = forms.CharField(
        label="Auth token",
        required=False,
        max_length=100,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    messaging_service_sid = forms.CharField(
        label="Messaging service SID",
        required=False,
        max_length=100,
        help_text="When texts go out through a messaging service. Begins with MG.",
        widget=forms.TextInput(attrs=_PLAIN),
    )
    numbers = forms.CharField(
        label="Numbers",
        required=False,
        max_length=2000,
        help_text="The numbers texts come from: one number or short code a line. Carillon answers from the number that was"
        " texted, else from the first.",
        widget=forms.Textarea(attrs={**_PLAIN, "rows": 3}),
    )
    public_url = forms.CharField(
        label="Public address",
        max_length=255,
        help_text="Where the carrier reaches Carillon, such as https://carillon.example.org. It signs its calls for"
        " this address, so it must be the same here and there.",
        widget=forms.TextInput(attrs={**_PLAIN, "inputmode": "url"}),
    )
    confirms = forms.ChoiceField(
        label="Who confirms an opt-out",
        choices=Confirms.choices,
        help_text="Twilio answers STOP and its other words by itself. Choose Carillon only when you had that switched off,"
        " or people get two texts.",
    )
    confirmation_text = forms.CharField(
        label="Confirmation of an opt-out",
        max_length=1600,
        help_text="Begins with the name people know you by. Says that no more texts come, and nothing else: no news, no offers.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    answers_help = forms.ChoiceField(
        label="Who answers HELP",
        choices=AnswersHelp.choices,
        help_text="Twilio answers HELP and INFO by itself, unless you had that switched off or the number is toll-free."
        " Leave it to the carrier then, or people get two answers.",
    )
    help_text = forms.CharField(
        label="Answer to HELP",
        max_length=1600,
        help_text="Who you are, where to ask, and how to stop. Goes to whoever texts HELP or INFO.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    quiet_until = forms.TypedChoiceField(label="Texts from", choices=_HOURS[:24], coerce=int)
    quiet_from = forms.TypedChoiceField(label="Texts until", choices=_HOURS[1:], coerce=int)

    def __init__(
        self, draft: TextingDraft, data: Mapping[str, Any] | None = None, *, has_token: bool = False
    ) -> None:
        initial = {**asdict(draft), "numbers": "\n".join(draft.numbers)}
        super().__init__(data, initial=initial)
        self.fields["auth_token"].help_text = (
            "A token is stored, sealed, and is never shown again. Leave this blank to keep it."
            if has_token
            else "Beside the account SID. It is stored sealed and never shown again."
        )

    def refuse(self, error: CarillonError, field: str | None = None) -> None:
        super().refuse(error, field)
        if self.data.get("auth_token"):
            self["auth_token"].help_text = "Not saved, and not shown: type it again."

    def entered(self) -> TextingDraft:
        values = dict(self.cleaned_data)
        values["numbers"] = tuple(values["numbers"].splitlines())
        return TextingDraft(**values)

    @property
    def lengths(self) -> dict[str, Length]:
        names = ("confirmation_text", "help_text")
        return {name: length_of(str(self[name].value() or "")) for name in names}
