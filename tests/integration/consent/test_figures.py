"""What telling Salesforce costs in calls: in a storm, and when an org comes back that was down for an hour. With ten
thousand people as part of `make soak`."""

import itertools
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from carillon.accounts.models import Workspace
from carillon.consent import lines, push
from carillon.consent.models import ConsentPush, Delivery
from carillon.consent.push import Means
from carillon.contacts.models import Contact
from orgsim.testing import OrgSim
from tests.integration.consent.org_people import Clock, holds, impatient, states, stored, text

# Of ten thousand in a minute: 400 calls that write.
TEXTS_A_SECOND = 10_000 / 60
TEXTS_A_CALL = 10_000 / 400
IN_A_COLLECTION = 200

pytestmark = pytest.mark.django_db
# Transactions of their own, as they are in life: in one, PostgreSQL would have to pass over every row that ever waited.
MANY = pytest.param(
    10_000, id="ten thousand", marks=[pytest.mark.soak, pytest.mark.django_db(transaction=True)]
)


@pytest.fixture
def clock(clock: Clock) -> Clock:
    """Ahead: what is said has the time of the database, which must not overtake it."""
    clock.sleep(60 * 60)
    return clock


@pytest.fixture
def people(request: pytest.FixtureRequest, connected: Workspace, org: OrgSim) -> list[Contact]:
    return stored(connected, org, count=request.param)


@pytest.fixture
def org(request: pytest.FixtureRequest) -> Iterator[OrgSim]:
    size = request.node.callspec.params["people"]
    with OrgSim(contacts=size, leads=0, seed=4) as running:
        # Private contacts of others may be edited, too.
        running.grant("Contact", "Modify All")
        yield running


def counted(workspace: Workspace) -> Counter[str]:
    return Counter(lines.open_line(workspace.pk).client.transport.counted())


@pytest.mark.parametrize("people", [pytest.param(400, id="few"), MANY], indirect=True)
def test_a_storm_is_told_in_few_calls(
    connected: Workspace, people: list[Contact], org: OrgSim, clock: Clock
) -> None:
    begun, coming = clock(), iter(people)

    def while_others_text(seconds: float) -> None:
        clock.sleep(seconds)
        due = int((clock() - begun).total_seconds() * TEXTS_A_SECOND)
        for contact in itertools.islice(coming, max(0, due - ConsentPush.objects.count())):
            text(contact)

    means = Means(clock=clock, sleep=while_others_text, jitter=lambda: 1.0, patience=impatient)
    while ConsentPush.objects.count() < len(people):
        push.deliver(connected.pk, means)
        while_others_text(0.05)
    while push.deliver(connected.pk, means):
        pass

    calls = counted(connected)
    assert set(states(connected)) == {"acknowledged"}
    assert holds(org, *(one.salesforce_id for one in people)) == [True] * len(people)
    assert calls["update_many"] + calls["update_and_read"] <= len(people) / TEXTS_A_CALL
    assert calls["read_many"] <= calls["update_many"]


@pytest.mark.parametrize("people", [MANY], indirect=True)
def test_after_an_hour_without_the_org_all_is_told_in_full_collections(
    connected: Workspace, people: list[Contact], org: OrgSim, clock: Clock, means: Means
) -> None:
    org.fail_next(503, times=1_000_000)
    begun, coming = clock(), iter(enumerate(people))
    while clock() < begun + timedelta(hours=1):
        for place, contact in itertools.islice(coming, len(people) // 200):
            for words in ("STOP", "START", "STOP")[: 1 + place % 3]:
                text(contact, words)
        push.deliver(connected.pk, means)
        clock.sleep(15)
    # One try after each pause, which grows to a minute.
    assert Delivery.objects.get(workspace=connected).failures <= 60 * 60 / 30 + 10
    org.clear_faults()
    lines.hang_up(connected.pk)
    clock.sleep(61)

    while push.deliver(connected.pk, means):
        pass

    told = [len(people) > place and place % 3 != 1 for place in range(len(people))]
    assert holds(org, *(one.salesforce_id for one in people)) == told
    assert set(states(connected)) == {"acknowledged", "superseded"}
    # One to see whether it is back; then one collection after the other, each with its read-back. Before late opt-ins the
    # records are read, as many at once.
    calls = counted(connected)
    calls.pop("sign_in", None)
    heard = 1 + -(-told.count(False) // IN_A_COLLECTION)
    assert sum(calls.values()) <= 1 + 2 * -(-len(people) // IN_A_COLLECTION) + heard
