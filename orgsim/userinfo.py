"""Who is signed in, as /services/oauth2/userinfo tells it."""

from zoneinfo import ZoneInfo

from orgsim.auth import Session
from orgsim.org import Org


def user_info(org: Org, session: Session, address: str) -> dict[str, object]:
    sql = (
        "SELECT FirstName, LastName, Name, Email, Alias, IsActive, TimeZoneSidKey, LocaleSidKey, LanguageLocaleKey, "
        "LastModifiedDate FROM User WHERE Id = ?"
    )
    row = org.store.reader().execute(sql, (session.user_id,)).fetchone()
    first, last, name, email, alias, active, zone, locale, language, modified = row
    org_id = org.store.meta("org_id")
    offset = org.clock.now().astimezone(ZoneInfo(zone)).utcoffset()
    moment = modified.replace(".000+0000", "Z")
    return {
        "sub": f"{address}/id/{org_id}/{session.user_id}",
        "user_id": session.user_id,
        "organization_id": org_id,
        "preferred_username": session.username,
        "nickname": alias,
        "name": name,
        "email": email,
        "email_verified": True,
        "given_name": first,
        "family_name": last,
        "zoneinfo": zone,
        "photos": {},
        "urls": {
            "enterprise": f"{address}/services/Soap/c/{{version}}/{org_id[:15]}",
            "rest": f"{address}/services/data/v{{version}}/",
            "sobjects": f"{address}/services/data/v{{version}}/sobjects/",
            "query": f"{address}/services/data/v{{version}}/query/",
            "profile": f"{address}/{session.user_id}",
            "custom_domain": address,
        },
        "active": bool(active),
        "user_type": "STANDARD",
        "language": language,
        "locale": locale,
        "utcOffset": int(offset.total_seconds() * 1000) if offset else 0,
        "updated_at": moment,
        "is_app_installed": True,
    }
