"""The shapes of endpoints, and of what is asked of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts.models import public_account_id
from accounts.requests.fields import ACCOUNT_ID, PublicIdField
from api import identifiers
from api.strict_fields import Absent, Body, Contradiction
from webhooks.channels import url_policy
from webhooks.delivery import redelivery
from webhooks.endpoints import addresses
from webhooks.events.catalogue import NAMES, PATTERNS
from webhooks.models import Endpoint

MOST_ACCOUNTS = 5000
ENDPOINT = {
    "id": "ep_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "kind": "webhook",
    "url": "https://hooks.example.com/underone",
    "description": "Pages whoever is on call",
    "event_types": ["breach.*", "endpoint.disabled"],
    "accounts": [ACCOUNT_ID],
    "enabled": True,
    "disabled_at": None,
    "disabled_reason": None,
    "failing_since": None,
    "created_at": "2026-11-22T09:00:00Z",
}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="  # noqa: S105  an example
WANTED = {key: ENDPOINT[key] for key in ("url", "event_types", "accounts", "description")}
ROTATED = {"secret": SECRET, "previous_expires_at": "2026-11-23T09:00:00Z"}
RECOVERED = {"since": "2026-11-20T00:00:00Z", "deliveries": 17}


@extend_schema_serializer(examples=[OpenApiExample("An endpoint", value=ENDPOINT, response_only=True)])
class EndpointSerializer(serializers.Serializer[Endpoint]):
    id = PublicIdField()
    kind = serializers.ChoiceField(choices=Endpoint.Kind.choices)
    url = serializers.SerializerMethodField(help_text="Of a chat without its path, which is its secret.")
    description = serializers.CharField()
    event_types = serializers.ListField(child=serializers.ChoiceField(choices=PATTERNS))
    accounts = serializers.SerializerMethodField()
    enabled = serializers.SerializerMethodField()
    disabled_at = serializers.DateTimeField(allow_null=True)
    disabled_reason = serializers.SerializerMethodField()
    failing_since = serializers.DateTimeField(
        allow_null=True, help_text="The first failure since anything arrived; after five days of it the endpoint is disabled."
    )
    created_at = serializers.DateTimeField()

    def get_url(self, endpoint: Endpoint) -> str:
        return addresses.shown(kind=endpoint.kind, url=endpoint.url)

    def get_accounts(self, endpoint: Endpoint) -> list[str] | None:
        """Null: of all. Empty: those that it named were handed back, and it is told of no other."""
        if endpoint.accounts is None:
            return None
        return [public_account_id(each) for each in endpoint.accounts if each in self.context["present"]]

    def get_enabled(self, endpoint: Endpoint) -> bool:
        return endpoint.disabled_at is None

    def get_disabled_reason(self, endpoint: Endpoint) -> str | None:
        """by_hand, gone (it answered 410) or failing (for five days)."""
        return endpoint.disabled_reason or None


@extend_schema_serializer(
    examples=[OpenApiExample("A new endpoint", value=ENDPOINT | {"secret": SECRET}, response_only=True)],
)
class NewEndpointSerializer(EndpointSerializer):
    secret = serializers.SerializerMethodField()

    def get_secret(self, endpoint: Endpoint) -> str | None:
        """Signs the deliveries. Shown now and never again; null for mail and chats, which nothing signs."""
        secret: str | None = self.context["secret"]
        return secret


class Choices(Body):
    """What the agency chooses of an endpoint."""

    description = serializers.CharField(max_length=500, allow_blank=True, required=False)
    event_types = serializers.ListField(
        child=serializers.ChoiceField(
            choices=PATTERNS,
            error_messages={"invalid_choice": f"'{{input}}' is no type of event. There are {', '.join(PATTERNS)}."},
        ),
        min_length=1,
        max_length=len(PATTERNS),
        required=False,
        help_text="Names, or the first part of names and a star; all of them unless it is said.",
    )
    accounts = serializers.ListField(
        child=serializers.CharField(max_length=64),
        allow_null=True,
        min_length=1,
        max_length=MOST_ACCOUNTS,
        required=False,
        help_text="Of which accounts it is told (acct_…); null, as without it: of all, and of what belongs to none.",
    )

    def validate_event_types(self, patterns: list[str]) -> list[str]:
        return list(dict.fromkeys(patterns))

    def validate_accounts(self, public_ids: list[str] | None) -> list[UUID] | None:
        if public_ids is None:
            return None
        named = [identifiers.private("acct", public_id) for public_id in public_ids]
        theirs = set(self.context["accounts"].filter(pk__in=named).values_list("pk", flat=True))
        if wrong := {place: ["No account has this ID."] for place, each in enumerate(named) if each not in theirs}:
            raise Absent(wrong)
        return list(dict.fromkeys(named))


@extend_schema_field({"type": "string", "pattern": f"^({addresses.PLAIN.pattern})$", "maxLength": url_policy.LONGEST_URL})
class AddressField(serializers.CharField):
    """The document tells what every installation takes."""


def check_address(kind: str, url: str) -> None:
    """Raises ValidationError for what no endpoint of this kind can have: a Contradiction where another kind could."""
    try:
        addresses.check(kind=kind, url=url)
    except addresses.NotAnAddress as problem:
        refusal = Contradiction if addresses.PLAIN.fullmatch(url) else serializers.ValidationError
        raise refusal(str(problem)) from None


@extend_schema_serializer(
    examples=[
        OpenApiExample("A webhook", value=WANTED, request_only=True),
        OpenApiExample("A mailbox", value={"kind": "email", "url": "mailto:on-call@example.com", "event_types": ["breach.*"]}),
        OpenApiExample("A chat", value={"kind": "slack", "url": "https://hooks.slack.com/services/T000/B000/secret"}),
    ]
)
class EndpointWish(Choices):
    """Where to be told, and of what."""

    kind = serializers.ChoiceField(
        choices=Endpoint.Kind.choices,
        default=Endpoint.Kind.WEBHOOK,
        help_text="`slack`: an incoming webhook of Slack, or of Teams, Feishu or WeCom, by its URL.",
    )
    url = AddressField(max_length=url_policy.LONGEST_URL, help_text="https://…, or mailto:name@example.com for a mailbox.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        try:
            check_address(attrs["kind"], attrs["url"])
        except serializers.ValidationError as refused:
            raise serializers.ValidationError({"url": refused.detail}) from None
        return {"event_types": ["*"]} | attrs


@extend_schema_serializer(
    examples=[
        OpenApiExample("Other events", value={"event_types": ["breach.*"], "accounts": None}, request_only=True),
        OpenApiExample("No more for now", value={"enabled": False}, request_only=True),
    ]
)
class EndpointChange(Choices):
    """What may change of an endpoint: what is not named stays."""

    url = AddressField(max_length=url_policy.LONGEST_URL, required=False)
    enabled = serializers.BooleanField(required=False, help_text="False: nothing is sent until it is true again.")

    def validate_url(self, url: str) -> str:
        check_address(self.context["kind"], url)
        return url


@extend_schema_serializer(examples=[OpenApiExample("A new secret", value=ROTATED, response_only=True)])
class RotatedSecret(serializers.Serializer[Any]):
    secret = serializers.CharField(help_text="Signs from now on. Shown now and never again.")
    previous_expires_at = serializers.DateTimeField(
        help_text="Until then every delivery carries a signature of the one before too."
    )


@extend_schema_serializer(examples=[OpenApiExample("A test", value={"event_type": "breach.opened"}, request_only=True)])
class TestWish(Body):
    event_type = serializers.ChoiceField(
        choices=NAMES, default=redelivery.TEST, help_text="The type whose example is sent, with `test: true`."
    )


@extend_schema_serializer(examples=[OpenApiExample("Since Friday", value={"since": RECOVERED["since"]}, request_only=True)])
class RecoveryWish(Body):
    since = serializers.DateTimeField(help_text=f"At most {redelivery.RECOVERABLE.days} days ago.")

    def validate_since(self, since: datetime) -> datetime:
        now: datetime = self.context["now"]
        if since > now:
            raise Contradiction("This is in the future.")
        if since < now - redelivery.RECOVERABLE:
            raise Contradiction(f"At most {redelivery.RECOVERABLE.days} days ago.")
        return since


@extend_schema_serializer(examples=[OpenApiExample("Made due", value=RECOVERED, response_only=True, status_codes=["202"])])
class Recovery(serializers.Serializer[Any]):
    since = serializers.DateTimeField()
    deliveries = serializers.IntegerField(help_text="How many are due now; what arrived before is not among them.")
