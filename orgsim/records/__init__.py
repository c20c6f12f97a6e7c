"""Records: read, created, edited, deleted. Every write passes the org's automation and leaves lines in its history."""

from orgsim.records.manner import BY_HAND, Manner
from orgsim.records.reading import read, retrieve, shown_value
from orgsim.records.rows import write_columns
from orgsim.records.targets import Json, Target, check_visible, external_field, matching, target
from orgsim.records.writing import create, delete, update

__all__ = [
    "BY_HAND",
    "Json",
    "Manner",
    "Target",
    "check_visible",
    "create",
    "delete",
    "external_field",
    "matching",
    "read",
    "retrieve",
    "shown_value",
    "target",
    "update",
    "write_columns",
]
