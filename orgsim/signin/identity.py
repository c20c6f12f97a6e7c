"""Who is signed in: /services/oauth2/userinfo, and the `id` address of a token answer.

Both answer a wrong token with 403 and a name in plain text, unlike the data resources.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from orgsim.calls import Answer, Call, json_answer
from orgsim.errors import method_not_allowed
from orgsim.ids import normalise
from orgsim.org import Org
from orgsim.signin.hosts import org_address
from orgsim.signin.sessions import Session, bearer_token
from orgsim.versions import NEWEST

_PATH = re.compile(r"/id/(\w+)/(\w+)")
_COLUMNS = (
    "Id, Username, FirstName, LastName, Name, Email, Alias, IsActive, TimeZoneSidKey, LocaleSidKey, "
    "LanguageLocaleKey, LastModifiedDate"
)

# What an identity tells and no user of this org has.
_NOT_KEPT = {
    "addr_street": None,
    "addr_city": None,
    "addr_state": None,
    "addr_country": None,
    "addr_zip": None,
    "mobile_phone": None,
    "mobile_phone_verified": False,
    "is_lightning_login_user": False,
    "status": {"created_date": None, "body": None},
}


@dataclass(frozen=True, slots=True)
class _Profile:
    id: str
    username: str
    first_name: str | None
    last_name: str
    name: str
    email: str
    alias: str
    active: int
    zone: str
    locale: str
    language: str
    modified: str


def user_info(org: Org, call: Call) -> Answer:
    session = _session(org, call)
    if isinstance(session, Answer):
        return session
    user, org_id = _profile(org, session.user_id), org.store.meta("org_id")
    address = org_address(call.address)
    return json_answer(
        {
            "sub": f"{address}/id/{org_id}/{user.id}",
            "user_id": user.id,
            "organization_id": org_id,
            "preferred_username": user.username,
            "nickname": user.alias,
            "name": user.name,
            "email": user.email,
            "email_verified": True,
            "given_name": user.first_name,
            "family_name": user.last_name,
            "zoneinfo": user.zone,
            "photos": _photos(address),
            "profile": f"{address}/{user.id}",
            "picture": _photos(address)["picture"],
            "address": {},
            "is_salesforce_integration_user": False,
            "urls": _urls(address, org_id, user.id),
            **_shared(org, user),
            "updated_at": user.modified.replace(".000+0000", "Z"),
            "is_app_installed": True,
        }
    )


def identity(org: Org, call: Call) -> Answer:
    """`?version=latest` or a number fills the version in the addresses; keys as documented for Identity URLs."""
    if call.method not in ("GET", "HEAD", "POST"):
        raise method_not_allowed(call.method)
    session = _session(org, call)
    if isinstance(session, Answer):
        return session
    match = _PATH.fullmatch(call.path)
    if match is None or normalise(match[2]) != session.user_id:
        return _plain("Bad_Id", 404)
    if normalise(match[1]) != org.store.meta("org_id"):
        return _plain("Wrong_Org")
    user, org_id = _profile(org, session.user_id), org.store.meta("org_id")
    address = org_address(call.address)
    urls = _urls(address, org_id, user.id)
    version = call.query.get("version", "")
    if version:
        number = f"{NEWEST}.0" if version == "latest" else version
        urls = {name: url.replace("{version}", number) for name, url in urls.items()}
    return json_answer(
        {
            "id": f"{address}/id/{org_id}/{user.id}",
            "asserted_user": True,
            "user_id": user.id,
            "organization_id": org_id,
            "username": user.username,
            "nick_name": user.alias,
            "display_name": user.name,
            "email": user.email,
            "email_verified": True,
            "first_name": user.first_name,
            "last_name": user.last_name,
            "timezone": user.zone,
            "photos": _photos(address),
            **_NOT_KEPT,
            "urls": urls,
            **_shared(org, user),
            "last_modified_date": user.modified,
            "is_app_installed": True,
        }
    )


def _session(org: Org, call: Call) -> Session | Answer:
    """The token may stand in the header, in the address or in a form."""
    form = dict(parse_qsl(call.body.decode("utf-8", "replace")))
    given = {**call.query, **form}
    token = bearer_token(call.headers.get("authorization"))
    token = token or given.get("access_token", "") or given.get("oauth_token", "")
    if not token:
        return _plain("Missing_OAuth_Token")
    return org.sessions.find(token) or _plain("Bad_OAuth_Token")


def _plain(name: str, status: int = 403) -> Answer:
    return Answer(status, name.encode(), {"Content-Type": "text/html;charset=UTF-8"})


def _profile(org: Org, user_id: str) -> _Profile:
    sql = f"SELECT {_COLUMNS} FROM User WHERE Id = ?"  # noqa: S608  the columns are fixed above
    return _Profile(*org.store.reader().execute(sql, (user_id,)).fetchone())


def _photos(address: str) -> dict[str, str]:
    return {"picture": f"{address}/profilephoto/005/F", "thumbnail": f"{address}/profilephoto/005/T"}


def _shared(org: Org, user: _Profile) -> dict[str, object]:
    # The zone's own offset, without daylight saving.
    now = org.clock.now().astimezone(ZoneInfo(user.zone))
    offset = (now.utcoffset() or timedelta()) - (now.dst() or timedelta())
    return {
        "active": bool(user.active),
        "user_type": "STANDARD",
        "language": user.language,
        "locale": user.locale,
        "utcOffset": int(offset.total_seconds() * 1000),
    }


def _urls(address: str, org_id: str, user_id: str) -> dict[str, str]:
    soap, data = f"{address}/services/Soap", f"{address}/services/data/v{{version}}"
    short = org_id[:15]
    return {
        "enterprise": f"{soap}/c/{{version}}/{short}",
        "metadata": f"{soap}/m/{{version}}/{short}",
        "partner": f"{soap}/u/{{version}}/{short}",
        "rest": f"{data}/",
        "sobjects": f"{data}/sobjects/",
        "search": f"{data}/search/",
        "query": f"{data}/query/",
        "recent": f"{data}/recent/",
        "tooling_soap": f"{soap}/T/{{version}}/{short}",
        "tooling_rest": f"{data}/tooling/",
        "profile": f"{address}/{user_id}",
        "feeds": f"{data}/chatter/feeds",
        "groups": f"{data}/chatter/groups",
        "users": f"{data}/chatter/users",
        "feed_items": f"{data}/chatter/feed-items",
        "feed_elements": f"{data}/chatter/feed-elements",
        "custom_domain": address,
    }
