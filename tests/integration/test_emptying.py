"""What a test that commits leaves behind: nothing, but for what migrating made."""

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import DatabaseError, connection

from carillon.accounts.models import Workspace
from carillon.consent import actions
from carillon.consent.keywords import Meaning
from carillon.consent.models import ConsentEvent


@pytest.mark.django_db(transaction=True)
def test_everything_is_emptied_the_ledger_and_the_queue_too() -> None:
    workspace = Workspace.objects.create(name="Admissions")
    actions.text_received(
        workspace=workspace, number="+12125550001", words="STOP", meaning=Meaning.STOP, message_id="1"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into procrastinate_jobs (queue_name, task_name, args) values ('urgent', 'x', '{}')"
        )
    types = set(ContentType.objects.values_list("pk", flat=True))
    with pytest.raises(DatabaseError):
        ConsentEvent.objects.all().delete()

    call_command("flush", interactive=False, verbosity=0)

    assert not Workspace.objects.exists()
    assert not ConsentEvent.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from procrastinate_jobs")
        assert cursor.fetchone() == (0,)
    assert types
    assert set(ContentType.objects.values_list("pk", flat=True)) == types


@pytest.mark.django_db(transaction=True)
def test_the_ledger_refuses_again_after_that() -> None:
    """Triggers are off while tables are emptied, and only then."""
    call_command("flush", interactive=False, verbosity=0)
    workspace = Workspace.objects.create(name="Admissions")
    actions.text_received(
        workspace=workspace, number="+12125550001", words="STOP", meaning=Meaning.STOP, message_id="1"
    )

    with pytest.raises(DatabaseError):
        ConsentEvent.objects.all().delete()
