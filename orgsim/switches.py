"""What an admin of the simulated org can set, by name: facts nobody has recorded, and ways an org can be set up.

An *open fact* is something a real org does in one of several ways and no public source settles; a client must bear
all of them. A *setting* is something orgs differ in. Both are kept in the org's file.
"""

from dataclasses import dataclass

from orgsim.store import Store

ON, OFF = "on", "off"


@dataclass(frozen=True, slots=True)
class Switch:
    """`values[0]` is the value of a new org."""

    values: tuple[str, ...]
    says: str


OPEN_FACTS = {
    "report_id_comparison": Switch(
        ("accepted", "refused"), "whether a report filter may compare a record id with greaterThan"
    ),
    "report_datetime": Switch(
        ("seconds", "milliseconds"), "the value of a date/time cell: 2021-01-14T03:12:09Z or with .000"
    ),
    "unshared_list_view": Switch(("404", "403"), "the status of a list view that is not shared"),
    "list_views_paging": Switch(("whole", "paged"), "whether very many list views come in pages"),
    "bulk_csv": Switch(
        ("plain", "bare"),
        "plain: no rows give a header, datetimes end in Z; bare: no rows give no body, datetimes end in +0000",
    ),
    "report_limit_error": Switch(
        ("forbidden", "specific"), "whether a report limit has a specificErrorCode beside FORBIDDEN"
    ),
    "limit_info_on_204": Switch((ON, OFF), "whether an answer 204 carries Sforce-Limit-Info"),
    "quiet_write_stamps": Switch(
        ("moved", "kept"), "whether SystemModstamp moves on deletion and on an edit that changes no value"
    ),
}
SETTINGS = {
    "old_versions": Switch((ON, OFF), "whether API versions from 20.0 are served beside those not retired"),
    "password_sign_in": Switch((ON, OFF), "username-password grant and SOAP login(); off in new orgs"),
    "refresh_token_rotation": Switch((OFF, ON), "whether a refresh token is replaced at each use"),
    "locators": Switch(("reread", "single_use"), "whether a query locator may be used more than once"),
    "page_sizes": Switch(("full", "shrinking"), "shrinking: later pages of a query are smaller than asked"),
}
SWITCHES = OPEN_FACTS | SETTINGS


def check(name: str, value: str) -> None:
    """Raises ValueError for a name or value that does not exist."""
    known = SWITCHES.get(name)
    if known is None:
        raise ValueError(f"there is no switch {name}; there are: {', '.join(SWITCHES)}")
    if value not in known.values:
        raise ValueError(f"{name} can be {' or '.join(known.values)}, not {value or 'empty'}")


class Switches:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._values = {
            name: store.meta(f"switch:{name}", known.values[0]) for name, known in SWITCHES.items()
        }

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def is_on(self, name: str) -> bool:
        return self._values[name] == ON

    def all(self) -> dict[str, str]:
        return dict(self._values)

    def set(self, name: str, value: str) -> None:
        """Raises ValueError for a name or value that does not exist."""
        check(name, value)
        self._store.set_meta(f"switch:{name}", value)
        self._values[name] = value
