import io
import logging
from typing import Any, cast

import pytest
from django.conf import settings

from carillon.web.log_filter import WithoutContacts


def logged(message: str, *parts: object, error: Exception | None = None) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(WithoutContacts())
    log = logging.Logger("test")
    log.addHandler(handler)
    log.warning(message, *parts, exc_info=error)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        (("Not Found", "/contacts/003Hs0000000001IAA/erase/"), "Not Found: /contacts/.../erase/"),
        (
            ("Forbidden", "/carriers/twilio/self-test/hush?text=1"),
            "Forbidden: /carriers/twilio/self-test/...",
        ),
        (("Forbidden", "/password/MQ/d1-hush/"), "Forbidden: /password/MQ/.../"),
        (("Not Found", "/members/x/"), "Not Found: /members/x/"),
        (("Failed", "+12125550001"), "Failed: +..."),
    ],
)
def test_a_contacts_address_is_logged_without_the_id(parts: tuple[str, str], line: str) -> None:
    assert logged("%s: %s", *parts) == f"{line}\n"


def test_what_the_database_quotes_of_a_row_is_not_logged() -> None:
    """PostgreSQL puts the whole row into the error: a number and what somebody wrote."""
    quoted = "violates a check\nDETAIL:  Failing row contains (1, +12125550001, I am\n\nill, 2).\n"
    try:
        try:
            raise ValueError(quoted)
        except ValueError as cause:
            raise RuntimeError(quoted) from cause
    except RuntimeError as error:
        text = logged("Failed", error=error)

    assert "ill" not in text
    assert "+1212" not in text
    assert text.count("violates a check\nDETAIL: ...") == 2
    assert "The above exception was the direct cause" in text


def test_what_is_logged_goes_through_it() -> None:
    handlers = cast(dict[str, dict[str, Any]], settings.LOGGING["handlers"])

    assert handlers["stderr"]["filters"] == ["without_contacts"]
