"""How we sign in to an org, and how many API calls we make there. Invariants: one connection per workspace; the secret
is stored sealed only; an org that answers with another id than the one known stops everything until an admin confirms
it; the cap of imports is either a share of the org's limit or a number; calls are counted once an hour and purpose."""

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
    # What imports may use of the org's API calls in 24 hours: percent of its limit, or a number.
    import_cap_percent = models.PositiveSmallIntegerField(null=True, default=20)
    import_cap_calls = models.PositiveIntegerField(null=True)
    # Imports leave so many of the org's calls to opt-outs.
    reserve_calls = models.PositiveIntegerField(default=500)
    # What the org said last about the calls of its last 24 hours, by everyone, and when.
    org_calls_used = models.PositiveIntegerField(null=True)
    org_calls_limit = models.PositiveIntegerField(null=True)
    org_calls_at = models.DateTimeField(null=True)
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
            models.CheckConstraint(
                name="connection_has_one_cap",
                condition=Q(
                    import_cap_calls__isnull=True,
                    import_cap_percent__isnull=False,
                    import_cap_percent__range=(1, 100),
                )
                | Q(import_cap_percent__isnull=True, import_cap_calls__isnull=False, import_cap_calls__gte=1),
            ),
            models.CheckConstraint(
                name="connection_usage_is_whole",
                condition=Q(
                    org_calls_used__isnull=True, org_calls_limit__isnull=True, org_calls_at__isnull=True
                )
                | Q(org_calls_used__isnull=False, org_calls_limit__isnull=False, org_calls_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.host


class Purpose(models.TextChoices):
    IMPORT = "import", "Imports"
    DRY_RUN = "dry_run", "Dry runs"
    SETUP = "setup", "Pages that ask the org"
    PUSH = "push", "Opt-outs and opt-ins"


class CallsInHour(models.Model):
    """API calls of one workspace in one hour (UTC) for one purpose. Only ever added to; deleted when old."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    hour = models.DateTimeField()
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    calls = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="calls_once_an_hour", fields=["workspace", "hour", "purpose"]),
            models.CheckConstraint(name="calls_purpose_is_known", condition=Q(purpose__in=Purpose.values)),
        ]

    def __str__(self) -> str:
        return f"{self.calls} calls of {self.purpose} from {self.hour:%Y-%m-%d %H:%M} UTC"
