"""What an admin of the org has set up to happen when records are saved; kept in the org's file.

A condition is what stands in a SOQL WHERE clause on the object: `SMS_Opt_Out__c = false AND Program__c = 'MBA'`.
"""

import msgspec

from orgsim.store import Store

Scalar = str | int | float | bool | None


class ValidationRule(msgspec.Struct, frozen=True, tag="validation"):
    """Refuses the save of a record that is `when` afterwards and, if given, was `was` before."""

    name: str
    sobject: str
    when: str
    message: str
    field: str | None = None
    was: str | None = None


class Flow(msgspec.Struct, frozen=True, tag="flow"):
    """A before-save flow: sets a field, or puts back the value it had, in the same transaction as the save."""

    name: str
    sobject: str
    field: str
    value: Scalar = None
    put_back: bool = False
    when: str | None = None


class Failure(msgspec.Struct, frozen=True, tag="failure"):
    """A flow or an Apex trigger that fails, and the save with it."""

    name: str
    sobject: str
    kind: str
    message: str
    when: str | None = None


class DuplicateRule(msgspec.Struct, frozen=True, tag="duplicates"):
    """Finds other records with the same values in all `fields`; `blocks` also those who ask to save anyway."""

    name: str
    sobject: str
    fields: tuple[str, ...]
    blocks: bool = False
    on_create: bool = True
    on_edit: bool = True


class Assignment(msgspec.Struct, frozen=True, tag="assignment"):
    """The active lead assignment rule: leads that are `when` go to `owner_id`."""

    name: str
    owner_id: str
    sobject: str = "Lead"
    when: str | None = None


class BatchLimit(msgspec.Struct, frozen=True, tag="batch"):
    """A trigger that is not written for many records: it fails for more than `records` of them at once."""

    name: str
    sobject: str
    records: int


class ApprovalLock(msgspec.Struct, frozen=True, tag="approval"):
    """A record in an approval process: only an administrator edits it. `name` is its id."""

    name: str
    sobject: str


Rule = ValidationRule | Flow | Failure | DuplicateRule | Assignment | BatchLimit | ApprovalLock


class Automation:
    def __init__(self, store: Store) -> None:
        self._store = store
        rows = store.reader().execute("SELECT definition FROM automation ORDER BY pk").fetchall()
        self._rules: dict[str, Rule] = {}
        for (text,) in rows:
            rule: Rule = msgspec.json.decode(text, type=Rule)
            self._rules[rule.name] = rule

    def all(self) -> tuple[Rule, ...]:
        return tuple(self._rules.values())

    def of(self, sobject: str) -> tuple[Rule, ...]:
        return tuple(rule for rule in self._rules.values() if rule.sobject == sobject)

    def set(self, rule: Rule) -> None:
        """Add a rule, or replace the one of that name."""
        text = msgspec.json.encode(rule).decode()
        with self._store.writing() as connection:
            connection.execute("DELETE FROM automation WHERE name = ?", (rule.name,))
            connection.execute("INSERT INTO automation (name, definition) VALUES (?, ?)", (rule.name, text))
        self._rules = {name: known for name, known in self._rules.items() if name != rule.name} | {
            rule.name: rule
        }

    def remove(self, name: str) -> None:
        """Raises LookupError when nothing has this name."""
        if name not in self._rules:
            raise LookupError(
                f"the org has no automation {name}; there are: {', '.join(self._rules) or 'none'}"
            )
        with self._store.writing() as connection:
            connection.execute("DELETE FROM automation WHERE name = ?", (name,))
        self._rules = {other: rule for other, rule in self._rules.items() if other != name}

    def clear(self) -> None:
        with self._store.writing() as connection:
            connection.execute("DELETE FROM automation")
        self._rules = {}
