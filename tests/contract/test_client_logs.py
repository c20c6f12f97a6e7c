"""Whatever fails, no log line and no error that goes on carries a secret, a token, a query or a value of a record."""

import logging
from collections.abc import Callable

import msgspec
import pytest

from carillon.salesforce.client import Client, ClientCredentials
from carillon.salesforce.errors import SalesforceError
from carillon.salesforce.records.writing import NewRecord, RecordUpdate
from carillon.salesforce.reports.request import Condition
from carillon.salesforce.transport import Retry
from orgsim.staff import CLIENT_ID, CLIENT_SECRET
from orgsim.testing import OrgSim

VALUE = "Zanzibarova"
WHERE = f"LastName = '{VALUE}'"


class _Row(msgspec.Struct):
    Id: str


def _report(client: Client, org: OrgSim) -> None:
    found = next(report.id for report in client.reports.find("All Contacts"))
    report = client.reports.describe(found)
    where = (Condition("LAST_NAME", "equals", VALUE),)
    _break(org)
    list(client.reports.rows(report, "Contact", where=where))


def _break(org: OrgSim) -> None:
    org.fail_next(503, times=500)


def _query(client: Client, org: OrgSim) -> None:
    _break(org)
    list(client.query(f"SELECT Id FROM Contact WHERE {WHERE}", _Row))


def _bulk(client: Client, org: OrgSim) -> None:
    _break(org)
    client.bulk.create(f"SELECT Id FROM Contact WHERE {WHERE}")


def _bulk_read(client: Client, org: OrgSim) -> None:
    org.edit(org.ids("Contact")[0], LastName=VALUE)
    org.mangle(lambda path, body: body[:-4] if "/results" in path else body)
    list(client.bulk.read(f"SELECT Id, LastName FROM Contact WHERE {WHERE}", _Row, seconds=10))


def _update(client: Client, org: OrgSim) -> None:
    _break(org)
    client.records.update("Contact", org.ids("Contact")[0], {"LastName": VALUE})


def _many(client: Client, org: OrgSim) -> None:
    _break(org)
    for outcome in client.records.update_many(
        [RecordUpdate("Contact", org.ids("Contact")[0], {"LastName": VALUE})]
    ):
        raise outcome.error  # type: ignore[union-attr]


def _lost(client: Client, org: OrgSim) -> None:
    org.drop_connection(500)
    for outcome in client.records.create_many([NewRecord("Contact", {"LastName": VALUE})]):
        raise outcome.error  # type: ignore[union-attr]


def _signing_in(client: Client, org: OrgSim) -> None:
    org.revoke()
    org.refuse_sign_ins("ip_restricted")
    client.limits()


@pytest.mark.parametrize(
    "fail", [_report, _query, _bulk, _bulk_read, _update, _many, _lost, _signing_in], ids=lambda f: f.__name__
)
def test_a_failure_tells_nothing_it_should_not(
    org: OrgSim, caplog: pytest.LogCaptureFixture, fail: Callable[[Client, OrgSim], None]
) -> None:
    caplog.set_level(logging.DEBUG)
    client = Client(
        host=org.url,
        credentials=ClientCredentials(CLIENT_ID, CLIENT_SECRET),
        allow_local=True,
        retry=Retry(budget_seconds=30, first_wait=0.01, longest_wait=0.02, most_attempts=2),
    )
    with client:
        token = client.session.access_token
        with pytest.raises(SalesforceError) as raised:
            fail(client, org)

    error = raised.value
    said = [*(record.getMessage() for record in caplog.records), str(error), repr(error), error.remedy]
    for secret in (CLIENT_SECRET, token, VALUE):
        assert not [line for line in said if secret in line]
    # What came before an error would bring the request along into a report of it.
    assert error.__cause__ is None
    assert isinstance(error.__context__, SalesforceError | None)
