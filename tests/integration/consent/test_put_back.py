"""What others put back in Salesforce is corrected, and never fought for ever: it is shown, and admins are told."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, timedelta

import pytest

from carillon.accounts.models import Workspace
from carillon.connections.actions import save_connection
from carillon.consent import alerts, audit, lines, overview, push, pushes, queries
from carillon.consent.actions import opt_out
from carillon.consent.decide import When
from carillon.consent.models import ConsentConflict, ConsentPush
from carillon.consent.push import Means
from carillon.consent.reading import OptOutField
from carillon.contacts.models import Contact
from carillon.imports.actions import save_setup, setup_for
from carillon.imports.drafts import SetupDraft
from carillon.imports.models import Mode, RunStatus
from carillon.imports.runner import Options, execute
from carillon.imports.runs import Request
from carillon.lib.clock import now
from orgsim.testing import OrgSim
from tests.integration.consent.org_people import FIELD, IMPATIENT, Clock, text
from tests.integration.consent.people import ANN, a_contact, a_mapping, acknowledge, day, read, status
from tests.integration.consent.promise_world import OUT_BOX
from tests.integration.imports.test_opt_out_field import LISTED
from tests.integration.imports.test_report_source import ALONE

pytestmark = pytest.mark.django_db(transaction=True)
BY_PAGES = pytest.mark.parametrize("draft", [LISTED], ids=["pages"])
BY_REPORT = pytest.mark.parametrize("draft", [ALONE], ids=["report only"])


@pytest.fixture
def draft(request: pytest.FixtureRequest) -> SetupDraft:
    chosen: SetupDraft = request.param
    return chosen


@pytest.fixture
def imported(org: OrgSim, draft: SetupDraft) -> Iterator[Workspace]:
    """Everybody is opted in and imported."""
    for record in org.ids("Contact"):
        org.edit(record, **{FIELD: False})
    made = Workspace.objects.create(name=uuid.uuid4().hex)
    save_connection(
        workspace=made, host=org.url, client_id="orgsim-client", client_secret="orgsim-secret", by=None
    )
    save_setup(setup=setup_for(made, "Contact"), draft=replace(draft, opt_out=OUT_BOX), by=None)
    imports(made)
    yield made
    lines.hang_up(made.pk)


def imports(workspace: Workspace) -> None:
    run = execute(Request(setup_for(workspace, "Contact"), Mode.EVERYTHING), Options(retry=IMPATIENT))
    assert run.status == RunStatus.SUCCEEDED, run.error


def somebody(workspace: Workspace) -> Contact:
    found = Contact.objects.filter(workspace=workspace).exclude(mobile_number="").order_by("salesforce_id")
    return next(one for one in found if found.filter(mobile_number=one.mobile_number).count() == 1)


class Nights:
    """Another system opts the person in each night, then we import; both clocks go on."""

    def __init__(self, org: OrgSim, workspace: Workspace, means: Means, clock: Clock) -> None:
        self.org, self.workspace, self.means, self.clock = org, workspace, means, clock

    def pass_by(self, nights: int, record: str, **values: object) -> None:
        for _ in range(nights):
            self.clock.sleep(60)
            self.org.set_clock_offset(self.org.org.clock.offset_seconds + 60)
            self.org.edit(record, **values)
            imports(self.workspace)
            for _ in range(3):
                push.deliver(self.workspace.pk, self.means)
                self.clock.sleep(60)


@pytest.fixture
def nights(org: OrgSim, imported: Workspace, means: Means, clock: Clock) -> Nights:
    return Nights(org, imported, means, clock)


def newest(contact: Contact) -> ConsentPush:
    return ConsentPush.objects.filter(salesforce_id=contact.salesforce_id).latest("pk")


def acknowledged(contact: Contact) -> int:
    return ConsentPush.objects.filter(salesforce_id=contact.salesforce_id, state="acknowledged").count()


@BY_PAGES
def test_a_nightly_sync_is_corrected_three_times_then_shown(
    org: OrgSim, imported: Workspace, nights: Nights, clock: Clock
) -> None:
    contact = somebody(imported)
    text(contact)
    push.deliver(imported.pk, nights.means)

    nights.pass_by(6, contact.salesforce_id, **{FIELD: False})

    stopped = newest(contact)
    # The STOP, and three corrections.
    assert acknowledged(contact) == 4
    assert (stopped.state, stopped.attempts, stopped.next_try_at) == ("reverted", 0, None)
    assert "again and again" in stopped.error
    assert "a sync" in stopped.remedy
    assert overview.open_conflicts(imported).count() == 1
    assert ConsentConflict.objects.count() == 4
    alerts.look(imported.pk, clock())
    assert [alert.kind for alert in alerts.open_alerts(imported, clock())] == ["reverted"]
    assert status(imported, contact.mobile_number) == "opted_out"
    assert audit.run(imported, repair=True).repaired == 0


def put_back(contact: Contact, nights: range) -> int:
    """How often it was corrected in nights in each of which others opted the record in and it was imported."""
    before = acknowledged(contact)
    for night in nights:
        read(contact, False, at=day(2 * night))
        for claimed in pushes.claim(workspace_id=contact.workspace_id, now=now() + timedelta(hours=1)):
            acknowledge(claimed.id, True, day(2 * night + 1))
    return acknowledged(contact) - before


@pytest.fixture
def stopped(workspace: Workspace) -> Contact:
    """Texted STOP, which is in Salesforce."""
    contact = a_contact(workspace, ANN)
    text(contact)
    (claimed,) = pushes.claim(workspace_id=workspace.pk, now=now() + timedelta(hours=1))
    acknowledge(claimed.id, True, day(1))
    return contact


@pytest.mark.parametrize("how", ["retry", "STOP", "member", "request of last week"])
def test_whoever_asks_again_starts_anew(stopped: Contact, how: str) -> None:
    assert put_back(stopped, range(1, 6)) == 3

    if how == "retry":
        assert pushes.retry(push_id=newest(stopped).pk, now=now())
    elif how == "STOP":
        text(stopped)
    else:
        requested = None if how == "member" else When.on((now() - timedelta(days=7)).date(), UTC)
        opt_out(workspace=stopped.workspace, number=ANN, by=None, requested=requested)

    # What they asked for, and three corrections.
    assert put_back(stopped, range(6, 12)) == 4
    assert newest(stopped).state == "reverted"


def test_a_word_in_between_counts_although_the_record_held_it(stopped: Contact) -> None:
    assert put_back(stopped, range(1, 4)) == 3
    text(stopped)

    assert put_back(stopped, range(4, 9)) == 3


def test_what_was_put_back_by_our_own_user_or_emptied_is_counted_too(
    workspace: Workspace, stopped: Contact
) -> None:
    for night in range(1, 7):
        read(stopped, False, at=day(2 * night), by_us=True)
        for claimed in pushes.claim(workspace_id=workspace.pk, now=now() + timedelta(hours=1)):
            acknowledge(claimed.id, True, day(2 * night + 1))

    assert (acknowledged(stopped), newest(stopped).state) == (4, "reverted")
    assert not ConsentConflict.objects.exists()


def test_a_month_later_it_is_corrected_again(stopped: Contact) -> None:
    put_back(stopped, range(1, 4))
    ConsentPush.objects.update(answers=now() - timedelta(days=31))

    assert put_back(stopped, range(4, 5)) == 1


def test_another_mapping_puts_nothing_back(workspace: Workspace, stopped: Contact) -> None:
    for night in range(1, 6):
        field = OptOutField(f"Field_{night}__c")
        a_mapping(workspace, field)
        assert put_back(stopped, range(night, night + 1)) == 1


def test_a_record_that_is_opted_out_again_in_salesforce_is_told_and_done(stopped: Contact) -> None:
    put_back(stopped, range(1, 5))

    read(stopped, True, at=day(20))
    (claimed,) = pushes.claim(workspace_id=stopped.workspace_id, now=now() + timedelta(hours=1))
    acknowledge(claimed.id, True, day(21))

    assert not queries.pending(stopped.workspace).exists()


@BY_PAGES
def test_what_the_org_puts_back_at_once_is_tried_once_for_each_change(
    org: OrgSim, imported: Workspace, nights: Nights
) -> None:
    contact = somebody(imported)
    org.set_flow("Contact", FIELD, put_back=True)
    text(contact)
    tried = []

    for place in range(3):
        nights.pass_by(1, contact.salesforce_id, LastName=f"Edited {place}")
        tried.append(newest(contact).attempts)
    imports(imported)
    push.deliver(imported.pk, nights.means)

    # The first edit came while it was still waiting.
    assert tried == [3, 4, 5]
    assert newest(contact).attempts == 5


@BY_REPORT
def test_what_we_wrote_is_not_a_change_by_others_although_the_orgs_clock_is_ahead(
    org: OrgSim, imported: Workspace, means: Means, clock: Clock
) -> None:
    contact = somebody(imported)
    org.set_clock_offset(3600)
    org.set_flow("Contact", FIELD, put_back=True)
    text(contact)

    for _ in range(3):
        for _ in range(3):
            push.deliver(imported.pk, means)
            clock.sleep(60)
        imports(imported)

    assert (newest(contact).state, newest(contact).attempts) == ("reverted", 3)
    assert status(imported, contact.mobile_number) == "opted_out"
