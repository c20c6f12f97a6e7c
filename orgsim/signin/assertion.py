"""The JWT of a server-to-server sign-in: signed by the key whose certificate the client registered, and short-lived."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from orgsim.errors import OAuthError

# Three minutes are documented; public clients that work with orgs send five, and Salesforce's own CLI milliseconds.
LONGEST_AHEAD = 300
_MILLISECONDS = 100_000_000_000
_LEEWAY = 30
_SMALLEST_KEY = 2_048
_LOGIN_HOSTS = ("login.salesforce.com", "test.salesforce.com")


@dataclass(frozen=True, slots=True)
class Client:
    """`key` is that of the certificate registered for the client, if one is."""

    id: str
    key: RSAPublicKey | None


def public_key(pem: str) -> RSAPublicKey:
    """The RSA key of a certificate or public key in PEM; ValueError says what is wrong with it."""
    try:
        key = _loaded(pem.encode())
    except ValueError as error:
        raise ValueError(f"This is no certificate or public key in PEM form: {error}") from error
    if not isinstance(key, RSAPublicKey) or key.key_size < _SMALLEST_KEY:
        raise ValueError(f"The certificate has to hold an RSA key of {_SMALLEST_KEY} bits or more.")
    return key


def _loaded(pem: bytes) -> object:
    if b"BEGIN CERTIFICATE" in pem:
        return x509.load_pem_x509_certificate(pem).public_key()
    return load_pem_public_key(pem)


def username_of(assertion: str, client: Client, *, address: str, now: datetime) -> str:
    """Whom a good assertion signs in; raises OAuthError.

    The wording of the refusals is that seen by public clients; which of them a JWT gets that would live for too
    long, or of a client without a certificate, is inferred.
    """
    claims = _verified(assertion, client)
    if not _is_audience(claims["aud"], address):
        raise OAuthError("invalid_grant", "audience is invalid")
    expires = _seconds(claims["exp"])
    if expires < now.timestamp() - _LEEWAY:
        raise OAuthError("invalid_grant", "expired authorization code")
    if expires > now.timestamp() + LONGEST_AHEAD + _LEEWAY:
        raise OAuthError("invalid_grant", "invalid assertion")
    return str(claims["sub"])


def _verified(assertion: str, client: Client) -> dict[str, object]:
    """The claims, signed by the key of the client they name; their times are checked by the org's own clock."""
    try:
        unverified = jwt.decode(assertion, options={"verify_signature": False})
        if unverified.get("iss") != client.id:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if client.key is None:
            raise OAuthError("invalid_grant", "invalid assertion")
        claims: dict[str, object] = jwt.decode(
            assertion,
            client.key,
            algorithms=["RS256"],
            options={
                "require": ["iss", "sub", "aud", "exp"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "verify_aud": False,
            },
        )
    except jwt.InvalidTokenError as error:
        raise OAuthError("invalid_grant", "invalid assertion") from error
    return claims


def _seconds(value: object) -> int:
    """A number, or a number in a text as simple-salesforce sends it."""
    try:
        number = float(str(value))
        return int(number / 1_000 if number > _MILLISECONDS else number)
    except (ValueError, OverflowError) as error:
        raise OAuthError("invalid_grant", "invalid assertion") from error


def _is_audience(audience: object, address: str) -> bool:
    """Salesforce's login hosts, a My Domain, or this org's own address."""
    if isinstance(audience, list):
        return any(_is_audience(one, address) for one in audience)
    try:
        parts, own = urlsplit(str(audience)), urlsplit(address)
    except ValueError:
        return False
    if parts.netloc == own.netloc:
        return True
    host = parts.hostname or ""
    return parts.scheme == "https" and (host in _LOGIN_HOSTS or host.endswith(".my.salesforce.com"))
