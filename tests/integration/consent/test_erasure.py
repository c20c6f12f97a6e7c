"""What consent keeps of a person who is erased, and what of the others with the number."""

from django.db import connection

from carillon.accounts.models import Workspace
from carillon.consent import erasing, queries, verify
from carillon.consent.actions import text_received
from carillon.consent.keywords import Meaning
from carillon.consent.models import Consent, ConsentEvent, ConsentPush, Evidence
from carillon.contacts import remembered
from carillon.contacts.models import Contact
from tests.integration.consent.people import ANN, BEA, a_contact, pushes, read, status


def stopped(workspace: Workspace, number: str = ANN) -> Contact:
    contact = a_contact(workspace, number)
    text_received(
        workspace=workspace,
        number=number,
        words="stop, says Ann Smith",
        meaning=Meaning.STOP,
        message_id=f"SM-of-ann-{number}",
    )
    read(contact, True, before=None)
    return contact


def erase(workspace: Workspace, contact: Contact) -> None:
    """As an erasure does it, in one transaction."""
    number = contact.mobile_number
    remembered.remember(workspace, contact.salesforce_id, number, "admin@example.org")
    Contact.objects.filter(pk=contact.pk).delete()
    erasing.forget(workspace=workspace, salesforce_id=contact.salesforce_id, number=number)


def test_nothing_names_them_any_more_and_the_ledger_stays(workspace: Workspace) -> None:
    contact = stopped(workspace)
    lines = ConsentEvent.objects.count()

    erase(workspace, contact)

    with connection.cursor() as cursor:
        cursor.execute(
            "select table_name from information_schema.tables where table_name like 'consent\\_%%'", []
        )
        for (table,) in cursor.fetchall():
            cursor.execute(
                f"select count(*) from {table} t where t::text ~ %s",
                [f"{contact.salesforce_id}|2125550101|Ann|SM-of"],
            )
            assert cursor.fetchone() == (0,), table
    assert ConsentEvent.objects.count() == lines
    assert list(verify.differences(workspace)) == []


def test_with_the_number_at_hand_its_lines_are_found_again(workspace: Workspace) -> None:
    erase(workspace, stopped(workspace))

    hashed = remembered.number_hash(workspace.pk, ANN)

    assert Consent.objects.get(number__startswith=f"#{hashed}.").events.count() == 1


def test_a_number_that_comes_back_is_opted_out_without_the_old_history(workspace: Workspace) -> None:
    erase(workspace, stopped(workspace))
    newcomer = a_contact(workspace, ANN)

    read(newcomer, False, before=None)

    assert status(workspace, ANN) == "opted_out"
    assert [event.cause for event in queries.timeline(workspace, ANN)] == ["erased"]
    assert pushes(newcomer) == ["opted_out"]
    erase(workspace, newcomer)
    assert Consent.objects.filter(number__startswith="#").count() == 2


def test_others_with_the_number_stay_and_are_opted_out_with_it(workspace: Workspace) -> None:
    gone, stays = a_contact(workspace, BEA), a_contact(workspace, BEA)
    text_received(workspace=workspace, number=BEA, words="START", meaning=Meaning.START, message_id="SM2")

    erase(workspace, gone)

    assert status(workspace, BEA) == "opted_out"
    assert pushes(stays) == ["opted_out"]
    assert not Evidence.objects.exists()
    assert not ConsentPush.objects.filter(salesforce_id=gone.salesforce_id).exists()


def test_who_never_said_anything_leaves_nothing(workspace: Workspace) -> None:
    erase(workspace, a_contact(workspace, ANN))

    assert not Consent.objects.exists()
    assert status(workspace, ANN) == "opted_out"


def test_the_others_records_are_told_also_where_nobody_ever_said_anything(workspace: Workspace) -> None:
    contact, other = a_contact(workspace, ANN), a_contact(workspace, ANN)

    erase(workspace, contact)

    assert status(workspace, ANN) == "opted_out"
    assert pushes(other) == ["opted_out"]
    assert ConsentEvent.objects.count() == 1
