"""What Carillon's client says when the simulated org refuses to let it in, and what it does when a session ends."""

from collections.abc import Callable, Iterator

import pytest

from carillon.salesforce import errors
from carillon.salesforce.client import Client, ClientCredentials
from carillon.salesforce.transport import Retry
from orgsim.staff import API_USERNAME, CLIENT_ID, CLIENT_SECRET
from orgsim.testing import OrgSim

QUICK = Retry(budget_seconds=30, read_timeout=20, first_wait=0.01, longest_wait=0.02, most_attempts=20)


def client_of(org: OrgSim, client_id: str = CLIENT_ID, secret: str = CLIENT_SECRET) -> Client:
    credentials = ClientCredentials(client_id, secret)
    return Client(host=org.url, credentials=credentials, allow_local=True, retry=QUICK)


@pytest.fixture
def client(org: OrgSim) -> Iterator[Client]:
    with client_of(org) as made:
        yield made


@pytest.mark.parametrize(
    ("break_it", "error", "sentence"),
    [
        (lambda org: org.refuse_sign_ins("inactive_org"), "inactive_org", "not active"),
        (lambda org: org.refuse_sign_ins("ip_restricted"), "invalid_grant", "this machine's address"),
        (lambda org: org.refuse_sign_ins("no_run_as_user"), "invalid_grant", "no 'run as' user"),
        (lambda org: org.refuse_sign_ins("rate_limit"), "rate_limit_exceeded", "too many sign-in attempts"),
        (lambda org: org.set_active(API_USERNAME, False), "inactive_user", "inactive or frozen"),
    ],
)
def test_a_refused_sign_in_says_what_to_mend_and_is_not_tried_again(
    org: OrgSim, client: Client, break_it: Callable[[OrgSim], None], error: str, sentence: str
) -> None:
    break_it(org)

    with pytest.raises(errors.SignInRefused, match=sentence) as caught:
        client.limits()

    assert (caught.value.error, client.transport.total_calls) == (error, 0)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("client_id", "secret", "error"),
    [("other", CLIENT_SECRET, "invalid_client_id"), (CLIENT_ID, "other", "invalid_client")],
)
def test_wrong_credentials_are_named(org: OrgSim, client_id: str, secret: str, error: str) -> None:
    with client_of(org, client_id, secret) as client, pytest.raises(errors.SignInRefused) as caught:
        client.sign_in()

    assert caught.value.error == error


def test_a_user_who_may_not_use_the_api_is_told_so(org: OrgSim, client: Client) -> None:
    client.sign_in()
    org.set_api_enabled(False)

    with pytest.raises(errors.ApiDisabled, match="may not use") as caught:
        client.limits()

    assert "API Enabled" in caught.value.remedy


def test_a_session_that_ends_while_the_user_is_let_in_no_more_ends_the_call(
    org: OrgSim, client: Client
) -> None:
    client.limits()
    org.expire_sessions()
    org.refuse_sign_ins("inactive_org")

    with pytest.raises(errors.SignInRefused):
        client.limits()


def test_sessions_that_never_last_end_the_call_after_one_renewal(org: OrgSim, client: Client) -> None:
    org.fail_next(401, times=9, path_contains="/limits")

    with pytest.raises(errors.SessionLost):
        client.limits()

    assert client.transport.calls["limits"] == 2
