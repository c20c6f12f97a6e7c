import pytest

from carillon.salesforce.reports.proof import Ledger, Verdict


def ledger(*pages: tuple[int, int], unique: int | None = None) -> Ledger:
    """Pages as (the org's count of what is left, rows taken of it)."""
    (first, taken), *others = pages
    made = Ledger(first, unique)
    made.take(taken, 0)
    for count, taken in others:
        made.count(count)
        made.take(taken, 0)
    return made


def test_counts_that_agree_at_every_page_prove_it() -> None:
    read = ledger((5, 2), (3, 2), (1, 1), unique=4).closed(4, None)

    assert read.verdict is Verdict.PROVEN
    assert "exactly" in read.sentence


@pytest.mark.parametrize(
    ("pages", "unique", "counted", "verdict", "missing"),
    [
        (((5, 2), (2, 2)), None, 4, Verdict.CHANGED, 0),
        (((5, 2), (4, 4)), None, 6, Verdict.CHANGED, 0),
        (((5, 2), (2, 2)), None, 3, Verdict.CHANGED, 0),
        (((5, 2), (2, 2)), None, 5, Verdict.SHORT, 1),
        (((5, 2), (3, 2)), None, 5, Verdict.SHORT, 1),
        (((5, 5),), 4, 5, Verdict.CHANGED, 0),
        (((5, 2), (2, 2)), None, None, Verdict.SHORT, 0),
    ],
)
def test_a_count_that_does_not_follow_is_judged_by_the_one_at_the_end(
    pages: tuple[tuple[int, int], ...],
    unique: int | None,
    counted: int | None,
    verdict: Verdict,
    missing: int,
) -> None:
    read = ledger(*pages, unique=unique).closed(5, counted)

    assert (read.verdict, read.missing) == (verdict, missing)
    assert read.sentence.endswith(".")


def test_an_empty_id_may_count_as_one_more_different_one() -> None:
    made = Ledger(3, 3)
    made.take(3, 1)

    assert made.closed(2, None).verdict is Verdict.PROVEN


def test_empty_ids_sorted_last_explain_a_first_count_that_is_higher() -> None:
    made = ledger((7, 2), (3, 3))

    assert made.closed(5, 7, unread=2).verdict is Verdict.PROVEN
    assert made.closed(5, 7).verdict is Verdict.SHORT


def test_a_gap_after_the_first_page_is_not_explained_by_rows_that_left() -> None:
    made = ledger((7, 2), (3, 3))

    assert made.closed(5, 5).verdict is Verdict.CHANGED
    assert made.closed(5, 6, unread=1).verdict is Verdict.CHANGED


def test_what_was_seen_may_outweigh_counts_that_agree() -> None:
    made = ledger((5, 2), (3, 3))
    made.doubt()

    assert made.closed(5, 5).verdict is Verdict.CHANGED
