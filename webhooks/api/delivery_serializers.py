"""The shapes of deliveries and of their attempts."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts.models import public_account_id
from accounts.requests.fields import PublicIdField
from api import identifiers
from webhooks.api.endpoint_serializers import ENDPOINT
from webhooks.api.event_serializers import EVENT
from webhooks.events import payload as events_payload
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
SENT = {
    "id": EVENT["id"],
    "type": EVENT["type"],
    "timestamp": EVENT["occurred_at"],
    "account": EVENT["account"],
    "data": EVENT["data"],
}
ONE_DELIVERY = DELIVERY | {"payload": events_payload.body(SENT).decode(), "attempts": [ATTEMPT]}


class AttemptSummary(serializers.Serializer[Attempt]):
    at = serializers.DateTimeField(source="attempted_at")
    duration_ms = serializers.IntegerField()
    status = serializers.IntegerField(allow_null=True, help_text="Of HTTP; null where no answer came.")
    error = serializers.SerializerMethodField()

    def get_error(self, attempt: Attempt) -> str | None:
        """Why no answer came, or why it was not taken for a success."""
        return attempt.error or None


class AttemptSerializer(AttemptSummary):
    answer = serializers.CharField(help_text="The first 1,024 bytes of the answer.")


@extend_schema_serializer(
    examples=[OpenApiExample("One that is tried again", value=DELIVERY, response_only=True, status_codes=["200", "202"])]
)
class DeliverySerializer(serializers.Serializer[Delivery]):
    id = PublicIdField()
    endpoint = serializers.SerializerMethodField()
    event = serializers.SerializerMethodField(help_text="The `webhook-id` of every attempt.")
    type = serializers.ChoiceField(source="event.type", choices=NAMES)
    account = serializers.SerializerMethodField()
    test = serializers.BooleanField(source="event.is_test")
    state = serializers.ChoiceField(choices=Delivery.State.choices)
    tries = serializers.IntegerField(help_text="Since it was last asked for.")
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    last_attempt = serializers.SerializerMethodField()

    def get_endpoint(self, delivery: Delivery) -> str:
        return identifiers.public("ep", delivery.endpoint_id)

    def get_event(self, delivery: Delivery) -> str:
        return delivery.event.public_id

    def get_account(self, delivery: Delivery) -> str | None:
        account_id = delivery.event.account_id
        return public_account_id(account_id) if account_id else None

    @extend_schema_field(AttemptSummary(allow_null=True))
    def get_last_attempt(self, delivery: Delivery) -> Any:
        attempt = self.context["last_attempts"].get(delivery.pk)
        return AttemptSummary(attempt).data if attempt else None


@extend_schema_serializer(examples=[OpenApiExample("With its attempts", value=ONE_DELIVERY, response_only=True)])
class OneDeliverySerializer(DeliverySerializer):
    payload = serializers.SerializerMethodField()
    attempts = serializers.SerializerMethodField()

    def get_payload(self, delivery: Delivery) -> str:
        """The body, byte by byte, of every attempt at a webhook; the event that a mail or a chat message is made of."""
        event = delivery.event
        told = events_payload.of(
            event=event.public_id,
            type_=event.type,
            occurred_at=event.occurred_at,
            account=self.get_account(delivery),
            data=event.data,
            is_test=event.is_test,
        )
        return events_payload.body(told).decode()

    @extend_schema_field(AttemptSerializer(many=True))
    def get_attempts(self, delivery: Delivery) -> Any:
        return AttemptSerializer(self.context["attempts"], many=True).data
