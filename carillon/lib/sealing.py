"""Everything secret derives from one master secret (CARILLON_SECRET_KEY).

A comma list rotates it: the first seals, all open. HKDF with a label of its own for each use keeps the keys
apart, so that a leaked session key opens no sealed secret.
"""

import base64
import hmac
import secrets
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from carillon.lib.errors import CarillonError

_SESSION_LABEL = b"carillon session v1"
_SEALING_LABEL = b"carillon sealing v1"


class SealBroken(CarillonError):
    """A sealed secret cannot be opened with the current master secret."""

    def __init__(self) -> None:
        super().__init__(
            "A stored secret cannot be opened: it was sealed with another CARILLON_SECRET_KEY, or was changed.",
            "Add the earlier key to CARILLON_SECRET_KEY after a comma, or enter the secret again.",
        )


class NoMasterSecret(CarillonError):
    """The master secret is empty."""

    def __init__(self) -> None:
        super().__init__(
            "CARILLON_SECRET_KEY holds no key.",
            "Set it to a long random text, such as 50 letters and digits.",
        )


def session_keys(master: str) -> list[str]:
    """Keys that sign sessions and links, the current one first."""
    return [_derive(part, _SESSION_LABEL).decode() for part in _parts(master)]


class Sealer:
    def __init__(self, master: str) -> None:
        keys = [Fernet(_derive(part, _SEALING_LABEL)) for part in _parts(master)]
        self._first, self._fernet = keys[0], MultiFernet(keys)

    def seal(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, token: str) -> str:
        """Raises SealBroken."""
        try:
            return self._fernet.decrypt(token.encode()).decode()
        except InvalidToken:
            raise SealBroken from None

    def is_current(self, token: str) -> bool:
        """Whether the first key of the list opens it, so that the others can go."""
        try:
            self._first.decrypt(token.encode())
        except InvalidToken:
            return False
        return True

    def reseal(self, token: str) -> str:
        """The same secret sealed with the current key, after a rotation. Raises SealBroken."""
        try:
            return self._fernet.rotate(token.encode()).decode()
        except InvalidToken:
            raise SealBroken from None


class Recogniser:
    """Keyed hashes (HMAC-SHA-256) by which something is recognised that must not be kept itself. Phone numbers and
    record ids are few enough to try them all: without the key their hashes tell nothing, with it everything.

    The key is random and kept sealed, not derived from the master secret: hashes can't be made again from what was
    forgotten, so they must outlive a rotation of the master secret, which only reseals the key."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    @staticmethod
    def new_key() -> str:
        return secrets.token_urlsafe(32)

    def hash(self, kind: str, text: str) -> bytes:
        """32 bytes; the same text of another kind has another hash."""
        return hmac.digest(self._key, f"{kind}\0{text}".encode(), "sha256")


def _parts(master: str) -> Sequence[str]:
    parts = [part.strip() for part in master.split(",") if part.strip()]
    if not parts:
        raise NoMasterSecret
    return parts


def _derive(secret: str, label: bytes) -> bytes:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=label).derive(secret.encode())
    return base64.urlsafe_b64encode(key)
