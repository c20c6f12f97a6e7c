"""How we sign in to an org. Invariants: one connection per workspace; the secret is stored sealed only;
an org that answers with another id than the one known stops everything until an admin confirms it."""

from django.db import models
from django.db.models import Q

from carillon.accounts.models import Workspace
from carillon.lib.clock import now


class ConnectionState(models.TextChoices):
    UNTESTED = "untested", "Not tested yet"
    CONNECTED = "connected", "Connected"
    FAILING = "failing", "Not working"
    OTHER_ORG = "other_org", "Another org answers"


class SalesforceConnection(models.Model):
    workspace = models.OneToOneField(Workspace, on_delete=models.PROTECT, related_name="connection")
    # Normalised origin, e.g. https://acme.my.salesforce.com
    host = models.CharField(max_length=255)
    client_id = models.CharField(max_length=255)
    client_secret_sealed = models.TextField()
    api_version = models.CharField(max_length=5, default="66.0")
    state = models.CharField(max_length=10, choices=ConnectionState.choices, default=ConnectionState.UNTESTED)
    # 18-character id of the org whose records we hold; empty until the first sign-in.
    org_id = models.CharField(max_length=18, blank=True, default="")
    other_org_id = models.CharField(max_length=18, blank=True, default="")
    org_name = models.CharField(max_length=255, blank=True, default="")
    api_user = models.CharField(max_length=255, blank=True, default="")
    last_error = models.TextField(blank=True, default="")
    last_tested_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="connection_state_is_known", condition=Q(state__in=ConnectionState.values)
            ),
            models.CheckConstraint(
                name="connection_other_org_has_its_id",
                condition=Q(state=ConnectionState.OTHER_ORG) ^ Q(other_org_id=""),
            ),
        ]

    def __str__(self) -> str:
        return self.host
