"""Where an install keeps its data, its master secret and its database. Knows no Django and starts nothing."""

import os
import secrets
from pathlib import Path

from carillon.lib import postgres_layout
from carillon.lib.errors import CarillonError
from carillon.lib.files import write_once

SECRET_FILE = "secret.key"  # noqa: S105 - a file name


def data_dir() -> Path:
    """CARILLON_DATA_DIR, else the user's data folder. For root that is /var/lib, which the account that runs
    the embedded database can reach; /root it cannot.
    """
    if chosen := os.environ.get("CARILLON_DATA_DIR"):
        return Path(chosen).expanduser().absolute()
    # The XDG rule: a relative XDG_DATA_HOME is ignored.
    if (xdg := os.environ.get("XDG_DATA_HOME", "")).startswith("/"):
        return Path(xdg) / "carillon"
    if os.geteuid() == 0:
        return Path("/var/lib/carillon")
    return Path.home() / ".local" / "share" / "carillon"


def uses_embedded_database() -> bool:
    return not os.environ.get("CARILLON_DATABASE_URL")


def database_url() -> str:
    """CARILLON_DATABASE_URL, else that of the embedded server, which may not be running yet."""
    return os.environ.get("CARILLON_DATABASE_URL") or postgres_layout.url(postgres_layout.find(data_dir()))


def secret_key() -> str:
    """The master secret: one key, or several parted by commas. Raises CarillonError."""
    if key := os.environ.get("CARILLON_SECRET_KEY", "").strip():
        return key
    if not uses_embedded_database():
        raise CarillonError(
            "CARILLON_SECRET_KEY is not set, and with CARILLON_DATABASE_URL every machine needs the same key.",
            "Set it to a long random text, such as the output of `openssl rand -base64 48`.",
        )
    folder = make_data_dir()
    try:
        return write_once(folder / SECRET_FILE, secrets.token_urlsafe(48)).strip()
    except OSError as error:
        raise CarillonError(
            f"The secret key in {folder / SECRET_FILE} cannot be read or written: {error.strerror}.",
            "Run the command as the account that owns the folder, or set CARILLON_DATA_DIR to another one.",
        ) from error


def make_data_dir() -> Path:
    """Create the data folder if need be. Raises CarillonError."""
    folder = data_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.geteuid() == 0:
            # The unprivileged account that runs the embedded database must pass through.
            folder.chmod(folder.stat().st_mode & 0o7777 | 0o001)
    except OSError as error:
        raise CarillonError(
            f"The data folder {folder} cannot be made: {error.strerror}.",
            "Set CARILLON_DATA_DIR to a folder this account may write to.",
        ) from error
    return folder
