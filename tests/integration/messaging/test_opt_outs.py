"""What a text says about consent is recorded with it, in one transaction, and answered once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from carillon.accounts.models import Workspace
from carillon.consent import actions as consent
from carillon.consent.decide import NOW, When
from carillon.consent.models import Consent, ConsentEvent, ConsentPush
from carillon.consent.queries import standings
from carillon.lib.clock import now
from carillon.messaging import sending
from carillon.messaging.models import Message, Texting
from carillon.messaging.states import State
from tests.integration.consent.people import a_contact, a_mapping, read
from tests.integration.messaging.conftest import PERSON, Carrier, simulated


def answers() -> list[tuple[str, str]]:
    return list(Message.objects.filter(direction="out").order_by("pk").values_list("purpose", "body"))


def is_opted_out(number: str = PERSON) -> bool:
    return Consent.objects.filter(number=number, is_opted_out=True).exists()


def kinds() -> list[str]:
    return list(ConsentEvent.objects.order_by("pk").values_list("kind", flat=True))


@pytest.mark.parametrize("body", ["STOP", "Stop.", "opt-out", "  unsubscribe\n", "STOP ALL", "“Stop”"])
def test_a_stop_opts_out_and_is_confirmed_once(carrier: Carrier, body: str) -> None:
    carrier.text(body)
    carrier.text(body)

    assert is_opted_out()
    assert answers() == [("confirmation", "Admissions: no more texts come.")]


def test_the_same_stop_again_is_one_event(carrier: Carrier) -> None:
    fields = carrier.fields("STOP")

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: carrier.post(fields).status_code, range(8))) == {200}

    assert kinds() == ["person_out"]
    assert len(answers()) == 1


_VICTIM = """
create sequence tries;
create function fall_victim() returns trigger language plpgsql as $$ begin
    if nextval('tries') < 3 then raise 'deadlock detected' using errcode = 'deadlock_detected'; end if;
    return new;
end $$;
create trigger fall_victim before insert on consent_consentevent for each row execute function fall_victim()
"""


@pytest.fixture
def two_deadlocks(transactional_db: None) -> Iterator[None]:
    """As PostgreSQL ends one of two that wait for each other, without the seconds that a real one takes."""
    with connection.cursor() as cursor:
        cursor.execute(_VICTIM)
        yield
        cursor.execute("drop function fall_victim() cascade; drop sequence tries")


@pytest.mark.usefixtures("two_deadlocks")
def test_a_stop_that_falls_victim_to_deadlocks_is_heard_all_the_same(carrier: Carrier) -> None:
    assert carrier.text("STOP").status_code == 200

    assert is_opted_out()
    assert kinds() == ["person_out"]
    assert len(answers()) == 1


def test_an_id_that_came_before_says_nothing_new_in_its_workspace_and_something_in_another(
    carrier: Carrier,
) -> None:
    other = Carrier(simulated(Workspace.objects.create(name="Alumni"), carrier.texting.public_url))

    for one, body in ((carrier, "Hello"), (carrier, "STOP"), (other, "STOP")):
        assert one.text(body, sid="SM5").status_code == 200

    assert [consent.workspace for consent in Consent.objects.all()] == [other.texting.workspace]
    assert Message.objects.filter(direction="in").count() == 2


def test_two_stops_at_once_are_confirmed_once(carrier: Carrier) -> None:
    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(lambda _: carrier.text("STOP").status_code, range(6))) == {200}

    assert kinds() == ["person_out"] * 6
    assert len(answers()) == 1


def test_a_start_opts_back_in_and_the_next_stop_is_confirmed_again(carrier: Carrier) -> None:
    for body in ("STOP", "START", "STOP"):
        carrier.text(body)

    assert kinds() == ["person_out", "person_in", "person_out"]
    assert [purpose for purpose, _ in answers()] == ["confirmation", "confirmation"]


@pytest.mark.parametrize("requested", [None, NOW])
def test_whom_staff_opted_out_gets_one_confirmation_of_their_own_stop(
    carrier: Carrier, workspace: Workspace, requested: When | None
) -> None:
    consent.opt_out(workspace=workspace, number=PERSON, by=None, requested=requested)

    carrier.text("STOP", sid="SM7")
    carrier.text("STOP", sid="SM7")
    carrier.text("STOP")

    assert [purpose for purpose, _ in answers()] == ["confirmation"]
    carrier.text("START")
    consent.opt_out(workspace=workspace, number=PERSON, by=None, requested=requested)
    carrier.text("STOP")
    assert len(answers()) == 2


def test_whom_the_carrier_blocks_gets_no_confirmation(carrier: Carrier, workspace: Workspace) -> None:
    consent.carrier_blocks(workspace=workspace, number=PERSON)

    carrier.text("STOP")

    assert answers() == []


def test_help_is_answered_and_changes_nothing(carrier: Carrier) -> None:
    carrier.text("STOP")
    carrier.text("HELP")
    carrier.text("info?")

    assert kinds() == ["person_out"]
    assert [purpose for purpose, _ in answers()] == ["confirmation", "help", "help"]


def test_a_machine_that_answers_answers_gets_no_more(carrier: Carrier) -> None:
    for _ in range(8):
        carrier.text("HELP")

    assert len(answers()) == 5


def test_a_likely_opt_out_suppresses_and_is_not_answered(carrier: Carrier) -> None:
    carrier.text("please stop texting me")

    assert kinds() == ["likely"]
    assert Consent.objects.get(number=PERSON).is_suppressed
    assert answers() == []


@pytest.mark.parametrize("body", ["non-stop fun", "Hello", "", "🎉"])
def test_other_texts_say_nothing(carrier: Carrier, body: str) -> None:
    carrier.text(body)

    assert kinds() == []
    assert answers() == []


@pytest.mark.parametrize(
    ("kind", "event"), [("STOP", ["person_out"]), ("HELP", []), ("START", ["person_in"])]
)
def test_what_the_carrier_answered_is_followed_and_not_answered(
    carrier: Carrier, kind: str, event: list[str]
) -> None:
    carrier.text("MOT-CLE", OptOutType=kind)

    assert kinds() == event
    assert answers() == []


def test_with_a_carrier_that_confirms_we_confirm_wider_words_only(carrier: Carrier) -> None:
    Texting.objects.update(confirms="carrier")

    carrier.text("STOP")
    carrier.text("START")
    assert answers() == []
    carrier.text("opt out")

    assert [purpose for purpose, _ in answers()] == ["confirmation"]


def test_a_carrier_that_answers_help_leaves_us_the_wider_words(carrier: Carrier) -> None:
    Texting.objects.update(answers_help="carrier")

    carrier.text("HELP")
    assert answers() == []
    carrier.text("help?")

    assert [purpose for purpose, _ in answers()] == ["help"]


def test_a_yes_brings_nobody_back(carrier: Carrier) -> None:
    carrier.text("STOP")
    carrier.text("YES")
    carrier.text("yes!", OptOutType="START")

    assert is_opted_out()


def test_only_the_last_opt_out_is_confirmed(carrier: Carrier) -> None:
    for body in ("STOP", "START", "STOP"):
        carrier.text(body)

    texts = Message.objects.filter(direction="out").order_by("pk")
    for text in texts:
        sending.send(text.pk)

    assert list(texts.values_list("state", flat=True)) == ["not_sent", "delivered"]


def test_an_unknown_number_is_kept_and_opted_out(carrier: Carrier) -> None:
    carrier.post({**carrier.fields("STOP"), "From": "+447911123456"})

    assert is_opted_out("+447911123456")


@pytest.mark.parametrize(
    ("body", "told"), [("STOP", ["opted_out"]), ("please stop texting me", []), ("Hello", [])]
)
def test_what_an_unknown_number_said_holds_for_who_comes_with_it(
    carrier: Carrier, workspace: Workspace, body: str, told: list[str]
) -> None:
    a_mapping(workspace)
    carrier.post({**carrier.fields(body), "From": "+447911123456"})

    contact = a_contact(workspace, "+447911123456")
    read(contact, False, before=None)

    standing = standings(workspace, [contact.mobile_number])[contact.mobile_number]
    assert standing.may_be_texted is (body == "Hello")
    assert list(ConsentPush.objects.values_list("wanted", flat=True)) == told


@pytest.mark.parametrize(
    "sender", ["12125550001", " 12125550001", "+1 (212) 555-0001", "whatsapp:2125550001"]
)
def test_a_number_written_otherwise_is_the_same_number(carrier: Carrier, sender: str) -> None:
    carrier.post({**carrier.fields("STOP"), "From": sender})

    assert is_opted_out(PERSON)


def test_a_sender_without_a_number_has_no_consent(carrier: Carrier) -> None:
    senders = ["55555", "MyBank", "anonymous", "+266696687", "client:bob", "UNIVERSITY"]

    for sender in senders:
        assert carrier.post({**carrier.fields("STOP"), "From": sender}).status_code == 200

    assert (kinds(), answers()) == ([], [])
    assert list(Message.objects.order_by("pk").values_list("number", flat=True)) == senders


def test_text_and_event_stand_or_fall_together(carrier: Carrier) -> None:
    """What fails behind the event takes the text with it, so that the carrier's next try does all of it."""
    with connection.cursor() as cursor:
        cursor.execute("alter table messaging_message add constraint no_answers check (direction = 'in')")
        try:
            assert carrier.text("STOP", sid="SM5").status_code == 500
            assert (kinds(), Message.objects.count()) == ([], 0)
        finally:
            cursor.execute("alter table messaging_message drop constraint no_answers")

    assert carrier.text("STOP", sid="SM5").status_code == 200
    assert kinds() == ["person_out"]


def sent(carrier: Carrier, workspace: Workspace) -> Message:
    return Message.objects.create(
        workspace=workspace,
        direction="out",
        sid="SM1",
        number=PERSON,
        state=State.SENT,
        purpose="help",
        handed_over_at=now(),
    )


def test_a_number_the_carrier_blocks_has_opted_out(carrier: Carrier, workspace: Workspace) -> None:
    sent(carrier, workspace)

    for _ in range(2):
        carrier.report("undelivered", MessageSid="SM1", ErrorCode="21610")

    event = ConsentEvent.objects.get()
    assert (event.kind, event.cause) == ("person_out", "carrier")
    assert is_opted_out()


def test_a_block_of_a_text_nobody_knows_counts_all_the_same(carrier: Carrier) -> None:
    carrier.report("failed", MessageSid="SM404", ErrorCode="21610")

    assert is_opted_out()


def test_blocks_of_texts_without_an_id_count_each(carrier: Carrier) -> None:
    carrier.report("failed", ErrorCode="21610")
    carrier.text("START")
    carrier.report("failed", ErrorCode="21610")

    assert kinds() == ["person_out", "person_in", "person_out"]


def test_a_confirmation_is_not_sent_to_somebody_who_came_back(carrier: Carrier) -> None:
    carrier.text("STOP")
    carrier.text("START")

    text = Message.objects.get(direction="out")
    sending.send(text.pk)

    text.refresh_from_db()
    assert text.state == "not_sent"


def test_the_confirmation_goes_to_somebody_who_opted_out(carrier: Carrier) -> None:
    carrier.text("STOP")

    text = Message.objects.get(direction="out")
    sending.send(text.pk)

    text.refresh_from_db()
    assert text.state == "delivered"
