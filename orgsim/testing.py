"""An org for tests: a real server on a free port, in a thread, with the scenario verbs at hand.

with OrgSim(contacts=200) as org:
    client = httpx.Client(base_url=org.url)
    org.fail_next(503, times=2)
"""

import secrets
import shutil
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from orgsim import birth, server
from orgsim.faults import Mangler
from orgsim.org import Org
from orgsim.pages.site import link
from orgsim.scenario import Scenario
from orgsim.signin.credentials import Credentials

_PATIENCE = 10.0


class OrgSim(Scenario):
    """`data` keeps the org in that file (made when it isn't there); without it the org is gone afterwards."""

    def __init__(
        self,
        data: Path | None = None,
        *,
        contacts: int = 100,
        leads: int = 20,
        seed: int = 1,
        person_accounts: bool = False,
        credentials: Credentials | None = None,
    ) -> None:
        self._folder = None if data else Path(tempfile.mkdtemp(prefix="orgsim-"))
        path = data or Path(self._folder or ".") / "org.db"
        if not path.exists():
            birth.make(path, birth.Size(contacts, leads, seed, person_accounts), datetime.now(UTC))
        super().__init__(Org(path, credentials))
        self.admin_token = secrets.token_urlsafe(16)
        self._listener = server.bind(0)
        self.url = server.address_of(self._listener)
        self._pool = server.make_pool()
        self._server = server.make_server(self.org, self.admin_token, self._pool)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._listener]}, daemon=True
        )

    @property
    def pages(self) -> str:
        """The link that opens the org's web pages in a browser."""
        return link(self.url, self.admin_token)

    def mangle(self, mangler: Mangler) -> None:
        """Let `mangler(path and query, body)` rewrite the body of every following good answer."""
        self.org.faults.mangle(mangler)

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + _PATIENCE
        while not self._server.started:
            if time.monotonic() > deadline:
                raise TimeoutError("the simulated org did not start")
            time.sleep(0.005)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        if self._thread.is_alive():
            self._thread.join(_PATIENCE)
        self._listener.close()
        self._pool.shutdown()
        self.org.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
