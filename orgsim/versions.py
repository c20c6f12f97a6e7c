"""API versions: three releases a year, the oldest ones retired."""

import re

from orgsim.errors import ApiError, not_found

OLDEST, NEWEST = 31, 68
FIRST_EVER = 20
_BASE = re.compile(r"(/services/data/v(\d{1,3})\.0)((?:/.*)?)")
_SEASONS = ("Spring", "Summer", "Winter")


def release_of(number: int) -> str:
    """66 -> Spring '26: Winter releases carry the coming year."""
    season = _SEASONS[number % 3]
    year = 26 + (number - {"Spring": 66, "Summer": 67, "Winter": 65}[season]) // 3
    return f"{season} '{year}"


def versions_json() -> list[dict[str, str]]:
    return [
        {"label": release_of(n), "url": f"/services/data/v{n}.0", "version": f"{n}.0"}
        for n in range(OLDEST, NEWEST + 1)
    ]


def supported_base(path: str) -> tuple[str, str]:
    """`/services/data/v66.0/query` -> its base and the rest; raises 410 for retired versions, 404 for no path of ours."""
    match = _BASE.fullmatch(path)
    if match is None:
        raise not_found()
    number = int(match[2])
    if FIRST_EVER <= number < OLDEST:
        message = "The requested API version is retired. Please use a newer one."
        raise ApiError(410, "UNSUPPORTED_API_VERSION", message)
    if not OLDEST <= number <= NEWEST:
        raise not_found()
    return match[1], match[3]


def resources_json(base: str) -> dict[str, str]:
    return {name: f"{base}/{name}" for name in ("limits", "query", "queryAll", "sobjects")}
