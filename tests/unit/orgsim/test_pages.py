"""How a result is cut into pages: what a locator says, and how long each page is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgsim.errors import ApiError
from orgsim.query import Locator, batch_of, new_locator, page_length, read_locator
from tests.unit.orgsim.soql_world import plan


def test_a_locator_says_cursor_offset_and_child() -> None:
    made = new_locator()

    assert read_locator(f"{made}-2000") == Locator(made, 2_000)
    assert read_locator(f"{made}0417-200") == Locator(made, 200, (0, 417))


@pytest.mark.parametrize(
    "text", ["", "x", "0r8xx5R2sM3DgWhASK", "0r8xx5R2sM3DgWhASK-x", "01gD-5", "0r8xx-2000"]
)
def test_any_other_text_is_no_locator(text: str) -> None:
    with pytest.raises(ApiError, match="invalid query locator"):
        read_locator(text)


def test_shrinking_pages_halve_down_to_a_hundred() -> None:
    starts = [0, 2_000, 3_000, 3_500, 3_750, 3_875, 3_975]

    lengths = [page_length(2_000, start, shrinking=True) for start in starts]

    assert lengths == [2_000, 1_000, 500, 250, 125, 100, 100]


@given(batch=st.integers(1, 2_000), pages=st.integers(1, 30))
def test_every_page_begins_where_the_last_one_ended(batch: int, pages: int) -> None:
    offset, lengths = 0, []
    for _ in range(pages):
        lengths.append(page_length(batch, offset, shrinking=True))
        offset += lengths[-1]

    assert lengths == sorted(lengths, reverse=True)
    assert min(lengths) >= min(batch, 100)
    assert page_length(batch, offset, shrinking=False) == batch


def test_two_long_texts_or_children_make_pages_short() -> None:
    assert batch_of(plan("SELECT Id, Description FROM Contact"), 2_000) == 2_000
    assert batch_of(plan("SELECT Id, Description, Account.Notes__c FROM Contact"), 2_000) == 200
    assert batch_of(plan("SELECT Id, (SELECT Id FROM Contacts) FROM Account"), 2_000) == 200
    assert batch_of(plan("SELECT COUNT(Id) FROM Account"), 500) == 500
