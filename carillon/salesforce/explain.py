"""The filter of a list view in words, for people only: what is run is always the view's own query.

The structure is a leaf {field, operator, values}, a tree {conjunction, conditions}, or a negation {condition};
how values are quoted is not documented, and nodes of any other kind are shown as text.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

_WORDS = {
    "equals": "is",
    "notequals": "is not",
    "lessthan": "is less than",
    "greaterthan": "is more than",
    "lessthanorequalto": "is at most",
    "greaterthanorequalto": "is at least",
    "in": "is one of",
    "notin": "is none of",
    "includes": "includes",
    "excludes": "does not include",
    "within": "is within",
}
_RELATIVE = re.compile(r"[A-Z]+(?:_[A-Z]+)+(?::\d+)?|TODAY|YESTERDAY|TOMORROW", re.ASCII)
_LONGEST_TEXT = 200


def explain(condition: Any, labels: Mapping[str, str]) -> str:
    """One phrase such as "Mobile Phone is not empty, and (Program is Nursing or Program is Law)".

    `labels` maps API names to what people call the fields. "" when the view has no filter.
    """
    if not condition:
        return ""
    return _phrase(condition, {name.lower(): label for name, label in labels.items()}, outermost=True)


def _phrase(node: Any, labels: Mapping[str, str], *, outermost: bool = False) -> str:
    if not isinstance(node, Mapping):
        return _as_text(node)
    if isinstance(node.get("conditions"), list) and node["conditions"]:
        return _group(str(node.get("conjunction", "")).lower(), node, labels, outermost=outermost)
    if "condition" in node:
        return f"not ({_phrase(node['condition'], labels, outermost=True)})"
    if isinstance(node.get("field"), str) and isinstance(node.get("values"), list):
        return _leaf(node, labels)
    return _as_text(node)


def _group(conjunction: str, node: Mapping[str, Any], labels: Mapping[str, str], *, outermost: bool) -> str:
    conditions = node["conditions"]
    if conjunction == "not" and len(conditions) == 1:
        return f"not ({_phrase(conditions[0], labels, outermost=True)})"
    if conjunction not in ("and", "or"):
        return _as_text(node)
    if len(conditions) == 1:
        return _phrase(conditions[0], labels, outermost=outermost)
    parts = [_phrase(item, labels) for item in conditions]
    if outermost:
        return f", {conjunction} ".join(parts)
    return f"({f' {conjunction} '.join(parts)})"


def _leaf(node: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    name = node["field"]
    label = labels.get(name.lower(), name)
    # Both greaterThanOrEqualTo and the documented greaterThenOrEqualTo occur, with and without To.
    operator = str(node.get("operator", "")).lower().replace("thenor", "thanor")
    if operator.endswith("orequal"):
        operator += "to"
    values = [_value(value) for value in node["values"]]
    if operator in ("equals", "notequals") and values in ([""], ["null"], []):
        return f"{label} is {'not ' if operator == 'notequals' else ''}empty"
    if operator in ("like", "notlike") and len(values) == 1:
        return f"{label} {_pattern(values[0], negated=operator == 'notlike')}"
    words = _WORDS.get(operator)
    if words is None or not values:
        return _as_text(node)
    return f"{label} {words} {', '.join(values)}"


def _pattern(pattern: str, *, negated: bool) -> str:
    core = pattern.strip("%")
    at_start, at_end = not pattern.startswith("%"), not pattern.endswith("%")
    if "%" in core or "_" in core:
        return f"{'does not look' if negated else 'looks'} like {pattern}"
    if at_start and at_end:
        return f"is {'not ' if negated else ''}{core}"
    verb, verbs = ("start with", "starts with") if at_start else ("end with", "ends with")
    if not at_start and not at_end:
        verb, verbs = "contain", "contains"
    return f"does not {verb} {core}" if negated else f"{verbs} {core}"


def _value(value: Any) -> str:
    if not isinstance(value, str):
        return "null" if value is None else json.dumps(value)
    text = value
    if len(text) > 1 and text[0] == text[-1] == "'":
        return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
    if _RELATIVE.fullmatch(text):
        return _relative(text)
    return text


def _relative(literal: str) -> str:
    name, _, number = literal.partition(":")
    words = name.replace("_", " ").lower()
    return words.replace(" n ", f" {number} ") if number else words


def _as_text(node: Any) -> str:
    text = json.dumps(node, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
