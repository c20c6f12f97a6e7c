"""The part of `carillon consent` that needs Django."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any

from django.db import connection

from carillon.accounts.models import Workspace
from carillon.accounts.queries import only_workspace
from carillon.cli.quiet import quiet_retries
from carillon.cli.tables import aligned, printable
from carillon.consent import actions, overview, person, pushes, queries, store, words
from carillon.consent import audit as auditing
from carillon.consent import verify as verifying
from carillon.consent.audit import Difference, Unseen
from carillon.consent.decide import Says, When
from carillon.consent.models import Cause, ConsentEvent, ConsentPush, PushState
from carillon.contacts.models import Contact
from carillon.contacts.queries import by_record_id
from carillon.contacts.remembered import suppressed_since
from carillon.imports.queries import time_zone
from carillon.lib import phones
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from carillon.salesforce.errors import SalesforceError
from carillon.salesforce.transport import Retry

SHOWN = 50
# Of the records that an audit could not see: ids enough for any repair by hand, and little memory.
MOST_UNSEEN = 1000
WITH_SOMEBODY_WAITING = Retry(budget_seconds=30, read_timeout=100)


def show(workspace_name: str, number_or_id: str) -> dict[str, Any]:
    workspace = only_workspace(workspace_name)
    number = _number(workspace, number_or_id)
    standing = queries.standings(workspace, [number])[number]
    events, told = queries.timeline(workspace, number), queries.pushes_of(workspace, number)
    return {
        "number": number,
        "people": _people(workspace, number),
        "status": standing.status.value,
        "may_be_texted": standing.may_be_texted,
        "authority": standing.authority.value,
        "since": _moment(standing.since),
        "events_total": events.count(),
        "pushes_total": told.count(),
        "events": [
            {
                "at": _moment(event.counts_at),
                "learnt_at": _moment(event.learnt_at),
                "kind": event.kind,
                "cause": event.cause,
                "what": words.sentence(event.kind, event.cause),
                "by": words.by_whom(event),
                **_evidence(event),
            }
            for event in events[:SHOWN]
        ],
        "pushes": [_push(push) for push in told[:SHOWN]],
    }


def in_words(shown: dict[str, Any]) -> Iterator[str]:
    since = f" since {shown['since']}" if shown["since"] else ""
    is_likely = shown["status"] == words.Word.OPTED_IN and not shown["may_be_texted"]
    word = words.Word.SUPPRESSED if is_likely else words.Word(shown["status"])
    nobody = "" if shown["people"] else "; nobody here has this number"
    yield f"{shown['number']}: {_lower_first(word.label)}{since}{nobody}"
    if shown["events"]:
        yield "What was said, the last learnt first, with the moment from which it counts:"
    for event in shown["events"]:
        later = f", learnt {event['learnt_at']}" if event["learnt_at"] != event["at"] else ""
        said = f"{event['what']} ({event['by']}{later})"
        told = " ".join(part for part in (event["words"], event["reason"]) if part)
        yield printable(f"  {event['at']}  {said}  {told}").rstrip()
    yield from _more(shown["events_total"], shown["events"], "earlier")
    if shown["pushes"]:
        yield "What Salesforce was to be told, the latest first:"
    for push in shown["pushes"]:
        why = f". {push['error']}" if push["error"] else ""
        to = f"{push['salesforce_id']}: {_spaced(push['wanted'])}, {_state(push)}{why}"
        yield printable(f"  {push['created_at']}  {to}")
    yield from _more(shown["pushes_total"], shown["pushes"], "earlier")


def _more(total: int, shown: list[Any], which: str) -> Iterator[str]:
    if total > len(shown):
        yield f"... and {total - len(shown):,} {which}."


def opt_out(workspace_name: str, number: str, reason: str, asked_on: date | None) -> str:
    workspace = only_workspace(workspace_name)
    e164 = _number(workspace, number)
    requested = _on(workspace, asked_on) if asked_on else None
    done = actions.opt_out(workspace=workspace, number=e164, by=None, reason=reason, requested=requested)
    if requested and done.status is Says.IN:
        why = words.why_still_in(workspace, e164, time_zone(workspace))
        return f"{e164} stays opted in: {_lower_first(why)}, and that counts. The request is in the record."
    return _done(workspace, e164, done)


def _on(workspace: Workspace, day: date) -> When:
    zone = time_zone(workspace)
    if day > now().astimezone(zone).date():
        raise CarillonError(f"{day} has not come yet.", "Give the day on which the person asked.")
    return When.on(day, zone)


def opt_in(workspace_name: str, number: str, reason: str, *, although_erased: bool = False) -> str:
    workspace = only_workspace(workspace_name)
    e164 = _number(workspace, number)
    if not although_erased and _is_of_erased(workspace, e164):
        raise CarillonError(
            f"Somebody with {e164} was erased here, and nobody with this number is texted since. Nothing was changed.",
            "Where the person who has it now asks for texts, say so with --although-erased.",
        )
    done = actions.opt_in(workspace=workspace, number=e164, by=None, reason=reason)
    return _done(workspace, e164, done)


def _is_of_erased(workspace: Workspace, number: str) -> bool:
    consent = person.consent_of(workspace, number)
    if consent is None or consent.person_out is None:
        return number in suppressed_since(workspace.pk, [number])
    line = person.deciding_line(consent, queries.state_of(consent)) if consent.is_opted_out else None
    return line is not None and line.cause == Cause.ERASED


def pending(workspace_name: str, limit: int) -> dict[str, Any]:
    workspace = only_workspace(workspace_name)
    found, stopped = queries.pending(workspace), overview.stopped(workspace)
    # While nothing at all is told, what is due waits for that.
    earliest = stopped.paused_until if stopped else None
    return {"total": found.count(), "pushes": [_push(push, earliest) for push in found[:limit]]}


def pending_in_words(found: dict[str, Any]) -> Iterator[str]:
    pushes = found["pushes"]
    if not pushes:
        yield "Nothing is pending: Salesforce has acknowledged every change."
        return
    heads = ["SINCE", "RECORD", "WANTED", "STATE", "ATTEMPTS", "NEXT TRY"]
    rows = [
        [
            push["created_at"],
            push["salesforce_id"],
            _spaced(push["wanted"]),
            _state(push),
            str(push["attempts"]),
            _next_try(push["next_try_at"]),
        ]
        for push in pushes
    ]
    for row, push in zip(aligned([heads, *rows]), [None, *pushes], strict=True):
        yield "  ".join(row).rstrip()
        if push and push["error"]:
            yield printable(f"    {push['error']} {push['remedy']}").rstrip()
    yield from _more(found["total"], pushes, "later; --limit shows more")


def retry(workspace_name: str) -> int:
    workspace = only_workspace(workspace_name)
    with connection.cursor() as cursor:
        return pushes.retry_all(workspace_id=workspace.pk, now=store.database_time(cursor))


def verify(workspace_name: str, tell: Callable[[str], None]) -> tuple[int, int]:
    """How many lines there are, and how many numbers don't follow from them; `tell` gets the first of these."""
    workspace = only_workspace(workspace_name)
    found = verifying.differences(workspace)
    first = list(islice(found, SHOWN))
    for one in first:
        tell(f"{one.number}: version {one.version}, but {one.lines} lines")
    return verifying.lines(workspace), len(first) + sum(1 for _ in found)


def audit(workspace_name: str, *, repair: bool, tell: Callable[[dict[str, str]], None]) -> dict[str, Any]:
    """The counts, and the first records that could not be seen; `tell` gets each difference as it is found, since there
    may be as many as people."""
    workspace = only_workspace(workspace_name)
    unseen: list[dict[str, str]] = []

    def hear(one: Difference) -> None:
        tell(
            {
                "number": one.number,
                "salesforce_id": one.salesforce_id,
                "consent": one.consent.value,
                "salesforce": one.holds.value,
                "state": one.done.fate.value,
                "repair": one.done.words,
            }
        )

    def keep(one: Unseen) -> None:
        if len(unseen) < MOST_UNSEEN:
            unseen.append(one._asdict())

    try:
        with quiet_retries():
            done = auditing.run(
                workspace, repair=repair, tell=hear, tell_unseen=keep, retry=WITH_SOMEBODY_WAITING
            )
    except SalesforceError as error:
        raise CarillonError(str(error), error.remedy) from error
    sentence = (
        f"{_many(done.compared, 'record')} compared by {_many(done.calls, 'API call')}: {done.differing:,} differ. Of these"
        f" {done.repaired:,} repaired, {done.on_its_way:,} on the way to Salesforce, {done.refused:,} refused or put back,"
        f" {done.waiting:,} wait for the next import. Not shown to the API user: {done.unseen:,}."
    )
    counts = {name: getattr(done, name) for name in auditing.COUNTS}
    return {**counts, "unseen_records": unseen, "leaves_doubt": done.leaves_doubt, "sentence": sentence}


def unseen_in_words(found: dict[str, Any]) -> Iterator[str]:
    for one in found["unseen_records"]:
        yield f"{one['number']}: {one['object']} {one['salesforce_id']} is not shown to the API user"
    yield from _more(found["unseen"], found["unseen_records"], "not shown either")


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _number(workspace: Workspace, text: str) -> str:
    """E.164, of a number in any form or of a person by Salesforce id. Raises CarillonError."""
    found = by_record_id(workspace, text)
    if found:
        if found.mobile_number:
            return found.mobile_number
        raise CarillonError(
            f"{found} has no valid mobile number, and consent belongs to a number.",
            "Correct the number in Salesforce and import it.",
        )
    phone = phones.parse(text, workspace.default_region)
    if not phone.e164:
        raise CarillonError(
            f"{text.strip() or 'An empty text'} is no mobile number, and nobody here has it as Salesforce id.",
            "Give a number with its country code, such as +12125550123, or an id of 15 or 18 characters.",
        )
    return phone.e164


def _evidence(event: ConsentEvent) -> dict[str, str]:
    kept = words.evidence(event)
    return {
        "words": kept.words if kept else "",
        "reason": kept.reason if kept else "",
        "salesforce_id": kept.salesforce_id if kept else "",
    }


def _next_try(moment: str | None) -> str:
    if not moment:
        return "when asked"
    return moment if moment > str(_moment(now())) else "now"


def _push(push: ConsentPush, earliest: datetime | None = None) -> dict[str, Any]:
    next_try = push.next_try_at
    if next_try and earliest:
        next_try = max(next_try, earliest)
    return {
        "salesforce_id": push.salesforce_id,
        "object": push.object,
        "wanted": push.wanted,
        "state": push.state,
        "attempts": push.attempts,
        "created_at": _moment(push.created_at),
        "next_try_at": _moment(next_try),
        "settled_at": _moment(push.settled_at),
        "error": push.error,
        "remedy": push.remedy,
    }


def _people(workspace: Workspace, number: str) -> list[str]:
    having = Contact.objects.filter(workspace=workspace, mobile_number=number)
    return list(having.order_by("salesforce_id").values_list("salesforce_id", flat=True)[:SHOWN])


def _done(workspace: Workspace, number: str, done: actions.Outcome) -> str:
    if done.pushes:
        told = f"{'One record' if done.pushes == 1 else f'{done.pushes:,} records'} in Salesforce"
        told = f"{told} {'is' if done.pushes == 1 else 'are'} being told."
    elif _people(workspace, number):
        told = "No record in Salesforce needs to be told."
    else:
        told = "Nobody here has this number; it holds for whoever comes with it."
    return f"{number} {_may_not(done) or f'is {_spaced(done.status)}'}. {told}"


def _may_not(done: actions.Outcome) -> str:
    """Of one that is not opted out."""
    is_likely = done.is_suppressed and done.status is Says.IN
    return _lower_first(words.Word.SUPPRESSED.label) if is_likely else ""


def _state(push: dict[str, Any]) -> str:
    return _lower_first(PushState(push["state"]).label)


def _lower_first(label: str) -> str:
    return label[:1].lower() + label[1:]


def _spaced(status: str) -> str:
    return status.replace("_", " ")


def _moment(at: datetime | None) -> str | None:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
