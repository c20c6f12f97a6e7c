"""Forms of consent: what staff write down when they opt somebody out or in, or decide."""

from datetime import date
from typing import Any

from django import forms

from carillon.web.forms import PageForm

LONGEST_REASON = 1000
NO_REASON = "Write down why. It stays in the record of this number."
STAFF = "staff"
WAYS = {"email": "by e-mail", "phone": "by phone", "person": "in person"}

_ASKED = [(way, f"The person asked {words}") for way, words in WAYS.items()]


def _reason(label: str, hint: str, *, required: bool = True) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=hint,
        required=required,
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": NO_REASON},
    )


class OptOutForm(PageForm):
    way = forms.ChoiceField(
        label="Who says so",
        choices=[*_ASKED, (STAFF, "I do, as staff")],
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
        error_messages={"required": "Say who wants this."},
    )
    day = forms.DateField(
        label="When they asked",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="The day of the e-mail, call or talk. Not for what you decide as staff.",
    )
    reason = _reason("Reason", "Such as what the person said, or why you decide it.")

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._today = today
        self.fields["day"].widget.attrs["max"] = today.isoformat()

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        day = values.get("day")
        if values.get("way") in WAYS and "day" not in self.errors:
            if day is None:
                self.add_error("day", "Give the day on which the person asked.")
            elif day > self._today:
                self.add_error("day", "This day has not come yet.")
        return values

    @property
    def requested_on(self) -> date | None:
        """The day of the person's own request; None when it is staff's word."""
        day: date | None = self.cleaned_data["day"]
        return day if self.cleaned_data["way"] in WAYS else None

    @property
    def written_reason(self) -> str:
        way, reason = self.cleaned_data["way"], str(self.cleaned_data["reason"])
        return f"{WAYS[way].capitalize()}: {reason}" if way in WAYS else reason


class OptInForm(PageForm):
    reason = _reason("Reason", "Such as when and how the person asked to be texted again.")


class ReviewForm(PageForm):
    """`seen`: how many lines the number had when the words were read."""

    seen = forms.IntegerField(widget=forms.HiddenInput)
    reason = _reason("Note", "Why you read it like this.", required=False)


class AcceptForm(PageForm):
    reason = _reason("Reason", "How you know that the person wants to be texted again.")


BELIEVED = "believed"


class OptInsForm(PageForm):
    """Held opt-ins under a mapping that is new: which of the two was wrong?"""

    which = forms.ChoiceField(
        label="Which mapping is right",
        choices=[
            (
                BELIEVED,
                "The mapping of now: the one before was wrong, so they are opted back in as their records say",
            ),
            (
                "before",
                "Both: whom staff or the mapping before opted out stays opted out, and Salesforce is corrected to that",
            ),
        ],
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
        error_messages={"required": "Say which mapping is right."},
    )
    reason = _reason(
        "Why the earlier mapping was wrong",
        "For example: the slider was the wrong way round for an hour. It is kept with each of these opt-ins.",
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("which") == BELIEVED and not values.get("reason") and "reason" not in self.errors:
            self.add_error("reason", NO_REASON)
        return values

    @property
    def accepted_because(self) -> str:
        """Empty when the records are not believed."""
        return str(self.cleaned_data["reason"]) if self.cleaned_data["which"] == BELIEVED else ""
