"""Where the embedded PostgreSQL keeps its files, and which account runs it. Starts nothing.

PostgreSQL refuses to run as root, so root lends it an unprivileged account that exists already. That account
owns one folder, `postgres` in the data folder; secrets lie outside it.
"""

import hashlib
import os
import pwd
import uuid
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from carillon.lib.files import write_once

DATABASE = "carillon"
ROLE = "carillon"
SOCKET_NAME = ".s.PGSQL.5432"
# A socket's path must fit 107 bytes; PostgreSQL appends names of its own while it starts.
LONGEST_SOCKET_PATH = 85
# For root, when the account cannot reach the data folder: a place that every account can reach.
SHARED = Path("/var/lib/carillon")
PREFERRED_ACCOUNTS = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Layout:
    data_dir: Path
    home: Path
    socket_dir: Path
    account: Account

    @property
    def cluster(self) -> Path:
        return self.home / "cluster"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def lock(self) -> Path:
        return self.data_dir / "postgres.lock"

    @property
    def watchdog_lock(self) -> Path:
        return self.data_dir / "postgres-watchdog.lock"

    @property
    def last_used(self) -> Path:
        """Touched by each command that needs the server; the watchdog reads its time."""
        return self.data_dir / "postgres.used"


def find(data_dir: Path) -> Layout:
    """The same answer every time for one data folder, whether or not a cluster exists in it yet."""
    home = _home(data_dir)
    account = _account_for(home)
    socket_dir = home
    # A comma parts hosts in a connection string, and nothing escapes it.
    if len(os.fsencode(home / SOCKET_NAME)) > LONGEST_SOCKET_PATH or "," in str(home):
        socket_dir = _short_socket_dir(home, account)
    return Layout(data_dir=data_dir, home=home, socket_dir=socket_dir, account=account)


def url(layout: Layout, database: str = DATABASE) -> str:
    return f"postgresql://{ROLE}@/{database}?host={quote(str(layout.socket_dir), safe='')}"


def reachable(folder: Path, account: Account) -> bool:
    """Whether `account` may pass through every existing parent of `folder`."""
    for parent in folder.parents:
        if not parent.exists():
            continue
        state = parent.stat()
        own = state.st_uid == account.uid and state.st_mode & 0o100
        if not own and not state.st_mode & 0o001:
            return False
    return True


def _home(data_dir: Path) -> Path:
    inside = data_dir / "postgres"
    pointer = data_dir / "postgres-is-at"
    if pointer.exists():
        return Path(pointer.read_text(encoding="utf-8").strip())
    if os.geteuid() != 0 or inside.exists() or reachable(data_dir, _account_for(inside)):
        return inside
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Path(write_once(pointer, str(SHARED / "clusters" / uuid.uuid4().hex)).strip())


def _account_for(home: Path) -> Account:
    """Whoever owns the cluster; for a new one this process's account, or for root an unprivileged one."""
    own = os.geteuid()
    if own != 0:
        return _account(own)
    if home.exists() and (owner := home.stat().st_uid) != 0:
        return _account(owner)
    for name in PREFERRED_ACCOUNTS:
        try:
            return _account(pwd.getpwnam(name).pw_uid)
        except KeyError:
            continue
    # Every system has an account for "nobody" even where it bears another name.
    return Account(name="65534", uid=65534, gid=65534)


def _account(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return Account(name=str(uid), uid=uid, gid=os.getegid())
    return Account(name=entry.pw_name, uid=uid, gid=entry.pw_gid)


def _short_socket_dir(home: Path, account: Account) -> Path:
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    # Only root may create in /run, and so nobody else can be there first.
    parent = Path("/run") if os.geteuid() == 0 else Path("/tmp")  # noqa: S108 - owner and mode are checked
    return parent / f"carillon-{account.uid}-{digest}"
