"""What happens by itself when records are saved: listed in words, two common kinds made here, all of them removed."""

from orgsim.automation.rules import (
    ApprovalLock,
    Assignment,
    BatchLimit,
    DuplicateRule,
    Failure,
    Flow,
    Rule,
    ValidationRule,
)
from orgsim.calls import Answer
from orgsim.pages.visit import Route, Visit, user_names

_ADDRESS = "/orgsim/automation"
_OBJECTS = ("Contact", "Lead")


def _when(condition: str | None) -> str:
    return f" when {condition}" if condition else ""


def in_words(rule: Rule, users: dict[str, str]) -> str:
    match rule:
        case ValidationRule():
            return f"A {rule.sobject} is refused{_when(rule.when)}: “{rule.message}”"
        case Flow(value=None):
            return f"A flow puts {rule.field} of a {rule.sobject} back to what it was{_when(rule.when)}"
        case Flow():
            return f"A flow sets {rule.field} of a {rule.sobject} to {rule.value}{_when(rule.when)}"
        case Failure():
            return f"A {rule.kind} of {rule.sobject} fails, and the save with it{_when(rule.when)}"
        case DuplicateRule():
            deed = "blocks" if rule.blocks else "warns of"
            return f"A duplicate rule {deed} a second {rule.sobject} with the same {', '.join(rule.fields)}"
        case Assignment():
            owner = users.get(rule.owner_id, rule.owner_id)
            return f"A saved {rule.sobject} goes to {owner}{_when(rule.when)}"
        case BatchLimit():
            return f"A trigger fails for more than {rule.records} {rule.sobject} records saved at once"
        case ApprovalLock():
            return f"The {rule.sobject} {rule.name} is locked for approval"


def _index(visit: Visit) -> Answer:
    users = user_names(visit.org)
    rules = [(rule.name, in_words(rule, users)) for rule in visit.org.automation.all()]
    return visit.page("automation.html", "automation", rules=rules, objects=_OBJECTS)


def _text(visit: Visit, name: str, label: str) -> str:
    text = visit.form.get(name, "").strip()
    if not text:
        raise ValueError(f"{label} is missing")
    return text


def _add_rule(visit: Visit) -> Answer:
    def add() -> None:
        sobject = _text(visit, "sobject", "the object")
        when, message = _text(visit, "when", "the condition"), _text(visit, "message", "the message")
        visit.scenario.set_validation_rule(sobject, when, message, name=f"{sobject}_Validation_Rule")

    return visit.did(_ADDRESS, add, "The validation rule is active.")


def _add_flow(visit: Visit) -> Answer:
    def add() -> None:
        sobject, field = _text(visit, "sobject", "the object"), _text(visit, "field", "the field")
        visit.scenario.set_flow(sobject, field, put_back=True, name=f"{sobject}_{field}_Flow")

    return visit.did(_ADDRESS, add, "The flow is active.")


def _remove(visit: Visit) -> Answer:
    name = visit.form.get("name", "")
    return visit.did(_ADDRESS, lambda: visit.scenario.remove_automation(name), f"{name} is gone.")


ROUTES: tuple[Route, ...] = (
    ("GET", _ADDRESS, _index),
    ("POST", f"{_ADDRESS}/rule", _add_rule),
    ("POST", f"{_ADDRESS}/flow", _add_flow),
    ("POST", f"{_ADDRESS}/remove", _remove),
)
