"""Whether an import may opt so many people back in at once, or an admin must look first. Pure."""

# Flips to opted in are held when they are more than both. Opt-outs never wait.
HELD_ABOVE_SHARE = 0.02
HELD_ABOVE_PEOPLE = 20
# What a run calls them.
OPT_INS = "opt_ins"


def are_held(opting_in: int, stored: int) -> bool:
    """Whether so many of the people stored in the source would be opted back in that an admin must look first."""
    return opting_in > HELD_ABOVE_PEOPLE and opting_in > stored * HELD_ABOVE_SHARE


def likely_reason(opting_in: int, *, stored: int, read_anew: int) -> str:
    """Two sentences for an admin: what was found, and what is probably behind it. Of `read_anew` people the record was
    last taken under another mapping of the opt-out field."""
    found = f"{opting_in:,} of {stored:,} people are opted out here, and their records in Salesforce now say opted in."
    if read_anew * 2 > opting_in:
        return (
            f"{found} The opt-out field, or what its values mean, was changed since these records last counted: one of the"
            " two, the mapping of now or the one before, is probably the wrong way round."
        )
    return (
        f"{found} So many at once usually means that the field was changed for many records in one go, by an upload or by"
        " automation."
    )


def opt_ins_held(people: int, reason: str) -> dict[str, str | int]:
    """What a run or a dry run says of a held set to programs."""
    return {"kind": OPT_INS, "count": people, "reason": reason}
