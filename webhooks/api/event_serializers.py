"""Define the response bodies of events and event types."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.models import public_account_id
from accounts.requests.fields import ACCOUNT_ID, PublicIdField, TranslatedText
from webhooks.events.catalogue import NAMES, TYPES
from webhooks.models import Event

EVENT = {
    "id": "evt_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "type": TYPES["account.status_changed"].type,
    "account": ACCOUNT_ID,
    "occurred_at": "2026-11-22T09:00:00Z",
    "data": TYPES["account.status_changed"].example,
}


@extend_schema_serializer(
    examples=[OpenApiExample("Account status changed", value=EVENT, response_only=True)]
)
class EventSerializer(serializers.Serializer[Event]):
    id = PublicIdField()
    type = serializers.ChoiceField(choices=NAMES, help_text="The event type.")
    account = serializers.SerializerMethodField()
    occurred_at = serializers.DateTimeField(help_text="When the event occurred.")
    data = serializers.DictField(
        help_text="The details of the event. `GET /v1/event-types` has the schema for each type."
    )  # type: ignore[assignment]  # a field of the contract

    def get_account(self, event: Event) -> str | None:
        """The ID of the account. Null for an event without an account."""
        return public_account_id(event.account_id) if event.account_id else None


EVENT_TYPE = {
    "type": TYPES["account.status_changed"].type,
    "description": TYPES["account.status_changed"].description,
    "schema": TYPES["account.status_changed"].schema,
    "example": TYPES["account.status_changed"].example,
}


@extend_schema_serializer(component_name="EventTypeDefinition")
class EventTypeSerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=NAMES, help_text="The event type.")
    description = TranslatedText(help_text="When the event is sent.")
    schema = serializers.DictField(help_text="The JSON Schema (2020-12) of `data`.")
    example = serializers.DictField(help_text="An example of `data`.")


@extend_schema_serializer(
    examples=[
        OpenApiExample("Event types", value={"data": [EVENT_TYPE], "next_cursor": None}, response_only=True)
    ]
)
class EventTypeList(serializers.Serializer[Any]):
    data = EventTypeSerializer(many=True)  # type: ignore[assignment]  # a field of the contract
    next_cursor = serializers.CharField(
        allow_null=True, help_text="Always null, because the list has only one page."
    )
