"""Who works here. Invariants: every member belongs to one workspace; e-mails are unique in lower case;
a User ID names at most one member of a workspace; audit entries are only ever added."""

import uuid
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Lower

from carillon.lib.clock import now


class Workspace(models.Model):
    """One customer organisation. Every row of every other table belongs to one."""

    name = models.CharField(max_length=100, unique=True)
    # ISO country code: how a number typed without a country code is read.
    default_region = models.CharField(max_length=2, default="US")
    created_at = models.DateTimeField(default=now)
    # Retention, in days: record issues and runs from the end of their run, changes from when they were imported.
    keep_issues_days = models.PositiveIntegerField(default=90)
    keep_runs_days = models.PositiveIntegerField(default=730)
    keep_changes_days = models.PositiveIntegerField(default=365)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="workspace_keeps_for_a_day_at_least",
                condition=Q(keep_issues_days__gte=1, keep_runs_days__gte=1, keep_changes_days__gte=1),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    ADMIN = "admin", "Admin"
    TEXTER = "texter", "Texter"
    AUDITOR = "auditor", "Auditor"


class MemberManager(BaseUserManager["Member"]):
    def get_by_natural_key(self, username: str | None) -> "Member":
        return self.get(email=(username or "").strip().lower())


class Member(AbstractBaseUser):
    """Someone who signs in. `user_id` is matched with the mapped User Identification of contacts."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="members")
    email = models.EmailField(unique=True)
    role = models.CharField(max_length=10, choices=Role.choices)
    user_id = models.CharField("User ID", max_length=100, blank=True, default="")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=now)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = MemberManager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="member_email_is_lower_case", condition=Q(email=Lower("email"))),
            models.CheckConstraint(name="member_role_is_known", condition=Q(role__in=Role.values)),
            # user_key: what spellings of one User ID have in common (accounts.user_ids).
            models.UniqueConstraint(
                F("workspace"),
                Func("user_id", function="user_key"),
                name="member_user_id_unique_in_workspace",
                condition=~Q(user_id=""),
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def is_admin(self) -> bool:
        return self.role == Role.ADMIN


class AuditEntry(models.Model):
    """One change of members, connection, source, mapping or retention, or somebody erased: who, when, what, before
    and after. Never a contact's data: entries outlive the people they could name."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="audit_entries")
    at = models.DateTimeField(default=now)
    member = models.ForeignKey(Member, on_delete=models.SET_NULL, null=True, related_name="+")
    # Kept as text too: an entry must stay readable when the member is gone, or was the command line.
    actor = models.CharField(max_length=254)
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=254)
    detail = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["workspace", "-at"], name="audit_newest_first")]

    def __str__(self) -> str:
        return f"{self.actor}: {self.action} {self.subject}"


class Alert(models.Model):
    """Something does not do what it should: one row for each such state, from its beginning to its end. Its mails are
    sent later, by a worker; `recovered`: it works again, which is told as well."""

    sentence = models.TextField()
    remedy = models.TextField(blank=True, default="")
    since = models.DateTimeField(default=now)
    over_at = models.DateTimeField(null=True)
    recovered = models.BooleanField(default=False)
    mailed_at = models.DateTimeField(null=True)
    recovery_mailed_at = models.DateTimeField(null=True)
    mail_error = models.TextField(blank=True, default="")

    class Meta:
        abstract = True
