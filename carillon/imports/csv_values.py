"""Records of a bulk result in the form that pages have. Pure.

The CSV is decoded into the same structs (`carillon/salesforce/bulk/csv_records.py`), so what is left is the text of a date
with time: pages end it with +0000, CSV with Z. Where it goes into a text as it is, both ways must store the same.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from carillon.imports.plan import ImportPlan


def page_form(plan: ImportPlan) -> Callable[[list[Any]], None]:
    """What rewrites records of this plan in place."""
    paths = [name.split(".") for name in plan.selected if plan.types.get(name) == "datetime"]

    def rewrite(records: list[Any]) -> None:
        for record in records:
            if not isinstance(record, msgspec.Raw):
                for path in paths:
                    _rewrite(record, path)

    return rewrite if paths else lambda records: None


def _rewrite(record: Any, path: list[str]) -> None:
    *parents, leaf = path
    for parent in parents:
        record = getattr(record, parent)
        if record is None:
            return
    value = getattr(record, leaf)
    if value and value.endswith("Z"):
        setattr(record, leaf, f"{value[:-1]}+0000")
