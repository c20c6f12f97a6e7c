"""The TOML file of a setup: read into drafts, written from them. Unknown keys are errors that name the nearest
known one, since a misspelt key would else be a setting silently left out."""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from carillon.consent.reading import FieldKind, OptOutField
from carillon.imports.drafts import DEFAULT_TIMEZONE, AdditionalField, SetupDraft
from carillon.imports.models import Blank
from carillon.lib.errors import CarillonError

OBJECTS = {"contact": "Contact", "lead": "Lead"}
_WORKSPACE: dict[str, type] = {"name": str, "default_region": str}
_RETENTION: dict[str, type] = dict.fromkeys(("issues_days", "runs_days", "changes_days", "texts_days"), int)
_OBJECT: dict[str, type] = {
    "enabled": bool,
    "source": dict,
    "standard_fields": dict,
    "opt_out": dict,
    "additional_fields": list,
    "schedule": dict,
}
_SOURCE: dict[str, type] = {"type": str, "name": str, "way": str}
_SOURCE_TYPES, _WAYS = ("list_view", "report"), ("by_ids", "report_only")
_STANDARD: dict[str, type] = dict.fromkeys(
    (
        "first_name",
        "first_name_fallback",
        "last_name",
        "mobile_number",
        "user_identification",
        "contact_identification",
        "last_modified",
    ),
    str,
)
_OPT_OUT: dict[str, type] = {
    "field": str,
    "type": str,
    "unchecked_means_opted_in": bool,
    "opted_in_value": str,
    "opted_out_value": str,
    "empty_means_opted_in": bool,
}
_OPT_OUT_KINDS: dict[str, tuple[str, ...]] = {
    "checkbox": ("unchecked_means_opted_in",),
    "picklist": ("opted_in_value", "opted_out_value", "empty_means_opted_in"),
}
_ADDITIONAL: dict[str, type] = dict.fromkeys(("salesforce", "contact_field", "label", "type", "blank"), str)
_SCHEDULE: dict[str, type] = {"timezone": str, "windows": list}
_TYPE_NAMES = {
    str: "text in quotes",
    int: "a whole number",
    bool: "true or false",
    dict: "a table",
    list: "a list",
}


class SetupFileInvalid(CarillonError):
    """The file can't be read as a setup."""


@dataclass(frozen=True, slots=True)
class SetupFile:
    """`workspace` and `retention` are None when the file has no such section; `objects` holds the sections by object
    name."""

    workspace: Mapping[str, str] | None
    retention: Mapping[str, int] | None = None
    objects: dict[str, Mapping[str, Any]] = field(default_factory=dict)


def parse(text: str) -> SetupFile:
    """Raises SetupFileInvalid with the first fault."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SetupFileInvalid(f"The file is not valid TOML: {error}.", "Correct that line.") from None
    _check("", data, {"workspace": dict, "retention": dict, **dict.fromkeys(OBJECTS, dict)})
    workspace = data.get("workspace")
    if workspace is not None:
        _check("workspace", workspace, _WORKSPACE)
        if "name" not in workspace:
            raise SetupFileInvalid("workspace.name is missing.", "Give the workspace a name.")
    _check("retention", data.get("retention", {}), _RETENTION)
    for name in OBJECTS:
        if name in data:
            _check_object(name, data[name])
    return SetupFile(
        workspace, data.get("retention"), {OBJECTS[name]: data[name] for name in OBJECTS if name in data}
    )


def merged(draft: SetupDraft, sections: Mapping[str, Any]) -> SetupDraft:
    """The draft with the file's sections in place of its own; absent ones stay."""
    if "enabled" in sections:
        draft = replace(draft, enabled=sections["enabled"])
    if "source" in sections:
        source = sections["source"]
        kind = source.get("type", "list_view")
        way = source.get("way", "by_ids") if kind == "report" else ""
        # The columns of another report would be wrong: they are found in this one unless the file names them.
        found: dict[str, Any] = {"contact_identification": "", "last_modified": ""}
        draft = replace(draft, source=source.get("name", ""), source_type=kind, source_way=way, **found)
    if "standard_fields" in sections:
        draft = replace(draft, **{name: sections["standard_fields"].get(name, "") for name in _STANDARD})
    if "opt_out" in sections:
        draft = replace(draft, opt_out=_opt_out(sections["opt_out"]))
    if "additional_fields" in sections:
        draft = replace(draft, additional_fields=tuple(map(_additional, sections["additional_fields"])))
    if "schedule" in sections:
        schedule = sections["schedule"]
        draft = replace(
            draft,
            timezone=schedule.get("timezone", DEFAULT_TIMEZONE),
            windows=tuple(schedule.get("windows", [])),
        )
    return draft


def place_of(place: str) -> str:
    """Where the file has what a check of the draft calls `place`. Additional fields are counted from one."""
    first, _, rest = place.partition(".")
    if first == "additional_fields":
        index, _, key = rest.partition(".")
        return f"additional_fields[{int(index) + 1}].{key}"
    for section, keys in (("standard_fields", _STANDARD), ("schedule", _SCHEDULE)):
        if place in keys:
            return f"{section}.{place}"
    return {"source": "source.name", "source_type": "source.type", "source_way": "source.way"}.get(
        place, place
    )


def sections_of(draft: SetupDraft, source_name: str) -> dict[str, Any]:
    """The draft as the file writes it; `merged` with any other draft gives it back."""
    return {
        "enabled": draft.enabled,
        "source": _source(draft, source_name),
        "standard_fields": {name: value for name in _STANDARD if (value := getattr(draft, name))},
        "opt_out": _opt_out_section(draft.opt_out),
        "additional_fields": [
            {
                "salesforce": additional.salesforce,
                "contact_field": additional.contact_field,
                "label": additional.label,
                "type": additional.type,
                "blank": additional.blank,
            }
            for additional in draft.additional_fields
        ],
        "schedule": {"timezone": draft.timezone, "windows": list(draft.windows)},
    }


def _opt_out(table: Mapping[str, Any]) -> OptOutField:
    """An empty section maps no opt-out field."""
    if not table:
        return OptOutField()
    given = {name: table[name] for name in _OPT_OUT_KINDS[table["type"]] if name in table}
    return OptOutField(table["field"], FieldKind(table["type"]), **given)


def _opt_out_section(mapped: OptOutField) -> dict[str, Any]:
    if not mapped.field:
        return {}
    kind = mapped.kind.value
    return {
        "field": mapped.field,
        "type": kind,
        **{name: getattr(mapped, name) for name in _OPT_OUT_KINDS[kind]},
    }


def _check_opt_out(place: str, table: Mapping[str, Any]) -> None:
    _check(place, table, _OPT_OUT)
    if not table:
        return
    for name, remedy in (
        ("field", "Give the API name of a checkbox or a picklist."),
        ("type", "Its values are checkbox and picklist."),
    ):
        if not table.get(name):
            raise SetupFileInvalid(f"{place}.{name} is missing.", remedy)
    kind = table["type"]
    if kind not in _OPT_OUT_KINDS:
        raise SetupFileInvalid(f"{place}.type is {kind!r}.", "Its values are checkbox and picklist.")
    for name in table:
        if name not in ("field", "type", *_OPT_OUT_KINDS[kind]):
            raise SetupFileInvalid(f"{place}.{name} is given for a {kind}.", "It has none: leave it out.")


def _source(draft: SetupDraft, name: str) -> dict[str, str]:
    if not name:
        return {}
    way = {"way": draft.source_way} if draft.source_type == "report" else {}
    return {"type": draft.source_type, "name": name, **way}


def _check_source(place: str, source: Mapping[str, str]) -> None:
    kind = source.get("type", "list_view")
    if kind not in _SOURCE_TYPES:
        raise SetupFileInvalid(f"{place}.type is {kind!r}.", "Its values are list_view and report.")
    if "way" not in source:
        return
    if kind != "report":
        raise SetupFileInvalid(
            f"{place}.way is given for a list view.", "Only a report has one: leave it out."
        )
    if source["way"] not in _WAYS:
        raise SetupFileInvalid(
            f"{place}.way is {source['way']!r}.",
            "Its values are by_ids (ids from the report, fields by query) and report_only.",
        )


def _check_object(name: str, sections: Mapping[str, Any]) -> None:
    _check(name, sections, _OBJECT)
    for key, keys in (("source", _SOURCE), ("standard_fields", _STANDARD), ("schedule", _SCHEDULE)):
        if key in sections:
            _check(f"{name}.{key}", sections[key], keys)
    _check_source(f"{name}.source", sections.get("source", {}))
    _check_opt_out(f"{name}.opt_out", sections.get("opt_out", {}))
    for index, additional in enumerate(sections.get("additional_fields", []), start=1):
        place = f"{name}.additional_fields[{index}]"
        if not isinstance(additional, dict):
            raise SetupFileInvalid(f"{place} is not a table.", f"Write it as [[{name}.additional_fields]].")
        _check(place, additional, _ADDITIONAL)
    windows = sections.get("schedule", {}).get("windows", [])
    if not all(isinstance(window, str) for window in windows):
        raise SetupFileInvalid(f"{name}.schedule.windows holds something other than text in quotes.")


def _check(place: str, table: Mapping[str, Any], known: Mapping[str, type]) -> None:
    where = f"{place}." if place else ""
    for key, value in table.items():
        if key not in known and not place:
            raise SetupFileInvalid(f"{key} is not a known section.", f"Known: {', '.join(sorted(known))}.")
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            remedy = (
                f"The nearest one is {where}{near[0]}." if near else f"Known: {', '.join(sorted(known))}."
            )
            raise SetupFileInvalid(f"{where}{key} is not a known key.", remedy)
        # To Python true and false are numbers.
        if not isinstance(value, known[key]) or (isinstance(value, bool) and known[key] is not bool):
            raise SetupFileInvalid(f"{where}{key} must be {_TYPE_NAMES[known[key]]}.")


def _additional(table: Mapping[str, str]) -> AdditionalField:
    name = table.get("contact_field", "")
    return AdditionalField(
        table.get("salesforce", ""),
        name,
        table.get("label", ""),
        table.get("type", ""),
        table.get("blank", Blank.CLEAR.value),
    )
