"""Plain tables for a terminal."""

from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]], longest: int = 40) -> list[list[str]]:
    """The same cells, each padded to its column; longer ones are cut with an ellipsis, and what is no print
    (a line break, a terminal's escape sequence in somebody's name) is a space."""
    cut = [[_cut(printable(cell), longest) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*cut, strict=True)]
    return [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in cut]


def _cut(cell: str, longest: int) -> str:
    return cell if len(cell) <= longest else cell[: longest - 1] + "…"


def printable(cell: str) -> str:
    return cell if cell.isprintable() else "".join(c if c.isprintable() else " " for c in cell)
