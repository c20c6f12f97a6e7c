"""What an org says of itself: API versions, limits, who signed in, the organization's row."""

from dataclasses import dataclass
from typing import TypeVar

import msgspec

from carillon.salesforce.answers import error_of
from carillon.salesforce.errors import InvalidId, MalformedAnswer, SalesforceError
from carillon.salesforce.ids import to_18

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Version:
    label: str
    version: str


@dataclass(frozen=True, slots=True)
class Limit:
    max: int
    remaining: int


@dataclass(frozen=True, slots=True)
class UserInfo:
    """The API user; `zone` is an IANA name in which relative dates of a list view are meant."""

    user_id: str
    org_id: str
    username: str
    name: str
    zone: str
    active: bool


@dataclass(frozen=True, slots=True)
class Organization:
    """`instance_name`, `is_sandbox` and `time_zone` are None where the API user may not read them."""

    id: str
    name: str
    instance_name: str | None
    is_sandbox: bool | None
    time_zone: str | None


class _Version(msgspec.Struct):
    version: str
    label: str = ""


class _Limit(msgspec.Struct):
    Max: int
    Remaining: int


class _UserInfo(msgspec.Struct):
    user_id: str
    organization_id: str
    preferred_username: str = ""
    name: str = ""
    zoneinfo: str = ""
    active: bool = True


class OrganizationRow(msgspec.Struct):
    Id: str
    Name: str | None = None
    InstanceName: str | None = None
    IsSandbox: bool | None = None
    TimeZoneSidKey: str | None = None


def decode(body: bytes, kind: type[T]) -> T:
    """A body as a type of ours; raises MalformedAnswer."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    raise MalformedAnswer("Salesforce's answer was cut off or not in the agreed form.")


def id_18(record_id: str) -> str:
    """An id inside an answer; raises MalformedAnswer, since it is Salesforce that gave it."""
    try:
        return to_18(record_id)
    except InvalidId:
        pass
    raise MalformedAnswer("Salesforce's answer holds something else where an id belongs.")


def versions_of(body: bytes) -> list[Version]:
    return [Version(item.label, item.version) for item in decode(body, list[_Version])]


def limits_of(body: bytes) -> dict[str, Limit]:
    """Limits by name. Entries of another shape are left out: their number and form differ by org and user."""
    limits: dict[str, Limit] = {}
    for name, raw in decode(body, dict[str, msgspec.Raw]).items():
        try:
            entry = msgspec.json.decode(raw, type=_Limit)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        limits[name] = Limit(entry.Max, entry.Remaining)
    return limits


def user_info_error_of(status: int, body: bytes) -> SalesforceError:
    """As error_of; but who asks with an ended session gets a 403 here and a word for text, where the API says 401."""
    if status == 403 and body.strip().endswith(b"_OAuth_Token"):
        return error_of(401, body)
    return error_of(status, body)


def user_info_of(body: bytes) -> UserInfo:
    said = decode(body, _UserInfo)
    return UserInfo(
        user_id=id_18(said.user_id),
        org_id=id_18(said.organization_id),
        username=said.preferred_username,
        name=said.name,
        zone=said.zoneinfo,
        active=said.active,
    )


def organization_of(row: OrganizationRow) -> Organization:
    return Organization(id_18(row.Id), row.Name or "", row.InstanceName, row.IsSandbox, row.TimeZoneSidKey)
