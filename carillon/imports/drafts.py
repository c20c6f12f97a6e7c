"""A setup as it is entered, before anything is checked: on the page, and in a TOML file."""

import hashlib
from dataclasses import dataclass, replace
from typing import Any

from carillon.consent.queries import opt_out_field
from carillon.consent.reading import OptOutField
from carillon.contacts.models import ContactField
from carillon.imports.catalog import FieldChoice, SourceFields
from carillon.imports.models import Blank, FieldMapping, ImportSetup, ReportWay, SourceType
from carillon.imports.windows import EASTERN

DEFAULT_TIMEZONE = EASTERN
STANDARD_FIELDS = ("first_name", "first_name_fallback", "last_name", "mobile_number", "user_identification")
# Where the rest of a source is kept: how a report is read, and two of its columns.
REPORT_PARTS = ("source_type", "source_way", "contact_identification", "last_modified")


NO_OPT_OUT = OptOutField()


@dataclass(frozen=True, slots=True)
class AdditionalField:
    """`contact_field` is the name (slug) of an existing contact field or of one to create; `blank` is what a blank in
    Salesforce does with the stored value. A `type` of "" is that of the contact field there is, else the natural one of
    the Salesforce field."""

    salesforce: str
    contact_field: str
    label: str
    type: str
    blank: str = Blank.CLEAR.value


@dataclass(frozen=True, slots=True)
class SetupDraft:
    """`source` is an id, an API name or a label; fields are API names or paths, of a report that is read alone names of
    its columns; "" is not mapped. `source_way` is a ReportWay; "" of a report is the usual one. The opt-out field is always
    a field of the object, since it is written to as well."""

    enabled: bool = True
    source: str = ""
    source_type: str = SourceType.LIST_VIEW.value
    source_way: str = ""
    contact_identification: str = ""
    last_modified: str = ""
    first_name: str = ""
    first_name_fallback: str = ""
    last_name: str = ""
    mobile_number: str = ""
    user_identification: str = ""
    opt_out: OptOutField = NO_OPT_OUT
    additional_fields: tuple[AdditionalField, ...] = ()
    timezone: str = DEFAULT_TIMEZONE
    windows: tuple[str, ...] = ()

    @property
    def of_report(self) -> bool:
        return self.source_type == SourceType.REPORT

    @property
    def of_columns(self) -> bool:
        """Whether fields are columns of a report."""
        return self.of_report and self.source_way == ReportWay.REPORT_ONLY


def draft_of(setup: ImportSetup) -> SetupDraft:
    """What is saved, as it would be entered."""
    return SetupDraft(
        enabled=setup.enabled,
        source=setup.source_id,
        source_type=setup.source_type or SourceType.LIST_VIEW.value,
        source_way=setup.source_way,
        contact_identification=setup.contact_identification,
        last_modified=setup.last_modified,
        first_name=setup.first_name,
        first_name_fallback=setup.first_name_fallback,
        last_name=setup.last_name,
        mobile_number=setup.mobile_number,
        user_identification=setup.user_identification,
        opt_out=opt_out_field(setup.workspace, setup.object),
        additional_fields=tuple(
            AdditionalField(
                mapping.salesforce_field,
                mapping.contact_field.name,
                mapping.contact_field.label,
                mapping.contact_field.type,
                mapping.blank,
            )
            for mapping in setup.mappings.select_related("contact_field").order_by("position", "pk")
        ),
        timezone=setup.timezone,
        windows=tuple(setup.windows),
    )


def mark_of(setup: ImportSetup) -> str:
    """Changes with what is saved."""
    return hashlib.sha256(repr(draft_of(setup)).encode()).hexdigest()[:16]


def unsaved(
    setup: ImportSetup, draft: SetupDraft, source_label: str
) -> tuple[ImportSetup, list[FieldMapping]]:
    """What saving a checked draft would make of the setup: rows that are in no table."""
    given = {name: getattr(draft, name) for name in (*REPORT_PARTS, *STANDARD_FIELDS)}
    tried = ImportSetup(
        workspace=setup.workspace,
        object=setup.object,
        source_id=draft.source,
        source_label=source_label,
        watermark=setup.watermark,
        imported_fingerprint=setup.imported_fingerprint,
        full_import_at=setup.full_import_at,
        stamps_swept_at=setup.stamps_swept_at,
        timezone=draft.timezone,
        **given,
    )
    mappings = [
        FieldMapping(
            position=position,
            salesforce_field=field.salesforce,
            blank=field.blank,
            contact_field=ContactField(name=field.contact_field, label=field.label, type=field.type),
        )
        for position, field in enumerate(draft.additional_fields)
    ]
    return tried, mappings


def suggest(fields: SourceFields) -> SetupDraft:
    """Sensible first choices: a preferred name before the first name, the mobile number, the owner."""
    choices = fields.choices
    preferred = _named_like(choices, "preferred")
    source, report = fields.source, fields.report
    return SetupDraft(
        source=source.id,
        source_type=source.type,
        source_way=report.way if report else "",
        contact_identification=report.identification if report else "",
        last_modified=report.modified if report else "",
        first_name=preferred or _named(choices, "FirstName"),
        first_name_fallback=_named(choices, "FirstName") if preferred else "",
        last_name=_named(choices, "LastName"),
        mobile_number=_named(choices, "MobilePhone"),
        user_identification=_named(choices, "OwnerId") or _named(choices, "Owner.Email"),
    )


def moved(draft: SetupDraft, fields: SourceFields) -> SetupDraft:
    """The draft over to another source, or another way of it: fields are named as that names them where it shows the
    same; whatever it doesn't show stays as it was entered. What is required and missing is suggested."""
    suggested = suggest(fields)
    names: dict[str, Any] = {name: _renamed(getattr(draft, name), fields) for name in STANDARD_FIELDS}
    for name in ("first_name", "last_name", "mobile_number"):
        names[name] = names[name] or getattr(suggested, name)
    rows = tuple(replace(row, salesforce=_renamed(row.salesforce, fields)) for row in draft.additional_fields)
    parts: dict[str, Any] = {name: getattr(suggested, name) for name in REPORT_PARTS}
    return replace(draft, source=suggested.source, additional_fields=rows, **parts, **names)


def _renamed(name: str, fields: SourceFields) -> str:
    choices = (*fields.columns, *fields.others)
    if not name or any(one.name == name for one in choices):
        return name
    shows = next((one for one in choices if one.also and one.also.lower() == name.lower()), None)
    # A column EMAIL is found as Email too.
    found = shows or fields.find(name)
    return found.name if found else name


def _named(choices: tuple[FieldChoice, ...], name: str) -> str:
    return next((choice.name for choice in choices if name in (choice.name, choice.also)), "")


def _named_like(choices: tuple[FieldChoice, ...], word: str) -> str:
    """A text field such as Preferred_Name__c, Preferred_First_Name__c."""
    for choice in choices:
        name = choice.name.lower()
        if word in name and "name" in name and "last" not in name and choice.salesforce_type == "string":
            return choice.name
    return ""
