"""Which fields of an object can carry texting consent, and how their values are read in whatever form they come. Pure.

A checkbox is true or false in the JSON of a query and in the cells of a report, and text in the CSV of Bulk. A picklist
is compared by API value; a report's labels were turned into these before.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from carillon.consent.decide import Says
from carillon.consent.reading import FieldKind, Mapping, OptOutField
from carillon.imports.values import storable
from carillon.salesforce.describes import FieldDescribe, ObjectDescribe

_KINDS = {"boolean": FieldKind.CHECKBOX, "picklist": FieldKind.PICKLIST}
_MEANINGS = {"opted_in_value": "opted in", "opted_out_value": "opted out"}
_LIKELY = re.compile(
    r"opt(ed)?[ _-]?(out|in)(?![a-z])|sms|(?<![a-z])text(s|ing)?(?![a-z])|consent|do[ _-]?not|subscri|permission",
    re.IGNORECASE,
)
_OF_OTHER_WAYS = re.compile(r"e-?mail|fax", re.IGNORECASE)
_OPT_IN = re.compile(r"\bopt(ed|ing)? ?ins?\b|\bconsent(s|ed)?\b|\bpermissions?\b|\bsubscri")
_OPT_OUT = re.compile(
    r"\bopt(ed|ing)? ?outs?\b|\bdo ?not\b|\bdon ?t\b|\bstop(s|ped)?\b|\bunsubscri"
    r"|\bno (sms|texts?|texting|messages)\b"
)
_TAKEN_BACK = re.compile(
    r"\b(no|not|never|without|un)\b|\b(revok|withdr|declin|refus|request|pending|den[iy])"
)
_BETWEEN_WORDS = re.compile(r"[_\W]+|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_TYPES = {
    "multipicklist": "a picklist with several values at once",
    "string": "text",
    "textarea": "long text",
    "reference": "a lookup",
    "id": "a record id",
    "phone": "a phone number",
    "email": "an e-mail address",
    "url": "a web address",
    "address": "an address",
    "date": "a date",
    "datetime": "a date with time",
    "double": "a number",
    "int": "a number",
}


@dataclass(frozen=True, slots=True)
class OptOutChoice:
    """A field of the object; `kind` is None, and `why_not` says why, where it can't carry consent. `values` are a
    picklist's active API values with their labels; `inactive` ones may stand in records, and can't be relied on to be
    written."""

    name: str
    label: str
    kind: FieldKind | None
    values: tuple[tuple[str, str], ...] = ()
    why_not: str = ""
    inactive: tuple[str, ...] = ()

    def offers(self, value: str) -> bool:
        return any(value == one for one, _ in self.values)

    @property
    def is_likely(self) -> bool:
        """Whether its name speaks of consent, and not of another way to reach people."""
        words = f"{self.name} {self.label}"
        return bool(self.kind and _LIKELY.search(words) and not _OF_OTHER_WAYS.search(words))


@dataclass(frozen=True, slots=True)
class Sample:
    """A record of the source, the value it has, and how that is read."""

    salesforce_id: str
    name: str
    value: str
    says: Says


@dataclass(frozen=True, slots=True)
class Readings:
    """How records of a source are read: how many by what they say, and some of them. Of `read` records in all; `whole`
    when these are the whole source."""

    counts: dict[Says, int]
    samples: tuple[Sample, ...]
    whole: bool

    @property
    def read(self) -> int:
        return sum(self.counts.values())

    def count(self, says: Says) -> int:
        return self.counts.get(says, 0)


def untold(object_name: str, mapped: OptOutField) -> tuple[str, ...]:
    """A warning where no field is mapped."""
    if mapped.field:
        return ()
    return (
        f"No opt-out field is chosen, so Salesforce is not told when a {object_name} opts out, nor heard. Nobody texts"
        " them all the same.",
    )


def says_checked(choice: OptOutChoice) -> Says | None:
    """What a box means when it is checked, where its name plainly says so."""
    words = " ".join(_BETWEEN_WORDS.split(f"{choice.name} {choice.label}")).lower()
    opts_in, opts_out = _OPT_IN.search(words), _OPT_OUT.search(words)
    if bool(opts_in) == bool(opts_out) or _TAKEN_BACK.search(_OPT_OUT.sub("", words)):
        return None
    return Says.IN if opts_in else Says.OUT


def contrary_to_name(mapped: OptOutField, choice: OptOutChoice | None) -> str:
    """A warning where the name of a box says the opposite of how it is read."""
    if choice is None or choice.kind is not FieldKind.CHECKBOX or mapped.kind is not FieldKind.CHECKBOX:
        return ""
    said = says_checked(choice)
    if said is None or said is (Says.OUT if mapped.unchecked_means_opted_in else Says.IN):
        return ""
    if said is Says.IN:
        return f"{choice.label} sounds like an opt-in box, where checked means may be texted: then switch this off."
    return f"{choice.label} sounds like an opt-out box, where checked means don't text: then switch this on."


def kind_of(salesforce_type: str) -> FieldKind | None:
    return _KINDS.get(salesforce_type)


def opt_out_choices(describe: ObjectDescribe) -> tuple[OptOutChoice, ...]:
    """Every field of the object by its label, those that can carry consent first."""
    found = sorted((_choice(field) for field in describe.fields), key=lambda one: one.label.lower())
    return tuple(sorted(found, key=lambda one: one.kind is None))


def shown_as_columns(choices: tuple[OptOutChoice, ...], fields: Iterable[str]) -> tuple[OptOutChoice, ...]:
    """Of a report that is read alone only what its columns show can be read."""
    shown = {name.lower() for name in fields}
    missing = "the report shows no column with it"
    found = [
        one if one.kind is None or one.name.lower() in shown else replace(one, kind=None, why_not=missing)
        for one in choices
    ]
    return tuple(sorted(found, key=lambda one: one.kind is None))


def _choice(field: FieldDescribe) -> OptOutChoice:
    kind = kind_of(field.type)
    if kind is None:
        holds = _TYPES.get(field.type, f"of the type {field.type}")
        return OptOutChoice(
            field.name, field.label, None, why_not=f"it is {holds}, not a checkbox or a picklist"
        )
    if field.calculated:
        return OptOutChoice(field.name, field.label, None, why_not="it is a formula, which can't be written")
    if not field.updateable:
        why_not = "the API user can't edit it, so an opt-out could not be written to it"
        return OptOutChoice(field.name, field.label, None, why_not=why_not)
    if kind is not FieldKind.PICKLIST:
        return OptOutChoice(field.name, field.label, kind)
    values = tuple((one.value, one.label) for one in field.picklist_values if one.active)
    inactive = tuple(one.value for one in field.picklist_values if not one.active)
    return OptOutChoice(field.name, field.label, kind, values, inactive=inactive)


def faults(
    mapped: OptOutField, choice: OptOutChoice | None, kept: OptOutField | None = None
) -> dict[str, str]:
    """What is wrong with a mapping, by the part of it. `choice` is the field as the org offers it, None when it doesn't.
    A value of `kept`, the mapping that is saved, may stay when the org retires it: records hold it all the same."""
    if choice is None:
        return {"field": f"{mapped.field} does not exist, or the API user can't see it."}
    if choice.kind is None:
        return {"field": f"{choice.label} ({choice.name}) can't be the opt-out field: {choice.why_not}."}
    if choice.kind is not mapped.kind:
        return {"type": f"{choice.label} ({choice.name}) is a {choice.kind}, not a {mapped.kind}."}
    return _value_faults(mapped, choice, kept) if choice.kind is FieldKind.PICKLIST else {}


def _value_faults(mapped: OptOutField, choice: OptOutChoice, kept: OptOutField | None) -> dict[str, str]:
    stays = kept if kept and kept.field == choice.name else OptOutField()
    wrong = {}
    for part, meaning in _MEANINGS.items():
        value = getattr(mapped, part)
        if not value:
            wrong[part] = f"Choose the value that means {meaning}."
        elif not choice.offers(value) and value != getattr(stays, part):
            offered = ", ".join(sorted(one for one, _ in choice.values))
            state = "an inactive value" if value in choice.inactive else "no value"
            wrong[part] = f"{value} is {state} of {choice.label}: its values are {offered}."
    if not wrong and mapped.opted_in_value == mapped.opted_out_value:
        wrong["opted_out_value"] = "Choose another value than the one that means opted in."
    return wrong


def retired_values(mapped: OptOutField, choice: OptOutChoice | None) -> list[str]:
    """What to tell of mapped values that the org does not offer any more: they are read, and perhaps not written."""
    if mapped.kind is not FieldKind.PICKLIST or choice is None or choice.kind is not FieldKind.PICKLIST:
        return []
    return [
        f"{value}, which means {meaning}, is no active value of {choice.label} any more. Records that hold it are read as"
        f" before, but Salesforce may refuse it where somebody is {meaning} here. Make it active in Salesforce again, or"
        " choose another value."
        for part, meaning in _MEANINGS.items()
        if (value := getattr(mapped, part)) and not choice.offers(value)
    ]


def fitting(mapped: OptOutField, choice: OptOutChoice) -> OptOutField:
    """The mapping as it is kept: spelt as describe spells the field, without what its kind doesn't have."""
    if mapped.kind is FieldKind.CHECKBOX:
        return OptOutField(choice.name, FieldKind.CHECKBOX, mapped.unchecked_means_opted_in)
    return OptOutField(
        choice.name,
        FieldKind.PICKLIST,
        True,
        mapped.opted_in_value,
        mapped.opted_out_value,
        mapped.empty_means_opted_in,
    )


def reader_of_values(kind: FieldKind) -> Callable[[Any], str | bool | None]:
    """What reads a value as consent's rules take it."""
    return _checkbox if kind is FieldKind.CHECKBOX else _picklist


def _checkbox(value: Any) -> str | bool | None:
    if value is None or isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    return {"true": True, "false": False}.get(text, storable(str(value)))


def _picklist(value: Any) -> str | None:
    if value is None:
        return None
    text = storable(str(value))
    return text if text.strip() else None


def says_of(row: str, meaning: Mapping) -> Says:
    """What a row's `opt_out` (imports.mapping.Row) says."""
    return meaning.says(stored_value(row)) if row else Says.IN


def row_value(value: str | bool | None) -> str:
    """A value that does not mean opted in, as a row's `opt_out` has it."""
    return msgspec.json.encode(value).decode()


def stored_value(row: str) -> str | bool | None:
    value: str | bool | None = msgspec.json.decode(row, type=str | bool | None)
    return value
