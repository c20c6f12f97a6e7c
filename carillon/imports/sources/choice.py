"""Which of several ways to read the same records takes the fewest calls. Pure."""

# Rows of a report run, and records read by id in a call: Salesforce's own figures.
RUN_ROWS = 2_000
READ_BY_ID = 2_000
# Ids in the address of a query, beside a usual list of fields.
READ_BY_QUERY = 500
# Ids that are listed in one filter of a report: 1,140 characters, and longer values than some 1,300 are refused.
IDS_IN_A_FILTER = 60


def calls(records: int, per_call: int) -> int:
    """At least one: it takes a call to learn that there is nothing."""
    return max(1, -(-records // per_call))


def by_ids_is_cheaper(changed: int, first_page: int, members: int, *, per_call: int) -> bool:
    """Whether reading all members by id takes fewer calls than going on with a query of what changed in the whole
    object. Its first page told how many changed, and by its own size how large pages are."""
    left = max(0, changed - first_page)
    pages = -(-left // first_page) if first_page else 0
    return -(-members // per_call) < pages


def by_id_filters(missing: int, rows: int) -> bool:
    """Whether rows of a report are better asked for by lists of ids than found by reading the whole report."""
    return calls(missing, IDS_IN_A_FILTER) <= calls(rows, RUN_ROWS)


def runs_of_an_import(rows: int, *, alone: bool) -> int:
    """How many runs an import of *changes* takes; a report that is read alone is asked once more for the changed."""
    return calls(rows, RUN_ROWS) + (1 if alone else 0)
