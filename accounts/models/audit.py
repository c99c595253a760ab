"""Store the audit log."""

from dataclasses import dataclass
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from accounts.models.tenant import TenantModel
from api import identifiers


@dataclass(frozen=True)
class Actor:
    """Represent a principal in records: its public ID, and its name at that moment."""

    id: str
    name: str = ""

    @property
    def label(self) -> str:
        """Return the ID and the name as one text, as the API shows them."""
        return f"{self.id} {self.name}" if self.name else self.id


class AuditEntry(TenantModel):
    """Store one change and the actor who made it. Entries are never changed.

    Entries about reports and breaches end with these (ingestion/data_retention).
    """

    id = models.UUIDField(primary_key=True, default=identifiers.uuid7, editable=False)
    at = models.DateTimeField()
    # The public ID of a key, member or staff user, or underone.
    actor_id = models.CharField(max_length=60)
    # The name at the time of the change: a key can be renamed, and a user can be deleted.
    actor_name = models.CharField(max_length=254, blank=True)
    what = models.CharField(max_length=60)
    # A public ID.
    about = models.CharField(max_length=60)
    # The fields that changed. Null: the object did not exist.
    before: "models.JSONField[Any, Any]" = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    after: "models.JSONField[Any, Any]" = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    detail: "models.JSONField[Any, Any]" = models.JSONField()
    # Null: no request made the change.
    request_id = models.CharField(max_length=128, null=True)  # noqa: DJ001

    class Meta:
        indexes = (models.Index("agency", "about", "id", name="auditentry_by_about"),)

    def __str__(self) -> str:
        return f"{self.what} {self.about}"

    @property
    def who(self) -> str:
        """Return the actor as one text, as the API shows it."""
        return Actor(self.actor_id, self.actor_name).label

    @property
    def public_id(self) -> str:
        return identifiers.public("note", self.id)
