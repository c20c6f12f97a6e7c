"""Checks a draft of a setup against what the org offers. Finds every fault at once, each beside its field."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol
from zoneinfo import available_timezones

from carillon.accounts.models import Workspace
from carillon.consent.queries import opt_out_field
from carillon.consent.reading import OptOutField
from carillon.contacts.models import ContactField, FieldType
from carillon.imports import opt_out
from carillon.imports.catalog import (
    ReportOffer,
    SourceChoice,
    SourceFields,
    SourceUnusable,
    fields_of,
    find_source,
    source_fields,
)
from carillon.imports.drafts import REPORT_PARTS, STANDARD_FIELDS, AdditionalField, SetupDraft
from carillon.imports.models import Blank, ReportWay, SourceType
from carillon.imports.planning import Field
from carillon.imports.report_catalog import find_report, report_fields
from carillon.imports.time_zones import not_a_zone
from carillon.imports.values import contact_types, why_not
from carillon.imports.windows import WINDOWS
from carillon.lib.errors import CarillonError

LONGEST_LABEL = 80
_REQUIRED = {"first_name": "First Name", "last_name": "Last Name", "mobile_number": "Mobile Number"}
_TEXT_TYPES = frozenset(
    {"string", "phone", "textarea", "picklist", "combobox", "email", "url", "encryptedstring"}
)
_IN_WORDS = {
    "double": "numbers",
    "int": "whole numbers",
    "currency": "amounts of money",
    "percent": "percentages",
    "boolean": "a checkbox",
    "string": "text",
    "textarea": "long text",
    "datetime": "dates with time",
    "date": "dates",
    "picklist": "one choice of a list",
    "multipicklist": "several choices of a list",
    "reference": "the id of another record",
}
# Names of columns that contacts have anyway; a download could not tell them apart.
RESERVED = frozenset(
    [
        "salesforce_id",
        "object",
        "first_name",
        "last_name",
        "mobile_number",
        "mobile_as_given",
        "user_identification",
        "consent",
        "in_source",
        "source_modified_at",
        "left_source_at",
        "absence",
        "former_ids",
    ]
)


class SetupInvalid(CarillonError):
    """`errors` maps the place (source, first_name, additional_fields.0.type, ...) to a sentence."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(f"{place}: {sentence}" for place, sentence in errors.items()))
        self.errors = dict(errors)


@dataclass(frozen=True, slots=True)
class Checked:
    """The draft's fields as describe spells them, by the name that was entered."""

    fields: dict[str, Field]

    def additional(self, entered: AdditionalField, existing: Mapping[str, str]) -> AdditionalField:
        field = self.fields[entered.salesforce]
        return replace(entered, salesforce=field.name, type=_type_of(entered, field, existing))

    def name(self, entered: str) -> str:
        return self.fields[entered].name if entered else ""


@dataclass(frozen=True, slots=True)
class CheckedSetup:
    """A draft that can be imported: its source by id, its fields as describe spells them."""

    draft: SetupDraft
    source: SourceChoice


class Lookup(Protocol):
    """Finds what can be mapped by its name."""

    def find(self, name: str) -> Field | None: ...


class OfferedColumns:
    """The columns of a report that can be mapped."""

    def __init__(self, offered: SourceFields) -> None:
        self._offered = offered

    def find(self, name: str) -> Field | None:
        choice = self._offered.find(name)
        return Field(choice.name, choice.label, choice.salesforce_type) if choice else None


def check_setup(workspace: Workspace, object: str, draft: SetupDraft) -> CheckedSetup:  # noqa: A002
    """Checks the draft with the org, as before saving. Raises SetupInvalid, SalesforceError, CarillonError."""
    existing = dict(ContactField.objects.filter(workspace=workspace).values_list("name", "type"))
    draft, offered = _with_source(workspace, object, draft)
    draft, consent_faults = _with_opt_out(draft, offered, opt_out_field(workspace, object))
    if draft.of_columns:
        checked = check_draft(draft, OfferedColumns(offered), existing, offered.report, consent_faults)
    else:
        with fields_of(workspace, object) as fields:
            checked = check_draft(draft, fields, existing, offered.report, consent_faults)
    additional = tuple(checked.additional(one, existing) for one in draft.additional_fields)
    names: dict[str, Any] = {name: checked.name(getattr(draft, name)) for name in STANDARD_FIELDS}
    return CheckedSetup(replace(draft, additional_fields=additional, **names), offered.source)


def _with_source(workspace: Workspace, object: str, draft: SetupDraft) -> tuple[SetupDraft, SourceFields]:  # noqa: A002
    """The draft with its source by id and a report's columns found, and what the source offers."""
    faults = {}
    if draft.source_type not in SourceType.values:
        faults["source_type"] = f"{draft.source_type} is no kind of source: choose a list view or a report."
    if draft.source_way not in ("", *ReportWay.values):
        faults["source_way"] = f"{draft.source_way} is no way to read a report."
    if faults:
        raise SetupInvalid(faults)
    try:
        if not draft.of_report:
            source = find_source(workspace, object, draft.source)
            offered = source_fields(workspace, object, source.id)
            bare: dict[str, Any] = dict.fromkeys(REPORT_PARTS, "") | {
                "source_type": SourceType.LIST_VIEW.value
            }
            return replace(draft, source=source.id, **bare), offered
        source = find_report(workspace, draft.source)
        offered = report_fields(workspace, object, source.id, draft.source_way)
    except SourceUnusable as error:
        raise SetupInvalid({"source": str(error)}) from None
    draft = replace(draft, source=source.id, source_way=draft.source_way or ReportWay.BY_IDS.value)
    if report := offered.report:
        draft = replace(
            draft,
            contact_identification=draft.contact_identification or report.identification,
            last_modified=draft.last_modified or report.modified,
        )
    return draft if draft.of_columns else replace(draft, last_modified=""), offered


def _with_opt_out(
    draft: SetupDraft, offered: SourceFields, kept: OptOutField
) -> tuple[SetupDraft, dict[str, str]]:
    """The draft with its opt-out field as it is kept, and what is wrong with that; `kept` until now."""
    entered = draft.opt_out
    if not entered.field:
        return replace(draft, opt_out=OptOutField()), {}
    choice = offered.opt_out(entered.field)
    found = opt_out.faults(entered, choice, kept)
    wrong = {f"opt_out.{part}": sentence for part, sentence in found.items()}
    if wrong or choice is None:
        return draft, wrong
    return replace(draft, opt_out=opt_out.fitting(entered, choice)), {}


def check_draft(
    draft: SetupDraft,
    fields: Lookup,
    existing: Mapping[str, str],
    report: ReportOffer | None = None,
    faults: Mapping[str, str] | None = None,
) -> Checked:
    """`existing` maps names of contact fields to their types; `faults` were found before. Raises SetupInvalid with all
    faults."""
    errors: dict[str, str] = {**(_report_faults(draft, report) if report else {}), **(faults or {})}
    found: dict[str, Field] = {}

    def find(place: str, entered: str) -> Field | None:
        field = fields.find(entered)
        if field is None:
            errors[place] = (
                f"{entered} is no column of the report that can be mapped."
                if draft.of_columns
                else f"{entered} does not exist, or the API user can't see it."
            )
        else:
            found[entered] = field
        return field

    for name in STANDARD_FIELDS:
        entered = getattr(draft, name)
        if entered:
            field = find(name, entered)
            if field and (fault := _standard_fault(name, field)):
                errors[name] = fault
        elif name in _REQUIRED:
            errors[name] = f"{_REQUIRED[name]} is required: choose the field it comes from."
    for index, additional in enumerate(draft.additional_fields):
        place = f"additional_fields.{index}"
        field = find(f"{place}.salesforce", additional.salesforce) if additional.salesforce else None
        if not additional.salesforce:
            errors[f"{place}.salesforce"] = "Choose the Salesforce field, or remove this row."
        _check_additional(place, additional, field, existing, errors)
        _check_blank(place, additional, errors)
    _check_repeated(draft, errors)
    _check_schedule(draft, errors)
    if errors:
        raise SetupInvalid(errors)
    return Checked(found)


def _report_faults(draft: SetupDraft, report: ReportOffer) -> dict[str, str]:
    """What is wrong with the columns that hold a record's id and its last change."""
    faults = {}
    if draft.contact_identification != report.identification:
        faults["contact_identification"] = (
            f"{draft.contact_identification} does not hold the ids of the people. Choose"
            f" {report.identification_label} ({report.identification})."
        )
    if draft.of_columns and draft.last_modified not in {one.name for one in report.times}:
        faults["last_modified"] = _modified_fault(draft, report)
    return faults


def _modified_fault(draft: SetupDraft, report: ReportOffer) -> str:
    if report.times and not draft.last_modified:
        return "Last Modified is required: choose the column with date and time of a person's last change."
    what = draft.last_modified or (report.day.label if report.day else "")
    day = f"{what} shows the day only, which can't tell two changes of one day apart. " if what else ""
    if report.times:
        return f"{day}Choose {report.times[0].label} ({report.times[0].name})."
    return (
        f"{day}The report has no column with date and time of a person's last change. Add one, as"
        " 'How to get Last Modified with its time' says, and check again; or choose"
        " 'Ids from the report, fields by query', which needs none."
    )


def _standard_fault(name: str, field: Field) -> str:
    if (
        name in ("first_name", "first_name_fallback", "last_name", "mobile_number")
        and field.type not in _TEXT_TYPES
    ):
        return f"{field.label} ({field.name}) holds no text ({field.type}), so it can't be used here."
    if not contact_types(field.type):
        return f"{field.label} ({field.name}) can't be used here: {why_not(field.type)}."
    return ""


def _check_additional(
    place: str,
    additional: AdditionalField,
    field: Field | None,
    existing: Mapping[str, str],
    errors: dict[str, str],
) -> None:
    name, kind = additional.contact_field, _type_of(additional, field, existing)
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        errors[f"{place}.contact_field"] = (
            "Give the contact field a name of lower-case letters, digits and underscores, such as program."
        )
    elif name in RESERVED:
        errors[f"{place}.contact_field"] = f"{name} is the name of a standard field: choose another."
    if len(additional.label) > LONGEST_LABEL:
        errors[f"{place}.label"] = f"Shorten the label to {LONGEST_LABEL} characters."
    if kind not in FieldType.values:
        errors[f"{place}.type"] = f"Choose one of {', '.join(FieldType.values)}."
    elif existing.get(name, kind) != kind:
        errors[f"{place}.type"] = (
            f"The contact field {name} exists and is of type {existing[name]}: give that type, or another name."
        )
    elif field is not None and not contact_types(field.type):
        errors[f"{place}.salesforce"] = f"{field.name} can't be mapped: {why_not(field.type)}."
    elif field is not None and kind not in contact_types(field.type):
        fitting = ", ".join(contact_types(field.type))
        errors[f"{place}.type"] = (
            f"{field.name} holds {_IN_WORDS.get(field.type, field.type)}; contact field types that fit it: {fitting}."
        )


def _type_of(additional: AdditionalField, field: Field | None, existing: Mapping[str, str]) -> str:
    """What was entered; else that of the contact field there is, or the natural one of the Salesforce field."""
    natural = (*(contact_types(field.type) if field else ()), FieldType.TEXT.value)
    return additional.type or existing.get(additional.contact_field, natural[0])


def _check_blank(place: str, additional: AdditionalField, errors: dict[str, str]) -> None:
    if additional.blank not in Blank.values:
        errors[f"{place}.blank"] = (
            f"Say what a blank in Salesforce does: {' or '.join(Blank.values)} what is stored."
        )


def _check_repeated(draft: SetupDraft, errors: dict[str, str]) -> None:
    seen: set[str] = set()
    for index, additional in enumerate(draft.additional_fields):
        if additional.contact_field in seen:
            errors.setdefault(
                f"additional_fields.{index}.contact_field",
                f"The contact field {additional.contact_field} is filled by another row already.",
            )
        seen.add(additional.contact_field)


def _check_schedule(draft: SetupDraft, errors: dict[str, str]) -> None:
    if draft.timezone not in available_timezones():
        errors["timezone"] = not_a_zone(draft.timezone)
    unknown = [window for window in draft.windows if window not in WINDOWS]
    if unknown:
        errors["windows"] = f"{unknown[0]!r} is not an import window; they are {', '.join(WINDOWS)}."
    elif len(set(draft.windows)) != len(draft.windows):
        errors["windows"] = "The same import window is given twice."
