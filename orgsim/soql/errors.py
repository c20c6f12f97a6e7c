"""SOQL errors in the words and layout of a Salesforce org.

The layout above the text (snippet, caret, row and column) was read off recorded answers: a snippet reaches 30
characters to each side of the fault, widened to whole words, and never past its own line.
"""

_REACH = 30
_BREAKS = ", \t\r\f"


class SoqlError(Exception):
    """A query the org refuses; `error_code` and `message` are what the REST answer carries (HTTP 400)."""

    def __init__(self, error_code: str, message: str) -> None:
        super().__init__(message)
        self.error_code = error_code
        self.message = message


def located(error_code: str, text: str, pos: int, reason: str) -> SoqlError:
    """An error at offset `pos` of the query `text`, with snippet and caret above the reason."""
    row, column, line = _place(text, pos)
    return _shown(error_code, line, (row, column), reason)


def unread(error_code: str, text: str, pos: int, reason: str) -> SoqlError:
    """An error in the letters of a text, not in its words: columns count from 0 there, so that the caret stands one
    before the fault (recorded)."""
    row, column, line = _place(text, pos)
    return _shown(error_code, line, (row, max(column - 1, 0)), reason)


def unread_letter(error_code: str, text: str, pos: int, what: str) -> SoqlError:
    """The same for a letter that can't stand where it does; the place is said once more, before `what`."""
    row, column, _ = _place(text, pos)
    return unread(error_code, text, pos, f"line {row}:{column} {what}")


def _place(text: str, pos: int) -> tuple[int, int, str]:
    """The row from 1, the column from 0, and the line."""
    start = text.rfind("\n", 0, pos) + 1
    return text.count("\n", 0, pos) + 1, pos - start, text[start:].partition("\n")[0]


def _shown(error_code: str, line: str, place: tuple[int, int], reason: str) -> SoqlError:
    row, column = place
    start = max((line.rfind(c, 0, max(column - _REACH, 0)) for c in _BREAKS), default=-1) + 1
    ends = (line.find(c, column + _REACH + 1) for c in _BREAKS)
    end = min((e for e in ends if e >= 0), default=len(line))
    caret = " " * (column - start) + "^"
    where = f"ERROR at Row:{row}:Column:{column + 1}"
    return SoqlError(error_code, f"\n{line[start:end]}\n{caret}\n{where}\n{reason}")


def unsupported(what: str) -> SoqlError:
    """Valid SOQL that the simulated org does not run: refused by name, never ignored."""
    return SoqlError("FUNCTIONALITY_NOT_ENABLED", f"{what} is not supported by this simulated org.")


_REFERENCE = "Please reference your WSDL or the describe call for the appropriate names."


def no_such_column(text: str, pos: int, *, field: str, entity: str) -> SoqlError:
    reason = (
        f"No such column '{field}' on entity '{entity}'. If you are attempting to use a custom field, "
        f"be sure to append the '__c' after the custom field name. {_REFERENCE}"
    )
    return located("INVALID_FIELD", text, pos, reason)


def no_such_relationship(text: str, pos: int, name: str) -> SoqlError:
    reason = (
        f"Didn't understand relationship '{name}' in field path. If you are attempting to use a custom "
        f"relationship, be sure to append the '__r' after the custom relationship name. {_REFERENCE}"
    )
    return located("INVALID_FIELD", text, pos, reason)


def no_such_children(text: str, pos: int, name: str) -> SoqlError:
    reason = (
        f"Didn't understand relationship '{name}' in FROM part of query call. If you are attempting to use a custom "
        f"relationship, be sure to append the '__r' after the custom relationship name. {_REFERENCE}"
    )
    return located("INVALID_TYPE", text, pos, reason)


def no_such_type(text: str, pos: int, name: str) -> SoqlError:
    reason = (
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, "
        f"be sure to append the '__c' after the entity name. {_REFERENCE}"
    )
    return located("INVALID_TYPE", text, pos, reason)
