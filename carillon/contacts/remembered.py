"""What stays of people who were erased: keyed hashes of their record ids, so that they are not imported again, and of
their numbers, so that nobody texts them.

The key is made with the first erasure, so a workspace where nobody was erased pays one small query. A key that can't
be opened raises SealBroken: an import must fail rather than bring somebody back. Whoever comes to own consent
takes numbers over by asking `suppressed` at a number's first sight.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.conf import settings
from django.db import connection

from carillon.accounts.models import Workspace
from carillon.contacts.models import ErasedRecord, RecogniserKey, SuppressedNumber
from carillon.lib.errors import CarillonError
from carillon.lib.sealing import Recogniser, SealBroken, Sealer

_RECORD, _NUMBER = "record", "number"
# Sets these locks apart from others in the same database.
_NAMESPACE = 0x0CA6


class KeyLost(CarillonError):
    """Erased people can't be recognised any more."""

    def __init__(self) -> None:
        super().__init__(
            "People were erased here, and the key that recognises them cannot be opened: it was sealed with another"
            " CARILLON_SECRET_KEY. Nothing goes on, since they could come back.",
            "Add the earlier key to CARILLON_SECRET_KEY after a comma; if it is lost, see docs/operations.md.",
        )


def lock(workspace_id: int, *, alone: bool) -> None:
    """Until the end of the transaction nobody is erased while contacts are written, nor the other way round: `alone`
    for the one who erases, and for whoever writes contacts of an object that another import may be writing."""
    way = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    with connection.cursor() as cursor:
        cursor.execute(f"select {way}(%s, %s)", [_NAMESPACE, workspace_id])


def remember(workspace: Workspace, salesforce_id: str, number: str, by: str) -> str:
    """Keeps the record from being imported again, and its number (E.164, or empty) from being texted. Returns what
    may stand for the record's id from now on."""
    recogniser = _recogniser(workspace.pk) or _made(workspace)
    hashed = recogniser.hash(_RECORD, salesforce_id)
    ErasedRecord.objects.get_or_create(workspace=workspace, id_hash=hashed)
    if number:
        SuppressedNumber.objects.get_or_create(
            workspace=workspace, number_hash=recogniser.hash(_NUMBER, number), defaults={"by": by}
        )
    return hashed.hex()


def erased(workspace_id: int, salesforce_ids: Sequence[str]) -> dict[str, str]:
    """Those of the ids whose people were erased, each with what may stand for it."""
    return {
        found: hashed.hex()
        for found, hashed in _known(workspace_id, _RECORD, salesforce_ids, _ERASED).items()
    }


def suppressed(workspace_id: int, numbers: Iterable[str]) -> frozenset[str]:
    """Those of the numbers (E.164) that must not be texted."""
    return frozenset(_known(workspace_id, _NUMBER, {n for n in numbers if n}, _SUPPRESSED))


def suppressed_since(workspace_id: int, numbers: Iterable[str]) -> dict[str, datetime]:
    """As `suppressed`, with the time of the first erasure."""
    hashes = {
        kept: number for number, kept in _known(workspace_id, _NUMBER, set(numbers), _SUPPRESSED).items()
    }
    if not hashes:
        return {}
    found = SuppressedNumber.objects.filter(workspace=workspace_id, number_hash__in=list(hashes))
    return {hashes[bytes(kept)]: since for kept, since in found.values_list("number_hash", "since")}


def number_hash(workspace_id: int, number: str) -> str:
    """What may stand for a number (E.164) whose people were all erased, after `remember`."""
    recogniser = _recogniser(workspace_id)
    if recogniser is None:
        raise KeyLost
    return recogniser.hash(_NUMBER, number).hex()


def count_erased(workspace: Workspace) -> tuple[int, int]:
    """How many records were erased, and how many numbers are not texted for that."""
    return (
        ErasedRecord.objects.filter(workspace=workspace).count(),
        SuppressedNumber.objects.filter(workspace=workspace).count(),
    )


def reseal() -> int:
    """Seals keys with the current master secret that an earlier one sealed; after that the earlier one can go."""
    sealer, done = Sealer(settings.MASTER_SECRET), 0
    for kept in RecogniserKey.objects.all():
        if sealer.is_current(kept.sealed_key):
            continue
        try:
            resealed = sealer.reseal(kept.sealed_key)
        except SealBroken:
            # The next import says so, to somebody who can act on it.
            continue
        done += RecogniserKey.objects.filter(pk=kept.pk, sealed_key=kept.sealed_key).update(
            sealed_key=resealed
        )
    return done


_ERASED = """
select id_hash from contacts_erasedrecord where workspace_id = %s and id_hash = any(%s)
"""
_SUPPRESSED = """
select number_hash from contacts_suppressednumber where workspace_id = %s and number_hash = any(%s)
"""


def _known(workspace_id: int, kind: str, texts: Iterable[str], query: str) -> dict[str, bytes]:
    texts = list(texts)
    recogniser = _recogniser(workspace_id) if texts else None
    if recogniser is None:
        return {}
    hashes = {recogniser.hash(kind, text): text for text in texts}
    with connection.cursor() as cursor:
        cursor.execute(query, [workspace_id, list(hashes)])
        return {hashes[bytes(row[0])]: bytes(row[0]) for row in cursor.fetchall()}


def _recogniser(workspace_id: int) -> Recogniser | None:
    kept = RecogniserKey.objects.filter(workspace=workspace_id).first()
    if kept is None:
        return None
    try:
        return Recogniser(Sealer(settings.MASTER_SECRET).open(kept.sealed_key))
    except SealBroken:
        raise KeyLost from None


def _made(workspace: Workspace) -> Recogniser:
    key = Recogniser.new_key()
    RecogniserKey.objects.create(workspace=workspace, sealed_key=Sealer(settings.MASTER_SECRET).seal(key))
    return Recogniser(key)
