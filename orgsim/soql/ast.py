"""What a SOQL query says, as parsed: frozen values with offsets (`pos`) into the query's text, no schema applied."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    STRING = "string"
    NUMBER = "number"
    CURRENCY = "currency"
    DATETIME = "datetime"
    DATE = "date"
    TIME = "time"
    DATE_LITERAL = "date literal"
    BOOLEAN = "boolean"
    NULL = "null"
    BIND = "bind"


@dataclass(frozen=True, slots=True)
class Literal:
    """`raw` is the text as written, quotes included: how escapes are read depends on the operator."""

    kind: Kind
    raw: str
    pos: int


@dataclass(frozen=True, slots=True)
class Path:
    names: tuple[str, ...]
    pos: int

    @property
    def dotted(self) -> str:
        return ".".join(self.names)


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    args: "tuple[Operand | Literal, ...]"
    pos: int

    @property
    def function(self) -> str:
        return self.name.lower()


Operand = Path | Call


@dataclass(frozen=True, slots=True)
class Comparison:
    """`op` is one of = != < <= > >= like in not in includes excludes; a list operator has a tuple or a query."""

    operand: Operand
    op: str
    value: "Literal | tuple[Literal, ...] | Query"


@dataclass(frozen=True, slots=True)
class Not:
    term: "Condition"


@dataclass(frozen=True, slots=True)
class And:
    terms: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Or:
    terms: "tuple[Condition, ...]"


Condition = Comparison | Not | And | Or


@dataclass(frozen=True, slots=True)
class TypeOf:
    relationship: Path
    branches: tuple[tuple[str, tuple[Path, ...]], ...]
    otherwise: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class SelectItem:
    expression: "Operand | TypeOf | Query"
    alias: str | None


@dataclass(frozen=True, slots=True)
class Source:
    path: Path
    alias: str | None


@dataclass(frozen=True, slots=True)
class Ordering:
    operand: Operand
    descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True)
class Query:
    """`text` is the whole query as given; a sub-query has none, its offsets are those of the outer text."""

    text: str
    select: tuple[SelectItem, ...]
    sources: tuple[Source, ...]
    scope: str | None
    where: Condition | None
    with_clause: str | None
    group_by: tuple[Operand, ...]
    having: Condition | None
    order_by: tuple[Ordering, ...]
    limit: Literal | None
    offset: Literal | None
    endings: tuple[str, ...]
    """FOR VIEW, UPDATE TRACKING, ALL ROWS ..., in upper case with single spaces."""


def comparisons(condition: Condition | None) -> Iterator[Comparison]:
    """Every comparison of a condition, in no promised order, without recursion."""
    stack = [condition] if condition is not None else []
    while stack:
        node = stack.pop()
        if isinstance(node, Comparison):
            yield node
        elif isinstance(node, Not):
            stack.append(node.term)
        else:
            stack.extend(node.terms)
