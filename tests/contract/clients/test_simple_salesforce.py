"""The simulated org seen by simple-salesforce, a client that many integrations use."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceError,
    SalesforceExpiredSession,
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)

from orgsim.staff import API_USERNAME, CLIENT_ID, CLIENT_SECRET
from orgsim.testing import OrgSim
from tests.contract.clients.conftest import PASSWORD, SECURITY_TOKEN

# It also speaks versions that orgs have retired since.
_VERSIONS = ["20.0", "29.0", "42.0", "59.0", "64.0"]

ToOrg = Callable[[OrgSim], requests.Session]


class TestSignIn:
    @pytest.mark.parametrize("version", _VERSIONS)
    def test_by_password_and_security_token(self, shared_org: OrgSim, to_org: ToOrg, version: str) -> None:
        sf = Salesforce(
            username=API_USERNAME,
            password=PASSWORD,
            security_token=SECURITY_TOKEN,
            session=to_org(shared_org),
            version=version,
        )

        assert sf.query("SELECT COUNT() FROM Contact")["totalSize"] == 4_500
        assert sf.is_sandbox() is False

    def test_by_password_and_organization(self, shared_org: OrgSim, to_org: ToOrg) -> None:
        org_id = shared_org.org.store.meta("org_id")

        sf = Salesforce(
            username=API_USERNAME, password=PASSWORD, organizationId=org_id, session=to_org(shared_org)
        )

        assert sf.limits()["DailyApiRequests"]["Max"] > 0

    def test_by_password_and_connected_app(self, shared_org: OrgSim, to_org: ToOrg) -> None:
        sf: Any = Salesforce(
            username=API_USERNAME,
            password=PASSWORD,
            consumer_key=CLIENT_ID,
            consumer_secret=CLIENT_SECRET,
            session=to_org(shared_org),
        )

        assert sf.Contact.metadata()["objectDescribe"]["name"] == "Contact"

    def test_by_client_credentials(self, reading_sf: Any) -> None:
        assert reading_sf.limits()["DailyApiRequests"]["Max"] > 0
        assert reading_sf.api_usage["api-usage"].used > 0

    def test_refusals_are_its_own_exception(self, shared_org: OrgSim, to_org: ToOrg) -> None:
        session = to_org(shared_org)
        with pytest.raises(SalesforceAuthenticationFailed) as wrong_password:
            Salesforce(username=API_USERNAME, password="wrong", security_token="", session=session)
        with pytest.raises(SalesforceAuthenticationFailed) as wrong_secret:
            Salesforce(consumer_key=CLIENT_ID, consumer_secret="wrong", domain="acme.my", session=session)
        with pytest.raises(SalesforceAuthenticationFailed) as too_new:
            Salesforce(
                username=API_USERNAME,
                password=PASSWORD,
                security_token=SECURITY_TOKEN,
                version="65.0",
                session=session,
            )

        assert "INVALID_LOGIN" in str(wrong_password.value.code)
        assert wrong_secret.value.code == "invalid_client"
        assert "INVALID_OPERATION" in str(too_new.value.code)

    def test_a_switch_turns_password_sign_in_off(self, org: OrgSim, to_org: ToOrg) -> None:
        org.switch("password_sign_in", "off")

        with pytest.raises(SalesforceAuthenticationFailed, match="disabled by default in this org"):
            Salesforce(
                username=API_USERNAME,
                password=PASSWORD,
                security_token=SECURITY_TOKEN,
                session=to_org(org),
            )

    def test_a_lost_session_is_renewed(self, org: OrgSim, sf: Any) -> None:
        org.expire_sessions()

        assert sf.query("SELECT COUNT() FROM Contact")["totalSize"] == 40


class TestReading:
    def test_every_page_of_a_query(self, reading_sf: Any) -> None:
        result = reading_sf.query_all("SELECT Id, Name, Owner.Name, Account.Name FROM Contact ORDER BY Id")

        ids = [record["Id"] for record in result["records"]]
        assert len(set(ids)) == len(ids) == result["totalSize"] == 4_500

    def test_pages_by_identifier(self, reading_sf: Any) -> None:
        first = reading_sf.query("SELECT Id FROM Contact")
        locator = first["nextRecordsUrl"].rsplit("/", 1)[1]

        second = reading_sf.query_more(locator)

        assert (first["done"], len(first["records"]), len(second["records"])) == (False, 2_000, 2_000)

    def test_deleted_records_are_among_all(self, org: OrgSim, sf: Any) -> None:
        gone = org.ids("Contact")[3]
        sf.Contact.delete(gone)

        living = sf.query_all("SELECT Id FROM Contact")
        everyone = sf.query_all("SELECT Id, IsDeleted FROM Contact", include_deleted=True)

        assert living["totalSize"] == 39
        assert [r["Id"] for r in everyone["records"] if r["IsDeleted"]] == [gone]

    def test_a_lazy_query(self, reading_sf: Any) -> None:
        records = reading_sf.query_all_iter("SELECT LastName FROM Lead")

        assert len([record["LastName"] for record in records]) == 300

    def test_describes(self, reading_sf: Any) -> None:
        everything, contact = reading_sf.describe(), reading_sf.Contact.describe()

        assert {"Account", "Contact", "Lead", "Task", "User"} <= {s["name"] for s in everything["sobjects"]}
        assert {"LastName", "MobilePhone"} <= {field["name"] for field in contact["fields"]}

    def test_any_resource_by_its_path(self, reading_sf: Any) -> None:
        views = reading_sf.restful("sobjects/Contact/listviews")
        reports = reading_sf.restful("analytics/reports")

        assert views["listviews"][0]["soqlCompatible"] in (True, False)
        assert reports[0]["name"] == "All Contacts"

    def test_bulk_query(self, reading_sf: Any) -> None:
        pages = list(reading_sf.bulk2.Contact.query("SELECT Id, LastName FROM Contact", max_records=2_000))

        lines = [line for page in pages for line in page.splitlines()[1:]]
        assert (len(pages), len(lines)) == (3, 4_500)


class TestWriting:
    def test_a_record_through_its_life(self, sf: Any) -> None:
        made = sf.Contact.create({"FirstName": "Amina", "LastName": "Osei", "SMS_Opt_Out__c": False})
        record_id = made["id"]
        changed = sf.Contact.update(record_id, {"SMS_Opt_Out__c": True})
        read = sf.Contact.get(record_id)
        deleted = sf.Contact.delete(record_id)

        assert (made["success"], made["errors"], changed, deleted) == (True, [], 204, 204)
        assert (read["Name"], read["SMS_Opt_Out__c"]) == ("Amina Osei", True)
        with pytest.raises(SalesforceResourceNotFound):
            sf.Contact.get(record_id)

    def test_deleted_and_updated_since(self, org: OrgSim, sf: Any) -> None:
        gone, changed = org.ids("Contact")[:2]
        sf.Contact.delete(gone)
        sf.Contact.update(changed, {"Title": "Dean"})
        end = datetime.now(UTC) + timedelta(minutes=2)
        start = end - timedelta(hours=1)

        deleted = sf.Contact.deleted(start, end)
        updated = sf.Contact.updated(start, end)

        assert [record["id"] for record in deleted["deletedRecords"]] == [gone]
        assert changed in updated["ids"]

    def test_collections(self, org: OrgSim, sf: Any) -> None:
        first, second = org.ids("Contact")[:2]
        records = [
            {"attributes": {"type": "Contact"}, "id": first, "SMS_Opt_Out__c": True},
            {"attributes": {"type": "Contact"}, "id": second, "FirstName": "x" * 41},
        ]

        answer = sf.restful("composite/sobjects", method="PATCH", json={"records": records})

        assert [item["success"] for item in answer] == [True, False]
        assert answer[1]["errors"][0]["statusCode"] == "STRING_TOO_LONG"
        assert "id" not in answer[1]


class TestErrors:
    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (403, SalesforceRefusedRequest),
            (404, SalesforceResourceNotFound),
            (500, SalesforceGeneralError),
            (503, SalesforceGeneralError),
        ],
    )
    def test_by_status(self, org: OrgSim, sf: Any, status: int, kind: type[SalesforceError]) -> None:
        org.fail_next(status)

        with pytest.raises(kind) as refusal:
            sf.query("SELECT Id FROM Contact")
        errors: Any = refusal.value.content
        assert errors[0]["errorCode"]

    def test_a_bad_query_is_malformed(self, sf: Any) -> None:
        with pytest.raises(SalesforceMalformedRequest) as refusal:
            sf.query("SELECT No_Such__c FROM Contact")

        errors: Any = refusal.value.content
        assert errors[0]["errorCode"] == "INVALID_FIELD"

    def test_a_session_that_cannot_be_renewed(self, org: OrgSim, to_org: ToOrg) -> None:
        sf = Salesforce(session_id="dead", instance="acme.my.salesforce.com", session=to_org(org))

        with pytest.raises(SalesforceExpiredSession):
            sf.query("SELECT Id FROM Contact")

    def test_an_external_id_of_several_records(self, org: OrgSim, sf: Any) -> None:
        for record_id in org.ids("Contact")[:2]:
            sf.Contact.update(record_id, {"Student_ID__c": "S-1"})

        with pytest.raises(SalesforceMoreThanOneRecord):
            sf.Contact.upsert("Student_ID__c/S-1", {"LastName": "Osei"})

    def test_bulk_1_is_not_enabled(self, sf: Any) -> None:
        with pytest.raises(SalesforceMalformedRequest) as refusal:
            sf.bulk.Contact.query("SELECT Id FROM Contact")

        assert "FeatureNotEnabled" in str(refusal.value.content)
