"""What a compiled query is: SQL for the ids, and what to fetch for them. Holds values only, runs nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from orgsim.schema import Field, SObject

Parameter = str | int | float


@dataclass(frozen=True, slots=True)
class QueryContext:
    """Who asks and when. `now` has a time zone; `hidden` holds (sObject, field) pairs in the schema's spelling;
    `sharing` says of an sObject which rows this user sees, as SQL in which `{t}` stands for the table's alias."""

    user_id: str
    now: datetime
    time_zone: str = "UTC"
    hidden: frozenset[tuple[str, str]] = frozenset()
    all_rows: bool = False
    sharing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Column:
    """One value of a record: `("Owner", "Name")` nests, `sql` is valid in Projection.sql()."""

    path: tuple[str, ...]
    field: Field
    sql: str


@dataclass(frozen=True, slots=True)
class Parent:
    """A record reached over a relationship; `id_sql` is NULL when there is none, the answer then says null."""

    path: tuple[str, ...]
    sobject: SObject
    id_sql: str


@dataclass(frozen=True, slots=True)
class Projection:
    """Columns in the order asked for, parents outermost first, and the FROM clause that both are written for."""

    columns: tuple[Column, ...]
    parents: tuple[Parent, ...]
    from_sql: str

    def sql(self, where: str) -> str:
        """SELECT pk, every column, then every parent's id; `where` is a condition on `t.pk`."""
        values = [column.sql for column in self.columns] + [parent.id_sql for parent in self.parents]
        return " ".join(["SELECT", ", ".join(["t.pk", *values]), "FROM", self.from_sql, "WHERE", where])


@dataclass(frozen=True, slots=True)
class AggregateColumn:
    """`type` is a field type such as string, int, double, datetime: it says how to print the value."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Rows of AggregateResult: `sql` gives one value for each of `columns`, in order."""

    sql: str
    params: tuple[Parameter, ...]
    columns: tuple[AggregateColumn, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Exactly one of three: `aggregate` is set; or `count` is true (answer the number of ids, no records); or
    `projection` says what to fetch for the pks that `ids_sql` lists in their final order."""

    sobject: SObject
    ids_sql: str
    ids_params: tuple[Parameter, ...]
    count: bool = False
    projection: Projection | None = None
    aggregate: Aggregate | None = None

    @property
    def count_sql(self) -> str:
        """The number of ids, for totalSize; takes `ids_params`."""
        return "".join(["SELECT count(*) FROM (", self.ids_sql, ")"])
