"""Records of a bulk result become what pages would have brought."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from carillon.imports.csv_values import page_form
from carillon.imports.mapping import Mapper
from carillon.imports.plan import MappedField
from carillon.salesforce.bulk.csv_records import batches
from tests.unit.imports.plans import ID, MODIFIED, STAMP, USER, mapped, plan_with, record

KINDS = (
    MappedField("Seen__c", "datetime", "seen", "text"),
    MappedField("Owner.LastLoginDate", "datetime", "login", "text"),
    MappedField("Account.Owner.CreatedDate", "datetime", "made", "datetime"),
    MappedField("Note__c", "string", "note", "text"),
    MappedField("Born__c", "date", "born", "date"),
    MappedField("Fee__c", "currency", "fee", "number"),
    MappedField("Share__c", "percent", "share", "text"),
    MappedField("Ok__c", "boolean", "ok", "yes_no"),
)
MOMENT = "2026-05-01T07:25:37.000"


def csv_of(plan: object, values: dict[str, object], ending: str) -> bytes:
    """As Salesforce prints a record: all values quoted, null as nothing, dates with time in the form of CSV."""

    def text(value: object) -> str:
        if value is None:
            return ""
        if isinstance(value, bool):
            return str(value).lower()
        return str(value).replace("+0000", ending).replace('"', '""')

    heads = ",".join(f'"{name}"' for name in values)
    return (heads + "\n" + ",".join(f'"{text(value)}"' for value in values.values()) + "\n").encode()


@given(
    note=st.one_of(st.none(), st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)),
    fee=st.one_of(st.none(), st.integers(-(10**9), 10**9), st.floats(-1e9, 1e9)),
    share=st.one_of(st.none(), st.sampled_from([0, 12.5, 100])),
    ok=st.sampled_from([None, True, False]),
    seen=st.sampled_from([None, f"{MOMENT}+0000"]),
    login=st.sampled_from([None, f"{MOMENT}+0000"]),
    ending=st.sampled_from(["Z", "+0000"]),
)
def test_both_ways_make_the_same_rows(
    note: str | None,
    fee: float | None,
    share: float | None,
    ok: bool | None,
    seen: str | None,
    login: str | None,
    ending: str,
) -> None:
    plan = plan_with(*KINDS)
    own = {
        "Seen__c": seen,
        "Note__c": note,
        "Born__c": "1999-12-31",
        "Fee__c": fee,
        "Share__c": share,
        "Ok__c": ok,
    }
    whole = record(**own, Owner={"LastLoginDate": login}, Account=None)
    flat = {name: whole[name] for name in plan.selected if "." not in name}
    flat |= {"Owner.LastLoginDate": login, "Account.Owner.CreatedDate": None}
    # The text of a note is nobody's date.
    if note and "+0000" in note:
        return

    mapper = Mapper(plan)
    [records] = batches(csv_of(plan, flat, ending), mapper.record)
    page_form(plan)(records)

    by_job, by_page = mapper.page(records), mapped(plan, whole)
    assert [_alike(row) for row in by_job.rows] == [_alike(row) for row in by_page.rows]
    assert by_job.issues == by_page.issues


def _alike(row: object) -> tuple[object, ...]:
    """The moments of the record itself go into columns of the database that know their zone."""
    assert isinstance(row, tuple)
    return tuple(value.replace("Z", "+0000") if value in _MOMENTS else value for value in row)


_MOMENTS = {moment.replace("+0000", "Z") for moment in (STAMP, MODIFIED)}


def test_records_that_fit_no_type_are_left_as_they_are() -> None:
    plan = plan_with(*KINDS)
    raw = msgspec.Raw(b'{"Id": "' + ID.encode() + b'"}')
    records = [raw]

    page_form(plan)(records)

    assert records == [raw]


def test_a_plan_without_moments_has_nothing_to_rewrite() -> None:
    made = Mapper(plan_with()).record(Id=ID, SystemModstamp=f"{MOMENT}Z", LastModifiedById=USER)
    before = msgspec.to_builtins(made)

    page_form(plan_with())([made])

    assert msgspec.to_builtins(made) == before
