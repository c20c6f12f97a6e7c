"""What stands under /services/oauth2/ and beside it, outside the versioned resources and without a limit header."""

from collections.abc import Callable

from orgsim.calls import Answer, Call, json_answer
from orgsim.errors import OAuthError, not_found
from orgsim.org import Org
from orgsim.signin import consent
from orgsim.signin.hosts import org_address
from orgsim.signin.identity import identity, user_info
from orgsim.signin.service import KNOWN_SCOPES
from orgsim.signin.soap import soap
from orgsim.signin.tokens import Form, check_client, grant

_UNCACHED = {"Cache-Control": "no-cache, no-store", "Pragma": "no-cache"}
_OAUTH = "/services/oauth2/"


def _token(org: Org, call: Call) -> Answer:
    return json_answer(grant(org, call), headers=_UNCACHED)


def _revoke(org: Org, call: Call) -> Answer:
    """Without client credentials, as in Salesforce: whoever has the token may end it."""
    token = Form.of(call).needed("token")
    if not org.signin.revoke(token):
        raise OAuthError("invalid_token", f"invalid token: {token}")
    return Answer(200, b"", _UNCACHED)


def _introspect(org: Org, call: Call) -> Answer:
    form = Form.of(call)
    check_client(org, form)
    return json_answer(_told(org, form.needed("token"), org_address(call.address)), headers=_UNCACHED)


def _told(org: Org, token: str, address: str) -> dict[str, object]:
    session, refreshing = org.sessions.find(token), org.signin.refresh_tokens.find(token)
    if session is not None:
        user_id, scope, kind = session.user_id, session.scope, "access_token"
    elif refreshing is not None:
        user_id, scope, kind = refreshing.user_id, refreshing.scope, "refresh_token"
    else:
        return {"active": False}
    user = org.signin.user(user_id)
    told: dict[str, object] = {
        "active": True,
        "scope": scope or "full",
        "client_id": org.signin.credentials.client_id,
        "username": user.username if user else "",
        "sub": f"{address}/id/{org.store.meta('org_id')}/{user_id}",
        "token_type": kind,
    }
    if session is not None:
        started = session.started_at or session.expires_at
        issued = int(started.timestamp())
        told |= {"exp": int(session.expires_at.timestamp()), "iat": issued, "nbf": issued}
    return told


def _success(org: Org, call: Call) -> Answer:
    return consent.success()


_RESOURCES: dict[str, tuple[tuple[str, ...], Callable[[Org, Call], Answer]]] = {
    "token": (("POST",), _token),
    "revoke": (("GET", "POST"), _revoke),
    "introspect": (("POST",), _introspect),
    "authorize": (("GET", "POST"), consent.authorize),
    "userinfo": (("GET", "POST"), user_info),
    "success": (("GET",), _success),
}


def oauth(org: Org, call: Call) -> Answer:
    """Raises OAuthError for a refusal; a wrong method gets one too (wording inferred)."""
    found = _RESOURCES.get(call.path.removeprefix(_OAUTH))
    if found is None:
        raise not_found()
    methods, handler = found
    if ("GET" if call.method == "HEAD" else call.method) not in methods:
        raise OAuthError("invalid_request", f"must use HTTP {methods[-1]}")
    return handler(org, call)


def discovery(org: Org, call: Call) -> Answer:
    """What OpenID Connect clients look up first; there is no id_token, hence no keys."""
    address = call.address
    return json_answer(
        {
            "issuer": address,
            "authorization_endpoint": f"{address}{_OAUTH}authorize",
            "token_endpoint": f"{address}{_OAUTH}token",
            "revocation_endpoint": f"{address}{_OAUTH}revoke",
            "introspection_endpoint": f"{address}{_OAUTH}introspect",
            "userinfo_endpoint": f"{address}{_OAUTH}userinfo",
            "scopes_supported": sorted(KNOWN_SCOPES),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
        }
    )


# Paths and how they begin.
OUTSIDE: tuple[tuple[str, Callable[[Org, Call], Answer]], ...] = (
    (_OAUTH, oauth),
    ("/services/Soap/", soap),
    ("/id/", identity),
    ("/.well-known/openid-configuration", discovery),
)
