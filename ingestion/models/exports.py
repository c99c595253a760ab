"""Define the table of exports."""

from datetime import datetime

from django.db import models

from accounts.models import SellerAccount, TenantForeignKey, TenantModel
from api import identifiers

ONE_IN_PROGRESS = "ingestion_export_one_in_progress"


class Export(TenantModel):
    """Store an export of an agency or one account. A worker creates the archive; it expires."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        READY = "ready"
        FAILED = "failed"
        EXPIRED = "expired"

    id = models.UUIDField(primary_key=True, default=identifiers.uuid7, editable=False)
    # Null: the export contains all of the agency.
    account = TenantForeignKey(SellerAccount, on_delete=models.DO_NOTHING, related_name="+", null=True)
    with_documents = models.BooleanField()
    status = models.CharField(max_length=7, choices=Status, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    handed_out_at = models.DateTimeField()
    # Until when it is the export of the worker that builds it.
    leased_until = models.DateTimeField(null=True)
    ready_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    size = models.BigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    # The name of the archive in the storage. Empty before it is ready and after it has expired.
    document = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = (
            # A build may read all rows of the agency. The database admits one at a time, even if two requests
            # race.
            models.UniqueConstraint(
                "agency", condition=models.Q(status__in=("queued", "running")), name=ONE_IN_PROGRESS
            ),
            models.CheckConstraint(
                condition=~models.Q(status="ready")
                | (
                    models.Q(ready_at__isnull=False, expires_at__isnull=False, size__isnull=False)
                    & ~models.Q(document="")
                ),
                name="ingestion_export_ready_complete",
            ),
        )
        indexes = (models.Index("agency", "account", name="export_by_account"),)

    def __str__(self) -> str:
        return f"{self.public_id} {self.status}"

    @property
    def public_id(self) -> str:
        return identifiers.public("exp", self.id)

    @property
    def kept_until(self) -> datetime | None:
        """Return when the archive is deleted: not before its account is erased, if that is deleted."""
        erased_from = self.account.erased_from if self.account else None
        return max(self.expires_at, erased_from) if self.expires_at and erased_from else self.expires_at
