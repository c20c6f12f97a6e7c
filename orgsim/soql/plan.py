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
    locale: str = "en_US"
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
    """A record reached over a relationship; `id_sql` is NULL when there is none, the answer then says null.

    `url_object` is SQL for the name of the record's object where `sobject` stands for several.
    """

    path: tuple[str, ...]
    sobject: SObject
    id_sql: str
    url_object: str | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    """What TYPEOF fetches when the record is of `sobject`, that is when `id_sql` is not NULL."""

    sobject: SObject
    id_sql: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A TYPEOF: the first branch whose record is there."""

    name: str
    branches: tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class Children:
    """A sub-query of the SELECT list: the rows of `sobject` whose `field` holds the id of the outer row.

    `link` is that condition; `condition` is the sub-query's own, empty or beginning with ` AND `.
    """

    name: str
    sobject: SObject
    field: Field
    projection: "Projection"
    link: str
    condition: str
    params: tuple[Parameter, ...]
    order: str
    limit: int | None
    offset: int

    def ids_sql(self, outer: SObject) -> str:
        """The pks of the children of one outer row; takes `params`, then the pk of that row."""
        alias = self.projection.alias
        key = " ".join(["(SELECT Id FROM", f'"{outer.name}"', "WHERE pk = ?)"])
        where = f" WHERE (1{self.condition}) AND {self.field.sql(alias)} = {key}"
        return "".join(
            ["SELECT ", alias, ".pk FROM ", self.projection.from_sql, where, self.order, self.bounds]
        )

    @property
    def bounds(self) -> str:
        return f" LIMIT {-1 if self.limit is None else self.limit} OFFSET {self.offset}"


@dataclass(frozen=True, slots=True)
class Nested:
    """What stands in the SELECT list after `position` columns and is no column."""

    position: int
    value: Children | Choice


@dataclass(frozen=True, slots=True)
class Projection:
    """Columns in the order asked for, parents outermost first, and the FROM clause that both are written for."""

    columns: tuple[Column, ...]
    parents: tuple[Parent, ...]
    from_sql: str
    nested: tuple[Nested, ...] = ()
    alias: str = "t"

    @property
    def children(self) -> tuple[Children, ...]:
        return tuple(item.value for item in self.nested if isinstance(item.value, Children))

    def sql(self, where: str) -> str:
        """SELECT pk, every column, then every parent's id; `where` is a condition on `t.pk`."""
        values = [column.sql for column in self.columns] + [parent.id_sql for parent in self.parents]
        pk = f"{self.alias}.pk"
        return " ".join(["SELECT", ", ".join([pk, *values]), "FROM", self.from_sql, "WHERE", where])


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
    grouped: bool = False


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
