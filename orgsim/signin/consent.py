"""The page that asks a person whether a program may act for them: authorization code flow with PKCE."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode, urlsplit

from orgsim.calls import Answer, Call
from orgsim.errors import OAuthError
from orgsim.org import Org
from orgsim.signin.grants import Grant
from orgsim.signin.service import APP_SCOPES, KNOWN_SCOPES
from orgsim.signin.tokens import Form

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;color:#1b1b1b;background:#f4f6f9;margin:0}"
    "main{max-width:24rem;margin:3rem auto;padding:1.5rem;background:#fff;border:1px solid #c9cfd8;"
    "border-radius:.5rem}h1{font-size:1.25rem;margin:0 0 1rem}label{display:block;margin:.75rem 0 .25rem}"
    "input{width:100%;box-sizing:border-box;font:inherit;padding:.5rem;border:1px solid #6b7280;"
    "border-radius:.25rem}button{font:inherit;padding:.5rem 1.25rem;margin:1.25rem .5rem 0 0;"
    "border:1px solid #0b5cab;border-radius:.25rem;background:#fff;color:#0b5cab}"
    "button.allow{background:#0b5cab;color:#fff}.error{color:#a4000f;font-weight:600}"
    ":focus-visible{outline:3px solid #f2a900;outline-offset:2px}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_ASKED = ("response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge")
_SENTENCES = {
    "api": "Read and change the org's data in your name",
    "refresh_token": "Do so at any time, until you revoke it",
    "offline_access": "Do so at any time, until you revoke it",
    "id": "See who you are",
    "full": "Do everything you can do",
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a program asks for; `challenge` is the S256 challenge of PKCE, empty without."""

    redirect_uri: str
    state: str
    scope: str
    challenge: str


class _Redirected(Exception):
    """A refusal that the program itself is told."""

    def __init__(self, asked: _Asked, error: str, description: str) -> None:
        super().__init__(description)
        self.asked = asked
        self.error = error
        self.description = description


def authorize(org: Org, call: Call) -> Answer:
    form = Form.of(call)
    try:
        asked = _asked(org, form)
        if call.method != "POST":
            return _page(form, asked)
        return _decided(org, form, asked)
    except OAuthError as error:
        # Without a trusted address to go back to, the person is told.
        told = {"error": error.error, "error_description": error.description}
        return Answer(400, urlencode(told).encode(), {"Content-Type": "text/plain;charset=UTF-8"})
    except _Redirected as refusal:
        told = {"error": refusal.error, "error_description": refusal.description}
        return _back(refusal.asked, told)


def _asked(org: Org, form: Form) -> _Asked:
    credentials = org.signin.credentials
    if form.needed("client_id") != credentials.client_id:
        raise OAuthError("invalid_client_id", "client identifier invalid")
    if not credentials.accepts_callback(form.get("redirect_uri")):
        raise OAuthError("redirect_uri_mismatch", "redirect_uri must match configuration")
    asked = _Asked(
        redirect_uri=form.get("redirect_uri"),
        state=form.get("state"),
        scope=" ".join(form.get("scope").split() or APP_SCOPES),
        challenge=form.get("code_challenge").rstrip("="),
    )
    if form.get("response_type") != "code":
        raise _Redirected(asked, "unsupported_response_type", "response type not supported")
    if not set(asked.scope.split()) <= KNOWN_SCOPES:
        raise _Redirected(asked, "invalid_scope", "the requested scope is not allowed")
    if asked.challenge and form.get("code_challenge_method") not in ("", "S256"):
        raise _Redirected(asked, "invalid_request", "code challenge method must be S256")
    return asked


def _decided(org: Org, form: Form, asked: _Asked) -> Answer:
    if form.get("decision") != "allow":
        raise _Redirected(asked, "access_denied", "end-user denied authorization")
    refusal = org.signin.refusal()
    if refusal is not None:
        raise _Redirected(asked, refusal.error, refusal.description)
    user = org.signin.checked(form.get("username"), form.get("password"))
    if user is None:
        return _page(form, asked, "Please check your username and password.")
    if not user.active:
        return _page(form, asked, "Your access is switched off. Ask the org's administrator.")
    org.signin.set_approved(user.id, approved=True)
    code = org.signin.codes.issue(
        Grant(user.id, asked.scope), redirect_uri=asked.redirect_uri, challenge=asked.challenge
    )
    return _back(asked, {"code": code})


def _back(asked: _Asked, told: Mapping[str, str]) -> Answer:
    """To the program, with what it is told added to whatever its address already asks."""
    state = {"state": asked.state} if asked.state else {}
    joint = "&" if urlsplit(asked.redirect_uri).query else "?"
    location = f"{asked.redirect_uri}{joint}{urlencode({**told, **state})}"
    return Answer(302, b"", {"Location": location, "Cache-Control": "no-store"})


def _page(form: Form, asked: _Asked, error: str = "") -> Answer:
    """The request's own parameters travel on in hidden fields."""
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{escape(form.get(name))}">'
        for name in _ASKED
        if form.get(name)
    )
    scopes = dict.fromkeys(_SENTENCES.get(name, f"Use: {name}") for name in asked.scope.split())
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in scopes)
    alert = f'<p class="error" role="alert">{escape(error)}</p>' if error else ""
    username = escape(form.get("username") or form.get("login_hint"))
    return _html(
        "Allow access?",
        f"<h1>Allow access?</h1><p>The program <strong>{escape(form.get('client_id'))}</strong> asks to:</p>"
        f"<ul>{items}</ul>{alert}"
        f'<form method="post" action="/services/oauth2/authorize">{hidden}'
        '<label for="username">Username</label>'
        f'<input id="username" name="username" autocomplete="username" value="{username}" required>'
        '<label for="password">Password</label>'
        '<input id="password" name="password" type="password" autocomplete="current-password" required>'
        '<button class="allow" name="decision" value="allow">Allow</button>'
        '<button name="decision" value="deny" formnovalidate>Deny</button></form>',
        target=asked.redirect_uri,
    )


def success() -> Answer:
    """Where programs without a web address of their own send the browser."""
    return _html(
        "Access allowed",
        "<h1>Access allowed</h1><p>The program may now use the org. You can close this window.</p>",
    )


def _html(title: str, body: str, target: str = "") -> Answer:
    """`target` is where the form's answer may lead: browsers check a redirect against form-action too."""
    parts = urlsplit(target)
    origin = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} · Simulated org</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><main>{body}</main></body></html>"
    )
    policy = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'; "
    )
    headers = {
        "Content-Type": "text/html;charset=UTF-8",
        "Content-Security-Policy": f"{policy}form-action 'self'{origin}",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
    return Answer(200, page.encode(), headers)
