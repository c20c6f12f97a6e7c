"""Profiles, roles and queues of a new org. Two queues take leads; the registrar is in both, the API user in none."""

from collections.abc import Iterator, Sequence

from orgsim.ids import serial_id
from orgsim.staff import API_USERNAME, STAFF
from orgsim.store import Filled, Store, fill

STAMPS = ("CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")
ADMINISTRATOR, API_ONLY = serial_id("00e", 1), serial_id("00e", 2)
INQUIRIES, TRANSFERS = serial_id("00G", 1), serial_id("00G", 2)
_PROFILES = (
    (ADMINISTRATOR, "System Administrator", "Standard"),
    (API_ONLY, "Minimum Access - API Only Integrations", "Standard"),
    (serial_id("00e", 3), "Standard User", "Standard"),
)
_ROLES = (("Provost", "Provost"), ("Director of Admissions", "Director_of_Admissions"))
_QUEUES = (
    (INQUIRIES, "Inquiry Queue", "Inquiry_Queue"),
    (TRANSFERS, "Transfer Queue", "Transfer_Queue"),
)


def profile_of(username: str) -> str:
    return API_ONLY if username == API_USERNAME else ADMINISTRATOR


def born(user_ids: Sequence[str], org_id: str, moment: str) -> Iterator[Filled]:
    """The rows of a new org; `user_ids` are those of the staff, in order."""
    admin = user_ids[0]
    stamps = (moment, admin, moment, admin, moment)
    yield "Profile", ("Id", "Name", "UserType", *STAMPS), [(*row, *stamps) for row in _PROFILES]
    roles = [(serial_id("00E", n), name, api, *stamps) for n, (name, api) in enumerate(_ROLES, 1)]
    yield "UserRole", ("Id", "Name", "DeveloperName", *STAMPS), roles
    queues = [(*queue, "Queue", org_id, *stamps) for queue in _QUEUES]
    yield "Group", ("Id", "Name", "DeveloperName", "Type", "OwnerId", *STAMPS), queues
    members = [(INQUIRIES, user_ids[1]), (TRANSFERS, user_ids[1]), (INQUIRIES, user_ids[3])]
    yield (
        "GroupMember",
        ("Id", "GroupId", "UserOrGroupId", "SystemModstamp"),
        [(serial_id("011", n), *member, moment) for n, member in enumerate(members, 1)],
    )
    yield (
        "QueueSobject",
        ("Id", "QueueId", "SobjectType", "CreatedById", "SystemModstamp"),
        [(serial_id("03g", n), queue[0], "Lead", admin, moment) for n, queue in enumerate(_QUEUES, 1)],
    )


def complete(store: Store) -> None:
    """A data file made before there were queues gets those of a new org."""
    if store.reader().execute("SELECT 1 FROM Profile").fetchone():
        return
    with store.writing() as connection:
        (moment,) = connection.execute("SELECT CreatedDate FROM Organization").fetchone()
        user_ids = [serial_id("005", n) for n in range(1, len(STAFF) + 1)]
        fill(connection, born(user_ids, store.meta("org_id"), moment))
