"""The page of one record and what can be done with it there."""

from orgsim.automation.rules import ApprovalLock
from orgsim.calls import Answer
from orgsim.pages import record_actions, record_data, record_form
from orgsim.pages.record_data import Record, address_of, list_of
from orgsim.pages.screen import Said, redirect
from orgsim.pages.visit import REFUSALS, Route, Visit, refused
from orgsim.schema import Field

_ID = "(?P<id>[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?)"


def _of(visit: Visit) -> Record | None:
    return record_data.load(visit.org, visit.parts["id"])


def _gone(visit: Visit) -> Answer:
    text = f"The org has no record {visit.parts['id']}: its id may be mistyped, or of another org."
    return visit.message("There is no such record", text, 404)


def _classic(visit: Visit) -> Answer:
    """`/ID`, as links from outside have it."""
    record = _of(visit)
    return redirect(address_of(record.id)) if record else _gone(visit)


def _show(visit: Visit) -> Answer:
    record = _of(visit)
    if record is None:
        return _gone(visit)
    return _page(visit, record)


def _page(
    visit: Visit, record: Record, *, typed: dict[str, str] | None = None, trouble: Said | None = None
) -> Answer:
    form = record_form.made_for(record, typed) if record.editable else None
    edited = {control.name for control in (*form.first, *form.others)} if form else set()
    rest = [
        (_label(field), record.shown(field)) for field in record.sobject.fields if field.name not in edited
    ]
    return visit.page(
        "record.html",
        record.sobject.name,
        status=400 if trouble else 200,
        record=record,
        form=form,
        trouble=trouble,
        rest=rest,
        events=record.events(),
        tasks=record.tasks(),
        held=visit.org.row_locks.is_held(record.id, visit.org.clock.now()),
        in_approval=any(
            isinstance(rule, ApprovalLock) and rule.name == record.id for rule in visit.org.automation.all()
        ),
    )


def _label(field: Field) -> str:
    return field.label if field.type == "id" else field.label.removesuffix(" ID")


def _save(visit: Visit) -> Answer:
    record = _of(visit)
    if record is None:
        return _gone(visit)
    try:
        changed = record_form.changes(record, visit.form)
        if changed:
            visit.scenario.edit(record.id, **changed)
    except REFUSALS as error:
        if not record.editable:
            return visit.back(address_of(record.id), refused(error))
        return _page(visit, record, typed=visit.form, trouble=refused(error))
    if not changed:
        return visit.back(address_of(record.id), Said("Nothing was changed, so nothing was saved."))
    after = record_data.load(visit.org, record.id) or record
    return visit.back(address_of(record.id), Said(record_form.told(record, after, changed)))


def _act(visit: Visit) -> Answer:
    record, action = _of(visit), record_actions.ACTIONS.get(visit.parts["action"])
    if record is None:
        return _gone(visit)
    if action is None:
        return visit.message("There is no such action", "Choose one on the record's page.", 404)
    try:
        said = Said(action(visit, record))
    except REFUSALS as error:
        said = refused(error)
    still_there = record_data.load(visit.org, record.id) is not None
    following = address_of(record.id) if still_there else list_of(record.sobject.name)
    return visit.back(following, said)


ROUTES: tuple[Route, ...] = (
    ("GET", f"/{_ID}", _classic),
    ("GET", f"/lightning/r/(?:[A-Za-z_]+/)?{_ID}/view", _show),
    ("POST", f"/orgsim/record/{_ID}/edit", _save),
    ("POST", f"/orgsim/record/{_ID}/(?P<action>[a-z-]+)", _act),
)
