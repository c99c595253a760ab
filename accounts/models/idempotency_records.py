"""Define the table of responses to writes, so that a repeated write happens once."""

from django.db import models
from django.db.models import Q

from accounts.encryption import at_rest
from accounts.models.tenant import TenantModel


class IdempotencyRecord(TenantModel):
    """Store the response to a write under its `Idempotency-Key`, in the transaction of the write, so that
    both are stored or neither is."""

    bearer_id = models.UUIDField()
    key = models.CharField(max_length=255)
    # Of method, path and body.
    fingerprint = models.BinaryField(max_length=32)
    # Null only inside the transaction of the write.
    status = models.PositiveSmallIntegerField(null=True)
    headers: "models.JSONField[dict[str, str], dict[str, str]]" = models.JSONField(default=dict)
    # The body. It may contain a secret that is shown once.
    encrypted = models.BinaryField(default=b"")
    key_id = at_rest.key_id_column("encrypted")
    created_at = models.DateTimeField()
    pk = models.CompositePrimaryKey("agency_id", "bearer_id", "key")

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(status=None) | Q(status__range=(200, 399)),
                name="accounts_idempotencyrecord_status_success",
            ),
        )
        indexes = (models.Index("agency", "created_at", name="idempotencyrecord_by_age"),)

    def __str__(self) -> str:
        return self.key

    @property
    def context(self) -> str:
        """Return the context to which the encrypted body is bound."""
        return f"accounts_idempotencyrecord:{self.agency_id}:{self.bearer_id}:{self.key}"
