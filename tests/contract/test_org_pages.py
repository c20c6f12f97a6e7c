"""The org's web pages over HTTP: who may see them, and that what is done there is done to the org the API serves."""

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser

import httpx
import pytest

from orgsim.pages.visit import SECTIONS
from orgsim.testing import OrgSim
from tests.contract.conftest import V, signed_in, soql


class Form(HTMLParser):
    """The fields of the form of a page that posts to `action`, as a browser would send them."""

    def __init__(self, html: str, action: str) -> None:
        super().__init__()
        self.action, self._inside, self._select, self._text = action, False, "", ""
        self.fields: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = given.get("action") == self.action
        if not self._inside:
            return
        box = given.get("type") == "checkbox"
        if tag == "input" and (not box or "checked" in given):
            self.fields[given["name"]] = given.get("value", "on" if box else "")
        if tag == "select":
            self._select = given["name"]
        if tag == "option" and ("selected" in given or self._select not in self.fields):
            self.fields[self._select] = given.get("value", "")
        if tag == "textarea":
            self._text = given["name"]
            self.fields[self._text] = ""

    def handle_data(self, data: str) -> None:
        if self._inside and self._text:
            self.fields[self._text] += data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        if tag == "textarea":
            self._text = ""


@pytest.fixture
def staff(org: OrgSim) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=org.url, follow_redirects=True) as client:
        client.get(org.pages)
        yield client


Post = Callable[..., httpx.Response]


@pytest.fixture
def post(staff: httpx.Client) -> Post:
    """Fill in a form of a page and send it."""

    def send(page: str, action: str, **fields: str | None) -> httpx.Response:
        form = Form(staff.get(page).text, action).fields
        filled = {**form, **fields}
        return staff.post(action, data={name: value for name, value in filled.items() if value is not None})

    return send


def record_page(record_id: str) -> str:
    return f"/lightning/r/{record_id}/view"


def test_without_the_cookie_every_page_asks_to_sign_in(shared_org: OrgSim) -> None:
    contact = shared_org.ids("Contact")[0]
    paths = ("/", "/lightning/o/Contact/list", f"/{contact}", "/orgsim/faults", "/orgsim/no-such-page")

    answers = [httpx.get(f"{shared_org.url}{path}") for path in paths]
    acted = httpx.post(f"{shared_org.url}/orgsim/faults/clear", data={"key": ""})

    assert {answer.status_code for answer in (*answers, acted)} == {403}
    assert all("Sign in" in answer.text for answer in answers)
    assert shared_org.admin_token not in "".join(answer.text for answer in answers)


def test_the_printed_link_signs_in_with_a_cookie_that_is_not_the_token(shared_org: OrgSim) -> None:
    answer = httpx.get(shared_org.pages)

    cookie = answer.headers["set-cookie"]
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert shared_org.admin_token not in cookie


def test_a_wrong_token_opens_nothing(shared_org: OrgSim) -> None:
    answer = httpx.post(f"{shared_org.url}/orgsim/sign-in", data={"token": "guess", "next": "/"})

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert "This is not the token" in answer.text


def test_signing_in_leads_nowhere_else(shared_org: OrgSim) -> None:
    forms = [
        {"token": shared_org.admin_token, "next": following}
        for following in ("https://evil.example/", "//evil.example", "/\\evil.example", "/\t/x")
    ]

    answers = [httpx.post(f"{shared_org.url}/orgsim/sign-in", data=form) for form in forms]

    assert {answer.headers["location"] for answer in answers} == {"/"}


def test_signing_in_goes_on_to_the_page_that_was_asked_for(shared_org: OrgSim) -> None:
    contact = shared_org.ids("Contact")[0]
    asked = httpx.get(f"{shared_org.url}/{contact}").text
    form = Form(asked, "/orgsim/sign-in").fields | {"token": shared_org.admin_token}

    answer = httpx.post(f"{shared_org.url}/orgsim/sign-in", data=form)

    assert answer.headers["location"] == f"/{contact}"


def test_signing_out_forgets_the_cookie(staff: httpx.Client, post: Post) -> None:
    post("/", "/orgsim/sign-out")

    assert staff.get("/").status_code == 403


def test_a_form_without_the_key_does_nothing(org: OrgSim, staff: httpx.Client) -> None:
    contact = org.ids("Contact")[0]

    answers = [staff.post(f"/orgsim/record/{contact}/delete", data=form) for form in ({}, {"key": "guess"})]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert contact in org.ids("Contact")


def test_a_form_of_another_site_does_nothing(org: OrgSim, staff: httpx.Client) -> None:
    key = Form(staff.get("/").text, "/orgsim/sign-out").fields

    answer = staff.post("/orgsim/sign-out", data=key, headers={"Origin": "https://evil.example"})

    assert answer.status_code == 403
    assert staff.get("/").status_code == 200


def test_pages_run_no_script_and_are_kept_nowhere(staff: httpx.Client) -> None:
    answer = staff.get("/")

    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=", answer.text)


def test_what_people_are_called_is_text_on_every_page(org: OrgSim, staff: httpx.Client) -> None:
    nasty = """<img src=x onerror="alert('1')">&amp;"""
    contact = org.create("Contact", LastName=nasty, MobilePhone="'\"><b>", Description=f"</textarea>{nasty}")
    org.add_list_view("Contact", "Nasty", label=nasty[:40])
    org.fail_next(503, path_contains=nasty)
    view = org.add_list_view("Contact", "Other", label="Other")
    paths = (
        record_page(contact),
        "/lightning/o/Contact/list",
        "/lightning/o/Contact/list?q=%3Cimg",
        "/orgsim/list-views",
        f"/orgsim/list-views/{view}",
        "/orgsim/faults",
    )

    pages = [staff.get(path).text for path in paths]

    assert all("&lt;img" in page for page in pages)
    assert not any("<img src=x" in page or "<b>" in page or "</textarea><img" in page for page in pages)


def test_a_ticked_opt_out_reaches_the_api_and_the_history(
    org: OrgSim, post: Post, client: httpx.Client
) -> None:
    contact = org.ids("Contact")[3]
    org.edit(contact, SMS_Opt_Out__c=False, MobilePhone=None)
    before = client.get(f"{V}/sobjects/Contact/{contact}").json()

    page = post(
        record_page(contact),
        f"/orgsim/record/{contact}/edit",
        SMS_Opt_Out__c="on",
        MobilePhone="+12125550123",
    ).text

    after = client.get(f"{V}/sobjects/Contact/{contact}").json()
    changed = {name for name in after if after[name] != before[name]}
    assert {"SMS_Opt_Out__c", "MobilePhone"} <= changed
    assert changed <= {
        "SMS_Opt_Out__c", "MobilePhone", "LastModifiedDate", "LastModifiedById", "SystemModstamp", "Last_Modified_Date_Time__c",
    }  # fmt: skip
    assert after["SMS_Opt_Out__c"] is True
    assert "SMS Opt Out from No to Yes" in page
    assert "Mobile Phone from blank to +12125550123" in page
    assert "<strong>SMS Opt Out</strong>: No → Yes" in page
    assert "Robin Ashdown" in page


def test_what_an_action_led_to_is_said_once(post: Post, staff: httpx.Client) -> None:
    page = post("/orgsim/faults", "/orgsim/faults/expire")

    again = staff.get(str(page.url))

    assert 'role="status"' in page.text
    assert 'role="status"' not in again.text


def test_a_page_left_open_does_not_undo_what_was_written_meanwhile(org: OrgSim, staff: httpx.Client) -> None:
    contact = org.ids("Contact")[3]
    org.edit(contact, SMS_Opt_Out__c=False)
    action = f"/orgsim/record/{contact}/edit"
    form = Form(staff.get(record_page(contact)).text, action).fields
    org.edit(contact, SMS_Opt_Out__c=True)

    staff.post(action, data=form | {"FirstName": "Later"})

    with signed_in(org) as client:
        record = client.get(f"{V}/sobjects/Contact/{contact}").json()
    assert (record["FirstName"], record["SMS_Opt_Out__c"]) == ("Later", True)


@pytest.mark.parametrize("name", ["Contact", "Lead", "Account", "Task"])
def test_saving_an_untouched_form_changes_nothing(
    org: OrgSim, post: Post, client: httpx.Client, name: str
) -> None:
    org.edit(org.ids("Contact")[0], MailingLatitude=40.71)
    org.create("Task", WhoId=org.ids("Contact")[0], Subject="Call")
    record = org.ids(name)[0]
    org.edit(record, Description="\nTwo\nlines ")
    before = client.get(f"{V}/sobjects/{name}/{record}").json()

    page = post(record_page(record), f"/orgsim/record/{record}/edit").text

    assert "Nothing was changed" in page
    assert client.get(f"{V}/sobjects/{name}/{record}").json() == before


def test_a_refused_save_says_why_and_keeps_what_was_typed(org: OrgSim, post: Post) -> None:
    contact = org.ids("Contact")[3]
    org.set_validation_rule("Contact", "FirstName = 'Nobody'", "Nobody is not a name")
    action = f"/orgsim/record/{contact}/edit"

    by_rule = post(record_page(contact), action, FirstName="Nobody", Title="Kept <b>")
    by_kind = post(record_page(contact), action, Graduation_Year__c="soon")
    empty = post(record_page(contact), action, LastName="")

    assert [answer.status_code for answer in (by_rule, by_kind, empty)] == [400, 400, 400]
    assert "Nobody is not a name" in by_rule.text
    assert 'value="Kept &lt;b&gt;"' in by_rule.text
    assert "Graduation Year takes a number, not “soon”" in by_kind.text
    assert "REQUIRED_FIELD_MISSING" in empty.text


def test_what_a_flow_puts_back_is_told(org: OrgSim, post: Post) -> None:
    contact = org.ids("Contact")[3]
    org.edit(contact, SMS_Opt_Out__c=False)
    org.set_flow("Contact", "SMS_Opt_Out__c", put_back=True)

    page = post(record_page(contact), f"/orgsim/record/{contact}/edit", SMS_Opt_Out__c="on").text

    assert "SMS Opt Out was written, but the org put it back to No" in page


def test_deleted_people_are_in_the_recycle_bin_until_they_are_back(org: OrgSim, post: Post) -> None:
    contact = org.ids("Contact")[4]
    here = f"/orgsim/record/{contact}"

    deleted = post(record_page(contact), f"{here}/delete").text
    edited = post(record_page(contact), f"{here}/edit", key=Form(deleted, f"{here}/undelete").fields["key"])
    in_bin = post(record_page(contact), f"{here}/undelete").text

    assert "is in the recycle bin" in deleted
    assert f"{here}/edit" not in deleted
    assert "The org refused" in edited.text
    assert "is back" in in_bin
    assert contact in org.ids("Contact")


def test_a_record_deleted_for_good_has_no_page(org: OrgSim, post: Post, staff: httpx.Client) -> None:
    contact = org.ids("Contact")[4]
    org.delete(contact)

    page = post(record_page(contact), f"/orgsim/record/{contact}/erase")

    assert page.url.path == "/lightning/o/Contact/list"
    assert "gone for good" in page.text
    assert staff.get(record_page(contact)).status_code == 404


def test_people_are_merged_converted_and_have_tasks(org: OrgSim, post: Post, client: httpx.Client) -> None:
    winner, loser = org.ids("Contact")[:2]
    lead = soql(client, "SELECT Id FROM Lead WHERE IsConverted = false LIMIT 1").json()["records"][0]["Id"]

    merged = post(record_page(winner), f"/orgsim/record/{winner}/merge", loser=loser).text
    converted = post(record_page(lead), f"/orgsim/record/{lead}/convert").text
    logged = post(record_page(winner), f"/orgsim/record/{winner}/task", subject="Talked <i>").text
    wrong = post(record_page(winner), f"/orgsim/record/{winner}/merge", loser=lead).text

    assert "is the one that stays" in merged
    assert loser not in org.ids("Contact")
    assert "is converted; the contact is 003" in converted
    assert "Talked &lt;i&gt;" in logged
    task = soql(client, f"SELECT Subject FROM Task WHERE WhoId = '{winner}'").json()["records"][0]
    assert task["Subject"] == "Talked <i>"
    assert "The org refused" in wrong


def test_a_locked_row_refuses_so_many_writes(org: OrgSim, post: Post, client: httpx.Client) -> None:
    contact = org.ids("Contact")[5]
    url = f"{V}/sobjects/Contact/{contact}"

    page = post(record_page(contact), f"/orgsim/record/{contact}/lock", times="2").text
    statuses = [client.patch(url, json={"Title": "x"}).status_code for _ in range(3)]

    assert "the next 2 writes are refused" in page
    assert statuses == [400, 400, 204]


def test_links_from_outside_open_the_record(org: OrgSim, staff: httpx.Client) -> None:
    contact, lead, user = org.ids("Contact")[0], org.ids("Lead")[0], org.ids("User")[0]
    name = staff.get(record_page(contact)).text

    by_classic = [staff.get(f"/{record_id}") for record_id in (contact[:15], contact, lead, user)]
    by_object = staff.get(f"/lightning/r/Contact/{contact}/view")

    assert {answer.status_code for answer in (*by_classic, by_object)} == {200}
    assert by_classic[0].url.path == record_page(contact)
    assert by_object.text == name


def test_what_is_not_there_is_404(staff: httpx.Client) -> None:
    paths = (
        "/003000000000000AAA",
        "/003Hs00000zzzzzIAA",
        "/lightning/r/Contact/003000000000000/view",
        "/lightning/o/Account/list",
        "/lightning/page/home",
        "/orgsim/list-views/00B000000000000",
        "/orgsim/nothing",
    )

    answers = [staff.get(path) for path in paths]

    assert {answer.status_code for answer in answers} == {404}
    assert all("<h1>" in answer.text for answer in answers)


def test_people_are_found_by_name_mail_phone_and_id(org: OrgSim, staff: httpx.Client) -> None:
    contact = org.create(
        "Contact",
        FirstName="Åsa",
        LastName="Öberg-O'Neil",
        Email="Asa.Oe@example.org",
        MobilePhone="(212) 555-0199",
    )
    path = "/lightning/o/Contact/list"
    texts = (
        "åsa ö",
        "ÖBERG",
        "oberg",
        "Asa o",
        "asa.oe@",
        "+12125550199",
        "+1 212",
        "212.555",
        "212 555 0199",
        "öberg-o'n",
    )

    found = {text: contact in staff.get(path, params={"q": text}).text for text in texts}
    by_id = staff.get(path, params={"q": contact[:15]})
    none = staff.get(path, params={"q": "%"}).text

    assert found == dict.fromkeys(texts, True)
    assert by_id.url.path == record_page(contact)
    assert "Nobody's name" in none


def test_lists_go_on_page_by_page_without_gap(staff: httpx.Client, org: OrgSim) -> None:
    for number in range(70):
        org.create("Lead", LastName=f"Zz {number:03}", Company="c")
    path = "/lightning/o/Lead/list"

    pages = [staff.get(path, params={"page": number}).text for number in (1, 2, 3)]
    searched = [staff.get(path, params={"q": "zz", "page": number}).text for number in (1, 2)]

    def linked(page: str) -> list[str]:
        return re.findall(r"/lightning/r/(00Q\w+)/view", page)

    shown = [record for page in pages for record in linked(page)]
    assert [len(linked(page)) for page in pages] == [50, 50, 10]
    assert sorted(shown) == sorted(org.ids("Lead"))
    assert [len(linked(page)) for page in searched] == [50, 20]


def test_a_search_leaves_the_answers_of_the_api_as_they_were(
    staff: httpx.Client, client: httpx.Client
) -> None:
    texts = (
        "SELECT Id FROM Contact WHERE LastName LIKE 'M%'",
        "SELECT Id FROM Contact ORDER BY Name",
        "SELECT Id FROM Contact WHERE Email != null",
    )
    before = [soql(client, text).json() for text in texts]

    staff.get("/lightning/o/Contact/list", params={"q": "ma"})

    assert [soql(client, text).json() for text in texts] == before


def test_list_views_are_shared_opened_and_deleted(org: OrgSim, post: Post, client: httpx.Client) -> None:
    def listed() -> dict[str, str]:
        views = client.get(f"{V}/sobjects/Contact/listviews").json()["listviews"]
        return {view["developerName"]: view["id"] for view in views}

    view = listed()["SpringAdmits"]
    here = f"/orgsim/list-views/{view}"

    unshared = post(here, f"{here}/share").text
    was_listed = "SpringAdmits" in listed()
    shared = post(here, f"{here}/share").text
    is_listed = "SpringAdmits" in listed()
    deleted = post(here, f"{here}/delete")

    assert (was_listed, is_listed) == (False, True)
    assert "(Program is Nursing and Graduation Year is 2029) or" in unshared
    assert "is shared with the API user" in shared
    assert (deleted.status_code, deleted.url.path) == (200, "/orgsim/list-views")
    assert "SpringAdmits" not in listed()


def test_every_report_opens_with_its_first_rows(org: OrgSim, staff: httpx.Client) -> None:
    index = staff.get("/orgsim/reports").text
    opened = {path: staff.get(path) for path in re.findall(r"/lightning/r/00O[^/]+/view", index)}

    assert len(opened) > 15
    assert {page.status_code for page in opened.values()} == {200}
    texts = [page.text for page in opened.values()]
    assert sum('<td data-label="' in text for text in texts) > 8
    assert sum("can&#39;t be run" in text or "can't be run" in text for text in texts) == 1


def test_a_report_shows_what_its_run_gives(org: OrgSim, staff: httpx.Client, client: httpx.Client) -> None:
    report = soql(client, "SELECT Id FROM Report WHERE Name = 'All Contacts'").json()["records"][0]["Id"]
    run = client.get(f"{V}/analytics/reports/{report}?includeDetails=true").json()["factMap"]["T!T"]

    page = staff.get(record_page(report)).text

    first = run["rows"][0]["dataCells"]
    assert f"{run['aggregates'][0]['value']:,} rows" in page
    assert f'<a href="{record_page(first[0]["value"])}">{first[0]["label"]}</a>' in page
    assert page.count("<tr>") == min(50, len(run["rows"])) + 1


def test_a_report_that_is_gone_says_so(org: OrgSim, staff: httpx.Client, client: httpx.Client) -> None:
    report = soql(client, "SELECT Id FROM Report WHERE Name = 'All Contacts'").json()["records"][0]["Id"]
    org.delete_report(report)

    assert staff.get(record_page(report)).status_code == 404
    assert staff.get(record_page("00OHs00000ZZZZZ")).status_code == 404


def test_no_page_names_a_program_that_calls_the_org(org: OrgSim, staff: httpx.Client) -> None:
    pages = [path for _, path, _ in SECTIONS]

    shown = [staff.get(path).text for path in pages] + [httpx.get(f"{org.url}/").text]

    assert not any("carillon" in text.lower() for text in shown)


def test_every_list_view_opens(org: OrgSim, staff: httpx.Client) -> None:
    index = staff.get("/orgsim/list-views").text
    paths = sorted(set(re.findall(r'href="(/orgsim/list-views/\w+)"', index)))

    statuses = {staff.get(path).status_code for path in paths}

    assert len(paths) > 30
    assert statuses == {200}


def test_report_folders_are_shared_and_reports_deleted(
    org: OrgSim, staff: httpx.Client, client: httpx.Client
) -> None:
    page = staff.get("/orgsim/reports").text
    form = Form(staff.get("/").text, "/orgsim/sign-out").fields
    names = "SELECT Name FROM Report ORDER BY Name"
    before = {row["Name"] for row in soql(client, names).json()["records"]}
    report = soql(client, "SELECT Id, OwnerId FROM Report WHERE Name = 'All Contacts'").json()["records"][0]

    staff.post("/orgsim/reports/share", data=form | {"folder": report["OwnerId"], "shared": "no"})
    unshared = {row["Name"] for row in soql(client, names).json()["records"]}
    staff.post("/orgsim/reports/share", data=form | {"folder": report["OwnerId"], "shared": "yes"})
    staff.post("/orgsim/reports/delete", data=form | {"report": report["Id"]})
    after = {row["Name"] for row in soql(client, names).json()["records"]}
    staff.post("/orgsim/reports/permit", data=form | {"granted": "no"})

    assert before <= set(re.findall(r">([^<]+)</a><br>", page.replace("&#39;", "'")))
    assert page.count(">Not shared</span>") == 1
    assert "All Contacts" not in unshared
    assert before - after == {"All Contacts"}
    assert "May not run reports" in staff.get("/orgsim/reports").text
    assert client.get(f"{V}/analytics/reports").status_code == 403


def test_automation_is_added_in_words_and_removed(org: OrgSim, post: Post) -> None:
    here = "/orgsim/automation"
    org.set_duplicate_rule("Contact", ("Email",), action="block")
    org.set_assignment_rule("registrar@orgsim.example", when="Rating = 'Hot'")
    org.limit_batches("Contact", 50)
    org.fail_saves("Lead", kind="flow")
    org.lock_for_approval(org.ids("Contact")[0])

    flow = post(here, f"{here}/flow").text
    rule = post(here, f"{here}/rule", when="Title = '<b>'", message="Not <i>so").text
    wrong = post(here, f"{here}/rule", when="Title ~ 1").text
    removed = post(here, f"{here}/remove", name="Contact_SMS_Opt_Out__c_Flow").text

    assert "A flow puts SMS_Opt_Out__c of a Contact back to what it was." in flow
    assert "A duplicate rule blocks a second Contact with the same Email." in flow
    assert "A saved Lead goes to Robin Ashdown when Rating = &#39;Hot&#39;." in flow
    assert "A Contact is refused when Title = &#39;&lt;b&gt;&#39;: “Not &lt;i&gt;so”" in rule
    assert "The org refused" in wrong
    assert "puts SMS_Opt_Out__c" not in removed


def test_the_limit_is_set_and_used_up(post: Post, client: httpx.Client) -> None:
    post("/orgsim/limits", "/orgsim/limits", name="DailyApiRequests", most="7,500")
    raised = client.get(f"{V}/limits").json()["DailyApiRequests"]["Max"]
    page = post("/orgsim/limits", "/orgsim/limits/use-up").text
    refused = client.get(f"{V}/limits")
    wrong = post("/orgsim/limits", "/orgsim/limits", most="many").text

    assert raised == 7_500
    assert "7,500 of 7,500 used" in page
    assert refused.json()[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"
    assert "The limit takes a whole number, not “many”" in wrong


def test_switches_are_saved_and_others_left(org: OrgSim, post: Post) -> None:
    before = org.switches()

    page = post("/orgsim/switches", "/orgsim/switches", locators="single_use").text
    wrong = post("/orgsim/switches", "/orgsim/switches", locators="sometimes").text

    assert org.switches() == before | {"locators": "single_use"}
    assert "Saved: locators is single_use." in page
    assert "The org refused" in wrong


def test_what_the_api_user_sees_is_changed(org: OrgSim, staff: httpx.Client, client: httpx.Client) -> None:
    key = Form(staff.get("/").text, "/orgsim/sign-out").fields
    query = "SELECT Program__c FROM Contact LIMIT 1"

    staff.post(
        "/orgsim/api-user/field", data=key | {"sobject": "Contact", "field": "Program__c", "hidden": "yes"}
    )
    hidden = soql(client, query).status_code
    staff.post(
        "/orgsim/api-user/field", data=key | {"sobject": "Contact", "field": "Program__c", "hidden": "no"}
    )
    shown = soql(client, query).status_code
    staff.post(
        "/orgsim/api-user/permission", data=key | {"sobject": "Lead", "permission": "Read", "granted": "no"}
    )
    leads = soql(client, "SELECT Id FROM Lead").status_code
    staff.post("/orgsim/api-user/revoke", data=key)

    assert (hidden, shown, leads) == (400, 200, 400)
    assert soql(client, query).status_code == 401


def test_faults_are_ordered_shown_and_cleared(post: Post, client: httpx.Client) -> None:
    here = "/orgsim/faults"

    ordered = post(here, f"{here}/fail", status="503", times="2", path="/limits").text
    statuses = [client.get(f"{V}/limits").status_code, client.get(f"{V}/sobjects").status_code]
    waits = post(here, f"{here}/slow", seconds="0.5", times="3").text
    cleared = post(here, f"{here}/clear").text

    assert "Each of the next 2 calls whose address holds “/limits” fails with 503." in ordered
    assert statuses == [503, 200]
    assert "The next call whose address holds “/limits” fails with 503." in waits
    assert "Each of the next 3 calls waits 0.5 s." in waits
    assert "every call is answered as it should be" in cleared
    assert client.get(f"{V}/limits").status_code == 200


def test_faults_do_not_hit_the_pages(org: OrgSim, staff: httpx.Client) -> None:
    org.fail_next(500, times=3)

    assert staff.get("/orgsim/faults").status_code == 200
    assert len(org.org.faults.ordered()) == 1


def test_an_order_that_makes_no_sense_is_refused(org: OrgSim, post: Post) -> None:
    here = "/orgsim/faults"

    pages = [
        post(here, f"{here}/fail", status="200"),
        post(here, f"{here}/fail", times="0"),
        post(here, f"{here}/slow", seconds="nan"),
        post(here, f"{here}/slow", seconds="-1"),
        post(here, f"{here}/clock", offset="soon"),
        post(here, f"{here}/delay", minutes="16"),
    ]

    assert all("The org refused" in page.text for page in pages)
    assert org.org.faults.ordered() == []
    assert (org.org.clock.offset_seconds, org.org.commit_delay.seconds) == (0, 0)


def test_sessions_end_and_a_refreshed_sandbox_is_another_org(
    org: OrgSim, post: Post, client: httpx.Client
) -> None:
    before = org.store.meta("org_id")

    post("/orgsim/faults", "/orgsim/faults/expire")
    ended = client.get(f"{V}/limits").status_code
    page = post("/orgsim/faults", "/orgsim/faults/sandbox").text

    assert ended == 401
    assert org.store.meta("org_id") != before
    assert org.store.meta("org_id") in page


def test_the_start_page_shows_the_latest_calls_without_what_they_asked(
    org: OrgSim, staff: httpx.Client, client: httpx.Client
) -> None:
    org.fail_next(503, path_contains="/limits")
    client.get(f"{V}/limits")
    soql(client, "SELECT Id FROM Contact WHERE LastName = 'Secretname'")

    page = staff.get("/").text

    assert "GET /services/data/v66.0/query<" in page
    assert "Ordered fault" in page
    assert "Secretname" not in page
    assert "40" in page
    assert "/orgsim/sign-in" not in page


def test_pages_cost_nothing_of_the_allowance(staff: httpx.Client, org: OrgSim) -> None:
    before = org.org.usage.header()

    staff.get("/")
    staff.get("/orgsim/limits")

    assert org.org.usage.header() == before
