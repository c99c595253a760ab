"""The shapes of who asks: programs, browsers and people."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.agencies.serializers import AGENCY, AgencySerializer
from accounts.models import Role, public_account_id
from accounts.requests.fields import ACCOUNT_ID, AccountLimit, PublicIdField
from accounts.tenancy.principals import Bearer

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
POWERS = ("read", "write", "administer")


class KeyOfRequest(serializers.Serializer[Any]):
    id = PublicIdField()
    name = serializers.CharField()
    prefix = serializers.CharField()
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)


class BearerSerializer(serializers.Serializer[Bearer]):
    """Who asks: a program with a key, a browser with a token, or a person."""

    kind = serializers.ChoiceField(choices=("key", "token", "member"))
    id = PublicIdField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)
    read_only = serializers.BooleanField()  # type: ignore[assignment]  # a field of the contract
    accounts = serializers.SerializerMethodField()
    expires_at = serializers.DateTimeField(allow_null=True)

    def get_accounts(self, bearer: Bearer) -> list[str] | None:
        """The accounts that it sees (acct_…); null: all of the agency's."""
        return None if bearer.accounts is None else [public_account_id(each) for each in bearer.accounts]


class AgencyName(serializers.Serializer[Any]):
    id = PublicIdField()
    name = serializers.CharField()


class MembershipSerializer(serializers.Serializer[Any]):
    id = PublicIdField()
    agency = AgencyName()
    role = serializers.ChoiceField(choices=Role.choices)
    read_only = serializers.BooleanField()  # type: ignore[assignment]  # a field of the contract
    accounts = AccountLimit()


@extend_schema_serializer(examples=[OpenApiExample("The bearer", value=ME, response_only=True)])
class MeSerializer(serializers.Serializer[Any]):
    agency = AgencySerializer()
    bearer = BearerSerializer()
    may = serializers.ListField(
        child=serializers.ChoiceField(choices=POWERS),
        help_text="`read`; `write`: what managers change; `administer`: keys, people, settings, archives and the audit log.",
    )
    key = KeyOfRequest(allow_null=True, help_text="Null where no key asks.")
    memberships = MembershipSerializer(many=True, allow_null=True, help_text="Of a person who signed in: every one of them.")
