"""Forms check dictionaries and nothing else; saving is the actions' part. Choices come from the domain's enums."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from carillon.accounts.actions import LONGEST_DAYS
from carillon.accounts.models import Member, Role
from carillon.connections.actions import MOST_CALLS, Allowance
from carillon.lib.errors import CarillonError


class PageForm(forms.Form):
    """Gives every control the look of the page and keeps labels free of a trailing colon."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.setdefault("class", _class_of(field.widget))

    def refuse(self, error: CarillonError, field: str | None = None) -> None:
        """Shows why an action refused: beside `field`, or above the form."""
        known = field if field in self.fields else None
        self.add_error(known, str(error))


def _class_of(widget: forms.Widget) -> str:
    if isinstance(widget, forms.CheckboxInput):
        return "form-check-input"
    return "form-select" if isinstance(widget, forms.Select) else "form-control"


class SignInForm(PageForm):
    # Named as the sign-in throttle expects it.
    username = forms.EmailField(
        label="E-mail", widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
    )
    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}), strip=False
    )

    def clean_username(self) -> str:
        return str(self.cleaned_data["username"]).strip().lower()


class NewPasswordForm(PageForm):
    password = forms.CharField(
        label="New password",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        strip=False,
        help_text="At least 12 characters. Several unrelated words are easy to remember and hard to guess.",
    )
    repeated = forms.CharField(
        label="New password again",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        strip=False,
    )

    def __init__(self, member: Member, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.member = member

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        validate_password(password, self.member)
        return password

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if "password" in values and values["password"] != values.get("repeated"):
            self.add_error("repeated", "The two passwords differ. Type the same one twice.")
        return values


class ChangePasswordForm(NewPasswordForm):
    current = forms.CharField(
        label="Current password",
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        strip=False,
    )
    field_order = ("current", "password", "repeated")

    def clean_current(self) -> str:
        current = str(self.cleaned_data["current"])
        if not self.member.check_password(current):
            raise ValidationError("This is not your current password.")
        return current


class ConnectionForm(PageForm):
    host = forms.CharField(
        label="My Domain host",
        max_length=255,
        help_text="For example acme.my.salesforce.com. In Salesforce: Setup, My Domain, Current My Domain URL.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none", "inputmode": "url"}
        ),
    )
    client_id = forms.CharField(
        label="Client id",
        max_length=255,
        help_text="Called Consumer Key in Salesforce.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
        ),
    )
    client_secret = forms.CharField(
        label="Client secret",
        max_length=500,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, has_secret: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["client_secret"].help_text = (
            "A secret is stored, sealed, and is never shown again. Leave this blank to keep it."
            if has_secret
            else "Called Consumer Secret in Salesforce. It is stored sealed and never shown again."
        )


class BudgetForm(PageForm):
    cap = forms.IntegerField(
        label="Imports may use, in 24 hours",
        min_value=1,
        max_value=MOST_CALLS,
        help_text="Contacts and Leads together. An import that would take more is postponed.",
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    unit = forms.ChoiceField(
        label="Counted in",
        choices=[("percent", "percent of what the org allows"), ("calls", "API calls")],
    )
    reserve = forms.IntegerField(
        label="Kept for opt-outs, in API calls",
        min_value=0,
        max_value=MOST_CALLS,
        help_text="Imports stop before the org has fewer calls left than this, so that somebody's STOP always gets"
        " through to Salesforce.",
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )

    @classmethod
    def of(cls, allowance: Allowance) -> "BudgetForm":
        by_percent = allowance.cap_percent is not None
        return cls(
            initial={
                "cap": allowance.cap_percent if by_percent else allowance.cap_calls,
                "unit": "percent" if by_percent else "calls",
                "reserve": allowance.reserve,
            }
        )

    def allowance(self) -> Allowance:
        """What was entered, once it is valid."""
        values = self.cleaned_data
        by_percent = values["unit"] == "percent"
        return Allowance(
            values["cap"] if by_percent else None, None if by_percent else values["cap"], values["reserve"]
        )


class MemberForm(PageForm):
    role = forms.ChoiceField(
        choices=Role.choices,
        help_text="Admins set the integration up. Texters see contacts. Auditors read every page, change nothing.",
    )
    user_id = forms.CharField(
        label="User ID",
        required=False,
        max_length=100,
        help_text="The value that User Identification holds in Salesforce for this person, often a Salesforce "
        "user id or an e-mail. It connects contacts with the member they are assigned to. Capitals count in Salesforce ids only.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class InviteForm(MemberForm):
    email = forms.EmailField(
        label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    field_order = ("email", "role", "user_id")


class EraseForm(PageForm):
    understood = forms.BooleanField(
        label="I understand that this can't be undone",
        error_messages={"required": "Tick this first: there is no way back."},
    )


def _days(label: str, hint: str) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        help_text=hint,
        min_value=1,
        max_value=LONGEST_DAYS,
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value", "max_value"),
            f"Give a number of days from 1 to {LONGEST_DAYS:,}.",
        ),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )


class RetentionForm(PageForm):
    issues_days = _days(
        "Issues, in days",
        "Records that could not be taken as they were, counted from the end of their import.",
    )
    runs_days = _days(
        "Imports, in days",
        "Their counts and issues, and scheduled starts that were missed or skipped. The last import of each"
        " object stays in any case.",
    )
    changes_days = _days(
        "Changes of contacts, in days", "What imports changed, as each contact's page lists it."
    )
    texts_days = _days(
        "Texts, in days",
        "What people and Carillon texted. What a text said about consent is kept beyond that.",
    )
