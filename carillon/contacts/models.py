"""People as the texting platform knows them. Invariants: one row per Salesforce record and workspace; someone who left
the source is kept, with the date, and so is what is known of their record; an id a record had before it was merged or
converted leads to one person; a contact without a valid number is kept, not textable."""

import json
from decimal import Decimal
from typing import Any

from django.contrib.postgres.indexes import BrinIndex, GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact

from carillon.accounts.models import Workspace
from carillon.lib.clock import now


class SalesforceObject(models.TextChoices):
    CONTACT = "Contact", "Contact"
    LEAD = "Lead", "Lead"


class Absence(models.TextChoices):
    """What is known against a record outside the source; "" where it is a record like any other."""

    DELETED = "deleted", "Deleted in Salesforce"
    HIDDEN = "hidden", "Gone or hidden"


class FieldType(models.TextChoices):
    TEXT = "text", "Text"
    NUMBER = "number", "Number"
    DATE = "date", "Date"
    DATETIME = "datetime", "Date and time"
    YES_NO = "yes_no", "Yes/no"
    CHOICE = "choice", "Choice"
    CHOICES = "choices", "Choices (several)"


class ExactDecoder(json.JSONDecoder):
    """Numbers digit by digit as they are stored; a float would round the long ones."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"parse_float": Decimal, **options})


class ContactField(models.Model):
    """A field of contacts that a workspace adds to the standard ones; values are in Contact.fields."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="contact_fields")
    name = models.SlugField(max_length=40)
    label = models.CharField(max_length=80)
    type = models.CharField(max_length=10, choices=FieldType.choices)
    created_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="contact_field_name_unique", fields=["workspace", "name"]),
            models.CheckConstraint(
                name="contact_field_name_is_plain", condition=Q(name__regex=r"^[a-z][a-z0-9_]*$")
            ),
            models.CheckConstraint(
                name="contact_field_type_is_known", condition=Q(type__in=FieldType.values)
            ),
        ]

    def __str__(self) -> str:
        return self.label


class Contact(models.Model):
    """A person, linked to one Salesforce record. Written in bulk by the import's loader."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    object = models.CharField(max_length=10, choices=SalesforceObject.choices)
    salesforce_id = models.CharField(max_length=18, db_collation="C")
    first_name = models.TextField(blank=True, default="")
    last_name = models.TextField(blank=True, default="")
    # Names as people search them: lower case, no accents, last name first (contacts.search.fold).
    sort_name = models.TextField(blank=True, default="", db_collation="C")
    # E.164, or empty when there is no number that can be texted.
    mobile_number = models.TextField(blank=True, default="", db_collation="C")
    mobile_as_given = models.TextField(blank=True, default="")
    user_identification = models.TextField(blank=True, default="")
    # Additional fields by ContactField.name; a cleared value is null, several choices are a list.
    fields = models.JSONField(default=dict, decoder=ExactDecoder)
    in_source = models.BooleanField(default=True)
    left_source_at = models.DateTimeField(null=True)
    absence = models.CharField(max_length=10, choices=Absence.choices, blank=True, default="", db_default="")
    absent_since = models.DateTimeField(null=True)
    # When Salesforce was last asked what became of somebody outside the source.
    looked_for_at = models.DateTimeField(null=True)
    source_modified_at = models.DateTimeField(null=True)
    system_modstamp = models.DateTimeField()
    last_modified_by_id = models.CharField(max_length=18, blank=True, default="")
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="contact_salesforce_id_unique", fields=["workspace", "salesforce_id"]
            ),
            models.CheckConstraint(
                name="contact_id_has_18_characters", condition=Exact(Length("salesforce_id"), 18)
            ),
            models.CheckConstraint(
                name="contact_object_is_known", condition=Q(object__in=SalesforceObject.values)
            ),
            models.CheckConstraint(
                name="contact_left_source_has_its_date",
                condition=Q(in_source=True) ^ Q(left_source_at__isnull=False),
            ),
            models.CheckConstraint(
                name="contact_absence_is_known", condition=Q(absence__in=["", *Absence.values])
            ),
            models.CheckConstraint(
                name="contact_absence_has_its_date",
                condition=Q(absence="") ^ Q(absent_since__isnull=False),
            ),
            models.CheckConstraint(
                name="contact_absent_has_left_the_source", condition=Q(absence="") | Q(in_source=False)
            ),
            models.CheckConstraint(
                name="contact_mobile_number_is_e164",
                condition=Q(mobile_number="") | Q(mobile_number__startswith="+"),
            ),
        ]
        indexes = [
            models.Index(fields=["workspace", "sort_name", "id"], name="contact_by_name"),
            models.Index(
                fields=["workspace", "sort_name", "id"],
                name="contact_lead_by_name",
                condition=Q(object="Lead"),
            ),
            models.Index(
                fields=["workspace", "sort_name", "id"],
                name="contact_left_by_name",
                condition=Q(in_source=False),
            ),
            models.Index(
                fields=["workspace", "mobile_number"],
                name="contact_by_mobile",
                condition=~Q(mobile_number=""),
            ),
            # Counts the people of each User Identification without reading the people.
            models.Index(
                fields=["workspace", "user_identification", "object"],
                name="contact_by_assignment",
                condition=Q(in_source=True, user_identification__gt=""),
            ),
            models.Index(
                F("workspace"),
                F("looked_for_at").asc(nulls_first=True),
                name="contact_to_look_for",
                condition=Q(in_source=False),
            ),
            GinIndex(F("workspace"), OpClass("sort_name", name="gin_trgm_ops"), name="contact_name_search"),
        ]

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.salesforce_id


class RecordChange(models.TextChoices):
    """What may stand in a timeline beside changed fields; the names can't be those of a ContactField. MERGED and
    CONVERTED: before and after are record ids. ABSENCE: they are of Absence, or empty."""

    MERGED = "record:merged", "Merged in Salesforce"
    CONVERTED = "record:converted", "Converted in Salesforce"
    ABSENCE = "record:absence", "Record in Salesforce"


class FormerId(models.Model):
    """An id of a person from before their record was merged into another, or a Lead was converted."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="former_ids")
    salesforce_id = models.CharField(max_length=18, db_collation="C")
    object = models.CharField(max_length=10, choices=SalesforceObject.choices)
    since = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="former_id_once", fields=["workspace", "salesforce_id"]),
            models.CheckConstraint(
                name="former_id_has_18_characters", condition=Exact(Length("salesforce_id"), 18)
            ),
            models.CheckConstraint(
                name="former_id_object_is_known", condition=Q(object__in=SalesforceObject.values)
            ),
        ]

    def __str__(self) -> str:
        return self.salesforce_id


class FieldChange(models.Model):
    """One field of one contact that an import changed. Written in bulk by the import's loader, in the transaction of
    the update; a record's or a field's first values are no change. `field` is a column of the contact
    (first_name, mobile_number, in_source, ...), the name of a ContactField, or one of RecordChange: they never meet."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="changes", db_index=False)
    field = models.TextField()
    before = models.JSONField(null=True, decoder=ExactDecoder)
    after = models.JSONField(null=True, decoder=ExactDecoder)
    # The public id of the import's run, which may be kept for less long than this.
    run = models.UUIDField()
    at = models.DateTimeField(default=now)

    class Meta:
        indexes = [
            models.Index(fields=["contact", "-id"], name="change_newest_first"),
            # Rows come in the order of time, so a few pages of this say which are too old.
            BrinIndex(fields=["at"], name="change_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.field} changed"


class RecogniserKey(models.Model):
    """The sealed key of the workspace's keyed hashes; made when somebody is erased for the first time."""

    workspace = models.OneToOneField(Workspace, on_delete=models.PROTECT, related_name="+")
    sealed_key = models.TextField()

    def __str__(self) -> str:
        return "key of keyed hashes"


class ErasedRecord(models.Model):
    """A Salesforce record whose person was erased here and is not imported again: a keyed hash of its id."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    id_hash = models.BinaryField()
    erased_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="erased_record_once", fields=["workspace", "id_hash"]),
        ]

    def __str__(self) -> str:
        return f"erased record {self.pk}"


class SuppressedNumber(models.Model):
    """A mobile number that must not be texted although nobody's consent says so any more: its person was erased. A
    keyed hash of the E.164 form, since when, and who saw to it (a member's e-mail, or the command line)."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    number_hash = models.BinaryField()
    since = models.DateTimeField(default=now)
    by = models.CharField(max_length=254)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="suppressed_number_once", fields=["workspace", "number_hash"]),
        ]

    def __str__(self) -> str:
        return f"suppressed number {self.pk}"
