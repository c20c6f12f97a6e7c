"""What the org's own automation does to a save, in Salesforce's order: locks, flows, triggers, validation, duplicates,
assignment. The row is already written when it runs, so that conditions see it as it would be; whoever raises undoes it.
"""

import sqlite3
from dataclasses import dataclass
from typing import TypeVar

from orgsim.automation.rules import (
    ApprovalLock,
    Assignment,
    DuplicateRule,
    Failure,
    Flow,
    Rule,
    ValidationRule,
)
from orgsim.errors import ApiError
from orgsim.org import Org, Viewer
from orgsim.records.manner import Manner
from orgsim.records.rows import Row, write_columns
from orgsim.records.targets import Target
from orgsim.soql import compile_query
from orgsim.store import on
from orgsim.values import stored_value

_Kind = TypeVar("_Kind", bound=Rule)
_MATCHES = 5


@dataclass(frozen=True, slots=True)
class Save:
    """One record on its way into the store; `before` is None for a new one, `sent` is what the client writes."""

    org: Org
    connection: sqlite3.Connection
    viewer: Viewer
    record: Target
    before: Row | None
    sent: Row
    manner: Manner

    def rules_of(self, kind: type[_Kind]) -> list[_Kind]:
        """What is set up of one kind for the object, in the order it was."""
        return [rule for rule in self.org.automation.of(self.record.sobject.name) if isinstance(rule, kind)]

    def holds(self, condition: str | None) -> bool:
        """Whether the record as it now stands in the store meets a condition; none is always met."""
        if condition is None:
            return True
        sobject = self.record.sobject.name
        context = self.org.context(self.org.system_viewer, all_rows=True)
        query = " ".join(["SELECT Id FROM", sobject, "WHERE", condition])
        plan = compile_query(query, self.org.schema, context)
        sql = on(
            sobject,
            "SELECT 1 FROM {table} own WHERE own.Id = ? AND EXISTS (SELECT 1 FROM ({ids}) WHERE pk = own.pk)",
            ids=plan.ids_sql,
        )
        parameters = (self.record.id, *plan.ids_params)
        return self.connection.execute(sql, parameters).fetchone() is not None


def check_locks(org: Org, record: Target, before: Row, manner: Manner) -> None:
    """Raises UNABLE_TO_LOCK_ROW for a row, or its account, that another transaction holds; ENTITY_IS_LOCKED for one in
    an approval process."""
    if manner.by_hand:
        return
    ids = [record.id, *([str(before["AccountId"])] if before.get("AccountId") else [])]
    held = org.row_locks.first_held(ids, org.clock.now())
    if held is not None:
        message = f"unable to obtain exclusive access to this record or 1 records: {held}"
        raise ApiError(400, "UNABLE_TO_LOCK_ROW", message, fields=[])
    for rule in org.automation.of(record.sobject.name):
        if isinstance(rule, ApprovalLock) and rule.name == record.id:
            raise ApiError(400, "ENTITY_IS_LOCKED", "the entity is locked for editing", fields=[])


def conditions_before(save: Save) -> frozenset[str]:
    """The names of validation rules whose `was` holds of the record before it is written."""
    if save.before is None:
        return frozenset()
    rules = save.rules_of(ValidationRule)
    return frozenset(rule.name for rule in rules if rule.was is not None and save.holds(rule.was))


def run(save: Save, were: frozenset[str]) -> None:
    """Let every rule of the object see the written record; raises what the first failing kind answers."""
    for flow in save.rules_of(Flow):
        if save.holds(flow.when):
            _apply(save, flow)
    for failure in save.rules_of(Failure):
        if save.holds(failure.when):
            raise _failed(failure, save)
    _validate(save, were)
    for rule in save.rules_of(DuplicateRule):
        _check_duplicates(save, rule)
    if save.manner.assign:
        _assign(save)


def _apply(save: Save, flow: Flow) -> None:
    sobject = save.org.schema.sobject(flow.sobject)
    field = sobject.field(flow.field) if sobject else None
    if field is None:
        return
    if flow.put_back:
        if save.before is not None:
            write_columns(save.connection, save.record, {field.name: save.before[field.name]})
        return
    write_columns(save.connection, save.record, {field.name: stored_value(field, flow.value)})


def _failed(failure: Failure, save: Save) -> ApiError:
    if failure.kind == "flow":
        message = (
            f"We can't save this record because the “{failure.name}” process failed. Give your Salesforce admin these "
            f"details. {failure.message}"
        )
        return ApiError(400, "CANNOT_EXECUTE_FLOW_TRIGGER", message, fields=[])
    event = "BeforeInsert" if save.before is None else "BeforeUpdate"
    message = f"{failure.name}: execution of {event}\n\ncaused by: {failure.message}"
    return ApiError(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message, fields=[])


def _validate(save: Save, were: frozenset[str]) -> None:
    """Every rule is tried, and all that refuse are answered together."""
    errors = [
        ApiError(
            400,
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            rule.message,
            fields=[rule.field] if rule.field else [],
        )
        for rule in save.rules_of(ValidationRule)
        if (rule.was is None or rule.name in were) and save.holds(rule.when)
    ]
    if errors:
        errors[0].more = tuple(errors[1:])
        raise errors[0]


def _check_duplicates(save: Save, rule: DuplicateRule) -> None:
    """Raises DUPLICATES_DETECTED. An edit that touches none of the rule's fields is looked at as well: whether a real org
    skips it depends on how its matching rules are written."""
    if not (rule.on_create if save.before is None else rule.on_edit):
        return
    if save.manner.allow_duplicates and not rule.blocks:
        return
    found = _duplicates(save, rule)
    if found:
        raise ApiError(
            400,
            "DUPLICATES_DETECTED",
            "Use one of these records?",
            extra=_duplicate_result(save, rule, found),
        )


def _duplicates(save: Save, rule: DuplicateRule) -> list[str]:
    same = " AND ".join(f'other."{name}" = own."{name}" COLLATE NOCASE' for name in rule.fields)
    sql = on(
        rule.sobject,
        "SELECT other.Id FROM {table} own JOIN {table} other ON {same} AND other.Id <> own.Id AND other.IsDeleted = 0 "
        "WHERE own.Id = ? LIMIT {limit}",
        same=same,
        limit=str(_MATCHES),
    )
    return [record_id for (record_id,) in save.connection.execute(sql, (save.record.id,))]


def _duplicate_result(save: Save, rule: DuplicateRule, found: list[str]) -> dict[str, object]:
    """The block beside the error. Recorded REST answers spell its key `duplicateResut`, the documentation
    `duplicateResult`; clients read either, so both are there."""
    records = [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": {
                "attributes": {
                    "type": rule.sobject,
                    "url": f"{save.manner.base}/sobjects/{rule.sobject}/{record_id}",
                },
                "Id": record_id,
            },
        }
        for record_id in found
    ]
    result = {
        "allowSave": not rule.blocks,
        "duplicateRule": rule.name,
        "duplicateRuleEntityType": rule.sobject,
        "errorMessage": "Use one of these records?",
        "matchResults": [
            {
                "entityType": rule.sobject,
                "errors": [],
                "matchEngine": "ExactMatchEngine",
                "matchRecords": records,
                "rule": f"{rule.name}_Match",
                "size": len(records),
                "success": True,
            }
        ],
    }
    return {"duplicateResult": result, "duplicateResut": result}


def _assign(save: Save) -> None:
    """The first rule entry that fits gives the lead its owner, also one that was just set."""
    for rule in save.rules_of(Assignment):
        if save.holds(rule.when):
            write_columns(save.connection, save.record, {"OwnerId": rule.owner_id})
            return
