"""Define the request and response bodies of agencies and of closing them."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts.agencies.account_serializers import MetricField
from accounts.models import Agency
from accounts.models.agencies import DATA_RETENTION_MONTHS
from accounts.requests.fields import PublicIdField
from api import origins
from api.strict_fields import Body, Choice, Contradiction

AGENCY = {
    "id": "agcy_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "name": "Acme Marketplace Partners",
    "counts_pending_and_cancelled": False,
    "keeps_personal_columns": False,
    "document_retention_days": 30,
    "data_retention_months": None,
    "sp_api_retention_months": 18,
    "allowed_origins": ["https://app.acme.example"],
    "ignored_metrics": [],
    "language": "en",
    "upload_limits": {
        "document_bytes": 1073741824,
        "reports_waiting": 1000,
        "reports_at_once": 2,
        "stored_bytes": 107374182400,
    },
    "requires_second_factor": False,
}
CLOSED = {
    "id": "agcy_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "closed_at": "2026-11-22T09:00:00Z",
    "erased_from": "2026-11-29T09:00:00Z",
}
MAX_ORIGINS = 50
MAX_IGNORED_METRICS = 50
INVALID_ORIGIN = (
    "Expected an origin such as `https://app.acme.example`, with https (or http on localhost) and "
    "without a path or a wildcard."
)


class UploadLimits(serializers.Serializer[Any]):
    """The limits of this server for the uploads of an agency."""

    document_bytes = serializers.IntegerField(help_text="Size of one document in bytes, packed and unpacked.")
    reports_waiting = serializers.IntegerField(
        help_text="Reports that may wait to be loaded. Further uploads get 429."
    )
    reports_at_once = serializers.IntegerField(
        help_text="Reports that are loaded at the same time. Agencies get their turn one after the other."
    )
    stored_bytes = serializers.IntegerField(
        help_text="Total size in bytes of all stored documents. Further uploads get 409."
    )


@extend_schema_field({"type": "string", "maxLength": 255, "pattern": origins.DOCUMENTED})
class OriginField(serializers.CharField):
    """Describe origins in the OpenAPI document by a simpler pattern than `origins.parse` accepts."""


@extend_schema_serializer(
    examples=[
        OpenApiExample("Agency", value=AGENCY, response_only=True),
        OpenApiExample(
            "Count pending orders", value={"counts_pending_and_cancelled": True}, request_only=True
        ),
        OpenApiExample("Keep reports for a week", value={"document_retention_days": 7}, request_only=True),
        OpenApiExample("End data after two years", value={"data_retention_months": 24}, request_only=True),
        OpenApiExample(
            "Ignore a metric without data",
            value={"ignored_metrics": ["message_response_rate_24h"]},
            request_only=True,
        ),
        OpenApiExample(
            "Require a second factor of members", value={"requires_second_factor": True}, request_only=True
        ),
        OpenApiExample(
            "Allow a front end", value={"allowed_origins": ["https://app.acme.example"]}, request_only=True
        ),
    ]
)
class AgencySerializer(Body, serializers.ModelSerializer[Agency]):
    id = PublicIdField()
    data_retention_months = serializers.IntegerField(
        min_value=DATA_RETENTION_MONTHS[0],
        max_value=DATA_RETENTION_MONTHS[1],
        required=False,
        allow_null=True,
        help_text="For how many months the data of uploaded and posted reports is stored: facts and their history, "
        "reports, daily counts, breaches and events. After that it is deleted and cannot be recovered. Null: it is "
        "stored until its account is deleted.",
    )
    sp_api_retention_months = serializers.SerializerMethodField(
        help_text="For how many months the data that came from Amazon's API is stored. The operator sets it; Amazon's "
        "Data Protection Policy allows at most 18."
    )
    allowed_origins = serializers.ListField(
        child=OriginField(max_length=255),
        max_length=MAX_ORIGINS,
        required=False,
        help_text="Origins of the web pages that may call the API with the agency's keys and tokens, "
        "such as `https://app.acme.example`. The scheme is https, or http for localhost. "
        "Paths and wildcards are not allowed.",
    )

    ignored_metrics = serializers.ListField(
        child=MetricField(max_length=60),
        max_length=MAX_IGNORED_METRICS,
        required=False,
        help_text="Metrics that do not count towards the status of accounts, because the agency does not load "
        "their reports. They are still computed, and shown as ignored.",
    )

    language = Choice(
        choices=settings.LANGUAGES,
        required=False,
        help_text="The language of notifications and e-mails that the agency causes. Responses of the API follow "
        "`Accept-Language`.",
    )

    upload_limits = serializers.SerializerMethodField(help_text="The limits of this server for uploads.")

    class Meta:
        model = Agency
        fields = (
            *(
                "id",
                "name",
                "counts_pending_and_cancelled",
                "keeps_personal_columns",
                "document_retention_days",
                "data_retention_months",
                "sp_api_retention_months",
            ),
            "allowed_origins",
            "ignored_metrics",
            "language",
            "upload_limits",
            "requires_second_factor",
        )

    def get_sp_api_retention_months(self, agency: Agency) -> int:
        return settings.SP_API_RETENTION_MONTHS

    @extend_schema_field(UploadLimits)
    def get_upload_limits(self, agency: Agency) -> dict[str, int]:
        return {
            "document_bytes": settings.REPORT_MAX_BYTES,
            "reports_waiting": settings.REPORTS_MAX_WAITING,
            "reports_at_once": settings.REPORTS_AT_ONCE,
            "stored_bytes": settings.DOCUMENTS_MAX_BYTES,
        }

    def validate_ignored_metrics(self, codes: list[str]) -> list[str]:
        return list(dict.fromkeys(codes))

    def validate_allowed_origins(self, texts: list[str]) -> list[str]:
        parsed = [origins.parse(text) for text in texts]
        if errors := {index: [INVALID_ORIGIN] for index, origin in enumerate(parsed) if origin is None}:
            raise serializers.ValidationError(errors)  # type: ignore[arg-type]  # indexes of the list are numbers
        return list(dict.fromkeys(origin for origin in parsed if origin))


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Confirmation", value={"confirm": "close Acme Marketplace Partners"}, request_only=True
        )
    ]
)
class CloseAgency(Body):
    # Not trimmed: an agency's name may begin or end with a blank, and the text must match it exactly.
    confirm = serializers.CharField(
        trim_whitespace=False,
        help_text=(
            "The word `close`, a space, and the exact current name of the agency. This prevents closing "
            "the agency by accident."
        ),
    )

    def validate_confirm(self, text: str) -> str:
        if text != f"close {self.context['agency'].name}":
            raise Contradiction("Expected `close` followed by the agency's name. The agency was not closed.")
        return text


@extend_schema_serializer(
    examples=[OpenApiExample("Closed agency", value=CLOSED, response_only=True, status_codes=["202"])]
)
class ClosedAgency(serializers.ModelSerializer[Agency]):
    id = PublicIdField()
    closed_at = serializers.DateTimeField(help_text="When the agency was closed.")
    erased_from = serializers.DateTimeField(
        help_text="When the erasure of its data starts. Until then it can be reopened."
    )

    class Meta:
        model = Agency
        fields = ("id", "closed_at", "erased_from")
