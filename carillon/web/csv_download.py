"""CSV for people who open it in a spreadsheet: cells that would run as formulas are made plain text."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from django.http import StreamingHttpResponse

# Without it Excel reads the file in the encoding of its own country, and accents become other letters.
BYTE_ORDER_MARK = "\ufeff"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
PLAIN_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def safe_cell(text: str) -> str:
    """`text`, with ' before it when a spreadsheet would take it for a formula; plain numbers stay."""
    if text.startswith(FORMULA_STARTS) and not PLAIN_NUMBER.fullmatch(text):
        return "'" + text
    return text


def lines(rows: Iterable[Iterable[str]]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in rows:
        writer.writerow([safe_cell(cell) for cell in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def download(name: str, rows: Iterable[Iterable[str]]) -> StreamingHttpResponse:
    """A streamed attachment called `name`, which must be plain ASCII."""
    text = chain([BYTE_ORDER_MARK], lines(rows))
    response = StreamingHttpResponse(text, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
