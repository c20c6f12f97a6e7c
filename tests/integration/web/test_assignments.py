"""Who is assigned to whom: values of User Identification matched with the User IDs of members, and counted."""

from importlib import import_module

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from carillon.accounts.actions import MemberRefused, add_member, set_member
from carillon.accounts.models import Member, Workspace
from carillon.accounts.user_ids import assigned
from carillon.contacts.assignments import SHOWN, Unmatched, assignments
from carillon.contacts.models import Contact
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from tests.integration.web.conftest import Rows, SignedIn, add_contact

# Two users whose ids differ in the case of one letter.
UPPER, LOWER = "005D0000001AbCdIAK", "005D0000001abCdIAC"


def people(workspace: Workspace, *values: str, **more: object) -> None:
    first = Contact.objects.count() + 1
    for number, value in enumerate(values, first):
        contact = add_contact(workspace, number, "Ana", f"García{number}")
        Contact.objects.filter(pk=contact.pk).update(user_identification=value, **more)


@pytest.mark.parametrize(
    ("user_id", "value", "same"),
    [
        ("ada@x.example", "Ada@X.example", True),
        (" Ada@x.example ", "ada@x.example", True),
        ("E-4711", "e-4711", True),
        (UPPER, UPPER, True),
        (UPPER[:15], UPPER, True),
        (UPPER, UPPER[:15], True),
        (UPPER, LOWER, False),
        (UPPER, UPPER.lower(), False),
        ("ada", "ada@x.example", False),
        ("%", "ada", False),
    ],
)
def test_a_value_means_the_member_whose_user_id_it_is(
    bob: Member, user_id: str, value: str, same: bool
) -> None:
    set_member(member=bob, user_id=user_id, by=None)

    assert assigned(bob.workspace, [value]) == ({value: bob.email} if same else {})


def test_nobody_has_no_user_id(bob: Member) -> None:
    assert assigned(bob.workspace, [""]) == {}


@pytest.mark.parametrize("spelling", ["ADA@x.example", " ada@X.EXAMPLE "])
def test_one_user_id_in_two_spellings_is_refused(alice: Member, bob: Member, spelling: str) -> None:
    set_member(member=alice, user_id="ada@x.example", by=None)

    with pytest.raises(MemberRefused, match="Another member already has the User ID"):
        set_member(member=bob, user_id=spelling, by=None)


def test_an_upgrade_names_members_who_share_a_user_id(alice: Member, bob: Member) -> None:
    migration = import_module("carillon.accounts.migrations.0003_user_key")
    migration.refuse_two_of_a_kind(None, connection.schema_editor())
    with connection.cursor() as cursor:
        cursor.execute("drop index member_user_id_unique_in_workspace")
    Member.objects.filter(pk=alice.pk).update(user_id="ADA")
    Member.objects.filter(pk=bob.pk).update(user_id="ada")

    with pytest.raises(CarillonError, match=f"{alice.email} and {bob.email} have the same User ID"):
        migration.refuse_two_of_a_kind(None, connection.schema_editor())


def test_another_workspace_may_use_the_same_user_id(alice: Member, charlie: Member) -> None:
    set_member(member=alice, user_id="7", by=None)
    set_member(member=charlie, user_id="7", by=None)
    people(alice.workspace, "7")

    assert assigned(alice.workspace, ["7"]) == {"7": alice.email}
    assert assignments(alice.workspace).members == {alice.pk: 1}
    assert assignments(charlie.workspace).members == {}


def test_people_are_counted_by_member_and_by_value_that_means_none(alice: Member, bob: Member) -> None:
    set_member(member=alice, user_id="a@x.example", by=None)
    set_member(member=bob, user_id=UPPER[:15], by=None)
    people(alice.workspace, "A@x.example", "a@x.example", UPPER, "left", "left", "gone", "")

    found = assignments(alice.workspace)

    assert found.members == {alice.pk: 2, bob.pk: 1}
    assert found.matched_people == 3
    assert found.unmatched == (Unmatched("left", 2), Unmatched("gone", 1))
    assert (found.more, found.unmatched_people) == (0, 3)


def test_only_people_in_the_list_and_of_the_object_are_counted(alice: Member) -> None:
    people(alice.workspace, "x", "x", "y")
    Contact.objects.filter(last_name="García1").update(in_source=False, left_source_at=now())
    Contact.objects.filter(last_name="García3").update(object="Lead")

    assert assignments(alice.workspace).unmatched == (Unmatched("x", 1), Unmatched("y", 1))
    assert assignments(alice.workspace, "Lead").unmatched == (Unmatched("y", 1),)


def test_the_most_frequent_values_are_shown_and_the_rest_counted(alice: Member) -> None:
    people(alice.workspace, *(f"value {number:02}" for number in range(SHOWN + 5)), "value 24")

    found = assignments(alice.workspace)

    assert [one.value for one in found.unmatched] == ["value 24"] + [
        f"value {n:02}" for n in range(SHOWN - 1)
    ]
    assert (found.more, found.unmatched_people) == (5, SHOWN + 6)


def test_nobody_assigned_is_counted_as_nothing(alice: Member) -> None:
    found = assignments(alice.workspace)

    assert (found.members, found.unmatched, found.more, found.unmatched_people) == ({}, (), 0, 0)


def test_counting_reads_an_index_and_no_people(alice: Member) -> None:
    with CaptureQueriesContext(connection) as queries:
        assignments(alice.workspace)
    with connection.cursor() as cursor:
        cursor.execute("set enable_seqscan = off; set enable_sort = off")
        cursor.execute("explain " + queries[-1]["sql"])
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("reset enable_seqscan; reset enable_sort")

    assert "Index Only Scan using contact_by_assignment" in plan


def test_the_members_page_says_who_is_assigned_to_whom(
    alice: Member, bob: Member, signed_in: SignedIn
) -> None:
    set_member(member=bob, user_id="bob@x.example", by=None)
    people(alice.workspace, "Bob@x.example", "<i>nobody</i>", "<i>nobody</i>")

    response = signed_in(alice).get(reverse("members"))

    body = response.content.decode()
    assert {member.email: count for member, count in response.context["members"]} == {
        alice.email: 0,
        bob.email: 1,
    }
    assert "2 hold a value that is no member&#x27;s User ID" in body.replace("'", "&#x27;")
    assert "&lt;i&gt;nobody&lt;/i&gt;" in body


def test_the_setup_page_says_it_beside_the_mapping(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    people(alice.workspace, "somebody", "alice")
    set_member(member=alice, user_id="ALICE", by=None)
    page = reverse("contact_import", args=["contact"])
    without = signed_in(alice).get(page).content.decode()
    rows.setup.user_identification = "OwnerId"
    rows.setup.save()

    response = signed_in(alice).get(page)

    body = response.content.decode()
    assert response.context["by_member"] == [(alice, 1)]
    assert 'id="assignments"' not in without
    assert 'id="assignments"' in body
    assert "somebody" in body


def test_a_person_s_page_names_the_member_in_any_spelling(
    alice: Member, bob: Member, rows: Rows, signed_in: SignedIn
) -> None:
    set_member(member=bob, user_id="BOB", by=None)
    Contact.objects.filter(pk=rows.contact.pk).update(user_identification="bob")

    body = signed_in(alice).get(reverse("contact", args=[rows.contact.salesforce_id])).content.decode()

    assert f"<dd>{bob.email}</dd>" in body


def test_a_new_member_may_have_no_user_id_like_others(
    workspace: Workspace, alice: Member, bob: Member
) -> None:
    third = add_member(workspace=workspace, email="c@x.example", role="texter", user_id="", by=None)

    assert {alice.user_id, bob.user_id, third.user_id} == {""}
