"""What Person Accounts add to the objects: a Contact that is the shadow of an Account, and its fields on that Account.

A standard field of the contact is Person... on the account, a custom one ends in __pc there. They are kept with the
contact, and changed through the account only.
"""

from dataclasses import replace

from orgsim.schema import Field, Schema, SObject

_MIRRORED = (
    "Email",
    "MobilePhone",
    "HomePhone",
    "OtherPhone",
    "AssistantPhone",
    "AssistantName",
    "Title",
    "Department",
    "LeadSource",
    "Birthdate",
    "HasOptedOutOfEmail",
    "DoNotCall",
    "MailingStreet",
    "MailingCity",
    "MailingState",
    "MailingPostalCode",
    "MailingCountry",
    "LastCURequestDate",
    "LastCUUpdateDate",
    "EmailBouncedReason",
    "EmailBouncedDate",
    "IndividualId",
)
# These keep their names on the account.
_NAMES = ("LastName", "FirstName", "Salutation")
_FLAG = Field(
    name="IsPersonAccount",
    label="Is Person Account",
    type="boolean",
    nillable=False,
    updateable=False,
    createable=False,
    aggregatable=False,
    permissionable=False,
    defaulted_on_create=True,
    default_value=False,
)
_CONTACT_ID = Field(
    name="PersonContactId",
    label="Contact ID",
    type="reference",
    length=18,
    updateable=False,
    createable=False,
    permissionable=False,
    reference_to=("Contact",),
    relationship_name="PersonContact",
)


def mirror_of(field: Field) -> str | None:
    """The name that a contact's field has on a person account, None when it has none there."""
    if field.custom:
        return f"{field.name.removesuffix('__c')}__pc"
    if field.name in _NAMES:
        return field.name
    return f"Person{field.name}" if field.name in _MIRRORED else None


def names_on_contact(account: SObject) -> dict[str, str]:
    """What the fields that an account shows of its person are called on the contact."""
    kept = (field for field in account.fields if not field.stored)
    custom = {one.name: f"{one.name.removesuffix('__pc')}__c" for one in kept if one.name.endswith("__pc")}
    return custom | {f"Person{name}": name for name in _MIRRORED}


def with_person_accounts(schema: Schema) -> Schema:
    contact = next(s for s in schema.sobjects if s.name == "Contact")
    objects = {
        "Contact": replace(contact, fields=(*contact.fields, _FLAG)),
        "Account": _account(next(s for s in schema.sobjects if s.name == "Account"), contact),
    }
    return Schema(tuple(objects.get(s.name, s) for s in schema.sobjects))


def _account(account: SObject, contact: SObject) -> SObject:
    flag = replace(_FLAG, formula_sql='({t}."PersonContactId" IS NOT NULL)')
    mirrored = tuple(_mirrored(field, name) for field in contact.fields if (name := mirror_of(field)))
    return replace(account, fields=(*account.fields, flag, _CONTACT_ID, *mirrored))


def _mirrored(field: Field, name: str) -> Field:
    read = field.sql("p")
    sql = " ".join(["(SELECT", read, 'FROM "Contact" p WHERE p."Id" = {t}."PersonContactId")'])
    return replace(
        field,
        name=name,
        nillable=True,
        updateable=field.updateable and name not in _NAMES,
        createable=False,
        compound_field_name=None,
        relationship_name=None,
        reference_to=(),
        external_id=False,
        formula_sql=sql,
    )
