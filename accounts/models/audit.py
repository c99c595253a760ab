"""Who did what."""

from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from accounts.models.tenant import TenantModel
from api import identifiers


class AuditEntry(TenantModel):
    """That somebody did something. Never changed, and never taken out."""

    id = models.UUIDField(primary_key=True, default=identifiers.uuid7, editable=False)
    at = models.DateTimeField()
    who = models.CharField(max_length=250)  # a key's id and name of then, or underone
    what = models.CharField(max_length=60)
    about = models.CharField(max_length=60)  # a public id
    before: "models.JSONField[Any, Any]" = models.JSONField(null=True, encoder=DjangoJSONEncoder)  # the fields that changed;
    after: "models.JSONField[Any, Any]" = models.JSONField(null=True, encoder=DjangoJSONEncoder)  # null: no such thing
    detail: "models.JSONField[Any, Any]" = models.JSONField()
    request_id = models.CharField(max_length=128, null=True)  # noqa: DJ001  null where nobody asked over HTTP

    class Meta:
        indexes = (models.Index("agency", "about", "id", name="auditentry_by_about"),)

    def __str__(self) -> str:
        return f"{self.what} {self.about}"

    @property
    def public_id(self) -> str:
        return identifiers.public("note", self.id)
