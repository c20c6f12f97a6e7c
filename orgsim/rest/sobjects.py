"""Objects described, and what hangs on them: their changes, and their records one by one."""

from orgsim.request import Route
from orgsim.rest import describes, replication, rows

ROUTES: tuple[Route, ...] = (
    *describes.ROUTES,
    ("/sobjects/(?P<sobject>[^/]+)", {"GET": describes.basic, "POST": rows.create}),
    *replication.ROUTES,
    *rows.ROUTES,
)
