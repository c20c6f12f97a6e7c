"""What every read of a source gives out."""

from dataclasses import dataclass
from typing import Any

from carillon.imports.watermark import Cursor


@dataclass(frozen=True, slots=True)
class Part:
    """Some records; once they are stored everything up to `cursor` is. `expected` counts the whole read as far as it is
    known. `waits`: Salesforce has to prepare what follows, which may take minutes."""

    records: list[Any]
    cursor: Cursor | None
    expected: int | None
    waits: bool = False
