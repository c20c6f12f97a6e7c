"""Calls as a signed-in user: every resource of the client sends through this.

On a 401 it gets a new token once and repeats the same request, unless another org gave the token: record ids of one
org mean other people in another.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

import msgspec

from carillon.salesforce import auth
from carillon.salesforce.auth import ClientCredentials, Session
from carillon.salesforce.errors import OrgExchanged, SalesforceError, SessionLost
from carillon.salesforce.transport import Answer, Call, Transport

JSON = "application/json"

T = TypeVar("T")


class Caller:
    """`base` is the path of the API version, such as /services/data/v66.0."""

    def __init__(
        self, transport: Transport, credentials: ClientCredentials, *, allow_local: bool, base: str
    ) -> None:
        self.transport = transport
        self.base = base
        self._credentials = credentials
        self._allow_local = allow_local
        self._session: Session | None = None
        self._org_id = ""
        self._signing_in = threading.Lock()

    @property
    def session(self) -> Session:
        return self._session or self._renew(None)

    def sign_in(self) -> Session:
        """A new session, replacing the one before."""
        try:
            self._session = auth.sign_in(self.transport, self._credentials, allow_local=self._allow_local)
        except SalesforceError as error:
            # Whatever was asked for has not been sent yet.
            error.untouched = True
            raise
        return self._session

    def get(self, kind: str, path: str, decode: Callable[[bytes], T]) -> T:
        return self.call(kind, path, lambda answer: decode(answer.body))

    def call(
        self,
        kind: str,
        path: str,
        decode: Callable[[Answer], T],
        *,
        method: str = "GET",
        body: object = None,
        headers: Mapping[str, str] | None = None,
        safe: bool = True,
    ) -> T:
        """The decoded answer; `body` is sent as JSON, `safe` says that sending it twice does no harm."""
        content = None if body is None else msgspec.json.encode(body)
        typed = {} if content is None else {"Content-Type": JSON}
        call = Call(
            kind=kind,
            path=path,
            method=method,
            headers={**typed, **(headers or {})},
            content=content,
            safe=safe,
        )
        return self.send(call, decode)

    def send(self, call: Call, decode: Callable[[Answer], T]) -> T:
        """The decoded answer of a call that has yet to be given the session and its host."""
        session = self._of_our_org(self.session)
        try:
            return self.transport.send(_authorized(call, session), decode)
        except SessionLost:
            # A 401 did nothing, so that every call may follow again.
            renewed = self._of_our_org(self._renew(session))
        return self.transport.send(_authorized(call, renewed), decode)

    def _renew(self, lost: Session | None) -> Session:
        # Threads that lose the same session together sign in once.
        with self._signing_in:
            if self._session is None or self._session is lost:
                return self.sign_in()
            return self._session

    def _of_our_org(self, session: Session) -> Session:
        self._org_id = self._org_id or session.org_id
        if session.org_id != self._org_id:
            raise OrgExchanged
        return session


def _authorized(call: Call, session: Session) -> Call:
    headers = {**call.headers, "Authorization": f"Bearer {session.access_token}"}
    return replace(call, origin=session.instance_url, headers=headers)
