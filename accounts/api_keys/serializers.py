"""The shapes of keys and tokens, and of what is asked of them."""

from datetime import datetime, timedelta
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.api_keys import lifecycle as api_keys
from accounts.models import ApiKey, Role, public_account_id
from accounts.requests.fields import ACCOUNT_ID, AccountLimit, PublicIdField, check_limit
from api import identifiers
from api.strict_fields import Body, Contradiction

DAY = 86_400
KEY = {
    "id": "key_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "name": "front end of Nordwind",
    "prefix": "uo_live_8fJ2mQ0xYt3Z",
    "role": "viewer",
    "read_only": True,
    "accounts": [ACCOUNT_ID],
    "created_at": "2026-11-22T08:59:00Z",
    "last_used_at": "2026-11-22T09:00:00Z",
    "expires_at": None,
    "revoked_at": None,
    "replaces": None,
}
WANTED = {name: KEY[name] for name in ("name", "role", "read_only", "accounts")}
TEXT = "uo_live_8fJ2mQ0xYt3Z_4Zk0v5l8m1R2s3T4u5V6w7X8y9Z0a1B2c3D4e5F6g7H"
TOKEN = {
    "token": "uo_tok_8fJ2mQ0xYt3Z7_4Zk0v5l8m1R2s3T4u5V6w7X8y9Z0a1B2c3D4e5F6g7H",
    "expires_at": "2026-11-22T09:15:00Z",
    "accounts": [ACCOUNT_ID],
}
OF_ACCOUNTS = "It sees these accounts only (acct_…). Null, as without it: all."


class Limited(serializers.Serializer[ApiKey]):
    """What is told of a bearer's limit."""

    accounts = serializers.SerializerMethodField()

    def get_accounts(self, key: Any) -> list[str] | None:
        """Null: all of the agency's."""
        return None if key.accounts is None else [public_account_id(each) for each in key.accounts]


@extend_schema_serializer(examples=[OpenApiExample("A key", value=KEY, response_only=True)])
class ApiKeySerializer(Limited):
    id = PublicIdField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="What its text begins with.")
    role = serializers.ChoiceField(choices=Role.choices)
    read_only = serializers.BooleanField()  # type: ignore[assignment]  # a field of the contract
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="Kept to the minute.")
    expires_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    replaces = serializers.SerializerMethodField()

    def get_replaces(self, key: ApiKey) -> str | None:
        """The key that it was made to take over from."""
        return identifiers.public("key", key.replaces_id) if key.replaces_id else None


@extend_schema_serializer(examples=[OpenApiExample("A new key", value=KEY | {"key": TEXT}, response_only=True)])
class NewApiKeySerializer(ApiKeySerializer):
    key = serializers.SerializerMethodField()

    def get_key(self, key: ApiKey) -> str:
        """Its text. Shown now and never again."""
        return str(self.context["text"])


@extend_schema_serializer(
    examples=[
        OpenApiExample("For a client's own front end", value=WANTED, request_only=True),
        OpenApiExample("For programs of the agency", value={"name": "nightly upload", "role": "manager"}, request_only=True),
    ]
)
class KeyWish(Body):
    """A key, and what it may do: everything, where nothing is said."""

    name = serializers.CharField(max_length=200)
    role = serializers.ChoiceField(choices=Role.choices, default=Role.ADMIN)
    read_only = serializers.BooleanField(default=False, help_text="It changes nothing, whatever its role.")  # type: ignore[assignment]  # a field of the contract
    accounts = AccountLimit(required=False, help_text=f"{OF_ACCOUNTS} Not with the role admin.")
    expires_at = serializers.DateTimeField(allow_null=True, required=False)

    def validate_expires_at(self, moment: datetime | None) -> datetime | None:
        if moment and moment <= self.context["now"]:
            raise Contradiction("This is over.")
        return moment

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        check_limit(attrs["role"], attrs.get("accounts"))
        return attrs

    def rights(self) -> api_keys.Rights:
        return api_keys.Rights(**{name: value for name, value in self.validated_data.items() if name != "name"})


@extend_schema_serializer(examples=[OpenApiExample("Another name", value={"name": "front end"}, request_only=True)])
class KeyChange(Body):
    """What may change of a key. What it may do never does: make another one."""

    name = serializers.CharField(max_length=200)


@extend_schema_serializer(examples=[OpenApiExample("For an hour", value={"overlap_seconds": 3600}, request_only=True)])
class RotationWish(Body):
    overlap_seconds = serializers.IntegerField(
        default=DAY,
        min_value=0,
        max_value=int(api_keys.LONGEST_OVERLAP.total_seconds()),
        help_text="How long the key before still opens.",
    )

    def overlap(self) -> timedelta:
        return timedelta(seconds=self.validated_data["overlap_seconds"])


@extend_schema_serializer(
    examples=[
        OpenApiExample("Of one account", value={"accounts": TOKEN["accounts"]}, request_only=True),
        OpenApiExample("For an hour", value={"expires_in": 3600}, request_only=True),
    ]
)
class TokenWish(Body):
    """What a token reads, and for how long."""

    accounts = AccountLimit(required=False, help_text="It sees these only (acct_…). Null, as without it: those of the key.")
    expires_in = serializers.IntegerField(default=900, min_value=60, max_value=3600, help_text="Seconds.")


@extend_schema_serializer(examples=[OpenApiExample("A token", value=TOKEN, response_only=True)])
class TokenSerializer(Limited):
    token = serializers.SerializerMethodField()
    expires_at = serializers.DateTimeField(help_text="Or sooner: it ends with the key that it was made with.")

    def get_token(self, _: ApiKey) -> str:
        """Its text, sent like a key. Shown now and never again."""
        return str(self.context["text"])
