"""The shapes of events."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.models import public_account_id
from accounts.requests.fields import ACCOUNT_ID, PublicIdField
from webhooks.events.catalogue import NAMES, TYPES
from webhooks.models import Event

EVENT = {
    "id": "evt_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "type": TYPES["account.status_changed"].type,
    "account": ACCOUNT_ID,
    "occurred_at": "2026-11-22T09:00:00Z",
    "data": TYPES["account.status_changed"].example,
}


@extend_schema_serializer(examples=[OpenApiExample("A status changed", value=EVENT, response_only=True)])
class EventSerializer(serializers.Serializer[Event]):
    id = PublicIdField()
    type = serializers.ChoiceField(choices=NAMES)
    account = serializers.SerializerMethodField()
    occurred_at = serializers.DateTimeField()
    data = serializers.DictField(help_text="What the type says it carries; see event-types.")  # type: ignore[assignment]  # a field of the contract

    def get_account(self, event: Event) -> str | None:
        return public_account_id(event.account_id) if event.account_id else None


EVENT_TYPE = {
    "type": TYPES["account.status_changed"].type,
    "description": TYPES["account.status_changed"].description,
    "schema": TYPES["account.status_changed"].schema,
    "example": TYPES["account.status_changed"].example,
}


class EventTypeSerializer(serializers.Serializer[Any]):
    type = serializers.CharField()
    description = serializers.CharField()
    schema = serializers.DictField(help_text="The JSON schema (2020-12) of the `data` of an event of this type.")
    example = serializers.DictField(help_text="The `data` of an event of this type.")


@extend_schema_serializer(
    examples=[OpenApiExample("One type", value={"data": [EVENT_TYPE], "next_cursor": None}, response_only=True)]
)
class EventTypesAnswer(serializers.Serializer[Any]):
    data = EventTypeSerializer(many=True)  # type: ignore[assignment]  # a field of the contract
    next_cursor = serializers.CharField(allow_null=True, help_text="Always null: the list is whole.")
