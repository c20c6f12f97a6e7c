"""From a Salesforce record to a row of contacts. Pure: a plan in, rows and issues out.

A bad value is an issue of that one field and its record is still stored; a value of another JSON type than the
org's own describe promises rejects the record. A field that could not be read keeps what is stored.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from carillon.consent.decide import Says
from carillon.contacts.search import sort_name
from carillon.imports.opt_out import reader_of_values, row_value
from carillon.imports.plan import ImportPlan
from carillon.imports.values import NUMBERS, as_text, converter, is_moment, storable
from carillon.lib.phones import PhoneKind, parse
from carillon.salesforce import ids


class Issue(NamedTuple):
    """One record issue as it is stored."""

    salesforce_id: str
    field: str
    value: str
    code: str
    message: str


class Row(NamedTuple):
    """One contact in the order of the loader's staging table. `first_name` and `user_identification` None keep
    what is stored; `fields` is a JSON object of the additional fields that were read, without those whose blanks keep
    what is stored. `opt_out` is the opt-out field's value as JSON, empty where that means opted in, or none is mapped."""

    salesforce_id: str
    first_name: str | None
    last_name: str
    sort_name: str
    mobile_number: str
    mobile_as_given: str
    user_identification: str | None
    fields: str
    source_modified_at: str
    system_modstamp: str
    last_modified_by_id: str
    opt_out: str = ""

    def with_first_name(self, first_name: str) -> "Row":
        return self._replace(first_name=first_name, sort_name=sort_name(first_name, self.last_name))


@dataclass(slots=True)
class Batch:
    """What a page of records becomes."""

    rows: list[Row] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)


class BadEnvelope(ValueError):
    """A record without a usable Id or SystemModstamp: the answer as a whole can't be trusted."""


class ReportRecord(msgspec.Struct, gc=False):
    """A row of a report, by the names of its columns; values as a query would give them."""

    Id: str
    SystemModstamp: str
    LastModifiedDate: str
    Name: str
    cells: dict[str, Any]
    LastModifiedById: str | None = None


def record_type(plan: ImportPlan) -> type[msgspec.Struct]:
    """A struct for one record of the plan's query; related records (`Owner.Name`) nest and may be null."""
    if plan.reads_rows:
        return ReportRecord
    own: list[tuple[str, Any]] = [("Id", str), ("SystemModstamp", str)]
    related: dict[str, list[tuple[str, Any, Any]]] = {}
    for name in plan.selected[2:]:
        parent, _, leaf = name.rpartition(".")
        python_type = _python_type(plan.types.get(name, "string"))
        if parent:
            related.setdefault(parent, []).append((leaf, python_type, None))
        else:
            own.append((name, python_type))
    optional = [(name, python_type, None) for name, python_type in own[2:]]
    nested = _nested_types(related)
    return msgspec.defstruct(f"{plan.object}Record", [*own[:2], *optional, *nested], gc=False)


def _nested_types(related: dict[str, list[tuple[str, Any, Any]]]) -> list[tuple[str, Any, Any]]:
    """Struct fields of the first level of relationships, deeper ones inside."""
    levels: dict[str, list[tuple[str, Any, Any]]] = {}
    deeper: dict[str, dict[str, list[tuple[str, Any, Any]]]] = {}
    for path, leaves in related.items():
        head, _, rest = path.partition(".")
        if rest:
            deeper.setdefault(head, {}).setdefault(rest, []).extend(leaves)
            levels.setdefault(head, [])
        else:
            levels.setdefault(head, []).extend(leaves)
    return [
        (
            head,
            msgspec.defstruct(head, [*leaves, *_nested_types(deeper.get(head, {}))], gc=False) | None,
            None,
        )
        for head, leaves in levels.items()
    ]


def _python_type(salesforce_type: str) -> Any:
    if salesforce_type == "boolean":
        return bool | None
    if salesforce_type in NUMBERS:
        # Exactly as written: 12345678901234567.89 is more than a float can hold.
        return Decimal | None
    if salesforce_type == "anyType":
        return str | int | float | bool | None
    return str | None


class Mapper:
    """Turns records of one plan into rows; built once a run, used for every page."""

    def __init__(self, plan: ImportPlan) -> None:
        self._plan = plan
        self._record = record_type(plan)
        self._first = _getter(plan, plan.first_name)
        self._fallback = _getter(plan, plan.first_name_fallback)
        self._last = _getter(plan, plan.last_name)
        self._mobile = _getter(plan, plan.mobile_number)
        self._user = _text_reader(plan, plan.user_identification)
        self._keeps_first = plan.first_name_fallback in plan.unreadable
        self._additional = [
            (mapped, getter, converter(mapped.salesforce_type, mapped.type))
            for mapped in plan.additional
            if (getter := _getter(plan, mapped.salesforce)) is not None
        ]
        self._consent = _getter(plan, plan.opt_out)
        self._chosen = reader_of_values(plan.meaning.kind) if plan.meaning else None

    @property
    def plan(self) -> ImportPlan:
        return self._plan

    @property
    def record(self) -> type[msgspec.Struct]:
        return self._record

    def page(self, records: list[Any]) -> Batch:
        """`records` are structs of `record`, or msgspec.Raw for those that did not fit. Raises BadEnvelope."""
        batch = Batch()
        for record in records:
            if isinstance(record, msgspec.Raw):
                self._reject(record, batch)
            else:
                batch.rows.append(self._row(record, batch.issues))
        return batch

    def _row(self, record: Any, issues: list[Issue]) -> Row:
        record_id = _checked_id(record.Id)
        first = _text(self._first, record) or _text(self._fallback, record)
        last = _text(self._last, record)
        if not last:
            issues.append(
                Issue(
                    record_id,
                    self._plan.last_name,
                    "",
                    "last_name_missing",
                    "The record has no last name; it was imported with what there is.",
                )
            )
        given = _text(self._mobile, record)
        return Row(
            record_id,
            None if not first and self._keeps_first else first,
            last,
            sort_name(first, last),
            self._mobile_number(record_id, given, issues),
            given,
            self._user_identification(record_id, record, issues),
            self._fields(record_id, record, issues),
            _modified_at(record_id, record, issues),
            _checked_stamp(record_id, record.SystemModstamp),
            _user_id(record.LastModifiedById),
            self._opt_out(record_id, record, issues),
        )

    def _user_identification(self, record_id: str, record: Any, issues: list[Issue]) -> str | None:
        if self._user is None:
            return None
        given = self._user(record)
        if len(given) <= _LONGEST_USER_ID:
            return given
        field, shown = self._plan.user_identification, given[:255]
        issues.append(Issue(record_id, field, shown, "user_identification_too_long", _TOO_LONG))
        return None

    def _mobile_number(self, record_id: str, given: str, issues: list[Issue]) -> str:
        phone = parse(given, self._plan.region)
        if phone.kind is not PhoneKind.MOBILE:
            code, message = _PHONE_ISSUES[phone.kind]
            issues.append(Issue(record_id, self._plan.mobile_number, given[:255], code, message))
        return phone.e164

    def _opt_out(self, record_id: str, record: Any, issues: list[Issue]) -> str:
        meaning = self._plan.meaning
        if meaning is None or self._consent is None or self._chosen is None:
            return ""
        given = self._consent(record)
        value = self._chosen(given)
        says = meaning.says(value)
        if says is Says.IN:
            return ""
        if says is Says.UNCLEAR:
            shown = "" if given is None else as_text(given)[:255]
            issues.append(Issue(record_id, self._plan.opt_out, shown, "opt_out_unclear", _UNCLEAR))
        return row_value(value)

    def _fields(self, record_id: str, record: Any, issues: list[Issue]) -> str:
        if not self._additional:
            return "{}"
        values: dict[str, Any] = {}
        for mapped, getter, convert in self._additional:
            value = getter(record)
            try:
                converted = convert(value)
            except ValueError as error:
                shown = as_text(value)[:255]
                issues.append(Issue(record_id, mapped.salesforce, shown, f"not_a_{mapped.type}", str(error)))
                continue
            if converted is not None or not mapped.keeps_when_blank:
                values[mapped.contact_field] = converted
        return _ENCODER.encode(values).decode()

    def _reject(self, raw: msgspec.Raw, batch: Batch) -> None:
        """A record with values of another type than describe says: one issue, nothing stored."""
        values = _loose(raw)
        record_id = _checked_id(values.get("Id"))
        try:
            msgspec.json.decode(raw, type=self._record)
            wrong, why = "", "does not fit"
        except msgspec.DecodeError as error:
            why, _, path = str(error).partition(" - at `$.")
            wrong = path.rstrip("`")
        if wrong in ("", "Id", "SystemModstamp"):
            raise BadEnvelope(f"The record {record_id} came without a usable SystemModstamp.")
        batch.rejected.append(record_id)
        batch.issues.append(
            Issue(
                record_id,
                wrong,
                _shown(_at_path(values, wrong)),
                "wrong_type",
                f"Salesforce sent a value of another type than the field has ({why}); the record was not imported.",
            )
        )


# Numbers go out as they came in, digit by digit.
_ENCODER = msgspec.json.Encoder(decimal_format="number")
# What is longer matches no member, and an index of the database would refuse it.
_LONGEST_USER_ID = 255
_TOO_LONG = "This is longer than a User ID can be (255 characters); the assignment was left as it was."
_UNCLEAR = (
    "This value of the opt-out field means neither opted in nor opted out, so it says nothing: the person's texting consent"
    " stays as it is. Somebody who is new is opted out."
)
_PHONE_ISSUES = {
    PhoneKind.MISSING: ("mobile_missing", "The record has no mobile number, so this person can't be texted."),
    PhoneKind.INVALID: (
        "mobile_invalid",
        "This is not a valid phone number, so this person can't be texted.",
    ),
    PhoneKind.NOT_MOBILE: (
        "not_mobile",
        "This is a valid number but not a mobile one (a landline, say): texts may not arrive.",
    ),
}


def _getter(plan: ImportPlan, name: str) -> Callable[[Any], Any] | None:
    """Reads a field or path from a record struct; None when it is unmapped or unreadable."""
    if not name or name in plan.unreadable:
        return None
    if plan.reads_rows:
        return lambda record: record.cells.get(name)
    parents, leaf = name.split(".")[:-1], name.split(".")[-1]

    def get(record: Any) -> Any:
        for parent in parents:
            record = getattr(record, parent)
            if record is None:
                return None
        return getattr(record, leaf)

    return get if parents else lambda record: getattr(record, leaf)


def _text(getter: Callable[[Any], Any] | None, record: Any) -> str:
    if getter is None:
        return ""
    value = getter(record)
    if value is None:
        return ""
    return as_text(value).strip()


def _text_reader(plan: ImportPlan, name: str) -> Callable[[Any], str] | None:
    """Reads a field of any type as text, the same in whatever form the value came; "" where it is blank."""
    getter = _getter(plan, name)
    if getter is None:
        return None
    convert = converter(plan.types.get(name, "string"), "text")

    def read(record: Any) -> str:
        value = getter(record)
        try:
            return str(convert(value) or "").strip()
        except ValueError:
            return as_text(value).strip()

    return read


def _checked_id(value: Any) -> str:
    # Salesforce writes 18-character ids everywhere; the full check costs more than the rest of the row, so
    # only a strange one is looked at closely.
    if isinstance(value, str) and len(value) == 18 and value.isalnum() and value.isascii():
        return value
    try:
        return ids.to_18(value)
    except (ids.InvalidId, TypeError, AttributeError):
        raise BadEnvelope("A record came without a usable Id.") from None


def _checked_stamp(record_id: str, stamp: str) -> str:
    """The cursor compares stamps as text, so they must have the one form Salesforce writes."""
    if not is_moment(stamp):
        raise BadEnvelope(f"The record {record_id} came without a usable SystemModstamp.")
    return stamp


def _modified_at(record_id: str, record: Any, issues: list[Issue]) -> str:
    stamp: str = record.SystemModstamp
    value: str = record.LastModifiedDate or stamp
    if value == stamp or is_moment(value):
        return value
    message = "This is not a date with time; the record's SystemModstamp was taken instead."
    issues.append(Issue(record_id, "LastModifiedDate", storable(value)[:255], "not_a_datetime", message))
    return stamp


def _user_id(value: str | None) -> str:
    """Who changed the record; empty when Salesforce doesn't say it as an id."""
    try:
        return _checked_id(value)
    except BadEnvelope:
        return ""


def _loose(raw: msgspec.Raw) -> dict[str, Any]:
    # The standard library reads what msgspec refuses.
    try:
        values = json.loads(bytes(raw))
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise BadEnvelope("A record of the answer is not an object.")
    return values


def _shown(value: Any) -> str:
    """As Salesforce sent it: text as such, anything else as JSON."""
    return storable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))[:255]


def _at_path(values: Any, path: str) -> Any:
    for name in path.split("."):
        values = values.get(name) if isinstance(values, dict) else None
    return values
