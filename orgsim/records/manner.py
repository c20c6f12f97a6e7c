"""How a write is asked for: what the headers of a request say, or that a person does it at a page of the org."""

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Manner:
    """`allow_duplicates` passes duplicate rules that only alert; `assign` lets the lead assignment rule run.

    `by_hand` is a person at a page: the row lock of another transaction is waited for, an alert is clicked away, an
    approval lock does not hold an administrator. `base` is what the addresses of other records begin with.
    """

    allow_duplicates: bool = False
    assign: bool = True
    by_hand: bool = False
    base: str = ""

    @classmethod
    def of(cls, headers: Mapping[str, str], base: str) -> "Manner":
        """What `Sforce-Duplicate-Rule-Header` and `Sforce-Auto-Assign` ask for; `headers` has lower-case names.

        The documentation separates the options of the first by `;` on some pages and by `,` on others: both are read.
        The second is TRUE, FALSE or the id of a rule; without it rules run.
        """
        parts = re.split(r"[;,]", headers.get("sforce-duplicate-rule-header", ""))
        options = dict(part.strip().lower().split("=", 1) for part in parts if "=" in part)
        assign = headers.get("sforce-auto-assign", "true").strip().lower() != "false"
        return cls(options.get("allowsave", "").strip() == "true", assign, base=base)


BY_HAND = Manner(allow_duplicates=True, assign=False, by_hand=True)
