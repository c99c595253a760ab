"""Render audit log entries."""

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


@extend_schema_serializer(examples=[OpenApiExample("Audit log entry", value=AUDIT_ENTRY, response_only=True)])
class AuditEntrySerializer(serializers.ModelSerializer[AuditEntry]):
    id = PublicIdField()
    who = serializers.CharField(
        help_text=(
            "ID and name, at that time, of the key, member or staff user that made the change; or `underone`."
        )
    )
    what = serializers.CharField(help_text="The action, such as `endpoint.created`.")
    about = serializers.CharField(help_text="ID of the object that was changed.")
    before = serializers.DictField(
        allow_null=True,
        help_text="The changed fields with their old values. Null if the object did not exist.",
    )
    after = serializers.DictField(
        allow_null=True,
        help_text="The changed fields with their new values. Null if the object no longer exists.",
    )
    detail = serializers.DictField(help_text="Further IDs and settings. It never contains secrets.")
    request_id = serializers.CharField(
        allow_null=True,
        help_text="`X-Request-Id` of the request that made the change. Null if no request did.",
    )

    class Meta:
        model = AuditEntry
        fields = ("id", "at", "who", "what", "about", "before", "after", "detail", "request_id")
