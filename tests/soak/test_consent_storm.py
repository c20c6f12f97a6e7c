"""A long storm over consent: people text, staff click and imports run while web and workers are killed, and the org drops
connections, locks rows, ends sessions and refuses some records. At rest every promise was kept. `make soak`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from carillon.consent.models import UNSETTLED, ConsentPush, PushState
from orgsim.testing import OrgSim
from tests.integration.consent.storm import empty_queue, prepared
from tests.integration.consent.storm_processes import CarriersLog, Processes
from tests.soak.test_import_chaos import wait_for

pytestmark = [pytest.mark.soak, pytest.mark.django_db(transaction=True)]

CONTACTS = 300
TEXTS = 1_600


@pytest.fixture
def org(tmp_path: Path) -> Iterator[OrgSim]:
    with OrgSim(tmp_path / "org.db", contacts=CONTACTS, leads=0, seed=7) as running:
        yield running


@pytest.fixture(autouse=True)
def emptied_queue(transactional_db: None) -> Iterator[None]:
    yield
    empty_queue()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_after_a_long_storm_everything_is_right_at_rest(org: OrgSim, tmp_path: Path, seed: int) -> None:
    with CarriersLog() as log:
        storm = prepared(org, log, seed=seed, people=CONTACTS)
        with Processes(tmp_path) as processes:
            storm.rage(processes, texts=TEXTS, threads=8)
            org.clear_faults()
            wait_for(nothing_is_on_its_way, 300)
        storm.calm_down()

        assert storm.at_rest() == []
    assert sum(storm.kills.values()) > 10
    assert storm.left


def nothing_is_on_its_way() -> bool:
    """The workers find what killed ones left without anybody's help."""
    under_way = ConsentPush.objects.filter(state__in=UNSETTLED).exclude(state=PushState.FAILED)
    return not under_way.exists()
