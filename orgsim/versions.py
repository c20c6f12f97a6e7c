"""API versions: three releases a year, the oldest ones retired unless the org still serves them."""

import re

from orgsim.errors import ApiError, not_found

OLDEST, NEWEST = 31, 68
FIRST_SERVED = 20
_BASE = re.compile(r"(/services/data/v(\d{1,3})\.0)((?:/.*)?)")
# Another name of the newest version (documented); addresses in answers have its number (inferred).
_ALIAS = re.compile(r"/services/data/latest(?=/|$)")
_SEASONS = ("Spring", "Summer", "Winter")
# What a developer org lists; not all of it exists here.
_RESOURCES = (
    "metadata",
    "eclair",
    "folders",
    "prechatForms",
    "chatter",
    "tabs",
    "appMenu",
    "quickActions",
    "queryAll",
    "commerce",
    "wave",
    "iot",
    "analytics",
    "search",
    "composite",
    "parameterizedSearch",
    "fingerprint",
    "theme",
    "nouns",
    "domino",
    "event",
    "serviceTemplates",
    "recent",
    "connect",
    "licensing",
    "limits",
    "process",
    "dedupe",
    "async-queries",
    "query",
    "jobs",
    "localizedvalue",
    "mobile",
    "emailConnect",
    "consent",
    "tooling",
    "sobjects",
    "actions",
    "support",
)


def release_of(number: int) -> str:
    """66 -> Spring '26: Winter releases carry the coming year."""
    season = _SEASONS[number % 3]
    year = 26 + (number - {"Spring": 66, "Summer": 67, "Winter": 65}[season]) // 3
    # One label is recorded with another apostrophe than all the others.
    apostrophe = "’" if number == 42 else "'"
    return f"{season} {apostrophe}{year}"


def versions_json() -> list[dict[str, str]]:
    """The list names no retired version, whether or not it is still served."""
    return [
        {"label": release_of(n), "url": f"/services/data/v{n}.0", "version": f"{n}.0"}
        for n in range(OLDEST, NEWEST + 1)
    ]


def supported_base(path: str, *, old_versions: bool) -> tuple[str, str]:
    """`/services/data/v66.0/query` -> its base and the rest; raises 410 for retired versions, 404 for no path of ours.

    Old clients name the format at the end of the path: `.json` and `.xml` are taken off.
    """
    match = _BASE.fullmatch(_ALIAS.sub(f"/services/data/v{NEWEST}.0", path))
    if match is None:
        raise not_found()
    number = int(match[2])
    if number > NEWEST:
        raise not_found()
    if number < (FIRST_SERVED if old_versions else OLDEST):
        message = "The requested API version is retired. Please use a newer one."
        raise ApiError(410, "GONE", message)
    return match[1], match[3].removesuffix(".json").removesuffix(".xml")


def resources_json(base: str, identity: str) -> dict[str, str]:
    return {name: f"{base}/{name}" for name in _RESOURCES} | {"identity": identity}
