"""Lists of contacts and leads: the last changed first, or those a search found; deleted ones on a list of their own."""

from dataclasses import dataclass

from orgsim.calls import Answer
from orgsim.ids import normalise
from orgsim.org import Org
from orgsim.pages import search
from orgsim.pages.record_data import address_of
from orgsim.pages.screen import redirect
from orgsim.pages.visit import Route, Visit, user_names
from orgsim.schema import SObject
from orgsim.store import on

PAGE = 50
_FURTHEST = 20_000


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    name: str
    mobile: str | None
    email: str | None
    opted_out: bool
    changed_at: str
    changed_by: str
    converted: bool

    @property
    def address(self) -> str:
        return address_of(self.id)


@dataclass(frozen=True, slots=True)
class Listed:
    people: list[Person]
    more: bool
    cut: bool = False


def _list(visit: Visit) -> Answer:
    sobject = visit.org.schema.sobject(visit.parts["sobject"])
    if sobject is None or sobject.name not in ("Contact", "Lead"):
        return visit.message("There is no such list", "Contacts and Leads have pages here.", 404)
    text = visit.call.query.get("q", "").strip()
    full = normalise(text)
    if full and full.startswith(sobject.key_prefix):
        return redirect(address_of(full))
    deleted = visit.call.query.get("deleted") == "1"
    page = _page_number(visit.call.query.get("page", "1"))
    listed = _found(visit.org, sobject, text, page) if text else _latest(visit.org, sobject, page, deleted)
    return visit.page(
        "people.html",
        sobject.name,
        sobject=sobject,
        text=text,
        deleted=deleted,
        page=page,
        listed=listed,
        path=visit.call.path,
        most=search.MOST,
    )


def _page_number(text: str) -> int:
    return min(max(int(text), 1), _FURTHEST) if text.isdecimal() and len(text) < 9 else 1


def _latest(org: Org, sobject: SObject, page: int, deleted: bool) -> Listed:
    sql = on(
        sobject.name,
        "SELECT pk FROM {table} WHERE IsDeleted = ? ORDER BY SystemModstamp DESC, Id DESC LIMIT ? OFFSET ?",
    )
    rows = org.store.reader().execute(sql, (int(deleted), PAGE + 1, (page - 1) * PAGE))
    keys = [pk for (pk,) in rows]
    return Listed(_people(org, sobject, keys[:PAGE]), len(keys) > PAGE)


def _found(org: Org, sobject: SObject, text: str, page: int) -> Listed:
    keys = search.find(org, sobject, search.read(text))
    shown = keys[: search.MOST]
    start = (page - 1) * PAGE
    return Listed(
        _people(org, sobject, shown[start : start + PAGE]), start + PAGE < len(shown), len(keys) > search.MOST
    )


def _people(org: Org, sobject: SObject, keys: list[int]) -> list[Person]:
    """In the order of the keys."""
    sql = on(
        sobject.name,
        "SELECT pk, Id, Name, MobilePhone, Email, SMS_Opt_Out__c, SystemModstamp, LastModifiedById, {converted} "
        "FROM {table} WHERE pk IN ({keys})",
        converted="IsConverted" if sobject.field("IsConverted") else "0",
        keys=",".join(map(str, keys)),
    )
    names = user_names(org)
    rows = {pk: rest for pk, *rest in org.store.reader().execute(sql)}
    return [
        Person(
            id=record_id,
            name=name,
            mobile=mobile,
            email=email,
            opted_out=bool(opted_out),
            changed_at=stamp,
            changed_by=names.get(user, user),
            converted=bool(converted),
        )
        for record_id, name, mobile, email, opted_out, stamp, user, converted in (
            rows[pk] for pk in keys if pk in rows
        )
    ]


ROUTES: tuple[Route, ...] = (("GET", "/lightning/o/(?P<sobject>[A-Za-z_]+)/(?:list|home)", _list),)
