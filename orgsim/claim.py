"""One server a data file: two would each keep sessions, faults and clocks of their own over the same people."""

import fcntl
import os
from pathlib import Path


class InUseError(Exception):
    """Another process serves the data file; the text is for the person at the terminal."""


class Claim:
    """A lock on the file beside the data file, from here to `release` or the end of the process, however it ends."""

    def __init__(self, data: Path) -> None:
        data.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(
            data.with_name(f"{data.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace")
            self.release()
            raise InUseError(
                f"The org in {data} is served already (process {holder}): use that one, stop it, or choose"
                " another --data."
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        os.close(self._descriptor)
