"""What happened, once each."""

from typing import Any

from django.db import models

from accounts import identifiers
from accounts.models import Agency, SellerAccount


class Event(models.Model):
    """Something that happened, written in the transaction in which it did."""

    id = models.UUIDField(primary_key=True, default=identifiers.uuid7, editable=False)
    agency = models.ForeignKey(Agency, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(SellerAccount, on_delete=models.CASCADE, related_name="events")
    type = models.CharField(max_length=40)
    data: "models.JSONField[Any, Any]" = models.JSONField()
    occurred_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index("agency", "id", name="events_by_age"),)

    def __str__(self) -> str:
        return self.type

    @property
    def public_id(self) -> str:
        return identifiers.public("evt", self.id)
