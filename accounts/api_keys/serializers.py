"""Define the request and response bodies of API keys and tokens."""

from datetime import datetime, timedelta
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.api_keys import lifecycle as api_keys
from accounts.models import ApiKey, Role, public_account_id
from accounts.requests.fields import ACCOUNT_ID, AccountLimit, PublicIdField, check_account_limit
from api import identifiers
from api.strict_fields import Body, Choice, Contradiction

DAY_SECONDS = 86_400
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
NEW_KEY = {name: KEY[name] for name in ("name", "role", "read_only", "accounts")}
TEXT = "uo_live_8fJ2mQ0xYt3Z_4Zk0v5l8m1R2s3T4u5V6w7X8y9Z0a1B2c3D4e5F6g7H"
TOKEN = {
    "token": "uo_tok_8fJ2mQ0xYt3Z7_4Zk0v5l8m1R2s3T4u5V6w7X8y9Z0a1B2c3D4e5F6g7H",
    "expires_at": "2026-11-22T09:15:00Z",
    "accounts": [ACCOUNT_ID],
}


# Without a docstring: drf-spectacular would print it as the description of every subclass.
class AccountLimitSerializer(serializers.Serializer[ApiKey]):
    accounts = serializers.SerializerMethodField()

    def get_accounts(self, key: Any) -> list[str] | None:
        """IDs of the accounts that the key is limited to. Null if it is not limited."""
        return None if key.accounts is None else [public_account_id(each) for each in key.accounts]


@extend_schema_serializer(examples=[OpenApiExample("API key", value=KEY, response_only=True)])
class ApiKeySerializer(AccountLimitSerializer):
    id = PublicIdField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="The first characters of the key, to recognize it.")
    role = serializers.ChoiceField(choices=Role.choices)
    read_only = serializers.BooleanField(help_text=("Whether the key may only read, whatever its role."))  # type: ignore[assignment]  # a field of the contract
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(
        allow_null=True, help_text="When the key was last used, to the minute."
    )
    expires_at = serializers.DateTimeField(
        allow_null=True, help_text="When the key expires. Null if it never expires."
    )
    revoked_at = serializers.DateTimeField(
        allow_null=True, help_text="When the key was revoked. Null if it is not revoked."
    )
    replaces = serializers.SerializerMethodField()

    def get_replaces(self, key: ApiKey) -> str | None:
        """ID of the key that this key replaces, if it was created by rotation."""
        return identifiers.public("key", key.replaces_id) if key.replaces_id else None


@extend_schema_serializer(
    examples=[OpenApiExample("New API key", value=KEY | {"key": TEXT}, response_only=True)]
)
class NewApiKeySerializer(ApiKeySerializer):
    key = serializers.SerializerMethodField()

    def get_key(self, key: ApiKey) -> str:
        """The API key itself. It is shown only once."""
        return str(self.context["text"])


@extend_schema_serializer(
    examples=[
        OpenApiExample("Read-only key for one account", value=NEW_KEY, request_only=True),
        OpenApiExample(
            "Key for an upload job", value={"name": "nightly upload", "role": "manager"}, request_only=True
        ),
    ]
)
class CreateApiKey(Body):
    """A new API key. By default it has the role `admin` and no restrictions."""

    name = serializers.CharField(max_length=200)
    role = Choice(choices=Role.choices, default=Role.ADMIN)
    read_only = serializers.BooleanField(
        default=False, help_text="Whether the key may only read, whatever its role."
    )  # type: ignore[assignment]  # a field of the contract
    accounts = AccountLimit(
        required=False,
        help_text=(
            "IDs of the accounts that the key is limited to. If null or missing, the key has access to "
            "all accounts. Admin keys cannot be limited."
        ),
    )
    expires_at = serializers.DateTimeField(
        allow_null=True, required=False, help_text="When the key expires. Null if it never expires."
    )

    def validate_expires_at(self, moment: datetime | None) -> datetime | None:
        if moment and moment <= self.context["now"]:
            raise Contradiction("`expires_at` must be in the future.")
        return moment

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        check_account_limit(attrs["role"], attrs.get("accounts"))
        return attrs

    def rights(self) -> api_keys.Rights:
        return api_keys.Rights(
            **{name: value for name, value in self.validated_data.items() if name != "name"}
        )


@extend_schema_serializer(
    examples=[OpenApiExample("New name", value={"name": "front end"}, request_only=True)]
)
class UpdateApiKey(Body):
    """The fields of an API key that can be updated. To change its permissions, create another key."""

    name = serializers.CharField(max_length=200)


@extend_schema_serializer(
    examples=[OpenApiExample("One hour of overlap", value={"overlap_seconds": 3600}, request_only=True)]
)
class RotateApiKey(Body):
    overlap_seconds = serializers.IntegerField(
        default=DAY_SECONDS,
        min_value=0,
        max_value=int(api_keys.MAX_OVERLAP.total_seconds()),
        help_text="For how many seconds the old key remains valid.",
    )

    def overlap(self) -> timedelta:
        return timedelta(seconds=self.validated_data["overlap_seconds"])


@extend_schema_serializer(
    examples=[
        OpenApiExample("Token for one account", value={"accounts": TOKEN["accounts"]}, request_only=True),
        OpenApiExample("Token for one hour", value={"expires_in": 3600}, request_only=True),
    ]
)
class CreateToken(Body):
    """The accounts and the lifetime of a new token."""

    accounts = AccountLimit(
        required=False,
        help_text="IDs of the accounts that the token is limited to. If null or missing, the token has "
        "access to the accounts of the API key.",
    )
    expires_in = serializers.IntegerField(
        default=900, min_value=60, max_value=3600, help_text="The lifetime of the token in seconds."
    )


@extend_schema_serializer(examples=[OpenApiExample("Token", value=TOKEN, response_only=True)])
class TokenSerializer(AccountLimitSerializer):
    token = serializers.SerializerMethodField()
    expires_at = serializers.DateTimeField(
        help_text="When the token expires. It ends earlier if its API key is revoked."
    )

    def get_token(self, _: ApiKey) -> str:
        """The token itself. Send it like an API key. It is shown only once."""
        return str(self.context["text"])
