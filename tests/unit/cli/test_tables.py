from hypothesis import given
from hypothesis import strategies as st

from carillon.cli.tables import aligned

# Letters and blanks only: what is no print is another rule.
cells = st.text(st.characters(categories=["L", "N", "P"]), max_size=50)
tables = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), max_size=5)
)


def test_cells_are_padded_to_their_column() -> None:
    rows = aligned([["Name", "Number"], ["Ada Lovelace", "+1"], ["", ""]])

    assert rows == [["Name        ", "Number"], ["Ada Lovelace", "+1    "], ["            ", "      "]]


def test_no_rows_are_no_table() -> None:
    assert aligned([]) == []


def test_a_long_cell_is_cut_and_says_so() -> None:
    assert aligned([["x" * 40], ["x" * 41]]) == [["x" * 40], ["x" * 39 + "…"]]
    assert aligned([["abcdef", "abc"]], longest=4) == [["abc…", "abc"]]


@given(rows=tables)
def test_columns_are_as_wide_as_their_widest_cell(rows: list[list[str]]) -> None:
    made = aligned(rows, longest=30)

    for before, after in zip(rows, made, strict=True):
        for cell, padded in zip(before, after, strict=True):
            assert padded.rstrip() == (cell if len(cell) <= 30 else cell[:29] + "…")
    for column in zip(*made, strict=True):
        (width,) = {len(cell) for cell in column}
        assert width == max(len(cell.rstrip()) for cell in column)


def test_a_name_neither_breaks_the_table_nor_commands_the_terminal() -> None:
    ((cell,),) = aligned([["Ada\nLove\tlace\x1b[2J\u202e"]])

    assert cell == "Ada Love lace [2J "
