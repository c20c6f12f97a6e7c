"""Scenario verbs that set up what happens when records are saved. Conditions are SOQL WHERE clauses on the object."""

from datetime import timedelta

import msgspec

from orgsim.automation.rules import (
    ApprovalLock,
    Assignment,
    BatchLimit,
    DuplicateRule,
    Failure,
    Flow,
    Rule,
    Scalar,
    ValidationRule,
)
from orgsim.org import Org
from orgsim.records import Target, target
from orgsim.soql import SoqlError, compile_query

_KINDS = ("flow", "trigger")


class AutomationVerbs:
    """Part of Scenario."""

    org: Org

    def set_validation_rule(
        self,
        sobject: str,
        when: str,
        message: str,
        *,
        field: str | None = None,
        was: str | None = None,
        name: str = "Validation_Rule",
    ) -> None:
        """Refuse saves that leave a record `when` (after it `was`, if given) with the rule's message."""
        self._set(ValidationRule(name, sobject, when, message, field, was), when, was, fields=(field,))

    def set_flow(
        self,
        sobject: str,
        field: str,
        *,
        value: Scalar = None,
        put_back: bool = False,
        when: str | None = None,
        name: str = "Before_Save_Flow",
    ) -> None:
        """A before-save flow: sets the field to a value, or puts back what it was; the save itself goes well."""
        self._set(Flow(name, sobject, field, value, put_back, when), when, fields=(field,))

    def fail_saves(
        self,
        sobject: str,
        *,
        kind: str = "trigger",
        message: str = "System.NullPointerException: Attempt to de-reference a null object",
        when: str | None = None,
        name: str = "Failing_Automation",
    ) -> None:
        """A `flow` or an Apex `trigger` of the object fails, and the save with it."""
        if kind not in _KINDS:
            raise ValueError(f"a {kind} can't fail; {' or '.join(_KINDS)} can")
        self._set(Failure(name, sobject, kind, message, when), when)

    def set_duplicate_rule(
        self,
        sobject: str,
        fields: tuple[str, ...],
        *,
        action: str = "alert",
        on_create: bool = True,
        on_edit: bool = True,
        name: str | None = None,
    ) -> None:
        """Records with the same values in all these fields: `alert` gives way to allowSave, `block` does not."""
        if action not in ("alert", "block"):
            raise ValueError(f"the action of a duplicate rule is alert or block, not {action}")
        rule = DuplicateRule(
            name or f"Standard_{sobject}_Duplicate_Rule",
            sobject,
            tuple(fields),
            action == "block",
            on_create,
            on_edit,
        )
        self._set(rule, fields=fields)
        with self.org.store.writing() as connection:
            # Without an index every save would read the whole object.
            connection.execute(
                f'CREATE INDEX IF NOT EXISTS "{sobject}_same_{fields[0]}" ON "{sobject}" '
                f'("{fields[0]}" COLLATE NOCASE)'
            )

    def set_assignment_rule(
        self, owner: str, *, when: str | None = None, name: str = "Lead_Assignment"
    ) -> None:
        """The active lead assignment rule: leads go to a user (id or username) at each save that doesn't forbid it."""
        sql = "SELECT Id FROM User WHERE Id = ? OR Username = ?"
        found = self.org.store.reader().execute(sql, (owner, owner)).fetchone()
        if found is None:
            raise LookupError(f"the org has no user {owner}")
        self._set(Assignment(name, found[0], when=when), when)

    def limit_batches(self, sobject: str, records: int, *, name: str = "Batch_Trigger") -> None:
        """Saves of more than so many records of the object at once fail with `Too many SOQL queries: 101`."""
        self._set(BatchLimit(name, sobject, records))

    def lock_for_approval(self, record_id: str) -> None:
        """The record is in an approval process: writes are refused with ENTITY_IS_LOCKED."""
        record = self._known(record_id)
        self._set(ApprovalLock(record.id, record.sobject.name))

    def release_approval(self, record_id: str) -> None:
        self.org.automation.remove(self._known(record_id).id)

    def lock_row(self, record_id: str, *, times: int | None = None, seconds: float | None = None) -> None:
        """Another transaction holds the row (of a person, or of their account), for so many attempts or seconds; for
        one attempt when neither is named."""
        until = self.org.clock.now() + timedelta(seconds=seconds) if seconds is not None else None
        self.org.row_locks.hold(
            self._known(record_id).id, times=1 if times is None and until is None else times, until=until
        )

    def unlock_row(self, record_id: str) -> None:
        self.org.row_locks.release(self._known(record_id).id)

    def automation(self) -> list[dict[str, object]]:
        """Everything that is set up, each with its kind as `type`."""
        return [msgspec.to_builtins(rule) for rule in self.org.automation.all()]

    def remove_automation(self, name: str) -> None:
        self.org.automation.remove(name)

    def clear_automation(self) -> None:
        self.org.automation.clear()

    def _known(self, record_id: str) -> Target:
        sobject = self.org.schema.of_id(record_id)
        if sobject is None:
            raise LookupError(f"{record_id} is no record id of this org")
        return target(sobject, record_id)

    def _set(self, rule: Rule, *conditions: str | None, fields: tuple[str | None, ...] = ()) -> None:
        """Add a rule whose object, fields and conditions exist; raises LookupError or ValueError otherwise."""
        sobject = self.org.schema.sobject(rule.sobject)
        if sobject is None or sobject.name != rule.sobject:
            raise LookupError(f"the org has no object {rule.sobject}")
        for name in fields:
            if name is not None and sobject.field(name) is None:
                raise LookupError(f"{sobject.name} has no field {name}")
        context = self.org.context(self.org.system_viewer, all_rows=True)
        for condition in conditions:
            if condition is not None:
                try:
                    compile_query(
                        " ".join(["SELECT Id FROM", sobject.name, "WHERE", condition]),
                        self.org.schema,
                        context,
                    )
                except SoqlError as error:
                    raise ValueError(error.message) from error
        self.org.automation.set(rule)
