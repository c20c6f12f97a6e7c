"""Texts in and out, and how a workspace's carrier is reached. Invariants: one text for each id of the carrier; an
outgoing text that was handed over once is never handed over again; the auth token is stored sealed only."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from carillon.accounts.models import Alert, Workspace
from carillon.lib.clock import now
from carillon.messaging.states import State


class CarrierKind(models.TextChoices):
    TWILIO = "twilio", "Twilio"
    SIMULATED = "simulated", "Simulated carrier"


class Confirms(models.TextChoices):
    CARRIER = "carrier", "The carrier for its own words, Carillon for wider ones"
    WE = "we", "Carillon, always"


class AnswersHelp(models.TextChoices):
    WE = "we", "Carillon, always"
    CARRIER = "carrier", "The carrier for the bare words, Carillon for wider ones"


class Texting(models.Model):
    """The Texting page of a workspace: its carrier, and what is said to people by itself."""

    workspace = models.OneToOneField(Workspace, on_delete=models.PROTECT, related_name="texting")
    carrier = models.CharField(max_length=10, choices=CarrierKind.choices)
    account_sid = models.CharField(max_length=34)
    auth_token_sealed = models.TextField()
    # Those before it, each with the moment until which it still signs: see credentials.
    earlier_tokens = models.JSONField(default=list, blank=True)
    messaging_service_sid = models.CharField(max_length=34, blank=True, default="")
    # Whom texts come from: E.164, or short codes.
    numbers = ArrayField(models.CharField(max_length=16), default=list)
    # Where the carrier reaches us, e.g. https://texts.example.org; what it signs begins with this.
    public_url = models.CharField(max_length=255)
    # Stands in the webhooks' addresses and says whose they are.
    path_token = models.CharField(max_length=64, unique=True)
    help_text = models.TextField()
    confirmation_text = models.TextField()
    confirms = models.CharField(max_length=10, choices=Confirms.choices, default=Confirms.CARRIER)
    answers_help = models.CharField(max_length=10, choices=AnswersHelp.choices, default=AnswersHelp.WE)
    # Local hours of the person called within which they may be texted; answers go out at any hour.
    quiet_until = models.PositiveSmallIntegerField(default=8)
    quiet_from = models.PositiveSmallIntegerField(default=21)
    updated_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="texting_carrier_is_known", condition=Q(carrier__in=CarrierKind.values)
            ),
            models.CheckConstraint(
                name="texting_choices_are_known",
                condition=Q(
                    confirms__in=Confirms.values,
                    answers_help__in=AnswersHelp.values,
                ),
            ),
            models.CheckConstraint(
                name="texting_has_hours_to_text_in",
                condition=Q(quiet_until__lt=F("quiet_from"), quiet_from__lte=24),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_carrier_display()} {self.account_sid}"


class Direction(models.TextChoices):
    IN = "in", "In"
    OUT = "out", "Out"


class Purpose(models.TextChoices):
    CONFIRMATION = "confirmation", "Confirmation of an opt-out"
    HELP = "help", "Answer to HELP"
    MEMBER = "member", "Text of a member"


class Message(models.Model):
    """One text. `number` is the person's (E.164 where it is a phone number), `our_number` the one of ours."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    direction = models.CharField(max_length=3, choices=Direction.choices)
    # The carrier's id; null until the carrier told the one of an outgoing text.
    sid = models.CharField(max_length=64, null=True)  # noqa: DJ001 - null is: not known
    number = models.CharField(max_length=64, db_collation="C")
    our_number = models.CharField(max_length=64, blank=True, default="")
    body = models.TextField(blank=True, default="")
    # Pictures and other files that came with it; they stay with the carrier.
    media_count = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=12, choices=State.choices)
    # Why it failed, or why it still waits.
    error_code = models.PositiveIntegerField(null=True)
    # Of an outgoing text: what for, and to which text it is the answer.
    purpose = models.CharField(max_length=12, choices=Purpose.choices, blank=True, default="")
    answers = models.OneToOneField("self", on_delete=models.CASCADE, null=True, related_name="answer")
    at = models.DateTimeField(default=now)
    handed_over_at = models.DateTimeField(null=True)
    # When an outgoing text came to its end, whichever.
    over_at = models.DateTimeField(null=True)
    # Of a text that waits: not before.
    try_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="message_once_per_sid", fields=["workspace", "sid"]),
            models.CheckConstraint(name="message_state_is_known", condition=Q(state__in=State.values)),
            models.CheckConstraint(
                name="message_in_is_received",
                condition=Q(direction=Direction.IN, state=State.RECEIVED, sid__isnull=False, purpose="")
                | Q(direction=Direction.OUT, purpose__in=Purpose.values) & ~Q(state=State.RECEIVED),
            ),
            models.CheckConstraint(
                name="message_is_handed_over_once_it_left",
                condition=Q(state__in=[State.RECEIVED, State.QUEUED, State.NOT_SENT], handed_over_at=None)
                | Q(handed_over_at__isnull=False)
                & ~Q(state__in=[State.RECEIVED, State.QUEUED, State.NOT_SENT]),
            ),
        ]
        indexes = [
            models.Index(fields=["workspace", "number", "-id"], name="message_of_number"),
            models.Index(fields=["try_at"], name="message_waiting", condition=Q(state=State.QUEUED)),
            models.Index(fields=["workspace", "at"], name="message_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.direction} {self.public_id}"


class UnusableNumber(models.Model):
    """A number the carrier says nobody can be texted at."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    number = models.CharField(max_length=64, db_collation="C")
    error_code = models.PositiveIntegerField()
    since = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="unusable_number_once", fields=["workspace", "number"]),
        ]

    def __str__(self) -> str:
        return f"unusable number {self.pk}"


class RefusedCalls(models.Model):
    """Calls of a webhook within one hour that the carrier did not make, or made otherwise than it should: counted, and
    what was wrong with the last."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    hour = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()
    last_reason = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="refused_calls_once_per_hour", fields=["workspace", "hour"]),
        ]

    def __str__(self) -> str:
        return f"{self.count} refused calls"


class RefusalAlert(Alert):
    """Calls of a workspace's webhooks are refused."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="refusal_alert_one_open", fields=["workspace"], condition=Q(over_at__isnull=True)
            ),
        ]
        indexes = [models.Index(fields=["over_at"], name="refusal_alert_by_end")]

    def __str__(self) -> str:
        return f"refused calls since {self.since:%Y-%m-%d %H:%M} UTC"
