"""Define the tables of reports and their rejected rows."""

from datetime import date
from typing import Any

from django.db import models

from accounts.models import SellerAccount, TenantForeignKey, TenantModel
from api import identifiers

UNIQUE_DOCUMENT = "ingestion_report_unique_document"


class Report(TenantModel):
    """Store one report received, and its processing status."""

    class Source(models.TextChoices):
        UPLOAD = "upload"
        SP_API = "sp_api"
        JSON = "json"

    class Status(models.TextChoices):
        QUEUED = "queued"
        PROCESSING = "processing"
        LOADED = "loaded"
        REJECTED = "rejected"
        FAILED = "failed"

    IN_PROGRESS = (Status.QUEUED, Status.PROCESSING)

    id = models.UUIDField(primary_key=True, default=identifiers.uuid7, editable=False)
    account = TenantForeignKey(SellerAccount, on_delete=models.DO_NOTHING, related_name="reports")
    # The type that the sender named. Empty: it is detected from the header.
    announced_type = models.CharField(max_length=80, blank=True)
    # The type as which the document was read. Until then the announced one.
    report_type = models.CharField(max_length=80, blank=True)
    marketplace = models.CharField(max_length=2)
    # Otherwise it is the account's home marketplace.
    is_marketplace_stated = models.BooleanField(default=True, db_default=True)
    source = models.CharField(max_length=6, choices=Source)
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    rows_read = models.IntegerField(default=0)
    rows_new = models.IntegerField(default=0)
    rows_changed = models.IntegerField(default=0)
    rows_unchanged = models.IntegerField(default=0)
    rows_rejected = models.IntegerField(default=0)
    # Rows of multi-channel orders, which count in no metric.
    rows_set_apart = models.IntegerField(default=0, db_default=0)
    problem: "models.JSONField[Any, Any]" = models.JSONField(null=True)
    warnings: "models.JSONField[Any, Any]" = models.JSONField(default=list)
    # Orders that the account did not have when the report was loaded: how many the report names, how many are
    # missing, and how many of these other accounts have. Null if none was missing.
    missing_orders: "models.JSONField[Any, Any]" = models.JSONField(null=True)
    encoding = models.CharField(max_length=20, blank=True)
    encoding_reason = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    # The names of files in the storage: of the document as it was received, until a worker has redacted it,
    # and of the redacted document from then on.
    original = models.CharField(max_length=200, blank=True, db_default="")
    document = models.CharField(max_length=200, blank=True)
    document_deleted_at = models.DateTimeField(null=True)
    blanked_columns: "models.JSONField[Any, Any]" = models.JSONField(
        default=list, db_default=models.Value([], models.JSONField())
    )
    # The sender states that the report lists everything from this day to `period_to`.
    period_from = models.DateField(null=True)
    period_to = models.DateField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    received_at = models.DateTimeField()
    # When it was queued.
    handed_out_at = models.DateTimeField()
    # When a worker last began to load it, and until when the report is that worker's (ingestion/leases.py).
    claimed_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True)
    loaded_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                # Posted rows are left out: the same rows sent twice may restore a
                # state that was changed in between.
                "agency",
                "account",
                "sha256",
                # The same bytes sent for another marketplace are read in another way.
                "marketplace",
                condition=~models.Q(source="json"),
                name=UNIQUE_DOCUMENT,
            ),
            models.CheckConstraint(
                condition=~models.Q(status="loaded") | models.Q(loaded_at__isnull=False),
                name="ingestion_report_loaded_complete",
            ),
            models.CheckConstraint(
                condition=~models.Q(status__in=("rejected", "failed")) | models.Q(problem__isnull=False),
                name="ingestion_report_problem_present",
            ),
            models.CheckConstraint(
                condition=models.Q(period_from__isnull=True, period_to__isnull=True)
                | models.Q(
                    period_from__isnull=False, period_to__isnull=False, period_from__lte=models.F("period_to")
                ),
                name="ingestion_report_period_complete",
            ),
            models.CheckConstraint(
                # A queued report is going to be read, so retention must not have deleted its document.
                condition=models.Q(document_deleted_at__isnull=True)
                | ~models.Q(status__in=("queued", "processing")),
                name="ingestion_report_document_present",
            ),
        )
        indexes = (
            models.Index("agency", "account", "id", name="report_by_age"),
            # Almost all reports are loaded. The partial index keeps the look-up of the next report as small as
            # the queue.
            models.Index(
                "agency",
                "handed_out_at",
                "id",
                condition=models.Q(status__in=("queued", "processing")),
                name="report_in_progress",
            ),
            models.Index(
                "agency",
                "received_at",
                condition=models.Q(document_deleted_at=None),
                name="report_document_by_age",
            ),
        )

    def __str__(self) -> str:
        return f"{self.report_type or self.announced_type} {self.status}"

    @property
    def public_id(self) -> str:
        return identifiers.public("rpt", self.id)

    @property
    def period(self) -> tuple[date, date] | None:
        """Return the first and last day that the report covers completely, as its sender states."""
        return (self.period_from, self.period_to) if self.period_from and self.period_to else None


class RejectedRow(models.Model):
    """Store a row that could not be used, and the reason."""

    agency_id = models.UUIDField()
    account_id = models.UUIDField()
    report_id = models.UUIDField()
    line = models.IntegerField()
    reason = models.CharField(max_length=300)
    pk = models.CompositePrimaryKey("agency_id", "report_id", "line")
