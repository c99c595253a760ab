"""The shapes of agencies, and of their end."""

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts.models import Agency
from accounts.requests.fields import PublicIdField
from api import origins
from api.strict_fields import Body, Contradiction

AGENCY = {
    "id": "agcy_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "name": "Acme Marketplace Partners",
    "counts_pending_and_cancelled": False,
    "keeps_personal_columns": False,
    "document_retention_days": 30,
    "allowed_origins": ["https://app.acme.example"],
}
CLOSED = {
    "id": "agcy_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "closed_at": "2026-11-22T09:00:00Z",
    "erased_from": "2026-11-29T09:00:00Z",
}
MOST_ORIGINS = 50
NO_ORIGIN = "An origin is https://host or https://host:port, or http on localhost; no path, no wildcard."


@extend_schema_field({"type": "string", "maxLength": 255, "pattern": origins.PLAIN})
class OriginField(serializers.CharField):
    """The document tells of origins as browsers write them."""


@extend_schema_serializer(
    examples=[
        OpenApiExample("The agency", value=AGENCY, response_only=True),
        OpenApiExample("Another choice", value={"counts_pending_and_cancelled": True}, request_only=True),
        OpenApiExample("Documents for a week", value={"document_retention_days": 7}, request_only=True),
        OpenApiExample("A front end", value={"allowed_origins": ["https://app.acme.example"]}, request_only=True),
    ]
)
class AgencySerializer(Body, serializers.ModelSerializer[Agency]):
    id = PublicIdField()
    allowed_origins = serializers.ListField(
        child=OriginField(max_length=255),
        max_length=MOST_ORIGINS,
        required=False,
        help_text="Web pages of these origins (`https://app.acme.example`) may read answers to the agency's keys and tokens. "
        "With https, or http on localhost; no path, no wildcard.",
    )

    class Meta:
        model = Agency
        fields = (
            *("id", "name", "counts_pending_and_cancelled", "keeps_personal_columns", "document_retention_days"),
            "allowed_origins",
        )

    def validate_allowed_origins(self, texts: list[str]) -> list[str]:
        found = [origins.parse(text) for text in texts]
        if wrong := {place: [NO_ORIGIN] for place, origin in enumerate(found) if origin is None}:
            raise serializers.ValidationError(wrong)  # type: ignore[arg-type]  # places in the list are numbers
        return list(dict.fromkeys(origin for origin in found if origin))


@extend_schema_serializer(
    examples=[OpenApiExample("In so many words", value={"confirm": "close Acme Marketplace Partners"}, request_only=True)]
)
class Closing(Body):
    confirm = serializers.CharField(
        trim_whitespace=False,
        help_text="`close` and the agency's present name, letter by letter: nobody closes an agency by accident.",
    )

    def validate_confirm(self, words: str) -> str:
        if words != f"close {self.context['agency'].name}":
            raise Contradiction("This is not `close` and the agency's name. Nothing was closed.")
        return words


@extend_schema_serializer(examples=[OpenApiExample("A closed agency", value=CLOSED, response_only=True, status_codes=["202"])])
class ClosedAgency(serializers.ModelSerializer[Agency]):
    id = PublicIdField()
    closed_at = serializers.DateTimeField()
    erased_from = serializers.DateTimeField(help_text="When all of it is erased.")

    class Meta:
        model = Agency
        fields = ("id", "closed_at", "erased_from")
