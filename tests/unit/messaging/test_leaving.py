"""What may leave, from all that is known of the number when its consent is locked."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from carillon.messaging.leaving import Leaving, Verdict, verdict
from carillon.messaging.replies import Reply

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OPEN, CLOSED = NOW, NOW + timedelta(hours=9)
TEXT = Leaving(reply=None, since=NOW, opens_at=OPEN)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (TEXT, Verdict.NOW),
        (replace(TEXT, opens_at=CLOSED), Verdict.LATER),
        (replace(TEXT, opens_at=CLOSED, is_opted_out=True), Verdict.NEVER),
        (replace(TEXT, is_suppressed=True), Verdict.NEVER),
        (replace(TEXT, is_unusable=True), Verdict.NEVER),
        (replace(TEXT, reply=Reply.HELP, is_opted_out=True, opens_at=CLOSED), Verdict.NOW),
        (replace(TEXT, reply=Reply.HELP, is_suppressed=True), Verdict.NOW),
        (replace(TEXT, reply=Reply.HELP, since=NOW - timedelta(minutes=61)), Verdict.NEVER),
        (replace(TEXT, reply=Reply.HELP, is_unusable=True), Verdict.NEVER),
        (replace(TEXT, reply=Reply.CONFIRMATION, is_opted_out=True, opens_at=CLOSED), Verdict.NOW),
        (replace(TEXT, reply=Reply.CONFIRMATION), Verdict.NEVER),
        (replace(TEXT, reply=Reply.CONFIRMATION, is_opted_out=True, is_overtaken=True), Verdict.NEVER),
        (
            replace(TEXT, reply=Reply.CONFIRMATION, is_opted_out=True, since=NOW - timedelta(minutes=6)),
            Verdict.NEVER,
        ),
    ],
)
def test_what_may_leave(text: Leaving, found: Verdict) -> None:
    assert verdict(text, NOW) is found


def test_nothing_of_a_member_ever_leaves_to_who_opted_out_or_outside_the_hours() -> None:
    both = (False, True)
    for is_out, is_suppressed, is_unusable, opens_at in product(both, both, both, (OPEN, CLOSED)):
        text = Leaving(None, NOW, opens_at, is_out, is_suppressed, is_unusable)

        leaves = verdict(text, NOW) is Verdict.NOW
        assert leaves is not (is_out or is_suppressed or is_unusable or opens_at is CLOSED)
