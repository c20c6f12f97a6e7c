import io
import logging
from typing import Any, cast

from django.conf import settings

from carillon.web.log_filter import WithoutContacts


def test_a_contacts_address_is_logged_without_the_id() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(WithoutContacts())
    log = logging.Logger("test")
    log.addHandler(handler)

    log.warning("%s: %s", "Not Found", "/contacts/003Hs0000000001IAA/erase/")
    log.warning("%s: %s", "Forbidden", "/carriers/twilio/self-test/hush-hush?text=1")
    log.warning("%s: %s after %d", "Not Found", "/members/x/", 3)

    assert (
        stream.getvalue()
        == "Not Found: /contacts/.../erase/\nForbidden: /carriers/twilio/self-test/...\nNot Found: /members/x/ after 3\n"
    )


def test_what_is_logged_goes_through_it() -> None:
    handlers = cast(dict[str, dict[str, Any]], settings.LOGGING["handlers"])

    assert handlers["stderr"]["filters"] == ["without_contacts"]
