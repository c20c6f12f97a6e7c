"""Renders templates, escaped by default, and remembers what to say on the next page."""

import secrets
from collections import OrderedDict
from functools import cache
from typing import Literal, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from orgsim.calls import Answer
from orgsim.clock import parse_stamp

_KEPT = 50
# No script at all; a policy of the referrer that is "no-referrer" would make browsers send `Origin: null` with forms.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


class Said(NamedTuple):
    """What an action led to; `bad` when it was refused."""

    text: str
    kind: Literal["good", "bad"] = "good"


def moment(stamp: str | None) -> str:
    """A stored stamp in words: `3 Nov 2026, 14:05:22 UTC`."""
    if not stamp:
        return ""
    at = parse_stamp(stamp)
    return f"{at.day} {at:%b %Y, %H:%M:%S} UTC"


def number(value: int) -> str:
    return f"{value:,}"


@cache
def _templates() -> Environment:
    # Escaped whatever the template's name is.
    templates = Environment(
        loader=PackageLoader("orgsim.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(moment=moment, number=number)
    templates.globals["zip"] = zip
    return templates


class Screen:
    def __init__(self) -> None:
        self._said: OrderedDict[str, Said] = OrderedDict()

    def page(self, template: str, status: int, values: dict[str, object]) -> Answer:
        text = _templates().get_template(template).render(values)
        return Answer(status, text.encode(), {"Content-Type": "text/html; charset=utf-8", **HEADERS})

    def keep(self, said: Said) -> str:
        """Something to say on the page that follows a redirect: the key for its address."""
        key = secrets.token_hex(4)
        self._said[key] = said
        while len(self._said) > _KEPT:
            self._said.popitem(last=False)
        return key

    def take(self, key: str) -> Said | None:
        return self._said.pop(key, None)


def redirect(path: str, headers: dict[str, str] | None = None) -> Answer:
    return Answer(303, b"", {"Location": path, **HEADERS, **(headers or {})})
