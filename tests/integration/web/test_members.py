from django.urls import reverse

from carillon.accounts.models import AuditEntry, Member, Workspace
from tests.integration.web.conftest import SignedIn, add_member


def test_inviting_shows_a_link_that_sets_the_password(alice: Member, signed_in: SignedIn) -> None:
    client = signed_in(alice)
    entered = {"email": "New.Person@campus.example", "role": "texter", "user_id": "005X"}

    response = client.post(reverse("invite"), entered, follow=True)

    member = Member.objects.get(email="new.person@campus.example")
    link = response.context["link"]
    assert (member.role, member.user_id, member.workspace) == ("texter", "005X", alice.workspace)
    assert link.startswith("http://testserver/password/")
    assert client.get(link.removeprefix("http://testserver")).status_code == 200


def test_an_email_taken_in_another_workspace_is_refused(
    alice: Member, charlie: Member, signed_in: SignedIn
) -> None:
    entered = {"email": charlie.email, "role": "texter", "user_id": ""}

    response = signed_in(alice).post(reverse("invite"), entered)

    assert response.status_code == 200
    assert Member.objects.filter(workspace=alice.workspace).count() == 1


def test_changing_role_and_user_id(alice: Member, bob: Member, signed_in: SignedIn) -> None:
    page = reverse("member", args=[bob.public_id])

    signed_in(alice).post(page, {"role": "auditor", "user_id": "005B"})

    bob.refresh_from_db()
    assert (bob.role, bob.user_id) == ("auditor", "005B")


def test_the_last_admin_stays(alice: Member, signed_in: SignedIn) -> None:
    client = signed_in(alice)

    response = client.post(reverse("deactivate", args=[alice.public_id]), follow=True)

    alice.refresh_from_db()
    assert alice.is_active
    assert "only active admin" in response.content.decode()


def test_deactivating_asks_first_and_can_be_undone(alice: Member, bob: Member, signed_in: SignedIn) -> None:
    client = signed_in(alice)
    page = reverse("deactivate", args=[bob.public_id])

    assert "Deactivate bob@campus.example?" in client.get(page).content.decode()
    client.post(page)
    bob.refresh_from_db()
    assert not bob.is_active

    client.post(reverse("reactivate", args=[bob.public_id]))
    bob.refresh_from_db()
    assert bob.is_active


def test_a_deactivated_member_gets_no_password_link(alice: Member, bob: Member, signed_in: SignedIn) -> None:
    client = signed_in(alice)
    client.post(reverse("deactivate", args=[bob.public_id]))

    response = client.get(reverse("password_link", args=[bob.public_id]))

    assert response.status_code == 302


def test_the_audit_pages_hold_every_entry_once(
    alice: Member, workspace: Workspace, signed_in: SignedIn
) -> None:
    at = AuditEntry.objects.latest("at").at
    AuditEntry.objects.bulk_create(
        AuditEntry(workspace=workspace, at=at, actor="alice", action="thing done", subject=f"number {n}")
        for n in range(60)
    )
    client, seen, cursor = signed_in(alice), [], ""

    for _ in range(4):
        page = client.get(reverse("members"), {"older": cursor} if cursor else {}).context["entries"]
        seen += [entry.pk for entry in page.rows]
        cursor = page.next
        if not cursor:
            break

    assert seen == list(
        AuditEntry.objects.filter(workspace=workspace).order_by("-at", "-pk").values_list("pk", flat=True)
    )


def test_a_cursor_of_nobodys_is_not_found(alice: Member, signed_in: SignedIn) -> None:
    for cursor in ("nonsense", "e30=", "WzEsMl0=", "WyJ4IiwgInkiXQ=="):
        assert signed_in(alice).get(reverse("members"), {"older": cursor}).status_code == 404


def test_user_ids_name_people_on_the_contacts_page(
    alice: Member, workspace: Workspace, signed_in: SignedIn
) -> None:
    add_member(workspace, "carol@campus.example", "texter")

    body = signed_in(alice).get(reverse("members")).content.decode()

    assert "carol@campus.example" in body
    assert "Member added" in body
