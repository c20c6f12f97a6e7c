"""Who may be texted. Invariants: the ledger is append-only (triggers) and names nobody: its lines point to the row of
a number, and to evidence beside it, which an erasure can delete. A consent is the latest of its lines by kind, from
which the database itself computes status and suppression. At most one push of a record is unsent, and one under way."""

from typing import Any

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Greatest, Length
from django.db.models.lookups import Exact

from carillon.accounts.models import Member, Workspace
from carillon.consent.health import ConsentAudit as ConsentAudit
from carillon.consent.health import Delivery as Delivery
from carillon.consent.health import PushAlert as PushAlert
from carillon.consent.health import Trouble as Trouble
from carillon.consent.reading import FieldKind, Mapping, OptOutField
from carillon.contacts.models import SalesforceObject
from carillon.lib.clock import now


class Status(models.TextChoices):
    OPTED_IN = "opted_in", "Opted in"
    OPTED_OUT = "opted_out", "Opted out"


class Reading(models.TextChoices):
    """What a record's value says (reading.Says)."""

    OPTED_IN = "opted_in", "Opted in"
    OPTED_OUT = "opted_out", "Opted out"
    BLANK = "blank", "Nothing"
    UNCLEAR = "unclear", "Neither value"


class Kind(models.TextChoices):
    """What a line of the ledger says (decide.Kind)."""

    PERSON_OUT = "person_out", "The person opted out"
    PERSON_IN = "person_in", "The person opted in"
    LIFTED = "lifted", "An admin lifted the person's opt-out"
    STAFF_OUT = "staff_out", "Staff opted out"
    STAFF_IN = "staff_in", "Staff opted in"
    SILENCE_OUT = "silence_out", "Not opted in by anybody"
    SILENCE_IN = "silence_in", "Nothing said, which means opted in"
    LIKELY = "likely", "Likely an opt-out"
    CLEARED = "cleared", "Found to be no opt-out"


class Cause(models.TextChoices):
    """How a line came about."""

    TEXT = "text", "A text from the number"
    CARRIER = "carrier", "The carrier blocks the number"
    REQUEST = "request", "A request by e-mail, phone or in person"
    MEMBER = "member", "A member here"
    RECORD = "record", "The Salesforce record was changed"
    FIRST_SIGHT = "first_sight", "The Salesforce record, when it was first read"
    NUMBER_CHANGED = "number_changed", "A record came from an opted-out number"
    MERGED = "merged", "A record of an opted-out number was merged into another"
    ERASED = "erased", "Somebody with the number was erased"
    REVIEW = "review", "The review of a likely opt-out"


def _stands(out: str, *lifting: str) -> Q:
    """As decide._stands, in the database."""
    nothing = Q(**{f"{name}__isnull": True for name in lifting})
    latest = Greatest(*lifting) if len(lifting) > 1 else F(lifting[0])
    return Q(**{f"{out}__isnull": False}) & (nothing | Q(**{f"{out}__gte": latest}))


def _flag(condition: Q) -> Any:
    return models.GeneratedField(
        expression=Case(When(condition, then=Value(True)), default=Value(False)),
        output_field=models.BooleanField(),
        db_persist=True,
    )


_OPTED_OUT = (
    _stands("person_out", "person_in", "lifted")
    | _stands("staff_out", "staff_in", "person_in", "lifted")
    | Q(person_in__isnull=True, staff_in__isnull=True, lifted__isnull=True)
    & _stands("silence_out", "silence_in")
)
_SUPPRESSED = _stands("likely", "cleared", "person_in", "lifted") & (
    Q(person_out__isnull=True) | Q(person_out__lt=F("likely"))
)


class Consent(models.Model):
    """One mobile number: the latest line of each kind, and what follows from them. A number without a row is opted in,
    since nobody ever said anything else. `number` is E.164; once all its people were erased `#`, a keyed hash, a dot and
    the row's own id."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    number = models.TextField(db_collation="C")
    person_out = models.DateTimeField(null=True)
    person_in = models.DateTimeField(null=True)
    lifted = models.DateTimeField(null=True)
    staff_out = models.DateTimeField(null=True)
    staff_in = models.DateTimeField(null=True)
    silence_out = models.DateTimeField(null=True)
    silence_in = models.DateTimeField(null=True)
    likely = models.DateTimeField(null=True)
    cleared = models.DateTimeField(null=True)
    is_opted_out = _flag(_OPTED_OUT)
    is_suppressed = _flag(_SUPPRESSED)
    # How many lines there are, and when the last one was learnt: moments only grow.
    version = models.PositiveIntegerField(default=0)
    last_learnt_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="consent_number_once", fields=["workspace", "number"]),
            models.CheckConstraint(
                name="consent_number_is_e164_or_hash",
                condition=Q(number__regex=r"^(\+[0-9]{3,15}|#[0-9a-f]{64}\.[0-9]+)$"),
            ),
            models.CheckConstraint(
                name="consent_with_lines_has_their_time",
                condition=Q(version=0, last_learnt_at__isnull=True)
                | Q(version__gt=0, last_learnt_at__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["workspace", "last_learnt_at"], name="consent_latest")]

    def __str__(self) -> str:
        return f"{self.number}: {Status.OPTED_OUT if self.is_opted_out else Status.OPTED_IN}"


class ConsentEvent(models.Model):
    """One line of the ledger. The database refuses UPDATE, DELETE and TRUNCATE; nothing in it names anybody.
    `happened_from` and `happened_to` say when it happened, as well as that is known; `counts_at` is where it stands."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, related_name="events", db_index=False)
    # The line's place among those of its number, from 1 on.
    version = models.PositiveIntegerField()
    kind = models.CharField(max_length=11, choices=Kind.choices)
    cause = models.CharField(max_length=14, choices=Cause.choices)
    counts_at = models.DateTimeField()
    happened_from = models.DateTimeField(null=True)
    happened_to = models.DateTimeField(null=True)
    learnt_at = models.DateTimeField()
    # The status that came of it, as it was then.
    status = models.CharField(max_length=9, choices=Status.choices)
    member = models.ForeignKey(Member, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    run = models.UUIDField(null=True)
    # SHA-256 of what the event is called outside (a carrier's message id), by which it is known again.
    key_hash = models.BinaryField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="event_version_once", fields=["workspace", "consent", "version"]),
            models.UniqueConstraint(
                name="event_key_once", fields=["workspace", "key_hash"], condition=Q(key_hash__isnull=False)
            ),
            models.CheckConstraint(name="event_kind_is_known", condition=Q(kind__in=Kind.values)),
            models.CheckConstraint(name="event_cause_is_known", condition=Q(cause__in=Cause.values)),
            models.CheckConstraint(
                name="event_counts_when_learnt_at_the_latest", condition=Q(counts_at__lte=F("learnt_at"))
            ),
            models.CheckConstraint(
                name="event_lifted_by_a_member", condition=~Q(kind="lifted") | Q(cause="member")
            ),
            models.CheckConstraint(
                name="event_person_in_by_text_only", condition=~Q(kind="person_in") | Q(cause="text")
            ),
        ]
        indexes = [
            models.Index(
                fields=["workspace", "cause", "status", "-learnt_at", "-id"], name="event_newest_of_cause"
            ),
            BrinIndex(fields=["learnt_at"], name="event_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.counts_at:%Y-%m-%d %H:%M} UTC"


class Evidence(models.Model):
    """What a line rests on: the words of a text, the reason somebody wrote down, the record it came from. Deleted when
    one of its people is erased."""

    event = models.OneToOneField(
        ConsentEvent, on_delete=models.PROTECT, primary_key=True, related_name="evidence"
    )
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, related_name="+", db_index=False)
    salesforce_id = models.CharField(max_length=18, blank=True, default="", db_collation="C")
    words = models.TextField(blank=True, default="")
    reason = models.TextField(blank=True, default="")

    class Meta:
        indexes = [
            models.Index(fields=["workspace", "consent"], name="evidence_of_number"),
            models.Index(
                fields=["workspace", "salesforce_id"],
                name="evidence_of_record",
                condition=~Q(salesforce_id=""),
            ),
        ]

    def __str__(self) -> str:
        return f"evidence of {self.event_id}"


class OptOutMapping(models.Model):
    """The Salesforce field that carries consent, of Contacts or of Leads. Absent, or `field` empty: none is mapped."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    object = models.CharField(max_length=10, choices=SalesforceObject.choices)
    field = models.CharField(max_length=255, blank=True, default="")
    kind = models.CharField(max_length=8, choices=[("checkbox", "Checkbox"), ("picklist", "Picklist")])
    unchecked_means_opted_in = models.BooleanField(default=True)
    opted_in_value = models.CharField(max_length=255, blank=True, default="")
    opted_out_value = models.CharField(max_length=255, blank=True, default="")
    empty_means_opted_in = models.BooleanField(default=False)
    # With each change of what values mean, the mapping is another one: what records held under the last one is moot.
    version = models.PositiveIntegerField(default=1)
    since = models.DateTimeField(default=now)
    # The version under which an import read every record. Until then each is seen for the first time.
    read_version = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="opt_out_mapping_once", fields=["workspace", "object"]),
            models.CheckConstraint(
                name="opt_out_picklist_has_two_values",
                condition=Q(kind=FieldKind.CHECKBOX.value, opted_in_value="", opted_out_value="")
                | Q(kind=FieldKind.PICKLIST.value)
                & ~Q(opted_in_value="")
                & ~Q(opted_out_value="")
                & ~Q(opted_in_value=F("opted_out_value")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.object}.{self.field}"

    @property
    def as_entered(self) -> OptOutField:
        return OptOutField(
            self.field,
            FieldKind(self.kind),
            self.unchecked_means_opted_in,
            self.opted_in_value,
            self.opted_out_value,
            self.empty_means_opted_in,
        )

    @property
    def rules(self) -> Mapping:
        return self.as_entered.rules(self.version, self.since, is_read=self.read_version == self.version)


class RecordValue(models.Model):
    """What a record last held, imported or acknowledged (reading.Held). A mapped record without a row was only ever
    read as opted in, and never pushed. `left_opted_out`: it left an opted-out number and has none yet;
    `left_likely`: one with a likely opt-out of that moment."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    salesforce_id = models.CharField(max_length=18, db_collation="C")
    says = models.CharField(max_length=9, choices=Reading.choices)
    mapping_version = models.PositiveIntegerField()
    stamp = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True)
    answers = models.DateTimeField(null=True)
    sent = models.CharField(max_length=9, choices=Status.choices, blank=True, default="")
    is_merged = models.BooleanField(default=False)
    left_opted_out = models.BooleanField(default=False)
    left_likely = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="record_value_once", fields=["workspace", "salesforce_id"]),
            models.CheckConstraint(
                name="record_value_id_has_18_characters", condition=Exact(Length("salesforce_id"), 18)
            ),
        ]
        indexes = [
            models.Index(
                fields=["workspace", "left_likely"],
                name="record_value_left_likely",
                condition=Q(left_likely__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.salesforce_id} {self.says}"


class PushState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    SENT = "sent", "Sent, not read back yet"
    ACKNOWLEDGED = "acknowledged", "In Salesforce"
    FAILED = "failed", "Refused by Salesforce"
    REVERTED = "reverted", "Put back by the org's automation"
    SUPERSEDED = "superseded", "Overtaken by a later one"
    GONE = "gone", "The record was deleted"


# Not settled: what a record will hold is not what it holds. Of those, unsent ones are overtaken by a newer push.
UNSETTLED = (PushState.WAITING, PushState.SENT, PushState.FAILED, PushState.REVERTED)
UNSENT = (PushState.WAITING, PushState.FAILED, PushState.REVERTED)


class ConsentPush(models.Model):
    """One status on its way to one record. Written in the transaction of its event; a record's pushes apply in the
    order of their ids."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, related_name="+", db_index=False)
    object = models.CharField(max_length=10, choices=SalesforceObject.choices)
    salesforce_id = models.CharField(max_length=18, db_collation="C")
    wanted = models.CharField(max_length=9, choices=Status.choices)
    # Our time of the statement it carries.
    answers = models.DateTimeField()
    state = models.CharField(max_length=12, choices=PushState.choices, default=PushState.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    # How often it was put back, as it was read back or before it, since somebody last asked for it.
    reverts = models.PositiveIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField()
    # None: not by itself any more.
    next_try_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, default="")
    remedy = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="push_one_unsent_per_record",
                fields=["workspace", "salesforce_id"],
                condition=Q(state__in=UNSENT),
            ),
            models.UniqueConstraint(
                name="push_one_under_way_per_record",
                fields=["workspace", "salesforce_id"],
                condition=Q(state=PushState.SENT),
            ),
            models.CheckConstraint(name="push_state_is_known", condition=Q(state__in=PushState.values)),
            models.CheckConstraint(
                name="push_settled_has_its_time",
                condition=Q(state__in=UNSETTLED) ^ Q(settled_at__isnull=False),
            ),
            models.CheckConstraint(
                name="push_failure_says_why",
                condition=~Q(state__in=[PushState.FAILED, PushState.REVERTED]) | ~Q(error=""),
            ),
        ]
        indexes = [
            models.Index(
                fields=["workspace", "next_try_at", "id"], name="push_due", condition=Q(state__in=UNSENT)
            ),
            models.Index(fields=["workspace", "salesforce_id", "-id"], name="push_of_record"),
            models.Index(fields=["workspace", "consent", "-id"], name="push_of_number"),
            models.Index(
                fields=["workspace", "settled_at"],
                name="push_acknowledged",
                condition=Q(state=PushState.ACKNOWLEDGED),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.wanted} to {self.salesforce_id}: {self.state}"


class ConflictState(models.TextChoices):
    CORRECTED = "corrected", "Salesforce is corrected"
    KEPT = "kept", "Kept opted out by staff"
    ACCEPTED = "accepted", "Accepted by an admin"


class ConsentConflict(models.Model):
    """A record wanted to opt in a number whose person said STOP. Salesforce is corrected by itself, and the conflict is
    listed until staff say that it stays so, or an admin accepts the record's word instead, for a written reason."""

    event = models.OneToOneField(
        ConsentEvent, on_delete=models.PROTECT, primary_key=True, related_name="conflict"
    )
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, related_name="+", db_index=False)
    salesforce_id = models.CharField(max_length=18, db_collation="C")
    state = models.CharField(max_length=9, choices=ConflictState.choices, default=ConflictState.CORRECTED)
    found_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["workspace", "-found_at"],
                name="conflict_open_newest_first",
                condition=Q(state=ConflictState.CORRECTED),
            ),
            models.Index(fields=["workspace", "consent"], name="conflict_of_number"),
        ]

    def __str__(self) -> str:
        return f"{self.salesforce_id}: {self.state}"


class ReviewOutcome(models.TextChoices):
    CONFIRMED = "confirmed", "An opt-out"
    CLEARED = "cleared", "No opt-out"
    OVERTAKEN = "overtaken", "The person said it plainly"


class Review(models.Model):
    """A likely opt-out that people decide about; at `due_at` it counts as one by itself. Open exactly while the number is
    suppressed."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, related_name="+", db_index=False)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=9, choices=ReviewOutcome.choices, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="review_one_open_per_number",
                fields=["workspace", "consent"],
                condition=Q(closed_at__isnull=True),
            ),
            models.CheckConstraint(
                name="review_closed_has_its_outcome", condition=Q(closed_at__isnull=True) ^ ~Q(outcome="")
            ),
        ]
        indexes = [
            models.Index(
                fields=["workspace", "due_at"], name="review_due", condition=Q(closed_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"review of {self.consent_id}"


class StagedFlip(models.Model):
    """A record that an import read as opting its number back in. Such flips wait for the end of the run, where they are
    applied or held; the record is then judged anew."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    run = models.UUIDField()
    object = models.CharField(max_length=10, choices=SalesforceObject.choices)
    salesforce_id = models.CharField(max_length=18, db_collation="C")
    # As the org gave it: a picklist's value, true or false, or null.
    value = models.JSONField(null=True)
    stamp = models.DateTimeField()
    modified_at = models.DateTimeField(null=True)
    by_us = models.BooleanField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="staged_flip_once", fields=["workspace", "run", "salesforce_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.salesforce_id} in run {self.run}"
