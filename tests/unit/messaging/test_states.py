"""A state never goes back, in whatever order and however often a carrier reports."""

from hypothesis import given
from hypothesis import strategies as st

from carillon.messaging.states import FINAL, State, after, of_twilio

REPORTED = st.sampled_from([s for s in State if s not in (State.RECEIVED, State.QUEUED, State.NOT_SENT)])


@given(st.lists(REPORTED, max_size=12))
def test_a_final_state_stays(reports: list[State]) -> None:
    state, seen = State.HANDED_OVER, list[State]()
    for report in reports:
        state = after(state, report)
        seen.append(state)

    first_final = next((s for s in seen if s in FINAL), None)
    assert first_final is None or state == first_final


@given(st.permutations([State.ACCEPTED, State.SENDING, State.SENT, State.DELIVERED]))
def test_the_order_of_reports_does_not_matter(reports: list[State]) -> None:
    state = State.HANDED_OVER
    for report in reports:
        state = after(state, report)

    assert state == State.DELIVERED


def test_what_was_not_sent_stays_so() -> None:
    assert after(State.NOT_SENT, State.SENT) == State.NOT_SENT


def test_an_unknown_status_says_nothing() -> None:
    assert of_twilio("teleported") is None
    assert of_twilio(" Delivered ") == State.DELIVERED
