"""The embedded server's settings, scaled to the machine."""

import os
import shutil
from pathlib import Path

MIB = 1024 * 1024
GIB = 1024 * MIB

# Parallel queries and hash joins share memory there; a container's default of 64 MiB is soon full.
SHARED_MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 - the kernel's shared memory, asked for its size only
ENOUGH_SHARED_MEMORY = 256 * MIB


def render(*, socket_dir: Path, memory: int, disk_free: int, dynamic_memory: str) -> str:
    """The text of a configuration file. `memory` and `disk_free` in bytes."""
    quoted_dir = '"' + str(socket_dir).replace('"', '""') + '"'
    shared_buffers = _between(128 * MIB, memory // 8, GIB)
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": quoted_dir,
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        # A killed client's locks are freed within a second rather than when the server next writes to it.
        "client_connection_check_interval": "1s",
        "shared_buffers": _mib(shared_buffers),
        "effective_cache_size": _mib(max(memory // 2, shared_buffers)),
        "maintenance_work_mem": _mib(_between(64 * MIB, memory // 32, 512 * MIB)),
        "work_mem": "16MB",
        "max_wal_size": _mib(_between(512 * MIB, disk_free // 8, 8 * GIB)),
        "checkpoint_timeout": "15min",
        "wal_compression": "pglz",
        "jit": "off",
        "dynamic_shared_memory_type": dynamic_memory,
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_checkpoints": "off",
        # Statements and rows hold people's numbers and words.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
    }
    return "".join(f"{name} = {_quoted(value)}\n" for name, value in settings.items())


def for_this_machine(*, socket_dir: Path, cluster_parent: Path) -> str:
    return render(
        socket_dir=socket_dir,
        memory=_memory(),
        disk_free=shutil.disk_usage(cluster_parent).free,
        dynamic_memory=_dynamic_memory(),
    )


def _memory() -> int:
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit_file = Path("/sys/fs/cgroup/memory.max")
    try:
        limit = limit_file.read_text().strip()
    except OSError:
        return physical
    return min(physical, int(limit)) if limit.isdigit() else physical


def _dynamic_memory() -> str:
    if SHARED_MEMORY_FOLDER.is_dir() and shutil.disk_usage(SHARED_MEMORY_FOLDER).total < ENOUGH_SHARED_MEMORY:
        return "mmap"
    return "posix"


def _between(low: int, value: int, high: int) -> int:
    return max(low, min(value, high))


def _mib(size: int) -> str:
    return f"{size // MIB}MB"


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
