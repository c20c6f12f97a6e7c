"""Changes of the Salesforce connection, each with its audit entry; secrets never enter an audit entry."""

from dataclasses import asdict, dataclass

from django.conf import settings
from django.db import transaction

from carillon.accounts.actions import audit
from carillon.accounts.models import Member, Workspace
from carillon.connections.clients import OtherOrg, client_for, sealer, sign_in
from carillon.connections.models import ConnectionState, SalesforceConnection
from carillon.connections.permissions import PermissionCheck, Uses, check_permissions
from carillon.connections.usage import recorded
from carillon.lib.clock import now
from carillon.lib.errors import CarillonError
from carillon.salesforce.client import Client
from carillon.salesforce.errors import HostRefused, SalesforceError
from carillon.salesforce.hosts import check_host
from carillon.salesforce.transport import Retry

# The largest orgs may make a few million calls a day.
MOST_CALLS = 100_000_000
USAGE = ("org_calls_used", "org_calls_limit", "org_calls_at")


class ConnectionInvalid(CarillonError):
    """What was entered cannot be saved; `field` is host, client_id, client_secret, cap or reserve."""

    def __init__(self, field: str, sentence: str, remedy: str = "") -> None:
        super().__init__(sentence, remedy)
        self.field = field


@dataclass(frozen=True, slots=True)
class ConnectionReport:
    """What *Test connection* found. When `ok` is False, `error` and `remedy` say why."""

    ok: bool
    org_name: str = ""
    org_id: str = ""
    api_user: str = ""
    api_version: str = ""
    calls_used: int | None = None
    calls_limit: int | None = None
    checks: tuple[PermissionCheck, ...] = ()
    error: str = ""
    remedy: str = ""


def checked_host(host: str) -> str:
    """The origin of an org's host. Raises ConnectionInvalid."""
    try:
        return check_host(host, allow_local=settings.ALLOW_LOCAL_ORG)
    except HostRefused as error:
        raise ConnectionInvalid("host", str(error), error.remedy) from None


@transaction.atomic
def save_connection(
    *, workspace: Workspace, host: str, client_id: str, client_secret: str, by: Member | None
) -> SalesforceConnection:
    """Saves how to sign in; an empty secret keeps the old one. Raises ConnectionInvalid."""
    origin = checked_host(host)
    client_id = client_id.strip()
    if not client_id:
        raise ConnectionInvalid("client_id", "The client id is missing.", "It is the app's consumer key.")
    existing = SalesforceConnection.objects.select_for_update().filter(workspace=workspace).first()
    connection = existing or SalesforceConnection(workspace=workspace)
    if not (client_secret or connection.client_secret_sealed):
        raise ConnectionInvalid(
            "client_secret", "The client secret is missing.", "It is the consumer secret."
        )
    if existing and origin != existing.host:
        if not client_secret:
            raise ConnectionInvalid(
                "client_secret",
                "The host is another one, so the client secret must be entered again.",
                "The secret saved here belongs to the other host and is never sent elsewhere.",
            )
        connection.org_name, connection.api_user, connection.last_tested_at = "", "", None
        _forget_usage(connection)
    if client_secret:
        connection.client_secret_sealed = sealer().seal(client_secret)
    before = {"host": connection.host, "client_id": connection.client_id}
    connection.host, connection.client_id = origin, client_id
    connection.state, connection.other_org_id = ConnectionState.UNTESTED, ""
    connection.last_error, connection.updated_at = "", now()
    connection.save()
    audit(
        workspace,
        by,
        "connection saved",
        origin,
        {
            "before": before if existing else None,
            "after": {"host": origin, "client_id": client_id},
            "secret": "replaced" if client_secret else "kept",
        },
    )
    return connection


def _forget_usage(connection: SalesforceConnection) -> None:
    """Another org has another limit."""
    connection.org_calls_used = connection.org_calls_limit = connection.org_calls_at = None


@dataclass(frozen=True, slots=True)
class Allowance:
    """What imports may use of the org's API calls in 24 hours: a share of its limit in percent, or a number of calls,
    exactly one of them; and how many of the org's calls they leave to opt-outs."""

    cap_percent: int | None = 20
    cap_calls: int | None = None
    reserve: int = 500


def allowance_of(connection: SalesforceConnection) -> Allowance:
    return Allowance(connection.import_cap_percent, connection.import_cap_calls, connection.reserve_calls)


@transaction.atomic
def set_allowance(*, connection: SalesforceConnection, allowance: Allowance, by: Member | None) -> None:
    """Holds from the next API call on, also for imports under way. Raises ConnectionInvalid."""
    _check_allowance(allowance)
    connection = SalesforceConnection.objects.select_for_update().get(pk=connection.pk)
    before, after = asdict(allowance_of(connection)), asdict(allowance)
    if after == before:
        return
    connection.import_cap_percent, connection.import_cap_calls = allowance.cap_percent, allowance.cap_calls
    connection.reserve_calls = allowance.reserve
    connection.save(update_fields=["import_cap_percent", "import_cap_calls", "reserve_calls"])
    audit(
        connection.workspace,
        by,
        "API budget changed",
        connection.host,
        {"before": before, "after": after},
    )


def _check_allowance(allowance: Allowance) -> None:
    if (allowance.cap_percent is None) == (allowance.cap_calls is None):
        raise ConnectionInvalid("cap", "The cap is either a share of the org's limit or a number of calls.")
    if allowance.cap_percent is not None and not 1 <= allowance.cap_percent <= 100:
        raise ConnectionInvalid("cap", "A share is from 1 % to 100 % of the org's limit.")
    if allowance.cap_calls is not None and not 1 <= allowance.cap_calls <= MOST_CALLS:
        raise ConnectionInvalid("cap", f"A number of calls is from 1 to {MOST_CALLS:,}.")
    if not 0 <= allowance.reserve <= MOST_CALLS:
        raise ConnectionInvalid("reserve", f"The reserve is from 0 to {MOST_CALLS:,} calls.")


def test_connection(*, connection: SalesforceConnection, by: Member | None, uses: Uses) -> ConnectionReport:
    """Signs in and looks around; Salesforce trouble becomes the report. Remembers the outcome."""
    try:
        # A person waits for this page: give up sooner than an import would.
        with (
            client_for(connection, retry=Retry(budget_seconds=4, read_timeout=15)) as client,
            recorded(client, connection),
        ):
            sign_in(client, connection)
            report = _look_around(client, connection.api_version, uses)
    except OtherOrg as error:
        return ConnectionReport(ok=False, error=error.sentence, remedy=error.remedy)
    except (SalesforceError, CarillonError) as error:
        sentence = error.sentence if isinstance(error, CarillonError) else str(error)
        SalesforceConnection.objects.filter(pk=connection.pk).update(
            state=ConnectionState.FAILING, other_org_id="", last_error=sentence, last_tested_at=now()
        )
        return ConnectionReport(ok=False, error=sentence, remedy=error.remedy)
    SalesforceConnection.objects.filter(pk=connection.pk).update(
        state=ConnectionState.CONNECTED,
        other_org_id="",
        last_error="",
        org_name=report.org_name,
        api_user=report.api_user,
        last_tested_at=now(),
    )
    return report


def _look_around(client: Client, api_version: str, uses: Uses) -> ConnectionReport:
    user = client.user_info()
    organization = client.organization()
    checks = check_permissions(client, user.user_id, uses)
    usage = client.transport.usage
    return ConnectionReport(
        ok=True,
        org_name=organization.name,
        org_id=organization.id,
        api_user=user.username,
        api_version=api_version,
        calls_used=usage.used if usage else None,
        calls_limit=usage.limit if usage else None,
        checks=checks,
    )


@transaction.atomic
def confirm_org(*, connection: SalesforceConnection, by: Member | None) -> None:
    """Takes the org that answers now for the right one. The next import of each object reads everything."""
    connection = SalesforceConnection.objects.select_for_update().get(pk=connection.pk)
    if connection.state != ConnectionState.OTHER_ORG:
        return
    before = connection.org_id
    connection.org_id, connection.other_org_id = connection.other_org_id, ""
    connection.state, connection.last_error = ConnectionState.UNTESTED, ""
    _forget_usage(connection)
    connection.save(
        update_fields=["org_id", "other_org_id", "state", "last_error", *USAGE],
    )
    audit(
        connection.workspace,
        by,
        "org confirmed",
        connection.host,
        {"before": before, "after": connection.org_id},
    )
