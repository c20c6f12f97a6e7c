"""The kinds of calls to an org, as they are counted, and the words for them.

What stands in the org's daily limit is every answered request to /services/data/vNN.N/: pages of a query one each, a
bulk job one each time it is looked at, a collection of 200 records one. Signing in (`SIGN_IN`), `USER_INFO` and
`VERSIONS` are outside that path and cost nothing. A call that was refused is counted too: whether the org counts it is
not documented, and to count it is the careful way.
"""

from enum import StrEnum


class CallKind(StrEnum):
    SIGN_IN = "sign_in"
    USER_INFO = "user_info"
    VERSIONS = "versions"
    LIMITS = "limits"
    DESCRIBE = "describe"
    LIST_VIEWS = "list_views"
    LIST_VIEW = "list_view"
    LIST_VIEW_RESULTS = "list_view_results"
    COUNT = "count"
    QUERY = "query"
    QUERY_MORE = "query_more"
    BULK_CREATE = "bulk_create"
    BULK_POLL = "bulk_poll"
    BULK_PAGES = "bulk_pages"
    BULK_RESULTS = "bulk_results"
    BULK_ABORT = "bulk_abort"
    BULK_DELETE = "bulk_delete"
    REPORT_DESCRIBE = "report_describe"
    REPORT_RUN = "report_run"
    REPORT_START = "report_start"
    REPORT_POLL = "report_poll"
    REPORT_DELETE = "report_delete"
    READ = "read"
    READ_MANY = "read_many"
    DELETED = "deleted"
    UPDATED = "updated"
    UPDATE = "update"
    UPDATE_AND_READ = "update_and_read"
    UPDATE_MANY = "update_many"
    CREATE = "create"
    CREATE_MANY = "create_many"


_WORDS = {
    CallKind.SIGN_IN: "Signing in",
    CallKind.USER_INFO: "Who the API user is",
    CallKind.VERSIONS: "Versions of the API",
    CallKind.LIMITS: "Limits of the org",
    CallKind.DESCRIBE: "Descriptions of objects",
    CallKind.LIST_VIEWS: "Names of list views",
    CallKind.LIST_VIEW: "Descriptions of list views",
    CallKind.LIST_VIEW_RESULTS: "Rows of list views",
    CallKind.COUNT: "Counts of records",
    CallKind.QUERY: "Queries",
    CallKind.QUERY_MORE: "Further pages of queries",
    CallKind.BULK_CREATE: "Bulk jobs started",
    CallKind.BULK_POLL: "Looks at bulk jobs",
    CallKind.BULK_PAGES: "Contents of bulk results",
    CallKind.BULK_RESULTS: "Bulk results",
    CallKind.BULK_ABORT: "Bulk jobs ended",
    CallKind.BULK_DELETE: "Bulk jobs cleared away",
    CallKind.REPORT_DESCRIBE: "Descriptions of reports",
    CallKind.REPORT_RUN: "Report runs",
    CallKind.REPORT_START: "Report runs in the background",
    CallKind.REPORT_POLL: "Looks at report runs",
    CallKind.REPORT_DELETE: "Report runs cleared away",
    CallKind.READ: "Single records read",
    CallKind.READ_MANY: "Batches of records read",
    CallKind.DELETED: "Lists of deleted records",
    CallKind.UPDATED: "Lists of changed records",
    CallKind.UPDATE: "Single records changed",
    CallKind.UPDATE_AND_READ: "Single records changed and read back",
    CallKind.UPDATE_MANY: "Batches of records changed",
    CallKind.CREATE: "Single records created",
    CallKind.CREATE_MANY: "Batches of records created",
}


def words_of(kind: str) -> str:
    """The kind as people read it; a name that is no longer used, as it is kept with an old run, as it stands."""
    try:
        return _WORDS[CallKind(kind)]
    except ValueError:
        return kind.replace("_", " ").capitalize()
