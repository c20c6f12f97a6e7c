"""Which page answers which path, once it is known that the visitor may see any."""

import logging
import re
from importlib.resources import files
from urllib.parse import parse_qs, urlencode

from orgsim.calls import Answer, Call
from orgsim.org import Org
from orgsim.pages import automation, faults, home, list_views, people, record, reports, setup
from orgsim.pages.access import Access, own_path
from orgsim.pages.screen import HEADERS, Screen, redirect
from orgsim.pages.visit import Visit
from orgsim.scenario import Scenario
from orgsim.traffic import Traffic

_log = logging.getLogger(__name__)
SIGN_IN = "/orgsim/sign-in"
_SIGN_OUT = "/orgsim/sign-out"
_STATIC = {"/orgsim/static/org.css": "text/css; charset=utf-8", "/orgsim/static/icon.svg": "image/svg+xml"}
_RECORD = re.compile(r"/[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")
_ROUTES = (
    *home.ROUTES,
    *people.ROUTES,
    *list_views.ROUTES,
    # Before the records': a report has a page of its own at the address of its record.
    *reports.ROUTES,
    *record.ROUTES,
    *automation.ROUTES,
    *setup.ROUTES,
    *faults.ROUTES,
)
_PATTERNS = tuple((method, re.compile(pattern), handler) for method, pattern, handler in _ROUTES)


def link(address: str, admin_token: str) -> str:
    """What a person opens first: it signs in and shows the start page."""
    return f"{address}{SIGN_IN}?{urlencode({'token': admin_token})}"


class Pages:
    def __init__(self, org: Org, admin_token: str, traffic: Traffic) -> None:
        self._org = org
        self._scenario = Scenario(org)
        self._traffic = traffic
        self._access = Access(admin_token)
        self._screen = Screen()
        self._static = {path: _read(path) for path in _STATIC}

    def takes(self, path: str) -> bool:
        """Whether a path is a page; everything else is the API's."""
        return path == "/" or path.startswith(("/orgsim/", "/lightning/")) or bool(_RECORD.fullmatch(path))

    def answer(self, call: Call) -> Answer:
        if call.path in _STATIC:
            headers = {**HEADERS, "Content-Type": _STATIC[call.path], "Cache-Control": "max-age=60"}
            return Answer(200, self._static[call.path], headers)
        form = _form(call)
        if call.path == SIGN_IN:
            return self._sign_in(call, form)
        if not self._access.knows(call):
            return self._asked_to_sign_in(call.path if call.method == "GET" else "/", 403)
        return self._answered(call, form)

    def _sign_in(self, call: Call, form: dict[str, str]) -> Answer:
        given = form if call.method == "POST" else call.query
        following = own_path(given.get("next", "/"))
        if "token" not in given:
            return self._asked_to_sign_in(following, 200)
        if not self._access.opens(given["token"]):
            return self._asked_to_sign_in(following, 403, wrong=True)
        return redirect(following, {"Set-Cookie": self._access.cookie(call)})

    def _asked_to_sign_in(self, following: str, status: int, *, wrong: bool = False) -> Answer:
        return self._screen.page("sign_in.html", status, {"next": own_path(following), "wrong": wrong})

    def _answered(self, call: Call, form: dict[str, str]) -> Answer:
        visit = Visit(
            org=self._org,
            scenario=self._scenario,
            traffic=self._traffic,
            screen=self._screen,
            call=call,
            parts={},
            form=form,
            form_key=self._access.form_key,
        )
        if call.method == "POST" and not self._access.is_own_form(form):
            text = (
                "Its form was made by another page, or before a restart. Open the page again and repeat it."
            )
            return visit.message("Nothing was done", text, 403)
        if call.path == _SIGN_OUT and call.method == "POST":
            return redirect(SIGN_IN, {"Set-Cookie": self._access.no_cookie(call)})
        return _dispatched(visit)


def _dispatched(visit: Visit) -> Answer:
    method = "GET" if visit.call.method == "HEAD" else visit.call.method
    try:
        for accepted, pattern, handler in _PATTERNS:
            match = pattern.fullmatch(visit.call.path)
            if match and accepted == method:
                visit.parts.update(match.groupdict())
                return handler(visit)
    except Exception:
        _log.exception("the page %s failed", visit.call.path)
        text = "This is an error of the simulated org, not of what you did. Its log says more."
        return visit.message("This page failed", text, 500)
    return visit.message("There is no such page", "The address may be mistyped, or its record is gone.", 404)


def _form(call: Call) -> dict[str, str]:
    if call.method != "POST":
        return {}
    fields = parse_qs(call.body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[-1] for name, values in fields.items()}


def _read(path: str) -> bytes:
    return files("orgsim.pages").joinpath("static", path.rpartition("/")[2]).read_bytes()
