"""A plan of the usual mapping, records as Salesforce sends them, and the way from the one to the other."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from carillon.imports.mapping import Batch, Mapper
from carillon.imports.plan import ImportPlan, MappedField
from carillon.salesforce.ids import to_18
from carillon.salesforce.pages import page_decoder
from carillon.salesforce.soql import parse_list_view_query
from carillon.salesforce.transport import Answer

ID = to_18("003D000000QzXyA")
NEIGHBOUR = to_18("003D000000QzXyB")
USER = to_18("005D0000001AbCd")
STAMP = "2026-05-01T07:25:37.000+0000"
MODIFIED = "2026-04-30T18:00:00.000+0000"

PLAN = ImportPlan(
    object="Contact",
    region="US",
    query=parse_list_view_query("SELECT Name FROM Contact WHERE MobilePhone != null"),
    first_name="Preferred_Name__c",
    first_name_fallback="FirstName",
    last_name="LastName",
    mobile_number="MobilePhone",
    user_identification="OwnerId",
    additional=(),
    types={},
)


def plan_with(*mapped: MappedField, **changes: Any) -> ImportPlan:
    types = {field.salesforce: field.salesforce_type for field in mapped}
    return replace(PLAN, **{"additional": mapped, "types": types, **changes})


def record(**values: Any) -> dict[str, Any]:
    return {
        "attributes": {"type": "Contact", "url": f"/services/data/v66.0/sobjects/Contact/{ID}"},
        "Id": ID,
        "SystemModstamp": STAMP,
        "LastModifiedDate": MODIFIED,
        "LastModifiedById": USER,
        "Preferred_Name__c": None,
        "FirstName": "Ada",
        "LastName": "Lovelace",
        "MobilePhone": "(212) 555-0123",
        "OwnerId": USER,
        **values,
    }


def mapped(plan: ImportPlan, *records: dict[str, Any]) -> Batch:
    """What an import makes of a page of these records, from its bytes on."""
    mapper = Mapper(plan)
    body = json.dumps({"totalSize": len(records), "done": True, "records": records}).encode()
    page = page_decoder(mapper.record)(Answer(body, datetime(2026, 5, 2, tzinfo=UTC)))
    return mapper.page(page.records)
