"""The Contact Import form: reads what was entered into a SetupDraft and shows a draft's values and errors.

The choices are what the org offers now. A stored or entered field that is not among them stays selected and
is marked, so that nothing is lost or replaced without being said.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from django import forms

from carillon.consent.reading import FieldKind, OptOutField
from carillon.contacts.models import ContactField, FieldType
from carillon.imports.catalog import FieldChoice, SourceFields
from carillon.imports.drafts import STANDARD_FIELDS, AdditionalField, SetupDraft
from carillon.imports.models import Blank, ReportWay
from carillon.imports.opt_out import OptOutChoice, contrary_to_name, retired_values
from carillon.web.forms import PageForm
from carillon.web.schedule_form import ScheduleForm

OPTIONAL = ("first_name_fallback", "user_identification")
ROW = "additional_fields-{}"
ROWS_LIMIT = 100
# Chosen to type the path of a field that is not among the choices.
BY_PATH = "by path"
STALE = "may go stale"
LEFT_OUT = (
    "Imports go on without it, so what is stored of it goes stale. Let the API user see it (field-level security), or"
    " choose another field."
)

Choices = list[tuple[str, Any]]


class SelectWithGreyed(forms.Select):
    """Some of its options can't be chosen."""

    greyed: frozenset[str] = frozenset()

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        if value in self.greyed:
            option["attrs"]["disabled"] = True
        return option


class Offer:
    """What can be chosen: the org's fields, the view's columns first, and the workspace's contact fields."""

    def __init__(self, fields: SourceFields | None, existing: Iterable[ContactField]) -> None:
        self.source = fields
        self.existing = {field.name: field for field in existing}
        self.by_name: dict[str, FieldChoice] = {}
        self.groups: Choices = []
        self.report = fields.report if fields else None
        self.alone = self.report is not None and self.report.way == ReportWay.REPORT_ONLY
        if fields is None:
            return
        self.by_name = {field.name: field for field in fields.choices}
        for heading, group in (
            ("In this report" if fields.report else "In this list view", fields.columns),
            ("Other fields", fields.others),
            ("Related records", fields.related),
        ):
            if group:
                self.groups.append((heading, [(field.name, _described(field)) for field in group]))

    def fields(self, blank: str, current: str) -> Choices:
        options: Choices = [("", blank), *self.groups]
        if current and current not in self.by_name and current != BY_PATH:
            options.insert(1, (current, self._unlisted(current)))
        return options

    def _unlisted(self, name: str) -> str:
        """Not every path is among the choices; a field of the object itself is, unless it is gone."""
        if self.alone or "." not in name:
            where = "not a column of the report" if self.alone else "not offered by the org now"
            return f"{name} ({where})" if self.by_name else name
        return f"{name}, {STALE}"

    def is_left_out(self, name: str) -> bool:
        """A field that imports go on without, where it is optional."""
        known = not self.by_name or name in self.by_name or "." in name
        return bool(name) and name != BY_PATH and not known and not self.alone

    def may_go_stale(self, name: str) -> bool:
        known = self.by_name.get(name)
        return known.may_go_stale if known else "." in name and not self.alone

    def identifications(self, current: str) -> Choices:
        if self.report is None:
            return [(current, current)]
        return [
            (self.report.identification, f"{self.report.identification_label} ({self.report.identification})")
        ]

    def modified(self, current: str) -> Choices:
        """Columns with date and time, and those with the day only: whoever takes one of these is told why not."""
        if self.report is None:
            return [(current, current)]
        times = [(one.name, f"{one.label} ({one.name})") for one in self.report.times]
        day = self.report.day
        days = [(day.name, f"{day.label} ({day.name})")] if day else []
        options: Choices = [("", "Choose a column")]
        options += [
            (heading, group) for heading, group in (("With time", times), ("Day only", days)) if group
        ]
        if current and current not in dict(times + days):
            options.insert(1, (current, f"{current} (not in the report now)"))
        return options

    def contact_fields(self, current: str) -> Choices:
        names = [
            (field.name, f"{field.label} ({field.get_type_display()})") for field in self.existing.values()
        ]
        if current and current not in self.existing:
            names.append((current, current))
        return [("", "A new contact field"), *([("Existing contact fields", names)] if names else [])]


class OptOutForm(PageForm):
    """The field that carries texting consent, and what its values mean. Which of the controls count depends on the
    kind of the field that is chosen."""

    field = forms.CharField(
        required=False,
        label="Field",
        help_text="A checkbox or a picklist that the API user can edit: opt-outs are written to it, too.",
        widget=SelectWithGreyed(attrs={"data-opt-out": True}),
    )
    unchecked_means_opted_in = forms.BooleanField(
        required=False, label="Unchecked means opted in", widget=forms.CheckboxInput(attrs={"role": "switch"})
    )
    opted_in_value = forms.CharField(required=False, label="Opted-in value", widget=forms.Select)
    opted_out_value = forms.CharField(required=False, label="Opted-out value", widget=forms.Select)
    empty_means_opted_in = forms.BooleanField(
        required=False, label="Empty means opted in", widget=forms.CheckboxInput(attrs={"role": "switch"})
    )

    # The field to which the other controls belonged when they were shown.
    shown = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Mapping[str, Any] | None, *, fields: SourceFields | None, **kwargs: Any) -> None:
        super().__init__(_of_the_field(data), prefix="opt_out", **kwargs)
        offered = fields.opt_outs if fields else ()
        current = _value(self, "field")
        self.choice = fields.opt_out(current) if fields and current else None
        widget = self.fields["field"].widget
        if isinstance(widget, SelectWithGreyed):
            widget.choices, widget.greyed = _opt_outs(offered, current, self.choice)
        for name in ("opted_in_value", "opted_out_value"):
            _choose(self, name, _values(self.choice, _value(self, name)))

    @property
    def kind(self) -> str:
        """Of the field that is chosen; what was saved where the org can't be asked."""
        if self.choice:
            return self.choice.kind.value if self.choice.kind else ""
        name = _value(self, "field")
        known: str = self.initial.get("kind", "") if name and name == self.initial.get("field") else ""
        return known

    @property
    def retired(self) -> list[str]:
        return retired_values(self.entered(), self.choice)

    @property
    def contrary(self) -> str:
        return contrary_to_name(self.entered(), self.choice)

    def entered(self) -> OptOutField:
        name = _value(self, "field")
        if not name:
            return OptOutField()
        if self.kind == FieldKind.PICKLIST:
            return OptOutField(
                name,
                FieldKind.PICKLIST,
                True,
                _value(self, "opted_in_value"),
                _value(self, "opted_out_value"),
                bool(self["empty_means_opted_in"].value()),
            )
        return OptOutField(name, FieldKind.CHECKBOX, bool(self["unchecked_means_opted_in"].value()))


def _of_the_field(data: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """What was entered, without what was entered for another field."""
    if data is None or data.get("opt_out-shown") in (None, data.get("opt_out-field")):
        return data
    return {"opt_out-field": data.get("opt_out-field", ""), "opt_out-unchecked_means_opted_in": "on"}


def _opt_outs(
    offered: Iterable[OptOutChoice], current: str, chosen: OptOutChoice | None
) -> tuple[Choices, frozenset[str]]:
    """What can be chosen, and what is shown greyed with the reason."""
    groups: dict[str, list[tuple[str, str]]] = {
        heading: [] for heading in ("Likely", "Other checkboxes", "Other picklists", "Can't be used")
    }
    headings = {FieldKind.CHECKBOX: "Other checkboxes", FieldKind.PICKLIST: "Other picklists"}
    for one in offered:
        heading = headings[one.kind] if one.kind else "Can't be used"
        reason = f": {one.why_not}" if one.kind is None else ""
        groups["Likely" if one.is_likely else heading].append((one.name, f"{one.label} ({one.name}){reason}"))
    options: Choices = [("", "None"), *((name, group) for name, group in groups.items() if group)]
    if current and chosen is None:
        options.insert(1, (current, f"{current} (not offered by the org now)"))
    return options, frozenset(one.name for one in offered if one.kind is None and one.name != current)


def _values(chosen: OptOutChoice | None, current: str) -> Choices:
    values = (
        [(value, value if value == label else f"{label} ({value})") for value, label in chosen.values]
        if chosen
        else []
    )
    if current and current not in dict(values):
        values.append((current, f"{current} (not active now)" if chosen else current))
    return [("", "Choose a value"), *values]


class StandardFieldsForm(PageForm):
    enabled = forms.BooleanField(
        required=False,
        help_text="Only an enabled import runs. Switch it off to pause it: people stay as they are.",
        widget=forms.CheckboxInput(attrs={"role": "switch"}),
    )
    first_name = forms.CharField(
        required=False,
        label="First Name",
        help_text="What people are called. A preferred name is a good choice.",
        widget=forms.Select,
    )
    first_name_fallback = forms.CharField(
        required=False,
        label="First Name fallback",
        help_text="Used for people whose First Name field is blank.",
        widget=forms.Select,
    )
    last_name = forms.CharField(required=False, label="Last Name", widget=forms.Select)
    mobile_number = forms.CharField(
        required=False,
        label="Mobile Number",
        help_text="The number that is texted, in whatever format it was typed.",
        widget=forms.Select,
    )
    user_identification = forms.CharField(
        required=False,
        label="User Identification",
        help_text="Says to whom a person is assigned: the User ID of a member. A blank takes the assignment away.",
        widget=forms.Select,
    )

    def __init__(self, *args: Any, offer: Offer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in STANDARD_FIELDS:
            blank = "None" if name in OPTIONAL else "Choose a field"
            _choose(self, name, offer.fields(blank, _value(self, name)))
            if name in OPTIONAL and offer.is_left_out(_value(self, name)):
                self[name].help_text = LEFT_OUT


class ReportForm(PageForm):
    """The two standard fields that only a report has; the second one only where it is read alone."""

    contact_identification = forms.CharField(
        required=False,
        label="Contact Identification",
        help_text="The column with the record's id: it says which person a row is about.",
        widget=forms.Select,
    )
    last_modified = forms.CharField(
        required=False,
        label="Last Modified",
        help_text="The column with date and time of a person's last change: it says whom to read again.",
        widget=forms.Select,
    )

    def __init__(self, *args: Any, offer: Offer, alone: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        identification = _value(self, "contact_identification")
        _choose(self, "contact_identification", offer.identifications(identification))
        if alone:
            _choose(self, "last_modified", offer.modified(_value(self, "last_modified")))
        else:
            del self.fields["last_modified"]


class AdditionalFieldForm(PageForm):
    salesforce = forms.CharField(
        required=False, label="Salesforce field", widget=forms.Select(attrs={"data-salesforce": True})
    )
    path = forms.CharField(
        required=False,
        max_length=255,
        label="Its path",
        help_text="From relationship to relationship, up to five.",
        widget=forms.TextInput(
            attrs={"placeholder": "Account.Owner.Email", "data-for-path": BY_PATH, "spellcheck": "false"}
        ),
    )
    contact_field = forms.CharField(
        required=False, label="Contact field", widget=forms.Select(attrs={"data-contact-field": True})
    )
    label = forms.CharField(
        required=False,
        max_length=80,
        label="New field's name",
        widget=forms.TextInput(attrs={"placeholder": "As in Salesforce", "data-for-new": True}),
    )
    type = forms.CharField(
        required=False,
        label="Type",
        widget=forms.Select(
            choices=[("", "As in Salesforce"), *FieldType.choices], attrs={"data-for-new": True}
        ),
    )
    blank = forms.CharField(
        required=False, label="When it is blank", widget=forms.Select(choices=Blank.choices)
    )

    def __init__(self, *args: Any, offer: Offer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = offer.fields("Choose a field", _value(self, "salesforce"))
        if not offer.alone:
            offered.append((BY_PATH, "Another field, by its path…"))
        _choose(self, "salesforce", offered)
        if offer.is_left_out(_value(self, "salesforce")):
            self["salesforce"].help_text = LEFT_OUT
        _choose(self, "contact_field", offer.contact_fields(_value(self, "contact_field")))

    @property
    def is_blank(self) -> bool:
        return not any(self[name].value() for name in ("salesforce", "path", "contact_field", "label"))


class SetupForm:
    """The standard fields, the rows of additional fields and the schedule, shown and read as one."""

    def __init__(self, draft: SetupDraft, offer: Offer, data: Mapping[str, Any] | None = None) -> None:
        self.draft = draft
        self.offer = offer
        self.errors: list[str] = []
        initial = {name: getattr(draft, name) for name in ("enabled", *STANDARD_FIELDS)}
        self.standard = StandardFieldsForm(data, initial=initial, offer=offer)
        self.report = self._report_form(data) if draft.of_report else None
        known = {**asdict(draft.opt_out), "kind": draft.opt_out.kind.value}
        self.opt_out = OptOutForm(data, initial=known, fields=offer.source)
        self.schedule = ScheduleForm(draft, data)
        self.rows = self._shown_rows() if data is None else self._entered_rows(data)

    def _report_form(self, data: Mapping[str, Any] | None) -> ReportForm:
        initial = {name: getattr(self.draft, name) for name in ("contact_identification", "last_modified")}
        return ReportForm(data, initial=initial, offer=self.offer, alone=self.draft.of_columns)

    @property
    def _parts(self) -> list[PageForm]:
        return [
            self.standard,
            *([self.report] if self.report else []),
            self.opt_out,
            self.schedule,
            *self.rows,
        ]

    @property
    def needs_guide(self) -> bool:
        """Whether a report that is read alone lacks, or was refused, its Last Modified."""
        if self.report is None or not self.draft.of_columns or self.offer.report is None:
            return False
        return not self.offer.report.times or bool(self.report.errors.get("last_modified"))

    def _row(self, number: int, **kwargs: Any) -> AdditionalFieldForm:
        return AdditionalFieldForm(prefix=ROW.format(number), offer=self.offer, **kwargs)

    def _shown_rows(self) -> list[AdditionalFieldForm]:
        rows = []
        for number, field in enumerate(self.draft.additional_fields):
            stored = field.contact_field in self.offer.existing
            initial = {
                "salesforce": field.salesforce,
                "contact_field": field.contact_field if stored else "",
                "label": "" if stored else field.label,
                "type": "" if stored else field.type,
                "blank": field.blank,
            }
            rows.append(self._row(number, initial=initial))
        return rows

    def _entered_rows(self, data: Mapping[str, Any]) -> list[AdditionalFieldForm]:
        try:
            count = min(int(data.get("additional_fields-count", "0")), ROWS_LIMIT)
        except ValueError:
            count = 0
        return [self._row(number, data=data) for number in range(count)]

    def is_valid(self) -> bool:
        # Each is asked, so that all faults are shown at once.
        faulty = [part for part in self._parts if not part.is_valid()]
        return not faulty

    @property
    def has_faults(self) -> bool:
        return any(part.errors for part in self._parts)

    def entered(self) -> SetupDraft:
        """What was entered, as a draft. Rows left wholly blank are dropped."""
        values: dict[str, Any] = {name: str(self.standard[name].value() or "") for name in STANDARD_FIELDS}
        if self.report:
            values |= {name: str(self.report[name].value() or "") for name in self.report.fields}
        rows = tuple(self._additional(row) for row in self.rows if not row.is_blank)
        draft = replace(
            self.draft,
            enabled=bool(self.standard["enabled"].value()),
            opt_out=self.opt_out.entered(),
            additional_fields=rows,
            **values,
        )
        return self.schedule.into(draft)

    def _additional(self, row: AdditionalFieldForm) -> AdditionalField:
        salesforce, path, name, label, kind, blank = (
            str(row[part].value() or "").strip()
            for part in ("salesforce", "path", "contact_field", "label", "type", "blank")
        )
        salesforce = path if salesforce in ("", BY_PATH) else salesforce
        blank = blank or Blank.CLEAR.value
        if known := self.offer.existing.get(name):
            return AdditionalField(salesforce, known.name, known.label, known.type, blank)
        choice = self.offer.by_name.get(salesforce)
        label = label or (choice.label if choice else salesforce)
        return AdditionalField(salesforce, name or slug(label), label, kind, blank)

    @property
    def stale_fields(self) -> list[str]:
        """Mapped fields that can change without their record being touched."""
        draft = self.draft if not self.standard.is_bound else self.entered()
        names = [
            *(getattr(draft, name) for name in STANDARD_FIELDS),
            *(row.salesforce for row in draft.additional_fields),
        ]
        return [name for name in dict.fromkeys(names) if name and self.offer.may_go_stale(name)]

    def show_errors(self, errors: Mapping[str, str]) -> None:
        """Puts each error beside its control; keys are those of SetupInvalid."""
        filled = [row for row in self.rows if not row.is_blank]
        for key, sentence in errors.items():
            part, _, rest = key.partition(".")
            number, _, field = rest.partition(".")
            if part in self.standard.fields:
                self.standard.add_error(part, sentence)
            elif part == "opt_out":
                self.opt_out.add_error(rest if rest in self.opt_out.fields else "field", sentence)
            elif self.report and part in self.report.fields:
                self.report.add_error(part, sentence)
            elif part in self.schedule.fields and self.schedule.is_bound:
                self.schedule.add_error(part, sentence)
            elif part == "additional_fields" and number.isdecimal() and int(number) < len(filled):
                row = filled[int(number)]
                row.add_error(field if field in row.fields else None, sentence)
            else:
                self.errors.append(sentence)

    def with_row_added(self) -> "SetupForm":
        draft = self.entered()
        rows = (*draft.additional_fields, AdditionalField("", "", "", ""))
        form = SetupForm(replace(draft, additional_fields=rows), self.offer)
        form.rows[-1].fields["salesforce"].widget.attrs["autofocus"] = True
        return form

    def with_row_removed(self, number: int) -> "SetupForm":
        self.rows = [row for position, row in enumerate(self.rows) if position != number]
        return SetupForm(self.entered(), self.offer)


def _described(field: FieldChoice) -> str:
    described = f"{field.label} ({field.name})"
    return f"{described}, {STALE}" if field.may_go_stale else described


def slug(label: str) -> str:
    """A contact field's name made from its label: lower case letters, digits and underscores."""
    name = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")
    return (name if name[:1].isalpha() else f"field_{name}".rstrip("_"))[:40]


def _value(form: PageForm, name: str) -> str:
    return str(form[name].value() or "")


def _choose(form: PageForm, name: str, choices: Choices) -> None:
    widget = form.fields[name].widget
    if isinstance(widget, forms.Select):
        widget.choices = choices
