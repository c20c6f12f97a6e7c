"""Downloads opened in a spreadsheet: nothing may run as a formula, and nothing else may change."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.web.csv_download import FORMULA_STARTS, lines, safe_cell


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(A1)",
        "\tx",
        "\r=1",
        "=",
        "+1 212 555 0123",
        "--5",
        "+12125550123x",
    ],
)
def test_what_a_spreadsheet_would_run_becomes_text(cell: str) -> None:
    assert safe_cell(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["+12125550123", "-5", "+1.5", "-0.25", "", "Zoë", "a=b", "'quoted", "0=1"])
def test_plain_numbers_and_text_stay(cell: str) -> None:
    assert safe_cell(cell) == cell


@given(st.text())
def test_no_cell_starts_a_formula_unless_it_is_a_number(cell: str) -> None:
    safe = safe_cell(cell)

    assert not safe.startswith(FORMULA_STARTS) or float(safe) is not None
    assert safe.removeprefix("'") == cell.removeprefix("'")


@given(st.lists(st.lists(st.text(alphabet=st.characters(codec="utf-8")), min_size=1), max_size=4))
def test_rows_are_read_back_as_they_were(rows: list[list[str]]) -> None:
    text = "".join(lines(rows))

    read = list(csv.reader(io.StringIO(text, newline="")))
    expected = [[safe_cell(cell) for cell in row] for row in rows]
    assert read == expected
