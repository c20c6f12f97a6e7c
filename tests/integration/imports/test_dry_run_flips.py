"""A dry run tells each flip of consent that the import then makes, whatever was said before, however its people share
numbers, and however its records fall into batches."""

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from carillon.accounts.models import Role, Workspace
from carillon.consent import actions as consent
from carillon.consent import importing, queries
from carillon.consent.keywords import understand
from carillon.consent.models import Evidence
from carillon.consent.queries import meaning_of
from carillon.consent.reading import OptOutField
from carillon.imports import runs
from carillon.imports.actions import setup_for
from carillon.imports.consents import Hearing
from carillon.imports.loader import load
from carillon.imports.mapping import Batch, Row
from carillon.imports.models import ImportRun, ImportSetup, Mode, RunStatus
from carillon.imports.opt_out import row_value
from carillon.imports.tally import Flip, Tally
from tests.integration.consent.people import ANN, BEA, PICKLIST, a_contact, a_mapping, a_member

pytestmark = pytest.mark.django_db(transaction=True)

IDS = [f"0035g00000{n:05d}AAA" for n in range(5)]
BEGUN = datetime(2026, 3, 1, tzinfo=UTC)
# A world is small; making it smaller takes minutes.
QUICKLY = (Phase.explicit, Phase.reuse, Phase.generate)
VALUES = st.sampled_from(["Yes", "No", "Unsure", None])
OTHERWISE = replace(PICKLIST, opted_in_value="No", opted_out_value="Yes")
EMPTY_IS_IN = replace(PICKLIST, empty_means_opted_in=True)


@dataclass(frozen=True)
class Record:
    """What the org holds of somebody; `day` is when it was changed last."""

    number: str
    value: str | None
    day: int = 0
    by_us: bool = False


@dataclass(frozen=True)
class World:
    """`before` is what was imported first; then `said`, and what a new mapping means; `then` is what is imported now,
    in as many batches as it has parts, each record once."""

    before: dict[str, Record]
    said: list[tuple[str, str]]
    mapped: OptOutField
    then: list[dict[str, Record]]


records = st.builds(
    Record,
    number=st.sampled_from([ANN, ANN, BEA, ""]),
    value=VALUES,
    day=st.integers(0, 2),
    by_us=st.booleans(),
)


def in_batches(given: list[tuple[str, Record]], sizes: list[int]) -> list[dict[str, Record]]:
    ends = [0, *sorted(sizes), len(given)]
    return [dict(given[begin:end]) for begin, end in pairwise(ends)]


batches = st.builds(
    in_batches,
    st.lists(st.tuples(st.sampled_from(IDS), records), max_size=5, unique_by=lambda one: one[0]),
    st.lists(st.integers(0, 5), max_size=2),
)
worlds = st.builds(
    World,
    before=st.dictionaries(st.sampled_from(IDS), records.map(lambda one: replace(one, day=0)), max_size=4),
    said=st.lists(
        st.tuples(
            st.sampled_from([ANN, BEA]), st.sampled_from(["STOP", "START", "stop texting me", "staff"])
        ),
        max_size=3,
    ),
    mapped=st.sampled_from([PICKLIST, PICKLIST, OTHERWISE, EMPTY_IS_IN]),
    then=batches,
)
# A household: who is blank is taken for opted out at first, and somebody else speaks in a later batch.
LATER = World(
    {IDS[0]: Record(ANN, "No")},
    [],
    PICKLIST,
    [{IDS[1]: Record(ANN, None), IDS[0]: Record(ANN, "Yes", 1)}, {IDS[2]: Record(ANN, "No")}],
)
# Whom one batch opts in by its record, another opts out.
AGAIN = replace(LATER, then=[{IDS[0]: Record(ANN, "Yes", 1)}, {IDS[2]: Record(ANN, "No", 1)}])
# Who leaves a number takes along what an earlier batch said of it.
ALONG = replace(
    LATER,
    before={IDS[0]: Record(ANN, "Yes"), IDS[1]: Record(ANN, "Yes")},
    then=[{IDS[0]: Record(ANN, "No", 1)}, {IDS[1]: Record(BEA, "Yes", 1)}],
)
# Who comes from an opted-out number to another, and is read as opted in under a new mapping.
BESIDE = replace(
    LATER,
    before={IDS[0]: Record(ANN, "Yes"), IDS[1]: Record(ANN, "No")},
    mapped=EMPTY_IS_IN,
    then=[{IDS[0]: Record(ANN, "Yes"), IDS[1]: Record(BEA, "Yes")}],
)
# Who leaves a number to which another comes blank, in the same batch.
BLANK = World(
    {IDS[0]: Record(ANN, "Yes"), IDS[2]: Record(ANN, "Yes"), IDS[3]: Record(ANN, "Yes")},
    [(BEA, "START")],
    OTHERWISE,
    [{IDS[3]: Record(ANN, "No", 2), IDS[4]: Record(ANN, None, 2), IDS[0]: Record(BEA, "No")}],
)
# Two swap their numbers, one of which is likely opted out, and somebody blank comes to the other in the same batch.
SWAP = World(
    {IDS[0]: Record(ANN, "Yes"), IDS[1]: Record(BEA, "Yes")},
    [(ANN, "stop texting me")],
    PICKLIST,
    [{IDS[0]: Record(BEA, "Yes", 1), IDS[1]: Record(ANN, "Yes", 1), IDS[2]: Record(BEA, None, 1)}],
)


@pytest.mark.parametrize("tries", [20, pytest.param(400, marks=pytest.mark.soak)])
def test_a_dry_run_tells_each_flip_that_the_import_makes(tries: int) -> None:
    """The same worlds in every run; others in the soak."""

    @settings(
        max_examples=tries,
        deadline=None,
        phases=QUICKLY,
        suppress_health_check=list(HealthCheck),
        derandomize=tries == 20,
        database=None,
    )
    @example(LATER)
    @example(AGAIN)
    @example(ALONG)
    @example(BESIDE)
    @example(BLANK)
    @example(SWAP)
    @given(worlds)
    def tell_the_same(world: World) -> None:
        compare(world)

    tell_the_same()


def compare(world: World) -> None:
    workspace = Workspace.objects.create(name=uuid.uuid4().hex)
    setup = prepared(workspace, world)
    hearing = Hearing(meaning_of(workspace, "Contact")[1], "us")
    standing = opted_out(workspace)

    with_tally = Tally(setup, hearing, everything=True)
    for batch in world.then:
        with_tally.take(as_batch(batch, hearing))
    counted, flips = with_tally.flips(), with_tally.flipping(held=False)
    with_tally.close()

    assert opted_out(workspace) == standing
    run, found = imported(setup, world.then, hearing)
    assert counted[:2] == found
    assert (standing | by(flips, "opted_out")) - by(flips, "opted_in") == opted_out(workspace)
    told = Evidence.objects.filter(event__run=run.public_id).values_list("salesforce_id", flat=True)
    for number in by(flips, "opted_out") | by(flips, "opted_in"):
        assert {one.salesforce_id for one in flips if one.number == number} & set(told)


def prepared(workspace: Workspace, world: World) -> ImportSetup:
    """A Lead shares Ann's number, and has no opt-out field."""
    setup = setup_for(workspace, "Contact")
    a_contact(workspace, ANN, object_name="Lead")
    a_mapping(workspace, PICKLIST)
    imported(setup, [world.before], Hearing(meaning_of(workspace, "Contact")[1], "us"))
    by_staff = a_member(workspace, Role.TEXTER)
    for number, words in world.said:
        if words == "staff":
            consent.opt_out(workspace=workspace, number=number, by=by_staff)
        else:
            consent.text_received(
                workspace=workspace,
                number=number,
                words=words,
                meaning=understand(words),
                message_id=uuid.uuid4().hex,
            )
    consent.set_mapping(workspace=workspace, object_name="Contact", field=world.mapped, by=None)
    return setup


def imported(
    setup: ImportSetup, batches: list[dict[str, Record]], hearing: Hearing
) -> tuple[ImportRun, tuple[int, int]]:
    """The run, and how many numbers it opted out and in."""
    run = ImportRun.objects.create(
        workspace=setup.workspace,
        setup=setup,
        object="Contact",
        mode=Mode.EVERYTHING,
        status=RunStatus.RUNNING,
    )
    out = sum(load(run, as_batch(batch, hearing), hearing=hearing).opted_out for batch in batches)
    done = importing.apply_staged(workspace=setup.workspace, run=run.public_id)
    runs.close(run, RunStatus.SUCCEEDED)
    return run, (out + done.opted_out, done.opted_in)


def as_batch(batch: dict[str, Record], hearing: Hearing) -> Batch:
    return Batch(rows=[as_row(salesforce_id, one, hearing) for salesforce_id, one in batch.items()])


def as_row(salesforce_id: str, one: Record, hearing: Hearing) -> Row:
    stamp = (BEGUN + timedelta(days=one.day)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    says = hearing.meaning.says(one.value) if hearing.meaning else "opted_in"
    opt_out = "" if says == "opted_in" else row_value(one.value)
    by = "us" if one.by_us else "somebody"
    return Row(
        salesforce_id, "A", "Person", "person a", one.number, one.number, "", "{}", stamp, stamp, by, opt_out
    )


def opted_out(workspace: Workspace) -> set[str]:
    found = queries.standings(workspace, [ANN, BEA])
    return {number for number in found if found[number].status == "opted_out"}


def by(flips: list[Flip], after: str) -> set[str]:
    return {one.number for one in flips if one.after == after}
