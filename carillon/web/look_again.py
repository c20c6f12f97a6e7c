"""A page on which something is under way looks again by itself, later each time: for a quarter of an hour in all."""

from carillon.web.access import MemberRequest

LOOKS, SOONEST = 40, 3


def look_again(request: MemberRequest, is_under_way: bool) -> dict[str, str | int] | None:
    """In how many seconds the page asks again how things are, and where; None when it needs not, or asked often."""
    given = request.GET.get("look", "")
    look = int(given) if given.isascii() and given.isdigit() and len(given) < 3 else 0
    if not is_under_way or look >= LOOKS:
        return None
    query = request.GET.copy()
    query["look"] = str(look + 1)
    return {"seconds": max(SOONEST, look), "query": query.urlencode()}
