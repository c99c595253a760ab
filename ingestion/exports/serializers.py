"""Define the request and response bodies of exports."""

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.models import public_account_id
from accounts.requests.fields import ACCOUNT_ID, PublicIdField
from api.strict_fields import Body
from ingestion.models import Export

QUEUED = {
    "id": "exp_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "account": None,
    "documents": False,
    "status": "queued",
    "created_at": "2026-11-22T09:00:00Z",
    "ready_at": None,
    "expires_at": None,
    "size": None,
    "sha256": None,
}
READY = QUEUED | {
    "status": "ready",
    "ready_at": "2026-11-22T09:00:41Z",
    "expires_at": "2026-11-29T09:00:41Z",
    "size": 48213377,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}


@extend_schema_serializer(
    examples=[
        OpenApiExample("Export the whole agency", value={}, request_only=True),
        OpenApiExample(
            "Export one account", value={"account": ACCOUNT_ID, "documents": True}, request_only=True
        ),
    ]
)
class CreateExport(Body):
    """The scope and the content of an export."""

    account = serializers.CharField(
        required=False,
        allow_null=True,
        help_text="The ID of the account to export (`acct_…`). If null or absent, the whole agency is "
        "exported.",
    )
    documents = serializers.BooleanField(
        default=False, help_text="Whether to include the stored report documents."
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample("Queued export", value=QUEUED, response_only=True, status_codes=["202"]),
        OpenApiExample("Ready export", value=READY, response_only=True),
    ]
)
class ExportSerializer(serializers.Serializer[Export]):
    """An export of everything stored about the agency or one account."""

    id = PublicIdField()
    account = serializers.SerializerMethodField(
        help_text="The ID of the exported account. Null if the whole agency was exported."
    )
    documents = serializers.BooleanField(
        source="with_documents", help_text="Whether the archive includes report documents."
    )
    status = serializers.ChoiceField(
        choices=Export.Status.choices,
        help_text="`queued`, `running`, `ready`, `failed` (because of an internal error; create another "
        "export) or `expired` (the archive was deleted).",
    )
    created_at = serializers.DateTimeField(help_text="When the export was created.")
    ready_at = serializers.DateTimeField(
        allow_null=True, help_text="When the archive was ready. Null before that."
    )
    expires_at = serializers.DateTimeField(
        source="kept_until",
        allow_null=True,
        help_text="When the archive is deleted: 7 days after it was ready, or later if its account is "
        "deleted and not erased yet.",
    )
    size = serializers.IntegerField(allow_null=True, help_text="Size of the archive in bytes.")
    sha256 = serializers.SerializerMethodField(help_text="SHA-256 digest of the archive, in hexadecimal.")

    def get_account(self, export: Export) -> str | None:
        return public_account_id(export.account_id) if export.account_id else None

    def get_sha256(self, export: Export) -> str | None:
        return export.sha256 or None
