"""The only place that opens the sealed secret: makes clients for an org, and checks which org answers."""

from collections.abc import Callable

from django.conf import settings

from carillon.connections.models import ConnectionState, SalesforceConnection
from carillon.lib.errors import CarillonError
from carillon.lib.sealing import Sealer
from carillon.salesforce.auth import ClientCredentials
from carillon.salesforce.client import Client
from carillon.salesforce.transport import Retry


class OtherOrg(CarillonError):
    """The host answers for another org than the one whose records we hold."""

    def __init__(self, known: str, found: str) -> None:
        super().__init__(
            f"Another Salesforce org answers at this address now ({found} instead of {known}), so nothing was"
            " imported: record ids of one org mean other people in another.",
            "If the sandbox was refreshed or the org was exchanged on purpose, an admin confirms it on the"
            " Authentication page; else correct the host.",
        )


def sealer() -> Sealer:
    return Sealer(settings.MASTER_SECRET)


def connection_for(workspace_id: int) -> SalesforceConnection:
    """The workspace's connection. Raises CarillonError when there is none."""
    known = SalesforceConnection.objects.filter(workspace=workspace_id).first()
    if known is None:
        raise CarillonError(
            "No Salesforce org is connected yet.",
            "Connect one on the Authentication page, or with carillon connect.",
        )
    return known


def client_for(
    connection: SalesforceConnection,
    *,
    retry: Retry | None = None,
    should_stop: Callable[[], bool] | None = None,
    permit: Callable[[], None] | None = None,
) -> Client:
    """A client that signs in when first used. Raises SealBroken, HostRefused."""
    secret = sealer().open(connection.client_secret_sealed)
    return Client(
        host=connection.host,
        credentials=ClientCredentials(connection.client_id, secret),
        allow_local=settings.ALLOW_LOCAL_ORG,
        api_version=connection.api_version,
        retry=retry or Retry(),
        should_stop=should_stop,
        permit=permit,
    )


def sign_in(client: Client, connection: SalesforceConnection) -> None:
    """Signs in and makes sure it is the org we know; the first org ever seen becomes the known one.

    Raises SalesforceError, or OtherOrg, which is also remembered on the connection until an admin confirms.
    """
    found = client.sign_in().org_id
    if not connection.org_id:
        SalesforceConnection.objects.filter(pk=connection.pk, org_id="").update(org_id=found)
        connection.org_id = found
    if found == connection.org_id and connection.state != ConnectionState.OTHER_ORG:
        return
    if found == connection.org_id:
        # The known org is back behind the host: nothing is left to confirm.
        SalesforceConnection.objects.filter(pk=connection.pk).update(
            state=ConnectionState.CONNECTED, other_org_id="", last_error=""
        )
        return
    error = OtherOrg(connection.org_id, found)
    SalesforceConnection.objects.filter(pk=connection.pk).update(
        state=ConnectionState.OTHER_ORG, other_org_id=found, last_error=error.sentence
    )
    raise error
