"""The org's reports and their folders, in its file: kept as definitions, mirrored in the objects Report and Folder.

A report is visible to the API user while its folder is shared with that user. A data file made before there were
reports gets those of a new org when it is opened.
"""

import sqlite3
from collections.abc import Iterable

import msgspec

from orgsim.ids import normalise, serial_id
from orgsim.reports.definition import FORMATS, Report
from orgsim.reports.stock import FOLDERS, STOCK, ReportFolder
from orgsim.store import Store

# SQL conditions on the rows of these objects that the API user sees.
SHARING = {
    "Report": '{t}."OwnerId" NOT IN (SELECT id FROM hidden_folder)',
    "Folder": '{t}."Id" NOT IN (SELECT id FROM hidden_folder)',
}
_TABLES = (
    "CREATE TABLE IF NOT EXISTS report_definition "
    "(id TEXT PRIMARY KEY, position INTEGER NOT NULL, deleted INTEGER NOT NULL, definition TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS hidden_folder (id TEXT PRIMARY KEY)",
)


def complete(store: Store) -> None:
    """Give the file its reports when it has none yet."""
    with store.writing() as connection:
        for table in _TABLES:
            connection.execute(table)
        if connection.execute("SELECT 1 FROM report_definition LIMIT 1").fetchone() is None:
            (moment,) = connection.execute("SELECT CreatedDate FROM Organization").fetchone()
            _stock(connection, moment)
            store.set_meta("serial:Report", str(len(STOCK) + 1))
            store.set_meta("serial:Folder", str(len(FOLDERS) + 1))


def _stock(connection: sqlite3.Connection, moment: str) -> None:
    for folder in FOLDERS:
        put_folder(connection, folder, moment)
    for report in STOCK:
        put_report(connection, report, moment)


def _author(connection: sqlite3.Connection) -> str:
    """Staff made them, not the API user."""
    (user,) = connection.execute("SELECT Id FROM User ORDER BY pk LIMIT 1 OFFSET 1").fetchone()
    return str(user)


def put_folder(connection: sqlite3.Connection, folder: ReportFolder, moment: str) -> None:
    author = _author(connection)
    connection.execute(
        "INSERT INTO Folder (Id, Name, DeveloperName, AccessType, Type, CreatedDate, CreatedById, LastModifiedDate, "
        "LastModifiedById, SystemModstamp) VALUES (?, ?, ?, 'Shared', 'Report', ?, ?, ?, ?, ?)",
        (folder.id, folder.name, folder.developer_name, moment, author, moment, author, moment),
    )
    if not folder.shared:
        connection.execute("INSERT INTO hidden_folder VALUES (?)", (folder.id,))


def put_report(connection: sqlite3.Connection, report: Report, moment: str) -> None:
    """Add a report, or change the one with its id."""
    text = msgspec.json.encode(report).decode()
    connection.execute(
        "INSERT OR REPLACE INTO report_definition VALUES (?, ?, 0, ?)", (report.id, report.position, text)
    )
    author = _author(connection)
    found = connection.execute("SELECT 1 FROM Report WHERE Id = ?", (report.id,)).fetchone()
    if found is None:
        connection.execute(
            "INSERT INTO Report (Id, OwnerId, Name, DeveloperName, CreatedDate, CreatedById, LastModifiedDate, "
            "LastModifiedById, SystemModstamp) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (report.id, report.folder_id, report.name, report.developer_name, *(moment, author) * 2, moment),
        )
    connection.execute(
        "UPDATE Report SET OwnerId = ?, FolderName = (SELECT Name FROM Folder WHERE Id = ?), Name = ?, "
        "DeveloperName = ?, Description = ?, Format = ?, LastModifiedDate = ?, SystemModstamp = ? WHERE Id = ?",
        (
            report.folder_id,
            report.folder_id,
            report.name,
            report.developer_name,
            report.description,
            FORMATS[report.report_format],
            moment,
            moment,
            report.id,
        ),
    )


def save(store: Store, report: Report, moment: str) -> Report:
    """Put a report on the shelf; an empty id gets the next one, and with it the last position."""
    with store.writing() as connection:
        if not report.id:
            serial = _next_serial(store, "Report")
            report = msgspec.structs.replace(report, id=serial_id("00O", serial), position=serial)
        put_report(connection, report, moment)
    return report


def save_folder(store: Store, name: str, moment: str) -> ReportFolder:
    with store.writing() as connection:
        developer_name = "_".join("".join(c if c.isalnum() else " " for c in name).split())
        folder = ReportFolder(serial_id("00l", _next_serial(store, "Folder")), name, developer_name)
        put_folder(connection, folder, moment)
    return folder


def _next_serial(store: Store, name: str) -> int:
    serial = int(store.meta(f"serial:{name}", "1"))
    store.set_meta(f"serial:{name}", str(serial + 1))
    return serial


def delete(store: Store, report_id: str, moment: str) -> None:
    with store.writing() as connection:
        connection.execute("UPDATE report_definition SET deleted = 1 WHERE id = ?", (report_id,))
        connection.execute(
            "UPDATE Report SET IsDeleted = 1, SystemModstamp = ? WHERE Id = ?", (moment, report_id)
        )


def note_run(store: Store, report_id: str, moment: str) -> None:
    with store.writing() as connection:
        connection.execute("UPDATE Report SET LastRunDate = ? WHERE Id = ?", (moment, report_id))


def set_shared(store: Store, folder_id: str, *, shared: bool) -> None:
    verb = (
        "DELETE FROM hidden_folder WHERE id = ?"
        if shared
        else "INSERT OR IGNORE INTO hidden_folder VALUES (?)"
    )
    with store.writing() as connection:
        connection.execute(verb, (folder_id,))


def folders(store: Store, *, hidden: bool) -> list[ReportFolder]:
    sql = "SELECT Id, Name, DeveloperName, Id NOT IN (SELECT id FROM hidden_folder) FROM Folder ORDER BY pk"
    found = [ReportFolder(*row) for row in store.reader().execute(sql)]
    return [folder for folder in found if hidden or folder.shared]


def viewed(store: Store, *, hidden: bool) -> list[Report]:
    """The reports in the order they were viewed; `hidden` also those of folders that are not shared."""
    return [report for report in _all(store) if report.viewed and (hidden or is_shared(store, report))]


def _all(store: Store) -> Iterable[Report]:
    sql = "SELECT definition FROM report_definition WHERE NOT deleted ORDER BY position"
    for (text,) in store.reader().execute(sql):
        yield msgspec.json.decode(text, type=Report)


def is_shared(store: Store, report: Report) -> bool:
    found = store.reader().execute("SELECT 1 FROM hidden_folder WHERE id = ?", (report.folder_id,))
    return found.fetchone() is None


def by_id(store: Store, report_id: str) -> tuple[Report, bool] | None:
    """The report and whether it was deleted; None for an id that no report ever had."""
    sql = "SELECT definition, deleted FROM report_definition WHERE id = ?"
    row = store.reader().execute(sql, (normalise(report_id),)).fetchone()
    return (msgspec.json.decode(row[0], type=Report), bool(row[1])) if row else None


def any_report(store: Store, name_or_id: str) -> Report:
    """A report by name, API name or id, shared or not; raises LookupError."""
    full = normalise(name_or_id)
    for report in _all(store):
        if name_or_id in (report.name, report.developer_name) or report.id == full:
            return report
    raise LookupError(f"there is no report {name_or_id}")


def any_folder(store: Store, name_or_id: str) -> str:
    """A folder's id by name, API name or id; raises LookupError."""
    sql = "SELECT Id FROM Folder WHERE ? IN (Name, DeveloperName, Id, substr(Id, 1, 15))"
    row = store.reader().execute(sql, (name_or_id,)).fetchone()
    if row is None:
        raise LookupError(f"there is no report folder {name_or_id}")
    return str(row[0])
