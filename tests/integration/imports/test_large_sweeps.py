"""Lists too large to compare each with each."""

import pytest
from django.db import connection

from carillon.accounts.models import Workspace
from carillon.imports.actions import setup_for
from carillon.imports.models import Mode, RunStatus
from carillon.imports.runs import Request, new_run
from carillon.imports.sweep import Members, proof_of

pytestmark = pytest.mark.django_db(transaction=True)

MEMBERS = 100_000


def test_the_time_to_list_who_is_new_grows_with_their_number_only(workspace: Workspace) -> None:
    """Compared each with each they would take a minute and more."""
    run = new_run(Request(setup_for(workspace, "Contact"), Mode.CHANGES), RunStatus.RUNNING)
    members = Members(workspace.pk, "Contact", proof_of(run))
    ids = [f"003{number:012}AAA" for number in range(MEMBERS)]
    members.add(ids)
    with connection.cursor() as cursor:
        cursor.execute("set statement_timeout = '10s'")

    lists = list(members.to_read())

    assert [one for some in lists for one in some] == ids
    assert max(map(len, lists)) == 50_000
    with connection.cursor() as cursor:
        cursor.execute("reset statement_timeout")
