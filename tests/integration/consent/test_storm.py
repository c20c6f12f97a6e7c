"""Killed in the middle of a small storm, Carillon keeps its promises about consent. The long one is in the soak."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from orgsim.testing import OrgSim
from tests.integration.consent.storm import empty_queue, prepared
from tests.integration.consent.storm_processes import CarriersLog, Processes

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def emptied_queue(transactional_db: None) -> Iterator[None]:
    yield
    empty_queue()


def test_killed_in_a_small_storm_everything_is_right_at_rest(org: OrgSim, tmp_path: Path) -> None:
    with CarriersLog() as log:
        storm = prepared(org, log, seed=3, people=12)
        with Processes(tmp_path) as processes:
            storm.rage(processes, texts=45)
        storm.calm_down()

        assert storm.at_rest() == []
    assert storm.left
