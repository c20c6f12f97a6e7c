"""SOQL for the simulated org: text to tree (`parse`), tree to SQL for SQLite (`compile_query`).

A query is refused with the code and the message an org gives, or it runs with an org's meaning; no clause is ever
read and ignored. `register` must be called once on each connection that runs a plan.
"""

from orgsim.soql.ast import Query
from orgsim.soql.compile import compile_query
from orgsim.soql.errors import SoqlError
from orgsim.soql.parser import parse
from orgsim.soql.plan import (
    Aggregate,
    AggregateColumn,
    Column,
    Parameter,
    Parent,
    Plan,
    Projection,
    QueryContext,
)
from orgsim.soql.text import fold, full_id, id_suffix, register

__all__ = [
    "Aggregate",
    "AggregateColumn",
    "Column",
    "Parameter",
    "Parent",
    "Plan",
    "Projection",
    "Query",
    "QueryContext",
    "SoqlError",
    "compile_query",
    "fold",
    "full_id",
    "id_suffix",
    "parse",
    "register",
]
