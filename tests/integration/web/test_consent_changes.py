"""The list of all changes of consent, its filters and its CSV."""

import csv
import io
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from carillon.accounts.models import Member, Workspace
from carillon.consent import actions, changes
from carillon.consent.decide import Kind, When
from carillon.consent.keywords import Meaning
from carillon.consent.ledger import Source
from carillon.consent.models import Cause, Consent, ConsentEvent
from carillon.contacts.models import Contact
from carillon.lib.clock import now
from carillon.web import consent_people
from carillon.web.people import erase
from tests.integration.web.conftest import SignedIn, add_contact

ANN, BEA = "+12125550001", "+12125550002"


def say(workspace: Workspace, number: str, kind: Kind, cause: Cause, source: Source) -> None:
    actions.record(workspace=workspace, number=number, kind=kind, cause=cause, source=source)


@pytest.fixture
def said(workspace: Workspace, alice: Member) -> Workspace:
    add_contact(workspace, 1, "Ann", "Lee")
    say(workspace, ANN, Kind.PERSON_OUT, Cause.TEXT, Source(words='=HYPERLINK("http://x")'))
    say(workspace, ANN, Kind.PERSON_IN, Cause.TEXT, Source(words="START"))
    say(workspace, BEA, Kind.STAFF_OUT, Cause.RECORD, Source(salesforce_id="003000000000002AAA"))
    actions.opt_in(workspace=workspace, number=BEA, by=alice, reason="Asked in person")
    return workspace


def listed(client: Client, **query: str) -> list[str]:
    answer = client.get(reverse("consent_changes"), query)
    assert answer.status_code == 200
    return [f"{line.event.kind} by {line.event.cause}" for line in answer.context["lines"]]


def test_all_changes_come_newest_first_with_who_it_is(
    bob: Member, said: Workspace, signed_in: SignedIn
) -> None:
    client = signed_in(bob)

    body = client.get(reverse("consent_changes")).content.decode()

    assert listed(client) == [
        "staff_in by member",
        "staff_out by record",
        "person_in by text",
        "person_out by text",
    ]
    assert "Ann Lee" in body
    assert "Nobody here" in body
    assert "alice@<wbr>campus.<wbr>example" in body


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status": "opted_out"}, ["staff_out by record", "person_out by text"]),
        ({"by": "person"}, ["person_in by text", "person_out by text"]),
        ({"by": "member"}, ["staff_in by member"]),
        ({"by": "record", "status": "opted_in"}, []),
        ({"number": "(212) 555-0001", "status": "opted_in"}, ["person_in by text"]),
        ({"number": "212 555 0009"}, []),
        ({"to": "2020-01-01"}, []),
        ({"from": "2020-01-01", "by": "member"}, ["staff_in by member"]),
        ({"from": "2999-01-01"}, []),
    ],
)
def test_changes_are_filtered(
    bob: Member, said: Workspace, signed_in: SignedIn, query: dict[str, str], found: list[str]
) -> None:
    assert listed(signed_in(bob), **query) == found


def test_the_last_day_is_included(bob: Member, said: Workspace, signed_in: SignedIn) -> None:
    today = f"{datetime.now(UTC):%Y-%m-%d}"

    assert len(listed(signed_in(bob), **{"from": today, "to": today})) == 4


@pytest.mark.parametrize("query", [{"number": "12"}, {"from": "soon"}, {"by": "nobody"}])
def test_a_condition_that_is_none_is_marked_and_finds_nothing(
    bob: Member, said: Workspace, signed_in: SignedIn, query: dict[str, str]
) -> None:
    answer = signed_in(bob).get(reverse("consent_changes"), query)

    assert answer.context["lines"] == []
    assert "Mend what is marked above." in answer.content.decode()


def test_pages_walk_all_changes_once(bob: Member, workspace: Workspace, signed_in: SignedIn) -> None:
    many(workspace, 60)
    client, cursor, seen = signed_in(bob), "", []
    while True:
        answer = client.get(reverse("consent_changes"), {"older": cursor})
        seen += [line.event.pk for line in answer.context["lines"]]
        cursor = answer.context["next"]
        if not cursor:
            break

    assert seen == list(ConsentEvent.objects.order_by("-pk").values_list("pk", flat=True))
    assert len(seen) == 60
    assert client.get(reverse("consent_changes"), {"older": "x"}).status_code == 404


def test_a_page_takes_a_fixed_number_of_queries(
    bob: Member, workspace: Workspace, signed_in: SignedIn
) -> None:
    many(workspace, 60)
    client = signed_in(bob)

    with CaptureQueriesContext(connection) as queries:
        client.get(reverse("consent_changes"), {"status": "opted_out"})

    assert len(queries) <= 8


def test_the_csv_holds_all_lines_in_utc_and_no_formula(
    dana: Member, said: Workspace, signed_in: SignedIn
) -> None:
    answer = signed_in(dana).get(reverse("consent_changes_csv"))

    text = b"".join(answer).decode()
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert text.startswith("\ufefflearnt_at,number,contact_ids,names,status,kind,cause,what,")
    assert [row["kind"] for row in rows] == ["staff_in", "staff_out", "person_in", "person_out"]
    assert rows[3]["words"] == '\'=HYPERLINK("http://x")'
    assert rows[0]["what"] == "A member opted the number back in"
    assert rows[0]["member"] == "alice@campus.example"
    assert rows[0]["reason"] == "Asked in person"
    assert rows[1]["record"] == "003000000000002AAA"
    assert rows[1]["number"] == BEA
    assert datetime.fromisoformat(rows[0]["learnt_at"]).utcoffset() == timedelta(0)


def test_the_csv_is_filtered_as_the_list_is(bob: Member, said: Workspace, signed_in: SignedIn) -> None:
    answer = signed_in(bob).get(reverse("consent_changes_csv"), {"by": "member"})

    assert b"".join(answer).count(b"\n") == 2


def test_the_csv_names_those_who_have_the_number_now_for_every_line(
    bob: Member, said: Workspace, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "CHUNK", 3)
    shares_number_of_bea(add_contact(said, 2, "=cmd()", "Bee"))
    shares_number_of_bea(add_contact(said, 3, "Bo", "Cee"))

    rows = exported(signed_in(bob))

    ids = ["003000000000002AAA; 003000000000003AAA"] * 2 + ["003000000000001AAA"] * 2
    assert [row["contact_ids"] for row in rows] == ids
    assert [row["names"] for row in rows] == ["'=cmd() Bee; Bo Cee"] * 2 + ["Ann Lee"] * 2


def test_a_cell_of_the_csv_has_an_end(
    bob: Member, said: Workspace, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consent_people, "NAMED", 2)
    for n in range(2, 6):
        shares_number_of_bea(add_contact(said, n, "Bo", f"Cee {n}"))

    row = exported(signed_in(bob))[0]

    assert row["contact_ids"] == "003000000000002AAA; 003000000000003AAA"
    assert row["names"] == "Bo Cee 2; Bo Cee 3; and 2 more"


def test_erased_people_are_not_named_again(alice: Member, said: Workspace, signed_in: SignedIn) -> None:
    erase(workspace=said, salesforce_id="003000000000001AAA", by=alice)

    text = b"".join(signed_in(alice).get(reverse("consent_changes_csv"))).decode()

    assert "Ann Lee" not in text
    assert "003000000000001AAA" not in text
    assert ",erased,,,opted_in," in text


def shares_number_of_bea(contact: Contact) -> None:
    Contact.objects.filter(pk=contact.pk).update(mobile_number=BEA)


def exported(client: Client) -> list[dict[str, str]]:
    text = b"".join(client.get(reverse("consent_changes_csv"))).decode()
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_erased_numbers_are_nobodys(bob: Member, said: Workspace, signed_in: SignedIn) -> None:
    consent = Consent.objects.get(number=BEA)
    Consent.objects.filter(pk=consent.pk).update(number=f"#{'0' * 64}.{consent.pk}")
    client = signed_in(bob)

    page = client.get(reverse("consent_changes")).content.decode()
    answer = client.get(reverse("consent_changes_csv"))

    assert "Erased" in page
    assert "0" * 64 not in page
    assert b",erased," in b"".join(answer)


def test_outsiders_see_no_line(charlie: Member, said: Workspace, signed_in: SignedIn) -> None:
    client = signed_in(charlie)

    answer = client.get(reverse("consent_changes_csv"))

    assert listed(client) == []
    assert listed(client, number=ANN) == []
    assert b"".join(answer).count(b"\n") == 1
    assert "Nobody said anything yet" in client.get(reverse("consent_changes")).content.decode()


def test_an_export_longer_than_a_chunk_is_whole_and_in_order(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "CHUNK", 7)
    many(workspace, 40)
    # Lines of one batch are learnt in the same moment.
    assert ConsentEvent.objects.values("learnt_at").distinct().count() < 40

    rows = list(changes.export(workspace, changes.Wanted()))

    events = ConsentEvent.objects.order_by(*changes.NEWEST_FIRST).select_related("consent")
    assert [(row[0], row[1]) for row in rows] == [(event.learnt_at, event.consent.number) for event in events]


def many(workspace: Workspace, lines: int) -> None:
    """A batch of opt-outs learnt in one moment, and others one by one."""
    at = now()
    made = Consent.objects.bulk_create(
        Consent(
            workspace=workspace, number=f"+1212556{number:04d}", version=1, last_learnt_at=at, staff_out=at
        )
        for number in range(lines - 20)
    )
    ConsentEvent.objects.bulk_create(
        ConsentEvent(
            workspace=workspace,
            consent=consent,
            version=1,
            kind="staff_out",
            cause="first_sight",
            counts_at=at,
            learnt_at=at,
            status="opted_out",
            run=uuid.uuid4(),
        )
        for consent in made
    )
    for number in range(20):
        meaning = (Meaning.STOP, Meaning.START)[number % 2]
        actions.text_received(
            workspace=workspace, number=ANN, words="", meaning=meaning, message_id=f"m{number}"
        )


def test_every_cause_is_somebodys() -> None:
    found = [cause for by in changes.By for cause in changes.causes_of(by)]

    assert sorted(found) == sorted(Cause)


def test_a_request_of_another_day_shows_both_times(bob: Member, said: Workspace, signed_in: SignedIn) -> None:
    asked = datetime(2026, 1, 12, 9, tzinfo=UTC)
    actions.opt_out(workspace=said, number=ANN, by=bob, reason="Called", requested=When.at(asked))

    assert (
        'happened <time datetime="2026-01-12T09:00:00+00:00"'
        in signed_in(bob).get(reverse("consent_changes")).content.decode()
    )
