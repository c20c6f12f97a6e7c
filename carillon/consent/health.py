"""How pushes fare: whether the org can be written to, what admins are told, and what the audits found. Part of `models`,
through which everybody imports it."""

from django.db import models
from django.db.models import Q

from carillon.accounts.models import Alert, Workspace
from carillon.lib.clock import now


class Delivery(models.Model):
    """How the pushes of a workspace fare as a whole. While its org can't be written to at all, one attempt is made at
    `paused_until`, and none before."""

    workspace = models.OneToOneField(Workspace, on_delete=models.CASCADE, primary_key=True, related_name="+")
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True)
    error = models.TextField(blank=True, default="")
    remedy = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="delivery_failing_says_why",
                condition=Q(
                    failures=0, failing_since__isnull=True, paused_until__isnull=True, error="", remedy=""
                )
                | Q(failures__gt=0, failing_since__isnull=False, paused_until__isnull=False) & ~Q(error=""),
            ),
        ]

    def __str__(self) -> str:
        return self.error or "delivers"


class Trouble(models.TextChoices):
    """What is wrong with the pushes of a workspace."""

    REFUSED = "refused", "Salesforce refuses opt-outs and opt-ins"
    REVERTED = "reverted", "Automation in Salesforce puts back opt-outs or opt-ins"
    LATE = "late", "Opt-outs and opt-ins do not reach Salesforce"


class PushAlert(Alert):
    """Something is wrong with a workspace's pushes."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=8, choices=Trouble.choices)

    class Meta:
        constraints = [
            models.CheckConstraint(name="push_alert_kind_is_known", condition=Q(kind__in=Trouble.values)),
            models.UniqueConstraint(
                name="push_alert_one_open", fields=["workspace", "kind"], condition=Q(over_at__isnull=True)
            ),
        ]
        indexes = [models.Index(fields=["over_at"], name="push_alert_by_end")]

    def __str__(self) -> str:
        return f"{self.kind} since {self.since:%Y-%m-%d %H:%M} UTC"


class ConsentAudit(models.Model):
    """One comparison of every number's consent with its records in Salesforce: counts only, since what differs names
    people. Of `differing`: `repaired`, `on_its_way` by a push, `refused` or put back, `waiting` for the next import, and
    the rest, where nothing was done. `unseen`: not shown to the API user. Unfinished ones were interrupted."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    started_at = models.DateTimeField(default=now)
    finished_at = models.DateTimeField(null=True)
    repairs = models.BooleanField(default=True, db_default=True)
    compared = models.PositiveIntegerField(default=0)
    differing = models.PositiveIntegerField(default=0)
    repaired = models.PositiveIntegerField(default=0)
    on_its_way = models.PositiveIntegerField(default=0, db_default=0)
    refused = models.PositiveIntegerField(default=0, db_default=0)
    waiting = models.PositiveIntegerField(default=0)
    unseen = models.PositiveIntegerField(default=0)
    calls = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    remedy = models.TextField(blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["workspace", "-started_at"], name="consent_audit_newest_first")]

    def __str__(self) -> str:
        return f"{self.compared} compared, {self.differing} differ"

    @property
    def undone(self) -> int:
        """Those that differ and nothing is done about."""
        return max(0, self.differing - self.repaired - self.on_its_way - self.refused - self.waiting)

    @property
    def leaves_doubt(self) -> bool:
        return self.differing != self.repaired or self.unseen > 0
