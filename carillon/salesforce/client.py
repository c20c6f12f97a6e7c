"""The client of one Salesforce org: a thin typed layer over the transport.

It raises only SalesforceError and gives out frozen dataclasses and the caller's own record type.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from carillon.salesforce.auth import ClientCredentials as ClientCredentials
from carillon.salesforce.auth import Session as Session
from carillon.salesforce.bulk.resource import Bulk
from carillon.salesforce.caller import Caller
from carillon.salesforce.describes import FieldDescribe as FieldDescribe
from carillon.salesforce.describes import ObjectDescribe as ObjectDescribe
from carillon.salesforce.describes import PicklistValue as PicklistValue
from carillon.salesforce.describes import describe_of
from carillon.salesforce.errors import FieldNotFound, MalformedAnswer, QueryRejected
from carillon.salesforce.hosts import check_host, is_local
from carillon.salesforce.ids import to_18
from carillon.salesforce.kinds import CallKind
from carillon.salesforce.listviews import ListViewColumn as ListViewColumn
from carillon.salesforce.listviews import ListViewDescription as ListViewDescription
from carillon.salesforce.listviews import ListViewSummary as ListViewSummary
from carillon.salesforce.listviews import description_of, result_ids_of, summaries_of, view_error_of
from carillon.salesforce.orgs import Limit as Limit
from carillon.salesforce.orgs import Organization as Organization
from carillon.salesforce.orgs import (
    OrganizationRow,
    limits_of,
    organization_of,
    user_info_error_of,
    user_info_of,
    versions_of,
)
from carillon.salesforce.orgs import UserInfo as UserInfo
from carillon.salesforce.orgs import Version as Version
from carillon.salesforce.pages import QueryPage as QueryPage
from carillon.salesforce.pages import check_new, page_decoder
from carillon.salesforce.records.fates import Fate
from carillon.salesforce.records.following import living
from carillon.salesforce.records.resource import Records
from carillon.salesforce.reports.resource import Reports
from carillon.salesforce.transport import Call, Retry, Transport

PERSON_ACCOUNT_FIELD = "IsPersonAccount"
# An address of more bytes is refused by Salesforce (16,384 with the headers).
LONGEST_PATH = 15_000
_ORGANIZATION_FIELDS = (
    "Id, Name, InstanceName, IsSandbox, TimeZoneSidKey",
    "Id, Name, IsSandbox",
    "Id, Name",
)

T = TypeVar("T")


class Client:
    """Use as a context manager or call close(). `transport` holds counts, usage and the org's clock.

    `allow_local` admits a simulated org on this machine; `should_stop` is asked while waiting to try again, `permit`
    before each call that the org counts.
    """

    def __init__(
        self,
        *,
        host: str,
        credentials: ClientCredentials,
        allow_local: bool = False,
        api_version: str = "66.0",
        retry: Retry | None = None,
        should_stop: Callable[[], bool] | None = None,
        permit: Callable[[], None] | None = None,
    ) -> None:
        if not re.fullmatch(r"\d{2,3}\.0", api_version, re.ASCII):
            raise ValueError(f"{api_version!r} is no version of the Salesforce API; they look like 66.0")
        origin = check_host(host, allow_local=allow_local)
        self.transport = Transport(origin, retry=retry, should_stop=should_stop, permit=permit)
        self._base = f"/services/data/v{api_version}"
        # A token from a real org may not send its calls to this machine, whatever the caller allows.
        self._caller = Caller(self.transport, credentials, allow_local=is_local(origin), base=self._base)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.transport.close()

    @property
    def session(self) -> Session:
        return self._caller.session

    def sign_in(self) -> Session:
        """A new session, replacing the one before."""
        return self._caller.sign_in()

    @property
    def bulk(self) -> Bulk:
        """Queries as jobs, for reads of many records."""
        return Bulk(self._caller)

    @property
    def records(self) -> Records:
        """Records by id: read, changed and created."""
        return Records(self._caller)

    @property
    def reports(self) -> Reports:
        """Reports in folders shared with the API user."""
        return Reports(self._caller, self.query)

    def versions(self) -> list[Version]:
        """The API versions of the org, oldest first; needs no session."""
        call = Call(kind=CallKind.VERSIONS, path="/services/data/")
        return self.transport.send(call, lambda answer: versions_of(answer.body))

    def limits(self) -> dict[str, Limit]:
        return self._caller.get(CallKind.LIMITS, f"{self._base}/limits", limits_of)

    def user_info(self) -> UserInfo:
        call = Call(kind=CallKind.USER_INFO, path="/services/oauth2/userinfo", refuse=user_info_error_of)
        return self._caller.send(call, lambda answer: user_info_of(answer.body))

    def organization(self) -> Organization:
        """The org's own row, with as many of its fields as the API user may read."""
        *wished, least = _ORGANIZATION_FIELDS
        for fields in wished:
            try:
                return self._organization(fields)
            except FieldNotFound:
                continue
        return self._organization(least)

    def describe(self, sobject: str) -> ObjectDescribe:
        return self._caller.get(CallKind.DESCRIBE, f"{self._object_path(sobject)}/describe", describe_of)

    def has_person_accounts(self) -> bool:
        """Whether contacts of this org may be the shadow of an account: the field exists only where they are on."""
        return self.describe("Contact").field(PERSON_ACCOUNT_FIELD) is not None

    def list_views(self, sobject: str) -> list[ListViewSummary]:
        """All list views of an object that the API user can see."""
        views: list[ListViewSummary] = []
        path, seen = f"{self._object_path(sobject)}/listviews", set[str]()
        while path:
            check_new(path, seen)
            page, path = self._caller.get(CallKind.LIST_VIEWS, path, summaries_of)
            views += page
        return views

    def list_view(self, sobject: str, view_id: str) -> ListViewDescription:
        """Raises NotFound when the view is gone or no longer shared with the API user."""
        return self._of_view(
            CallKind.LIST_VIEW, f"{self._view_path(sobject, view_id)}/describe", description_of
        )

    def list_view_result_ids(self, sobject: str, view_id: str, limit: int = 2000) -> tuple[list[str], bool]:
        """Ids of the first rows as Salesforce itself runs the view, and whether these are all of them."""
        path = f"{self._view_path(sobject, view_id)}/results?limit={limit}"
        return self._of_view(CallKind.LIST_VIEW_RESULTS, path, result_ids_of)

    def _of_view(self, kind: str, path: str, decode: Callable[[bytes], T]) -> T:
        call = Call(kind=kind, path=path, refuse=view_error_of)
        return self._caller.send(call, lambda answer: decode(answer.body))

    def count(self, soql: str) -> int:
        """The count of a `SELECT COUNT() FROM ...` query."""
        return self._caller.call(
            CallKind.COUNT, self._query_path("query", soql), page_decoder(msgspec.Raw)
        ).total_size

    def query(self, soql: str, record: type[T], *, all_rows: bool = False) -> Iterator[QueryPage[T]]:
        """The pages of a query in turn, each asked for when wanted; `all_rows` includes deleted records.

        `record` is a msgspec.Struct type; records that do not fit it come as msgspec.Raw. The size of a page is
        the org's choice. Raises LocatorExpired when too long passes between pages.
        """
        path = self._query_path("queryAll" if all_rows else "query", soql)
        decode = page_decoder(record)
        seen: set[str] = set()
        while path:
            check_new(path, seen)
            page = self._caller.call(CallKind.QUERY_MORE if len(seen) > 1 else CallKind.QUERY, path, decode)
            path = page.next_path
            yield QueryPage(page.records, page.total_size, len(seen), not path, page.answered_at, page.bytes)

    def query_all(self, soql: str, record: type[T]) -> Iterator[QueryPage[T]]:
        """As `query`, with deleted and merged records among the rows."""
        return self.query(soql, record, all_rows=True)

    def living(self, sobject: str, ids: Sequence[str]) -> dict[str, Fate]:
        """Where each record lives on, by its 18-character id: merged and converted records are followed."""
        return living(self.query_all, sobject, ids)

    def _organization(self, fields: str) -> Organization:
        soql = " ".join(("SELECT", fields, "FROM Organization"))
        for page in self.query(soql, OrganizationRow):
            for row in page.records:
                if isinstance(row, OrganizationRow):
                    return organization_of(row)
        raise MalformedAnswer("Salesforce did not say which org this is.")

    def _object_path(self, sobject: str) -> str:
        return f"{self._base}/sobjects/{quote(sobject, safe='')}"

    def _view_path(self, sobject: str, view_id: str) -> str:
        return f"{self._object_path(sobject)}/listviews/{to_18(view_id)}"

    def _query_path(self, resource: str, soql: str) -> str:
        path = f"{self._base}/{resource}?{urlencode({'q': soql})}"
        if len(path) > LONGEST_PATH:
            raise QueryRejected("URI_TOO_LONG", "the query is longer than Salesforce accepts in an address")
        return path
