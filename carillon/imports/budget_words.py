"""What people are told when API calls have no room. Pure."""

from carillon.imports.budget import Budget, Limit, Shortage

ROLLING = "Calls become free again as they get older than 24 hours."


def too_little(calls: int, shortage: Shortage, budget: Budget) -> str:
    """Why an import of so many calls can't start."""
    return f"It would take about {_calls(calls)}, but {_room(shortage, budget)}."


def spent(shortage: Shortage, budget: Budget) -> str:
    """Why an import under way stops."""
    return f"The budget of API calls is spent: {_room(shortage, budget)}. So it stopped before its end."


def remedy_before(calls: int, shortage: Shortage, budget: Budget, *, is_scheduled: bool) -> str:
    if shortage.limit == Limit.CAP and calls > (budget.cap or 0):
        return (
            "That is more than the whole cap, so waiting does not help: raise the cap on the Authentication page, or start"
            " it by hand and confirm (on the command line: --past-cap)."
        )
    again = "It is tried again in its next window." if is_scheduled else "Start it again later."
    if shortage.limit == Limit.CAP:
        return (
            f"{again} {ROLLING} To have it sooner, raise the cap on the Authentication"
            " page, or start it by hand and confirm (on the command line: --past-cap)."
        )
    return f"{again} {ROLLING} Look in Salesforce which integration uses them up, or ask Salesforce for more."


def remedy_by_hand(shortage: Shortage) -> str:
    """Of what does not try again by itself."""
    if shortage.limit == Limit.CAP:
        return f"Try again later, or raise the cap on the Authentication page. {ROLLING}"
    return f"Try again later. {ROLLING} Look in Salesforce which integration uses them up."


def remedy_after(shortage: Shortage) -> str:
    kept = "What was stored stays, and the next import goes on where this one stopped."
    more = (
        " A higher cap on the Authentication page makes room."
        if shortage.limit == Limit.CAP
        else " Look in Salesforce which integration uses the calls up."
    )
    return f"{kept} {ROLLING}{more}"


def _room(shortage: Shortage, budget: Budget) -> str:
    if shortage.limit == Limit.CAP:
        return (
            f"of the {_calls(budget.cap or 0)} that imports may use in 24 hours (the cap) {shortage.room:,}"
            f" {'is' if shortage.room == 1 else 'are'} left"
        )
    return (
        f"the org has {_calls(max(0, budget.org_left or 0))} left in its 24 hours, and {budget.reserve:,} of them are kept"
        " for opt-outs (the reserve)"
    )


def _calls(number: int) -> str:
    return f"{number:,} API call{'' if number == 1 else 's'}"
