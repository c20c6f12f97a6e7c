"""A record is stored the same whether it came as JSON of a query or as CSV of Bulk."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from carillon.imports.mapping import Batch, Mapper
from carillon.imports.plan import MappedField
from carillon.imports.values import NUMBERS, contact_types
from carillon.salesforce.bulk.csv_records import batches
from tests.unit.imports.plans import ID, USER, mapped, plan_with, record

TYPES = [
    "string",
    "textarea",
    "email",
    "phone",
    "url",
    "int",
    "long",
    "double",
    "currency",
    "percent",
    "date",
    "datetime",
    "time",
    "boolean",
    "picklist",
    "multipicklist",
    "combobox",
    "reference",
    "id",
    "encryptedstring",
]
# Each type to each contact field that can hold it.
PLAN = plan_with(
    *(
        MappedField(f"{kind.title()}__c", kind, f"{kind}_{target}", target)
        for kind in TYPES
        for target in contact_types(kind)
    ),
    MappedField("Owner.Name", "string", "owner", "text"),
    MappedField("Account.Owner.Age__c", "double", "age", "number"),
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
values: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "date": st.dates().map(date.isoformat),
    "datetime": st.integers(0, 10**10).map(
        lambda seconds: f"{EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.000+0000"
    ),
    "time": st.times().map(lambda at: f"{at:%H:%M:%S}.000Z"),
    **dict.fromkeys(NUMBERS, st.decimals(-(10**17), 10**17, places=3, allow_nan=False)),
}
any_record = st.fixed_dictionaries(
    {f"{kind.title()}__c": st.none() | values.get(kind, texts) for kind in TYPES}
)


def as_json(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def as_csv(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).replace("+0000", "Z") if str(value).endswith(".000+0000") else str(value)


def by_csv(values: dict[str, Any]) -> Batch:
    fields = {name: value for name, value in record(**values).items() if name != "attributes"}
    written = io.StringIO()
    writer = csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow([*fields, "Owner.Name", "Account.Owner.Age__c"])
    writer.writerow([*map(as_csv, fields.values()), "Ada", "41.0"])
    mapper = Mapper(PLAN)
    (records,) = batches(written.getvalue().encode(), mapper.record)
    return mapper.page(records)


@given(values=any_record)
@settings(max_examples=40)
def test_a_record_is_stored_the_same_from_json_and_from_csv(values: dict[str, Any]) -> None:
    sent = {name: as_json(value) for name, value in values.items()}
    # A float holds no more than fifteen digits for sure.
    same = {
        name: Decimal(repr(sent[name])) if isinstance(value, Decimal) else value
        for name, value in values.items()
    }

    json_batch = mapped(PLAN, record(**sent, Owner={"Name": "Ada"}, Account={"Owner": {"Age__c": 41.0}}))

    csv_batch = by_csv(same)
    (from_json,), (from_csv,) = json_batch.rows, csv_batch.rows
    assert json.loads(from_json.fields, parse_float=Decimal) == json.loads(
        from_csv.fields, parse_float=Decimal
    )
    assert from_json.salesforce_id == from_csv.salesforce_id == ID
    assert (from_json.last_modified_by_id, from_csv.last_modified_by_id) == (USER, USER)
    assert {issue[1:] for issue in json_batch.issues if issue.field in sent} == {
        issue[1:] for issue in csv_batch.issues if issue.field in sent
    }
