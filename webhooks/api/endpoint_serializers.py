"""Define the request and response bodies of webhook endpoints."""

from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts.models import public_account_id
from accounts.requests.fields import ACCOUNT_ID, PublicIdField, TextOrNull
from api import identifiers
from api.strict_fields import Absent, Body, Choice, Contradiction
from webhooks.channels import url_policy
from webhooks.delivery import redelivery
from webhooks.endpoints import addresses
from webhooks.events.catalogue import NAMES, PATTERNS
from webhooks.models import Endpoint

MAX_ACCOUNTS = 5000
ENDPOINT = {
    "id": "ep_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "kind": "webhook",
    "url": "https://hooks.example.com/underone",
    "description": "Pages the on-call team",
    "event_types": ["breach.*", "endpoint.disabled"],
    "accounts": [ACCOUNT_ID],
    "enabled": True,
    "disabled_at": None,
    "disabled_reason": None,
    "failing_since": None,
    "confirmation": None,
    "digest_at": None,
    "created_at": "2026-11-22T09:00:00Z",
}
CONFIRMATION = {
    "status": "pending",
    "sent_at": "2026-11-22T09:00:00Z",
    "expires_at": "2026-11-29T09:00:00Z",
    "confirmed_at": None,
}
MAILBOX = ENDPOINT | {
    "id": "ep_019abc4e5f607a8b9c0d1e2f3a4b5c6e",
    "kind": "email",
    "url": "mailto:on-call@example.com",
    "event_types": ["breach.*"],
    "accounts": None,
    "confirmation": CONFIRMATION,
}
CONFIRM_TOKEN = "uo_box_eyJhZ2VuY3kiOiIwMTlhYmMifQ:1wYxAb:k2Xc0TmVb2nQeR8sW1yZ6uJ3pL5aD7fG9hK0iO2tYw"  # noqa: S105  an example
CONFIRMATION_STATUSES = ("pending", "expired", "confirmed")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="  # noqa: S105  an example
CREATE_REQUEST = {key: ENDPOINT[key] for key in ("url", "event_types", "accounts", "description")}
ROTATED = {"secret": SECRET, "previous_expires_at": "2026-11-23T09:00:00Z"}
RECOVERED = {"since": "2026-11-20T00:00:00Z", "deliveries": 17}


class ConfirmationSerializer(serializers.Serializer[Endpoint]):
    status = serializers.SerializerMethodField()
    sent_at = serializers.DateTimeField(
        source="confirmation_sent_at",
        allow_null=True,
        help_text="When the newest e-mail that asks was sent. Null if none was needed.",
    )
    expires_at = serializers.DateTimeField(
        source="confirmation_expires_at",
        allow_null=True,
        help_text="Until when its link can be used. Null if none was needed.",
    )
    confirmed_at = serializers.DateTimeField(
        allow_null=True, help_text="When the owner agreed. Null until then."
    )

    @extend_schema_field(serializers.ChoiceField(choices=CONFIRMATION_STATUSES))
    def get_status(self, endpoint: Endpoint) -> str:
        """`pending`: nothing is sent before the owner opens the link. `expired`: the link must be sent again.
        `confirmed`: events are sent."""
        if endpoint.confirmed_at:
            return "confirmed"
        until = endpoint.confirmation_expires_at
        is_open = (
            endpoint.confirmation_digest is not None and until is not None and until > self.context["now"]
        )
        return "pending" if is_open else "expired"


@extend_schema_serializer(
    examples=[
        OpenApiExample("Webhook endpoint", value=ENDPOINT, response_only=True),
        OpenApiExample(
            "Mailbox that is not confirmed", value=MAILBOX, response_only=True, status_codes=["200", "202"]
        ),
    ]
)
class EndpointSerializer(serializers.Serializer[Endpoint]):
    id = PublicIdField()
    kind = serializers.ChoiceField(choices=Endpoint.Kind.choices, help_text="How events are delivered.")
    url = serializers.SerializerMethodField()
    description = TextOrNull(help_text="The agency's own description.")
    event_types = serializers.ListField(
        child=serializers.ChoiceField(choices=PATTERNS),
        help_text="The event types or patterns to which it is subscribed.",
    )
    accounts = serializers.SerializerMethodField()
    enabled = serializers.SerializerMethodField()
    disabled_at = serializers.DateTimeField(
        allow_null=True, help_text="When it was disabled. Null if it is enabled."
    )
    disabled_reason = serializers.SerializerMethodField()
    failing_since = serializers.DateTimeField(
        allow_null=True,
        help_text=(
            "The first failure since the last success. After five days of failures the endpoint is disabled."
        ),
    )
    confirmation = serializers.SerializerMethodField()
    digest_at = serializers.DateTimeField(
        allow_null=True,
        help_text=(
            "Until when events to a mailbox that received as many e-mails as are allowed are collected for one "
            "e-mail. Null if each event is an e-mail of its own."
        ),
    )
    created_at = serializers.DateTimeField(help_text="When the endpoint was created.")

    def get_url(self, endpoint: Endpoint) -> str:
        """The address. For a chat, the path is left out because it is a secret."""
        return addresses.redact(kind=endpoint.kind, url=endpoint.url)

    def get_accounts(self, endpoint: Endpoint) -> list[str] | None:
        """The accounts whose events the endpoint receives. Null means all accounts. If the list is empty, its
        accounts were deleted and it receives no events."""

        if endpoint.accounts is None:
            return None
        # A deleted account stays in the column until it is erased, because it can be restored.
        return [
            public_account_id(each) for each in endpoint.accounts if each in self.context["existing_accounts"]
        ]

    def get_enabled(self, endpoint: Endpoint) -> bool:
        """Whether events are delivered to the endpoint."""
        return endpoint.disabled_at is None

    @extend_schema_field(serializers.ChoiceField(choices=Endpoint.Reason.choices, allow_null=True))
    def get_disabled_reason(self, endpoint: Endpoint) -> str | None:
        """Why the endpoint is disabled. `by_hand`: a user or key disabled it. `gone`: it responded with 410.
        `failing`: all attempts failed for five days. `unsubscribed`: the mailbox's owner wants no more e-mails.
        Null if it is enabled."""
        return endpoint.disabled_reason or None

    @extend_schema_field(ConfirmationSerializer(allow_null=True))
    def get_confirmation(self, endpoint: Endpoint) -> Any:
        """Whether the mailbox's owner agreed to receive events. Null for webhooks and chats."""
        is_mailbox = endpoint.kind == Endpoint.Kind.EMAIL
        return ConfirmationSerializer(endpoint, context=self.context).data if is_mailbox else None


@extend_schema_serializer(
    examples=[OpenApiExample("Created endpoint", value=ENDPOINT | {"secret": SECRET}, response_only=True)],
)
class CreatedEndpointSerializer(EndpointSerializer):
    secret = serializers.SerializerMethodField()

    def get_secret(self, endpoint: Endpoint) -> str | None:
        """The signing secret. It is shown only in this response. Null for e-mail and chat, which are not
        signed."""

        secret: str | None = self.context["secret"]
        return secret


class EndpointFields(Body):
    """Define the fields that requests to create and to update an endpoint share."""

    description = serializers.CharField(
        max_length=500,
        allow_blank=True,
        allow_null=True,
        required=False,
        help_text="A description for your own use.",
    )
    event_types = serializers.ListField(
        child=Choice(choices=PATTERNS),
        min_length=1,
        max_length=len(PATTERNS),
        required=False,
        help_text="The event types to send, or patterns such as `breach.*`. The default is all types (`*`).",
    )
    accounts = serializers.ListField(
        child=serializers.CharField(max_length=64),
        allow_null=True,
        min_length=1,
        max_length=MAX_ACCOUNTS,
        required=False,
        help_text="The accounts (`acct_…`) whose events are sent. If null (the default), events of all "
        "accounts and events without an account are sent.",
    )

    def validate_description(self, text: str | None) -> str:
        return text or ""

    def validate_event_types(self, patterns: list[str]) -> list[str]:
        return list(dict.fromkeys(patterns))

    def validate_accounts(self, public_ids: list[str] | None) -> list[UUID] | None:
        if public_ids is None:
            return None
        account_ids = [identifiers.private("acct", public_id) for public_id in public_ids]
        # An account that the caller may not see gets the same error as one that does not exist.
        visible = set(self.context["accounts"].filter(pk__in=account_ids).values_list("pk", flat=True))
        if errors := {
            n: ["No account has this ID."] for n, each in enumerate(account_ids) if each not in visible
        }:
            raise Absent(errors)
        return list(dict.fromkeys(account_ids))


@extend_schema_field(
    {
        "type": "string",
        "pattern": f"^({addresses.PUBLIC_ADDRESS.pattern})$",
        "maxLength": url_policy.MAX_URL_LENGTH,
    }
)
class AddressField(serializers.CharField):
    """Describe an address in the OpenAPI document by the pattern that every installation accepts."""


def check_address(kind: str, url: str) -> None:
    """Raise ValidationError for an address that no kind can have, and Contradiction for one that only another
    kind can have."""

    try:
        addresses.check(kind=kind, url=url)
    except addresses.InvalidAddress as error:
        # 409 for what the OpenAPI document allows, 400 for what it forbids (ADR 12).
        exception = Contradiction if addresses.PUBLIC_ADDRESS.fullmatch(url) else serializers.ValidationError
        raise exception(str(error)) from None


@extend_schema_serializer(
    examples=[
        OpenApiExample("Webhook", value=CREATE_REQUEST, request_only=True),
        OpenApiExample(
            "E-mail",
            value={"kind": "email", "url": "mailto:on-call@example.com", "event_types": ["breach.*"]},
        ),
        OpenApiExample(
            "Chat", value={"kind": "slack", "url": "https://hooks.slack.com/services/T000/B000/secret"}
        ),
    ]
)
class CreateEndpoint(EndpointFields):
    """A request to create an endpoint."""

    kind = Choice(
        choices=Endpoint.Kind.choices,
        default=Endpoint.Kind.WEBHOOK,
        help_text=(
            "How events are delivered. `slack` stands for an incoming webhook of Slack, Teams, Feishu "
            "or WeCom; the URL determines the service."
        ),
    )
    url = AddressField(
        max_length=url_policy.MAX_URL_LENGTH,
        help_text="`https://…`, or `mailto:name@example.com` for `email`.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        try:
            check_address(attrs["kind"], attrs["url"])
        except serializers.ValidationError as error:
            raise serializers.ValidationError({"url": error.detail}) from None
        return {"event_types": ["*"]} | attrs


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Subscribe to other events",
            value={"event_types": ["breach.*"], "accounts": None},
            request_only=True,
        ),
        OpenApiExample("Disable", value={"enabled": False}, request_only=True),
    ]
)
class UpdateEndpoint(EndpointFields):
    """A request to update an endpoint. Fields that are not sent do not change."""

    url = AddressField(
        max_length=url_policy.MAX_URL_LENGTH,
        required=False,
        help_text="The new address. The kind of the endpoint cannot be changed.",
    )
    enabled = serializers.BooleanField(
        required=False, help_text="`false` disables the endpoint, `true` enables it."
    )

    def validate_url(self, url: str) -> str:
        check_address(self.context["kind"], url)
        return url


@extend_schema_serializer(examples=[OpenApiExample("Rotated secret", value=ROTATED, response_only=True)])
class RotatedSigningSecret(serializers.Serializer[Any]):
    secret = serializers.CharField(help_text="The new signing secret. It is shown only in this response.")
    previous_expires_at = serializers.DateTimeField(
        help_text="Until this time, deliveries are also signed with the previous secret."
    )


@extend_schema_serializer(
    examples=[OpenApiExample("Test event", value={"event_type": "breach.opened"}, request_only=True)]
)
class SendTestEvent(Body):
    event_type = Choice(
        choices=NAMES, default=redelivery.TEST_TYPE, help_text="The event type whose example is sent."
    )


@extend_schema_serializer(
    examples=[OpenApiExample("Recover events", value={"since": RECOVERED["since"]}, request_only=True)]
)
class RecoverEvents(Body):
    since = serializers.DateTimeField(
        help_text="The time from which events are recovered, at most "
        f"{redelivery.MAX_RECOVERY_AGE.days} days ago."
    )

    def validate_since(self, since: datetime) -> datetime:
        now: datetime = self.context["now"]
        if since > now:
            raise Contradiction("`since` must not be in the future.")
        if since < now - redelivery.MAX_RECOVERY_AGE:
            raise Contradiction(f"`since` must be at most {redelivery.MAX_RECOVERY_AGE.days} days ago.")
        return since


@extend_schema_serializer(
    examples=[OpenApiExample("Recovered events", value=RECOVERED, response_only=True, status_codes=["202"])]
)
class RecoveredEvents(serializers.Serializer[Any]):
    since = serializers.DateTimeField(help_text="The time from which events were recovered.")
    deliveries = serializers.IntegerField(
        help_text="How many deliveries are due now. Delivered events are not included."
    )


@extend_schema_serializer(
    examples=[OpenApiExample("Confirm a mailbox", value={"token": CONFIRM_TOKEN}, request_only=True)]
)
class ConfirmMailbox(Body):
    token = serializers.CharField(max_length=500, help_text="The token from the e-mail.")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Confirmed mailbox",
            value={"agency_name": "Acme Partners", "mailbox": "on-call@example.com"},
            response_only=True,
        )
    ]
)
class ConfirmedMailbox(serializers.Serializer[Any]):
    agency_name = serializers.CharField(help_text="The name of the agency that sends the events.")
    mailbox = serializers.CharField(help_text="The e-mail address that receives them.")
