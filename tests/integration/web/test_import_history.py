import codecs
import csv
import io
import itertools
import re

from django.http import StreamingHttpResponse
from django.urls import reverse

from carillon.accounts.models import Member
from carillon.imports.models import ImportRun, RecordIssue
from tests.integration.web.conftest import Rows, SignedIn, add_issue, add_run


def progress_of(run: ImportRun) -> str:
    return reverse("run_progress", args=[run.public_id])


def test_runs_are_listed_newest_first_and_each_once(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    runs = [rows.run, *[add_run(rows.setup, hours_ago=hours) for hours in range(1, 60)]]
    client, seen, cursor = signed_in(alice), [], ""

    while True:
        context = client.get(reverse("import_history"), {"older": cursor} if cursor else {}).context
        seen += [run.row.pk for run in context["lines"]]
        if not (cursor := context["next"]):
            break

    assert seen == [run.pk for run in runs]


def test_an_open_run_is_shown_on_top_with_its_progress(
    alice: Member, rows: Rows, signed_in: SignedIn
) -> None:
    run = add_run(rows.setup, status="running")

    body = signed_in(alice).get(reverse("import_history")).content.decode()

    assert f'hx-get="{progress_of(run)}"' in body
    assert "50 of 200 records" in body
    assert 'max="100" value="25"' in body


def test_a_panel_that_did_not_change_costs_a_304(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    run, client = add_run(rows.setup, status="running"), signed_in(alice)
    first = client.get(progress_of(run))

    same = client.get(progress_of(run), headers={"If-None-Match": first.headers["ETag"]})
    ImportRun.objects.filter(pk=run.pk).update(received=120)
    moved = client.get(progress_of(run), headers={"If-None-Match": first.headers["ETag"]})

    assert (first.status_code, same.status_code, moved.status_code) == (200, 304, 200)
    assert "no-cache" in first.headers["Cache-Control"]
    assert "120 of 200 records" in moved.content.decode()


def test_the_panel_of_a_finished_run_stops_the_polling(
    alice: Member, rows: Rows, signed_in: SignedIn
) -> None:
    response = signed_in(alice).get(progress_of(rows.run))

    assert response.status_code == 286
    assert response.headers["HX-Trigger"] == "run-over"


def test_cancelling_asks_first(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    run, client = add_run(rows.setup, status="running"), signed_in(alice)
    page = reverse("cancel_import", args=[run.public_id])

    assert "Cancel this import?" in client.get(page).content.decode()
    client.post(page)

    run.refresh_from_db()
    assert run.cancel_requested_at is not None or run.status == "cancelled"


def test_a_finished_run_has_nothing_to_cancel(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    response = signed_in(alice).get(reverse("cancel_import", args=[rows.run.public_id]))

    assert response.headers["Location"] == reverse("import_run", args=[rows.run.public_id])


def test_starting_an_import_while_one_is_open_names_it(
    alice: Member, rows: Rows, signed_in: SignedIn
) -> None:
    add_run(rows.setup, status="queued")

    response = signed_in(alice).post(
        reverse("start_import", args=["contact"]), {"mode": "changes"}, follow=True
    )

    assert ImportRun.objects.count() == 2
    assert "Error: " in response.content.decode()


def test_starting_an_import_by_hand(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    signed_in(alice).post(reverse("start_import", args=["contact"]), {"mode": "everything"})

    run = ImportRun.objects.get(status="queued")
    assert (run.mode, run.started_by, run.setup) == ("everything", alice, rows.setup)


def test_importing_everything_is_confirmed_on_its_own_page(
    alice: Member, rows: Rows, signed_in: SignedIn
) -> None:
    body = signed_in(alice).get(reverse("confirm_everything", args=["contact"])).content.decode()

    assert "Every record of <strong>Secret List</strong> is read again" in body
    assert 'name="mode" value="everything"' in body


def test_a_failed_run_says_why_and_what_to_do(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    run = add_run(rows.setup, status="failed")
    ImportRun.objects.filter(pk=run.pk).update(remedy="Try again tomorrow.")

    body = signed_in(alice).get(reverse("import_run", args=[run.public_id])).content.decode()

    assert "Salesforce did not answer." in body
    assert "Try again tomorrow." in body


def test_a_row_says_how_many_numbers_a_run_opted_out_or_in(
    alice: Member, rows: Rows, signed_in: SignedIn
) -> None:
    add_run(rows.setup, hours_ago=1)
    ImportRun.objects.filter(pk=rows.run.pk).update(opted_out=7893, opted_in=2)

    body = signed_in(alice).get(reverse("import_history")).content.decode()

    assert re.findall(r"[\d,]+ opted (?:out|in)\b", body) == ["7,893 opted out", "2 opted in"]


def test_a_run_states_its_proof(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    ImportRun.objects.filter(pk=rows.run.pk).update(org_count=9213)

    body = signed_in(alice).get(reverse("import_run", args=[rows.run.public_id])).content.decode()

    assert "list holds 9,213 people" in body


def test_a_run_that_went_on_without_a_mapped_field_says_so(
    alice: Member, rows: Rows, signed_in: SignedIn
) -> None:
    add_run(rows.setup, hours_ago=1)
    add_issue(rows.run, 1, "call my mother")
    for field, code in (("Program__c", "field_unreadable"), ("Title", "type_no_longer_fits")):
        RecordIssue.objects.create(run=rows.run, field=field, code=code, message=f"Why {field} is not read.")
    client = signed_in(alice)

    listed = client.get(reverse("import_history")).content.decode()
    page = client.get(reverse("import_run", args=[rows.run.public_id])).content.decode()

    assert listed.count("Program__c and Title not imported") == listed.count("not imported") == 1
    assert "<p>Why Program__c is not read.</p><p>Why Title is not read.</p>" in page
    assert "field-level security" in page


def test_issues_are_filtered_by_kind_and_text(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    add_issue(rows.run, 1, "call my mother")
    add_issue(rows.run, 2, "none", code="mobile_missing")
    page, client = reverse("import_run", args=[rows.run.public_id]), signed_in(alice)

    def values(**query: str) -> list[str]:
        return [issue.value for issue in client.get(page, query).context["issues"].rows]

    assert values() == ["call my mother", "none"]
    assert values(code="mobile_missing") == ["none"]
    assert values(q="mother") == ["call my mother"]
    assert values(q="nothing like it") == []


def test_issue_pages_hold_every_issue_once(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    """Three issues a record, in an order that field and code alone would not give: a page ends between them."""
    kinds = (("A", "z_code"), ("B", "a_code"), ("C", "m_code"))
    for number, (field, code) in itertools.product(range(20), kinds):
        add_issue(rows.run, number, "x", code, field)
    client, seen, cursor = signed_in(alice), [], ""

    while True:
        page = client.get(reverse("import_run", args=[rows.run.public_id]), {"older": cursor}).context[
            "issues"
        ]
        seen += [(issue.salesforce_id, issue.field) for issue in page.rows]
        if not (cursor := page.next):
            break

    assert seen == sorted(set(seen))
    assert len(seen) == 60


def test_the_download_is_streamed_filtered_and_safe(alice: Member, rows: Rows, signed_in: SignedIn) -> None:
    add_issue(rows.run, 1, "=HYPERLINK(1)")
    add_issue(rows.run, 2, "+12125550123", field="Zoë's field")
    add_issue(rows.run, 3, "left out", code="mobile_missing")

    response = signed_in(alice).get(
        reverse("issues_csv", args=[rows.run.public_id]), {"code": "mobile_invalid"}
    )

    assert isinstance(response, StreamingHttpResponse)
    whole = b"".join(response)
    assert whole.startswith(codecs.BOM_UTF8)
    text = whole.decode("utf-8-sig")
    assert "\ufeff" not in text
    values = [row["value"] for row in csv.DictReader(io.StringIO(text))]
    assert values == ["'=HYPERLINK(1)", "+12125550123"]
    assert "attachment" in response.headers["Content-Disposition"]
