"""Runs with the columns of recorded reports have the structure that was recorded: keys and JSON types."""

import json
from pathlib import Path

import httpx
import pytest

from orgsim.testing import OrgSim
from tests.contract.report_calls import REPORTS, Json, report_id
from tests.contract.shapes import differences, shape_of

RECORDED = Path(__file__).parent / "recorded"
LABELS = {
    "SALUTATION": ("Salutation", "picklist"),
    "FIRST_NAME": ("First Name", "string"),
    "LAST_NAME": ("Last Name", "string"),
    "TITLE": ("Title", "string"),
    "ADDRESS2_STREET": ("Mailing Street", "textarea"),
    "ADDRESS2_CITY": ("Mailing City", "string"),
    "ADDRESS2_STATE": ("Mailing State/Province", "string"),
    "ADDRESS2_ZIP": ("Mailing Zip/Postal Code", "string"),
    "ADDRESS2_COUNTRY": ("Mailing Country", "string"),
    "PHONE1": ("Phone", "phone"),
    "PHONE3": ("Mobile", "phone"),
    "PHONE2": ("Fax", "phone"),
    "EMAIL": ("Email", "email"),
    "OWNER_FULL_NAME": ("Account Owner", "string"),
    "ACCOUNT.NAME": ("Account Name", "string"),
}


def run_as(client: httpx.Client, version: str, name: str, **metadata: object) -> Json:
    url = f"{REPORTS}/{report_id(client, name)}".replace("v66.0", version)
    answer = client.post(url, params={"includeDetails": "true"}, json={"reportMetadata": metadata})
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


def compared(name: str, body: Json) -> dict[str, str]:
    recorded = json.loads((RECORDED / f"{name}.json").read_text())
    return differences(recorded["shape"], shape_of(body, recorded["maps"]))


def test_the_recorded_tabular_report(client: httpx.Client) -> None:
    body = run_as(client, "v29.0", "All Contacts", detailColumns=list(LABELS))

    assert compared("report-tabular", body) == {}


def test_its_columns_are_called_the_same(client: httpx.Client) -> None:
    body = run_as(client, "v29.0", "All Contacts", detailColumns=list(LABELS))

    info = body["reportExtendedMetadata"]["detailColumnInfo"]
    found = {name: (column["label"], column["dataType"]) for name, column in info.items()}
    # The street was recorded as a string; its line breaks show that it is a text area.
    assert found | {"ADDRESS2_STREET": LABELS["ADDRESS2_STREET"]} == LABELS
    assert body["reportMetadata"]["reportType"] == {"type": "ContactList", "label": "Contacts & Accounts"}


def test_the_recorded_summary(org: OrgSim, client: httpx.Client) -> None:
    org.create("Lead", LastName="Rich", Company="Bank", AnnualRevenue=50_000_000)
    metadata = {
        "detailColumns": [
            "OWNER",
            "LAST_NAME",
            "STATE",
            "RATING",
            "INDUSTRY",
            "CREATED_DATE",
            "ANNUAL_REVENUE",
        ],
        "groupingsDown": [{"name": "STATUS", "sortOrder": "Asc", "dateGranularity": "None"}],
    }

    body = run_as(client, "v29.0", "Leads by Status", **metadata)

    assert compared("report-summary", body) == {}


def test_the_newer_summary(client: httpx.Client) -> None:
    metadata = {
        "detailColumns": ["EMAIL", "PHONE3", "TITLE", "DEPARTMENT", "Contact.Program__c", "ADDRESS2_CITY"],
        "groupingsDown": [
            {"name": name} for name in ("CONTACT_OWNER", "ADDRESS2_STATE", "Contact.Program__c")
        ],
        "reportFilters": [{"column": "EMAIL", "operator": "notEqual", "value": ""}],
    }

    body = run_as(client, "v47.0", "Contacts by Owner", **metadata)

    assert compared("report-summary-newer", body) == {}


def test_the_newer_matrix(client: httpx.Client) -> None:
    metadata = {
        "groupingsDown": [{"name": name} for name in ("CONTACT_OWNER", "ADDRESS2_STATE")],
        "groupingsAcross": [{"name": name} for name in ("Contact.Program__c", "LEAD_SOURCE")],
        "detailColumns": ["EMAIL"],
    }

    found = compared(
        "report-matrix-newer", run_as(client, "v47.0", "Contacts by Program and Class", **metadata)
    )

    # The recorded report had a chart, and its type the role hierarchy; its cells were trimmed to empty ones.
    assert found.keys() <= {"$.reportMetadata.saveRoleHierarchy", "$.reportMetadata.chart"}, found


@pytest.mark.parametrize("version", ["v35.0", "v36.0"])
def test_older_metadata(client: httpx.Client, version: str) -> None:
    url = f"{REPORTS}/{report_id(client, 'All Contacts')}/describe".replace("v66.0", version)

    found = compared("report-describe", client.get(url).json())

    # The fixture leaves the attributes out that the guide documents since v29.
    expected = {"$.attributes"}
    if version == "v35.0":
        contexts = ("acrossGroupingContext", "downGroupingContext")
        expected |= {f"$.reportExtendedMetadata.aggregateColumnInfo.*.{name}" for name in contexts}
        expected |= {
            f"$.reportMetadata.{name}"
            for name in ("crossFilters", "supportsRoleHierarchy", "userOrHierarchyFilterId")
        }
    assert found.keys() == expected, found
