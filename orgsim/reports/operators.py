"""Which operators the API offers for a filter on a column, by data type: the "Filter Operator List" page (v67).

For ids the engine takes more than the list says, by a switch: the comparisons that read a report past 2,000 rows.
"""

_LABELS = {
    "equals": "equals",
    "notEqual": "not equal to",
    "lessThan": "less than",
    "greaterThan": "greater than",
    "lessOrEqual": "less or equal",
    "greaterOrEqual": "greater or equal",
    "contains": "contains",
    "notContain": "does not contain",
    "startsWith": "starts with",
    "includes": "includes",
    "excludes": "excludes",
}
COMPARISONS = ("lessThan", "greaterThan", "lessOrEqual", "greaterOrEqual")
_SAMENESS = ("equals", "notEqual")
_ORDERED = (*_SAMENESS, *COMPARISONS)
_TEXT = (*_ORDERED, "contains", "notContain", "startsWith")

OPERATORS: dict[str, tuple[str, ...]] = {
    "date": _ORDERED,
    "string": _TEXT,
    "double": _ORDERED,
    "picklist": _TEXT,
    "textarea": _TEXT,
    "percent": _ORDERED,
    "url": _TEXT,
    "int": _ORDERED,
    "reference": _SAMENESS,
    "datetime": _ORDERED,
    "boolean": _SAMENESS,
    "phone": _TEXT,
    "currency": _ORDERED,
    "id": (*_SAMENESS, "startsWith"),
    "email": _TEXT,
    "multipicklist": (*_SAMENESS, "includes", "excludes"),
}


def operator_map() -> dict[str, list[dict[str, str]]]:
    return {
        data_type: [{"label": _LABELS[name], "name": name} for name in names]
        for data_type, names in OPERATORS.items()
    }


def is_allowed(data_type: str, operator: str, *, id_comparison: bool) -> bool:
    if data_type == "id" and id_comparison and operator in COMPARISONS:
        return True
    return operator in OPERATORS.get(data_type, ())
