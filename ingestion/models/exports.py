"""Archives of what is kept of an agency or an account."""

from django.db import models

from accounts.models import Agency, SellerAccount
from api import identifiers


class Export(models.Model):
    """An archive of all that is kept of an agency, or of one account; made by a worker, and kept for a while."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        READY = "ready"
        FAILED = "failed"
        EXPIRED = "expired"

    id = models.UUIDField(primary_key=True, default=identifiers.uuid7, editable=False)
    agency = models.ForeignKey(Agency, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(SellerAccount, on_delete=models.CASCADE, related_name="+", null=True)  # null: all of the agency
    with_documents = models.BooleanField()
    status = models.CharField(max_length=7, choices=Status, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    handed_out_at = models.DateTimeField()
    ready_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    size = models.BigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    document = models.CharField(max_length=200, blank=True)  # its name in the storage

    class Meta:
        constraints = (
            models.UniqueConstraint(
                "agency", condition=models.Q(status__in=("queued", "running")), name="an_agency_has_one_export_under_way"
            ),
            models.CheckConstraint(
                condition=~models.Q(status="ready")
                | (models.Q(ready_at__isnull=False, expires_at__isnull=False, size__isnull=False) & ~models.Q(document="")),
                name="a_ready_export_is_there",
            ),
        )
        indexes = (models.Index("agency", "id", name="exports_by_age"),)

    def __str__(self) -> str:
        return f"{self.public_id} {self.status}"

    @property
    def public_id(self) -> str:
        return identifiers.public("exp", self.id)
