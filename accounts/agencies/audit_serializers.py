"""The shape of what the audit log says."""

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.models import AuditEntry
from accounts.requests.fields import PublicIdField

AUDIT_ENTRY = {
    "id": "note_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "at": "2026-11-22T09:00:00Z",
    "who": "key_019abc4e5f607a8b9c0d1e2f3a4b5c6d first key",
    "what": "account.changed",
    "about": "acct_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "before": {"name": "Nordwind"},
    "after": {"name": "Nordwind Outdoor"},
    "detail": {},
    "request_id": "req_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
}


@extend_schema_serializer(examples=[OpenApiExample("An entry", value=AUDIT_ENTRY, response_only=True)])
class AuditEntrySerializer(serializers.ModelSerializer[AuditEntry]):
    id = PublicIdField()
    who = serializers.CharField(
        help_text="The id of the key, member or staff that asked for it, and its name of then; or `underone`."
    )
    what = serializers.CharField(help_text="Like `endpoint.created`.")
    about = serializers.CharField(help_text="The id of the thing.")
    before = serializers.DictField(allow_null=True, help_text="The fields that changed, as they were; null where nothing was.")
    after = serializers.DictField(allow_null=True, help_text="The same fields as they are since; null where nothing is.")
    detail = serializers.DictField(help_text="Ids and choices, never a secret.")
    request_id = serializers.CharField(allow_null=True, help_text="Of the request that asked for it, as `X-Request-Id` told.")

    class Meta:
        model = AuditEntry
        fields = ("id", "at", "who", "what", "about", "before", "after", "detail", "request_id")
