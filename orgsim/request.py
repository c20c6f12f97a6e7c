"""A call of a signed-in user as the resources get it, and the tables that say which resource answers what."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from orgsim import records
from orgsim.calls import Answer, Call
from orgsim.errors import not_found
from orgsim.org import Org, Viewer
from orgsim.schema import SObject


@dataclass(frozen=True, slots=True)
class Request:
    """`base` is `/services/data/v66.0`, `rest` the path after it, `parts` the named pieces of the path.

    `router` answers another request of the same user: composite resources send their parts through it.
    """

    org: Org
    call: Call
    viewer: Viewer
    base: str
    rest: str
    router: "Callable[[Request], Answer]"
    parts: dict[str, str]

    @property
    def version(self) -> str:
        return self.base.rsplit("/", 1)[1]

    def sobject(self) -> SObject:
        found = self.viewer.schema.sobject(self.parts["sobject"])
        if found is None:
            raise not_found()
        return found

    def record(self) -> records.Target:
        record = records.target(self.sobject(), self.parts["id"])
        records.check_visible(self.org, record, self.viewer)
        return record

    def answered(self, call: Call, rest: str) -> Answer:
        """What the same user gets for another call; raises ApiError as that resource does."""
        return self.router(replace(self, call=call, rest=rest, parts={}))


Handler = Callable[[Request], Answer]
# A pattern for the path after the version, and a handler for each method.
Route = tuple[str, dict[str, Handler]]
