"""The options of `orgsim serve` that say with what programs sign in."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from orgsim.org import Org
from orgsim.signin.credentials import Credentials
from orgsim.signin.sessions import SESSION_LIFETIME

_DEFAULTS = Credentials()
_HELP = {
    "client_id": "Client id of the program.",
    "client_secret": "Client secret of the program.",
    "username": "Username of the API user.",
    "password": "Password of the API user.",
    "security_token": "What a password may have appended.",
    "refresh_token": "A refresh token of the API user that is valid from the start.",
}


@dataclass(frozen=True, slots=True)
class SignInOptions:
    credentials: Credentials
    session_seconds: int
    certificate: str | None

    def apply(self, org: Org) -> None:
        """Raises ValueError for a certificate without a usable key."""
        org.sessions.lifetime = timedelta(seconds=self.session_seconds)
        if self.certificate is not None:
            org.signin.register_certificate(self.certificate)


def sign_in_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options to a command, which gets them together as `sign_in`."""

    @functools.wraps(command)
    def wrapped(
        session_seconds: int, callback: tuple[str, ...], jwt_certificate: Path | None, **given: Any
    ) -> None:
        known = {field.name: given.pop(field.name) for field in fields(Credentials) if field.name in _HELP}
        pem = jwt_certificate.read_text() if jwt_certificate else None
        options = SignInOptions(Credentials(**known, callbacks=callback), session_seconds, pem)
        command(sign_in=options, **given)

    adding: list[Callable[[Callable[..., None]], Callable[..., None]]] = [
        click.option(
            f"--{name.replace('_', '-')}",
            name,
            default=getattr(_DEFAULTS, name),
            show_default=True,
            help=text,
        )
        for name, text in _HELP.items()
    ]
    adding += [
        click.option(
            "--callback",
            multiple=True,
            help="A redirect address of the program, beside any on loopback; repeatable.",
        ),
        click.option(
            "--jwt-certificate",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Certificate or public key, in PEM, of the program's JWT sign-ins; kept in the org's file.",
        ),
        click.option(
            "--session-seconds",
            default=int(SESSION_LIFETIME.total_seconds()),
            show_default=True,
            type=click.IntRange(1),
            help="How long a session lives.",
        ),
    ]
    for add in reversed(adding):
        wrapped = add(wrapped)
    return wrapped
