"""The result of a finished job as CSV: SQLite prints whole chunks of rows as bytes, no Python runs per row.

The ids are fixed when the job runs, and a row deleted later is still in the result; values are those at the time of
reading, where an org would give those of the run.
"""

import sqlite3
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

from orgsim.pagesql import NUMBERS, all_digits
from orgsim.soql import Column, Plan

# Rows printed by one statement, and how many bytes a page may have: what one answer holds in memory at once.
_CHUNK = 5_000
PAGE_BYTES = 24_000_000
LARGEST_PAGE = 250_000
_SAMPLE = 200
_UNQUOTED = frozenset({"id", "reference", "date", "time", "int"})


@dataclass(frozen=True, slots=True)
class Format:
    """`bare` is the form of datetimes and of an empty result that the switch bulk_csv chooses."""

    delimiter: str = ","
    line_ending: str = "\n"
    bare: bool = False
    alphabetical: bool = False


@dataclass(frozen=True, slots=True)
class CsvPage:
    body: bytes
    rows: int


def row_bytes(connection: sqlite3.Connection, plan: Plan, pks: "array[int]", form: Format) -> int:
    """The size of an average row, measured on rows spread over the result; at least 1."""
    step = max(1, len(pks) // _SAMPLE)
    sample = pks[::step][:_SAMPLE]
    if not sample:
        return 1
    printed = _chunk(connection, _sql(plan, form), sample)
    return max(1, len(printed.body) // len(sample))


def rows_of_a_page(row_size: int) -> int:
    return max(1, min(LARGEST_PAGE, PAGE_BYTES // row_size))


def csv_page(connection: sqlite3.Connection, plan: Plan, pks: "array[int]", form: Format) -> CsvPage:
    """These rows below a header; `pks` are those of one page."""
    sql = _sql(plan, form)
    rows = 0
    # Handing out what a BytesIO holds makes no copy; joining chunks would hold the page twice.
    body = BytesIO()
    body.write(_header(plan, form))
    for start in range(0, len(pks), _CHUNK):
        chunk = _chunk(connection, sql, pks[start : start + _CHUNK])
        body.write(chunk.body)
        rows += chunk.rows
    return CsvPage(b"" if form.bare and not rows else body.getvalue(), rows)


def _columns(plan: Plan, form: Format) -> tuple[Column, ...]:
    """In the order of the SELECT list; by name before API version 50.0, as documented."""
    columns = plan.projection.columns if plan.projection else ()
    return tuple(sorted(columns, key=lambda column: column.path)) if form.alphabetical else columns


def _header(plan: Plan, form: Format) -> bytes:
    names = (f'"{".".join(column.path)}"' for column in _columns(plan, form))
    return (form.delimiter.join(names) + form.line_ending).encode()


def _chunk(connection: sqlite3.Connection, sql: str, pks: "array[int]") -> CsvPage:
    keys = "[" + ",".join(map(str, pks)) + "]"
    rows, body = connection.execute(sql, (keys,)).fetchone()
    return CsvPage(body or b"", rows)


def _sql(plan: Plan, form: Format) -> str:
    """Prints rows, each with its line ending: the one parameter is the JSON array of pks."""
    if plan.projection is None:
        raise ValueError("only a query of records has rows")
    return " ".join(
        [
            f"SELECT count(*), CAST(group_concat({_row(plan, form)}, '') AS BLOB)",
            f"FROM json_each(?) AS page CROSS JOIN {plan.projection.from_sql}",
            "WHERE t.pk = page.value",
        ]
    )


def _row(plan: Plan, form: Format) -> str:
    between = f"""|| '"{form.delimiter}"' ||"""
    ending = " || ".join(f"char({ord(character)})" for character in form.line_ending)
    return f"""'"' || {between.join(_values(plan, form))} || '"' || {ending}"""


def _values(plan: Plan, form: Format) -> Iterator[str]:
    for column in _columns(plan, form):
        yield f"coalesce({_value(column, form)}, '')"


def _value(column: Column, form: Format) -> str:
    kind = column.field.type
    if kind == "boolean":
        return f"CASE {column.sql} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"
    if kind == "datetime" and not form.bare:
        return f"substr({column.sql}, 1, 23) || 'Z'"
    if kind in NUMBERS:
        return all_digits(column.sql)
    if kind in _UNQUOTED or kind == "datetime":
        return column.sql
    return f"""replace({column.sql}, '"', '""')"""
