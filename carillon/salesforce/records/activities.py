"""Texts in a person's activity history: completed tasks, created like any record."""

from datetime import date

from carillon.salesforce.ids import to_18
from carillon.salesforce.records.writing import NewRecord, Value

LONGEST_SUBJECT = 255
LONGEST_DESCRIPTION = 32_000


def logged_text(
    who_id: str, *, subject: str, text: str, day: date, owner_id: str = "", status: str = "Completed"
) -> NewRecord:
    """The task that shows a text on the contact or lead `who_id`; longer texts are cut to what the fields hold.

    `status` must be one of the org's closed statuses to appear as history. Creating it moves SystemModstamp of the
    person, not LastModifiedDate.
    """
    values: dict[str, Value] = {
        "WhoId": to_18(who_id),
        "Subject": subject[:LONGEST_SUBJECT],
        "Description": text[:LONGEST_DESCRIPTION],
        "Status": status,
        "Priority": "Normal",
        "TaskSubtype": "Task",
        "ActivityDate": day,
    }
    if owner_id:
        values["OwnerId"] = to_18(owner_id)
    return NewRecord("Task", values)
