"""Define the response bodies that describe the principal of a request."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.agencies.serializers import AGENCY, AgencySerializer
from accounts.models import Role, public_account_id
from accounts.requests.fields import ACCOUNT_ID, AccountLimit, PublicIdField
from accounts.tenancy.principals import Principal

ME = {
    "agency": AGENCY,
    "bearer": {
        "kind": "key",
        "id": "key_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
        "name": "first key",
        "role": "admin",
        "read_only": False,
        "accounts": None,
        "expires_at": None,
    },
    "may": ["read", "write", "administer"],
    "key": {
        "id": "key_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
        "name": "first key",
        "prefix": "uo_live_8fJ2mQ0xYt3Z",
        "created_at": "2026-11-22T08:59:00Z",
        "last_used_at": "2026-11-22T09:00:00Z",
    },
    "memberships": None,
}
MEMBERSHIP = {
    "id": "mem_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "agency": {"id": "agcy_019abc4e5f607a8b9c0d1e2f3a4b5c6d", "name": "Acme Marketplace Partners"},
    "role": "viewer",
    "read_only": True,
    "accounts": [ACCOUNT_ID],
}
PERMISSIONS = ("read", "write", "administer")


class CurrentApiKey(serializers.Serializer[Any]):
    id = PublicIdField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="The first characters of the key, to recognize it.")
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(
        allow_null=True, help_text="When the key was last used, to the minute."
    )


class PrincipalSerializer(serializers.Serializer[Principal]):
    """The caller of the request: an API key, a token or a member."""

    kind = serializers.ChoiceField(choices=("key", "token", "member"))
    id = PublicIdField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)
    read_only = serializers.BooleanField(help_text=("Whether the caller may only read, whatever its role."))  # type: ignore[assignment]  # a field of the contract
    accounts = serializers.SerializerMethodField()
    expires_at = serializers.DateTimeField(
        allow_null=True, help_text="When the key, token or session expires. Null if it never expires."
    )

    def get_accounts(self, principal: Principal) -> list[str] | None:
        """IDs of the accounts that access is limited to. Null if access is not limited."""
        return (
            None if principal.accounts is None else [public_account_id(each) for each in principal.accounts]
        )


class AgencyName(serializers.Serializer[Any]):
    id = PublicIdField()
    name = serializers.CharField()


class MembershipSerializer(serializers.Serializer[Any]):
    id = PublicIdField()
    agency = AgencyName()
    role = serializers.ChoiceField(choices=Role.choices)
    read_only = serializers.BooleanField(help_text=("Whether the member may only read, whatever its role."))  # type: ignore[assignment]  # a field of the contract
    accounts = AccountLimit()


@extend_schema_serializer(examples=[OpenApiExample("API key", value=ME, response_only=True)])
class MeSerializer(serializers.Serializer[Any]):
    agency = AgencySerializer()
    bearer = PrincipalSerializer()
    may = serializers.ListField(
        child=serializers.ChoiceField(choices=PERMISSIONS),
        help_text="The permissions of the caller. `read` allows reading, `write` allows the changes "
        "that managers may make, and `administer` allows managing API keys, members, settings "
        "and exports, and reading the audit log.",
    )
    key = CurrentApiKey(
        allow_null=True, help_text="The API key of the request. Null if the caller is not an API key."
    )
    memberships = MembershipSerializer(
        many=True,
        allow_null=True,
        help_text="All memberships of the signed-in user. Null if the caller is not a member.",
    )
