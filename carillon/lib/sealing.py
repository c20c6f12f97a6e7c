"""Everything secret derives from one master secret (CARILLON_SECRET_KEY).

A comma list rotates it: the first seals, all open. HKDF with a label of its own for each use keeps the keys
apart, so that a leaked session key opens no sealed secret.
"""

import base64
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
        self._fernet = MultiFernet([Fernet(_derive(part, _SEALING_LABEL)) for part in _parts(master)])

    def seal(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, token: str) -> str:
        """Raises SealBroken."""
        try:
            return self._fernet.decrypt(token.encode()).decode()
        except InvalidToken:
            raise SealBroken from None

    def reseal(self, token: str) -> str:
        """The same secret sealed with the current key, after a rotation. Raises SealBroken."""
        try:
            return self._fernet.rotate(token.encode()).decode()
        except InvalidToken:
            raise SealBroken from None


def _parts(master: str) -> Sequence[str]:
    parts = [part.strip() for part in master.split(",") if part.strip()]
    if not parts:
        raise NoMasterSecret
    return parts


def _derive(secret: str, label: bytes) -> bytes:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=label).derive(secret.encode())
    return base64.urlsafe_b64encode(key)
