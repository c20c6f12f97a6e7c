"""What can be done with a whole record, each by its scenario verb; an action answers what to say."""

from collections.abc import Callable

from orgsim.pages.record_data import Record
from orgsim.pages.visit import Visit, whole


def _delete(visit: Visit, record: Record) -> str:
    visit.scenario.delete(record.id)
    return f"{record.name} is in the recycle bin."


def _undelete(visit: Visit, record: Record) -> str:
    visit.scenario.undelete(record.id)
    return f"{record.name} is back."


def _erase(visit: Visit, record: Record) -> str:
    visit.scenario.empty_recycle_bin(record.id)
    return f"{record.name} is gone for good."


def _merge(visit: Visit, record: Record) -> str:
    visit.scenario.merge(record.id, (visit.form.get("loser", "").strip(),))
    return f"Merged: {record.name} is the one that stays."


def _convert(visit: Visit, record: Record) -> str:
    made = visit.scenario.convert(record.id, visit.form.get("account", "").strip() or None)
    return f"{record.name} is converted; the contact is {made['contact']}."


def _lock(visit: Visit, record: Record) -> str:
    times = whole(visit.form.get("times", "1"), "The number of writes")
    if not 1 <= times <= 1_000:
        raise ValueError("the number of writes is 1 to 1,000")
    visit.scenario.lock_row(record.id, times=times)
    return f"The row is locked: the next {f'{times} writes are' if times > 1 else 'write is'} refused."


def _unlock(visit: Visit, record: Record) -> str:
    visit.scenario.unlock_row(record.id)
    return "The row is free again."


def _approval(visit: Visit, record: Record) -> str:
    visit.scenario.lock_for_approval(record.id)
    return f"{record.name} is locked for approval."


def _release(visit: Visit, record: Record) -> str:
    visit.scenario.release_approval(record.id)
    return f"The approval of {record.name} has ended."


def _task(visit: Visit, record: Record) -> str:
    subject = visit.form.get("subject", "").strip()
    visit.scenario.create("Task", WhoId=record.id, Subject=subject, Status="Completed")
    return f"The task “{subject}” is logged."


ACTIONS: dict[str, Callable[[Visit, Record], str]] = {
    "delete": _delete,
    "undelete": _undelete,
    "erase": _erase,
    "merge": _merge,
    "convert": _convert,
    "lock": _lock,
    "unlock": _unlock,
    "approval": _approval,
    "release": _release,
    "task": _task,
}
