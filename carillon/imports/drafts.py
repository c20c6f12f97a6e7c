"""A setup as it is entered, before anything is checked: on the page, and in a TOML file."""

from dataclasses import dataclass

from carillon.contacts.models import ContactField
from carillon.imports.catalog import FieldChoice, SourceFields
from carillon.imports.models import Blank, FieldMapping, ImportSetup
from carillon.imports.windows import EASTERN

DEFAULT_TIMEZONE = EASTERN
STANDARD_FIELDS = ("first_name", "first_name_fallback", "last_name", "mobile_number", "user_identification")


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
    """`source` is an id, an API name or a label; fields are API names or paths; "" is not mapped."""

    enabled: bool = True
    source: str = ""
    first_name: str = ""
    first_name_fallback: str = ""
    last_name: str = ""
    mobile_number: str = ""
    user_identification: str = ""
    additional_fields: tuple[AdditionalField, ...] = ()
    timezone: str = DEFAULT_TIMEZONE
    windows: tuple[str, ...] = ()


def draft_of(setup: ImportSetup) -> SetupDraft:
    """What is saved, as it would be entered."""
    return SetupDraft(
        enabled=setup.enabled,
        source=setup.source_id,
        first_name=setup.first_name,
        first_name_fallback=setup.first_name_fallback,
        last_name=setup.last_name,
        mobile_number=setup.mobile_number,
        user_identification=setup.user_identification,
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


def unsaved(
    setup: ImportSetup, draft: SetupDraft, source_label: str
) -> tuple[ImportSetup, list[FieldMapping]]:
    """What saving a checked draft would make of the setup: rows that are in no table."""
    standard = {name: getattr(draft, name) for name in STANDARD_FIELDS}
    tried = ImportSetup(
        workspace=setup.workspace,
        object=setup.object,
        source_id=draft.source,
        source_label=source_label,
        watermark=setup.watermark,
        imported_fingerprint=setup.imported_fingerprint,
        full_import_at=setup.full_import_at,
        timezone=draft.timezone,
        **standard,
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
    return SetupDraft(
        source=fields.source.id,
        first_name=preferred or _named(choices, "FirstName"),
        first_name_fallback=_named(choices, "FirstName") if preferred else "",
        last_name=_named(choices, "LastName"),
        mobile_number=_named(choices, "MobilePhone"),
        user_identification=_named(choices, "OwnerId"),
    )


def _named(choices: tuple[FieldChoice, ...], name: str) -> str:
    return next((choice.name for choice in choices if choice.name == name), "")


def _named_like(choices: tuple[FieldChoice, ...], word: str) -> str:
    """A text field such as Preferred_Name__c, Preferred_First_Name__c."""
    for choice in choices:
        name = choice.name.lower()
        if word in name and "name" in name and "last" not in name and choice.salesforce_type == "string":
            return choice.name
    return ""
