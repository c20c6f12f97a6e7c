"""What is imported, from where, and what each run did. Invariants kept by the database: one setup per object and workspace;
an enabled setup has its source and required fields, of a report also the columns its way needs; at most one open run per
setup; a run has an end exactly when it is over; a window of a setup starts once a day; a setup has at most one open alert of
what is wrong, one of each kind of what waits, and one set of people who left and are held or kept. A run's cursor moves
in the transaction that stores the rows it covers."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from carillon.accounts.models import Alert, Member, Workspace
from carillon.contacts.models import Absence, ContactField, SalesforceObject
from carillon.imports.alert_kinds import WAITING, AlertKind
from carillon.imports.plan import BY_IDS, REPORT_ONLY
from carillon.imports.windows import EASTERN, Schedule
from carillon.lib.clock import now


class SourceType(models.TextChoices):
    LIST_VIEW = "list_view", "List View"
    REPORT = "report", "Report"


class ReportWay(models.TextChoices):
    """What a report is read for; a list view has none."""

    BY_IDS = BY_IDS, "Ids from the report, fields by query"
    REPORT_ONLY = REPORT_ONLY, "Report only"


class ImportSetup(models.Model):
    """The configuration of one object. Salesforce field names are API names as describe spells them; of a report
    that is read alone they are names of its columns."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="import_setups")
    object = models.CharField(max_length=10, choices=SalesforceObject.choices)
    enabled = models.BooleanField(default=False)
    source_type = models.CharField(max_length=10, choices=SourceType.choices, blank=True, default="")
    source_id = models.CharField(max_length=18, blank=True, default="")
    source_name = models.CharField(max_length=255, blank=True, default="")
    source_label = models.CharField(max_length=255, blank=True, default="")
    # The rest of a report's source: how it is read, and its columns with the record's id and its last change.
    source_way = models.CharField(max_length=11, choices=ReportWay.choices, blank=True, default="")
    contact_identification = models.CharField(max_length=255, blank=True, default="")
    last_modified = models.CharField(max_length=255, blank=True, default="")
    first_name = models.CharField(max_length=255, blank=True, default="")
    first_name_fallback = models.CharField(max_length=255, blank=True, default="")
    last_name = models.CharField(max_length=255, blank=True, default="")
    mobile_number = models.CharField(max_length=255, blank=True, default="")
    user_identification = models.CharField(max_length=255, blank=True, default="")
    timezone = models.CharField(max_length=64, default=EASTERN)
    windows = ArrayField(models.CharField(max_length=11), default=list, blank=True)
    # The schedule holds from here on: starts before it are neither due nor missed.
    scheduled_since = models.DateTimeField(default=now)
    # Where the next *changes* run starts (org time), and the setup's fingerprint it is valid for.
    watermark = models.DateTimeField(null=True)
    imported_fingerprint = models.CharField(max_length=64, blank=True, default="")
    # When the last import that read everything, and succeeded, began (org time).
    full_import_at = models.DateTimeField(null=True)
    # The org's clock at the beginning of the last run that saw the stamp of every member.
    stamps_swept_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="setup_unique_per_object", fields=["workspace", "object"]),
            models.CheckConstraint(
                name="setup_object_is_known", condition=Q(object__in=SalesforceObject.values)
            ),
            models.CheckConstraint(
                name="setup_enabled_is_complete",
                condition=Q(enabled=False)
                | ~(
                    Q(source_id="")
                    | Q(source_type="")
                    | Q(first_name="")
                    | Q(last_name="")
                    | Q(mobile_number="")
                ),
            ),
            models.CheckConstraint(
                name="setup_report_has_its_way",
                condition=Q(source_type=SourceType.REPORT, source_way__in=ReportWay.values)
                | ~Q(source_type=SourceType.REPORT) & Q(source_way=""),
            ),
            models.CheckConstraint(
                name="setup_report_has_its_columns",
                condition=Q(enabled=False)
                | ~Q(source_type=SourceType.REPORT)
                | ~Q(contact_identification="")
                & (~Q(source_way=ReportWay.REPORT_ONLY) | ~Q(last_modified="")),
            ),
            models.CheckConstraint(name="setup_has_three_windows_at_most", condition=Q(windows__len__lte=3)),
        ]

    def __str__(self) -> str:
        return f"{self.object} import"

    @property
    def schedule(self) -> Schedule:
        """Its windows, in which Contacts and Leads of one workspace have the same place."""
        seed = f"{self.workspace_id} {self.workspace.created_at.isoformat()}"
        return Schedule(self.timezone, tuple(self.windows), seed)


class Blank(models.TextChoices):
    CLEAR = "clear", "Clear the field"
    KEEP = "keep", "Keep what is stored"


class FieldMapping(models.Model):
    """Additional fields: a Salesforce field (or path such as Owner.Name) into a contact field."""

    setup = models.ForeignKey(ImportSetup, on_delete=models.CASCADE, related_name="mappings")
    position = models.PositiveSmallIntegerField()
    salesforce_field = models.CharField(max_length=255)
    contact_field = models.ForeignKey(ContactField, on_delete=models.PROTECT, related_name="+")
    # What a blank in Salesforce does with the value that is stored.
    blank = models.CharField(max_length=5, choices=Blank.choices, default=Blank.CLEAR)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="mapping_contact_field_once", fields=["setup", "contact_field"]),
            models.CheckConstraint(name="mapping_blank_is_known", condition=Q(blank__in=Blank.values)),
        ]

    def __str__(self) -> str:
        return f"{self.salesforce_field} -> {self.contact_field_id}"


class Trigger(models.TextChoices):
    MANUAL = "manual", "By hand"
    SCHEDULED = "scheduled", "On schedule"


class Mode(models.TextChoices):
    CHANGES = "changes", "Changes"
    EVERYTHING = "everything", "Everything"


class RunStatus(models.TextChoices):
    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Succeeded"
    INCOMPLETE = "incomplete", "Incomplete"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    # It would have taken more API calls than there is room for, and read nothing.
    POSTPONED = "postponed", "Postponed"


OPEN_STATUSES = (RunStatus.QUEUED, RunStatus.RUNNING)


class Phase(models.TextChoices):
    STARTING = "starting", "Signing in to Salesforce and reading the setup"
    PREPARING = "preparing", "Salesforce is preparing the records"
    READING = "reading", "Reading records"
    SWEEPING = "sweeping", "Checking who is in the list"
    REREADING = "rereading", "Reading records that are new in the list"
    FOLLOWING = "following", "Looking at records that are no longer in the list"
    FINISHING = "finishing", "Finishing"


class ImportRun(models.Model):
    """One execution. Counts are of distinct Salesforce ids; while it runs they are running sums."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="import_runs")
    setup = models.ForeignKey(ImportSetup, on_delete=models.PROTECT, related_name="runs")
    object = models.CharField(max_length=10, choices=SalesforceObject.choices)
    source_label = models.CharField(max_length=255, blank=True, default="")
    trigger = models.CharField(max_length=10, choices=Trigger.choices, default=Trigger.MANUAL)
    mode = models.CharField(max_length=10, choices=Mode.choices)
    # Why a run asked for as *changes* became *everything*, in a sentence.
    mode_reason = models.TextField(blank=True, default="")
    status = models.CharField(max_length=10, choices=RunStatus.choices, default=RunStatus.QUEUED)
    phase = models.CharField(max_length=10, choices=Phase.choices, default=Phase.STARTING)
    started_by = models.ForeignKey(Member, on_delete=models.SET_NULL, null=True, related_name="+")
    started_by_name = models.CharField(max_length=254, blank=True, default="")
    queued_at = models.DateTimeField(default=now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    fingerprint = models.CharField(max_length=64, blank=True, default="")
    # T0: the org's clock before the first page. The next watermark is taken from it.
    org_clock = models.DateTimeField(null=True)
    watermark = models.DateTimeField(null=True)
    # Keyset cursor: everything up to (SystemModstamp, Id) is stored. Text as Salesforce wrote it.
    cursor_stamp = models.CharField(max_length=40, blank=True, default="")
    cursor_id = models.CharField(max_length=18, blank=True, default="")
    # watermark.JobPlace of the bulk job that reads what comes after the cursor, while there is one.
    job_place = models.JSONField(null=True)
    # True once more than one process has worked on this read: it then proves itself by a sweep.
    resumed = models.BooleanField(default=False)
    continues = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="+")
    expected = models.PositiveIntegerField(null=True)
    org_count = models.PositiveIntegerField(null=True)
    # How many were stored as in the source before the run changed anything.
    stored_before = models.PositiveIntegerField(null=True)
    received = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    # Everybody who was marked as having left; `deleted` and `hidden` are among them, those followed are not.
    left_source = models.PositiveIntegerField(default=0)
    deleted = models.PositiveIntegerField(default=0, db_default=0)
    hidden = models.PositiveIntegerField(default=0, db_default=0)
    merged = models.PositiveIntegerField(default=0, db_default=0)
    converted = models.PositiveIntegerField(default=0, db_default=0)
    # Numbers whose texting consent changed because of what records say.
    opted_out = models.PositiveIntegerField(default=0, db_default=0)
    opted_in = models.PositiveIntegerField(default=0, db_default=0)
    issue_count = models.PositiveIntegerField(default=0)
    # What was held, for programs: {kind, count, reason} each. HeldLeavers has the people.
    held = models.JSONField(default=list)
    # API calls by kind, and their sum; written together.
    calls = models.JSONField(default=dict)
    api_calls = models.PositiveIntegerField(default=0)
    # An admin had it start although it may use more than the cap of imports.
    past_cap = models.BooleanField(default=False)
    # It is incomplete because the API budget was spent; the next import of its mode continues it.
    over_budget = models.BooleanField(default=False)
    error = models.TextField(blank=True, default="")
    remedy = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="run_one_open_per_setup", fields=["setup"], condition=Q(status__in=OPEN_STATUSES)
            ),
            models.CheckConstraint(name="run_status_is_known", condition=Q(status__in=RunStatus.values)),
            models.CheckConstraint(
                name="run_over_has_its_end",
                condition=Q(status__in=OPEN_STATUSES) ^ Q(finished_at__isnull=False),
            ),
            models.CheckConstraint(
                name="run_failure_says_why",
                condition=~Q(status__in=[RunStatus.FAILED, RunStatus.INCOMPLETE, RunStatus.POSTPONED])
                | ~Q(error=""),
            ),
            models.CheckConstraint(
                name="run_over_budget_is_incomplete",
                condition=Q(over_budget=False) | Q(status=RunStatus.INCOMPLETE),
            ),
            models.CheckConstraint(
                name="run_succeeded_left_no_job",
                condition=~Q(status=RunStatus.SUCCEEDED) | Q(job_place__isnull=True),
            ),
            models.CheckConstraint(
                name="run_queued_has_not_started",
                condition=~Q(status=RunStatus.QUEUED) | Q(started_at__isnull=True),
            ),
        ]
        indexes = [models.Index(fields=["workspace", "-queued_at", "-id"], name="run_newest_first")]

    def __str__(self) -> str:
        return f"{self.object} import of {self.queued_at:%Y-%m-%d %H:%M} UTC"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def has_place(self) -> bool:
        """Whether another process could go on where this run got to."""
        return bool(self.cursor_stamp or self.job_place)


class DryRun(models.Model):
    """What an import would do, asked for on a page: of the setup as entered, saved or not. Asking again replaces it."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="dry_runs")
    object = models.CharField(max_length=10, choices=SalesforceObject.choices)
    # A checked drafts.SetupDraft, and the name of its source.
    draft = models.JSONField()
    source_label = models.CharField(max_length=255)
    mode = models.CharField(max_length=10, choices=Mode.choices)
    status = models.CharField(max_length=10, choices=RunStatus.choices, default=RunStatus.QUEUED)
    phase = models.CharField(max_length=10, choices=Phase.choices, default=Phase.STARTING)
    received = models.PositiveIntegerField(default=0)
    expected = models.PositiveIntegerField(null=True)
    api_calls = models.PositiveIntegerField(default=0)
    # dry_run.Findings once it is over, and each tally.Flip.
    findings = models.JSONField(null=True)
    flips = models.JSONField(default=list)
    started_by_name = models.CharField(max_length=254)
    queued_at = models.DateTimeField(default=now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="dry_run_one_per_object", fields=["workspace", "object"]),
            models.CheckConstraint(
                name="dry_run_over_has_its_findings",
                condition=Q(status__in=OPEN_STATUSES, finished_at__isnull=True, findings__isnull=True)
                | Q(finished_at__isnull=False, findings__isnull=False) & ~Q(status__in=OPEN_STATUSES),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.object} dry run of {self.queued_at:%Y-%m-%d %H:%M} UTC"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES


class RunBatch(models.Model):
    """The ids one committed batch of a run covered, by outcome. They prove completeness and make counts
    distinct however often a page is read again; deleted when they can no longer be needed."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="batches")
    created = ArrayField(models.TextField(), default=list)
    updated = ArrayField(models.TextField(), default=list)
    unchanged = ArrayField(models.TextField(), default=list)
    rejected = ArrayField(models.TextField(), default=list)

    def __str__(self) -> str:
        return f"batch {self.pk}"


class RecordIssue(models.Model):
    """One thing about one record that could not be imported as it stood."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="issues", db_index=False)
    salesforce_id = models.CharField(max_length=18, blank=True, db_collation="C")
    field = models.CharField(max_length=255, blank=True)
    value = models.TextField(blank=True)
    code = models.CharField(max_length=40)
    message = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="issue_once_per_run", fields=["run", "salesforce_id", "field", "code"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.salesforce_id} {self.code}"


class HeldStatus(models.TextChoices):
    OPEN = "open", "Waits for an admin"
    APPLIED = "applied", "Applied"
    DROPPED = "dropped", "Dropped"
    OVER = "over", "Over"


# Sets whose people stay in the source although they are not in the list.
HELD_IN_FORCE = (HeldStatus.OPEN, HeldStatus.DROPPED)


class HeldLeavers(models.Model):
    """So many who left at once that they were not marked: they wait for an admin. *Dropped*: an admin keeps them in
    the source until they are in the list again. *Over*: a later import found otherwise."""

    setup = models.ForeignKey(ImportSetup, on_delete=models.CASCADE, related_name="held_leavers")
    # It is kept as long as the set is in force.
    run = models.OneToOneField(ImportRun, on_delete=models.CASCADE, related_name="held_leavers")
    status = models.CharField(max_length=10, choices=HeldStatus.choices, default=HeldStatus.OPEN)
    people = models.PositiveIntegerField()
    reason = models.TextField()
    found_at = models.DateTimeField(default=now)
    decided_at = models.DateTimeField(null=True)
    # An admin's e-mail; empty where an import decided.
    decided_by = models.CharField(max_length=254, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="held_one_in_force_per_setup", fields=["setup"], condition=Q(status__in=HELD_IN_FORCE)
            ),
            models.CheckConstraint(name="held_status_is_known", condition=Q(status__in=HeldStatus.values)),
            models.CheckConstraint(
                name="held_decided_has_its_date",
                condition=Q(status=HeldStatus.OPEN) ^ Q(decided_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.people} held since {self.found_at:%Y-%m-%d %H:%M} UTC"


class HeldIds(models.Model):
    """Some of the people of a set in force, by what was found of their records (Absence, or empty)."""

    held = models.ForeignKey(HeldLeavers, on_delete=models.CASCADE, related_name="ids")
    absence = models.CharField(max_length=10, choices=Absence.choices, blank=True)
    ids = ArrayField(models.TextField())

    def __str__(self) -> str:
        return f"{len(self.ids)} ids"


class HeldOptIns(models.Model):
    """So many whom a run would opt back in that it did not: they wait for an admin, staged in `consent` under the run's id.
    *Applied*: a worker opts them in. *Dropped*: they stay opted out. *Over*: a later import, or another mapping of the opt-out field, answers it."""

    setup = models.ForeignKey(ImportSetup, on_delete=models.CASCADE, related_name="held_opt_ins")
    run = models.OneToOneField(ImportRun, on_delete=models.CASCADE, related_name="held_opt_ins")
    status = models.CharField(max_length=10, choices=HeldStatus.choices, default=HeldStatus.OPEN)
    people = models.PositiveIntegerField()
    reason = models.TextField()
    mapping_is_new = models.BooleanField()
    mapping_version = models.PositiveIntegerField()
    found_at = models.DateTimeField(default=now)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=254, blank=True, default="")
    # Why the admin believes the records against whom staff opted out.
    accepted_because = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(name="held_opt_ins_status", condition=Q(status__in=HeldStatus.values)),
            models.CheckConstraint(
                name="held_opt_ins_decided_has_its_date",
                condition=Q(status=HeldStatus.OPEN) ^ Q(decided_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.people} opt-ins held since {self.found_at:%Y-%m-%d %H:%M} UTC"


class StartOutcome(models.TextChoices):
    STARTED = "started", "Started"
    SKIPPED = "skipped", "Skipped"
    MISSED = "missed", "Missed"


class ScheduledStart(models.Model):
    """What became of one window on one local day of its setup's zone. Written once, never changed."""

    setup = models.ForeignKey(ImportSetup, on_delete=models.CASCADE, related_name="starts")
    timezone = models.CharField(max_length=64)
    day = models.DateField()
    window = models.CharField(max_length=11)
    starts_at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=StartOutcome.choices)
    # Why it was skipped or missed, in a sentence.
    reason = models.TextField(blank=True, default="")
    run = models.OneToOneField(ImportRun, on_delete=models.CASCADE, null=True, related_name="scheduled_start")
    decided_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="start_once_per_window", fields=["setup", "timezone", "day", "window"]
            ),
            models.CheckConstraint(
                name="start_outcome_is_known", condition=Q(outcome__in=StartOutcome.values)
            ),
            models.CheckConstraint(
                name="start_has_its_run",
                condition=Q(outcome=StartOutcome.STARTED) ^ Q(run__isnull=True),
            ),
            models.CheckConstraint(
                name="start_left_out_says_why",
                condition=Q(outcome=StartOutcome.STARTED) | ~Q(reason=""),
            ),
        ]
        indexes = [models.Index(fields=["setup", "-starts_at"], name="start_newest_first")]

    def __str__(self) -> str:
        return f"{self.window} on {self.day} ({self.timezone}): {self.outcome}"


class ImportAlert(Alert):
    """A setup's imports don't do what they should, or people wait for an admin; `recovered` says whether an import that
    succeeded ended it."""

    setup = models.ForeignKey(ImportSetup, on_delete=models.CASCADE, related_name="alerts")
    kind = models.CharField(max_length=10, choices=AlertKind.choices)
    run = models.ForeignKey(ImportRun, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="alert_one_trouble_per_setup",
                fields=["setup"],
                condition=Q(over_at__isnull=True) & ~Q(kind__in=WAITING),
            ),
            models.UniqueConstraint(
                name="alert_one_of_a_kind", fields=["setup", "kind"], condition=Q(over_at__isnull=True)
            ),
            models.CheckConstraint(name="alert_kind_is_known", condition=Q(kind__in=AlertKind.values)),
            models.CheckConstraint(
                name="alert_recovered_is_over", condition=Q(recovered=False) | Q(over_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} since {self.since:%Y-%m-%d %H:%M} UTC"
