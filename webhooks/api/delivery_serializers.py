"""Define the response bodies of deliveries and their attempts."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts.models import public_account_id
from accounts.requests.fields import PublicIdField, TextOrNull
from api import identifiers
from api.translation import translate
from webhooks.api.endpoint_serializers import ENDPOINT
from webhooks.api.event_serializers import EVENT
from webhooks.events import payload as event_payload
from webhooks.events.catalogue import NAMES
from webhooks.models import Attempt, Delivery

LAST_ATTEMPT = {"at": "2026-11-22T09:00:05Z", "duration_ms": 84, "status": 503, "error": None}
ATTEMPT = LAST_ATTEMPT | {"answer": "upstream is down"}
DELIVERY: dict[str, Any] = {
    "id": "dlv_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "endpoint": ENDPOINT["id"],
    "event": EVENT["id"],
    "type": EVENT["type"],
    "account": EVENT["account"],
    "test": False,
    "state": "pending",
    "tries": 2,
    "next_attempt_at": "2026-11-22T09:05:05Z",
    "created_at": "2026-11-22T09:00:00Z",
    "finished_at": None,
    "last_attempt": LAST_ATTEMPT,
}
PAYLOAD = {
    "id": EVENT["id"],
    "type": EVENT["type"],
    "timestamp": EVENT["occurred_at"],
    "account": EVENT["account"],
    "data": EVENT["data"],
}
DELIVERY_DETAIL = DELIVERY | {"payload": event_payload.encode(PAYLOAD).decode(), "attempts": [ATTEMPT]}


class AttemptSummary(serializers.Serializer[Attempt]):
    at = serializers.DateTimeField(source="attempted_at", help_text="When the attempt began.")
    duration_ms = serializers.IntegerField(help_text="How long the attempt took, in milliseconds.")
    status = serializers.IntegerField(
        allow_null=True, help_text="The HTTP status. Null if there was no response."
    )
    error = serializers.SerializerMethodField()

    def get_error(self, attempt: Attempt) -> str | None:
        """Why the attempt failed. Null if the HTTP status is the reason."""
        return translate(attempt.error) if attempt.error else None


class AttemptSerializer(AttemptSummary):
    answer = TextOrNull(
        help_text="The first 1,024 bytes of the response. Null if it was empty or there was no response."
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample("Pending delivery", value=DELIVERY, response_only=True, status_codes=["200", "202"])
    ]
)
class DeliverySerializer(serializers.Serializer[Delivery]):
    id = PublicIdField()
    endpoint = serializers.SerializerMethodField()
    event = serializers.SerializerMethodField()
    type = serializers.ChoiceField(source="event.type", choices=NAMES, help_text="The event type.")
    account = serializers.SerializerMethodField()
    test = serializers.BooleanField(source="event.is_test", help_text="Whether it is a test event.")
    state = serializers.ChoiceField(choices=Delivery.State.choices, help_text="The state of the delivery.")
    tries = serializers.IntegerField(
        help_text="The number of attempts since it was created or last redelivered."
    )
    next_attempt_at = serializers.DateTimeField(
        allow_null=True, help_text="When the next attempt is due. Null if the delivery is finished."
    )
    created_at = serializers.DateTimeField(help_text="When the delivery was created.")
    finished_at = serializers.DateTimeField(
        allow_null=True, help_text="When the delivery succeeded or failed. Null while it is pending."
    )
    last_attempt = serializers.SerializerMethodField()

    def get_endpoint(self, delivery: Delivery) -> str:
        """The ID of the endpoint."""
        return identifiers.public("ep", delivery.endpoint_id)

    def get_event(self, delivery: Delivery) -> str:
        """The ID of the event. Every attempt sends it as `webhook-id`."""
        return delivery.event.public_id

    def get_account(self, delivery: Delivery) -> str | None:
        """The ID of the account of the event. Null for an event without an account."""
        account_id = delivery.event.account_id
        return public_account_id(account_id) if account_id else None

    @extend_schema_field(AttemptSummary(allow_null=True))
    def get_last_attempt(self, delivery: Delivery) -> Any:
        """The newest attempt. Null before the first attempt."""
        attempt = self.context["last_attempts"].get(delivery.pk)
        return AttemptSummary(attempt).data if attempt else None


@extend_schema_serializer(
    examples=[OpenApiExample("Delivery with attempts", value=DELIVERY_DETAIL, response_only=True)]
)
class DeliveryDetailSerializer(DeliverySerializer):
    payload = serializers.SerializerMethodField()
    attempts = serializers.SerializerMethodField()

    def get_payload(self, delivery: Delivery) -> str:
        """The event as JSON. This is the exact body that a webhook receives. E-mails and chat messages are
        built from it."""
        event = delivery.event
        payload = event_payload.build(
            event=event.public_id,
            type_=event.type,
            occurred_at=event.occurred_at,
            account=self.get_account(delivery),
            data=event.data,
            is_test=event.is_test,
        )
        return event_payload.encode(payload).decode()

    @extend_schema_field(AttemptSerializer(many=True))
    def get_attempts(self, delivery: Delivery) -> Any:
        """The newest 100 attempts, newest first."""
        return AttemptSerializer(self.context["attempts"], many=True).data
