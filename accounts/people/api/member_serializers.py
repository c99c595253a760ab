"""Define the request and response bodies of members and invitations."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts.models import Grant, Invitation, Member
from accounts.people import second_factors
from accounts.requests.fields import (
    ACCOUNT_ID,
    AccountLimit,
    PublicIdField,
    check_account_limit,
    check_mailbox,
)
from api.strict_fields import Body

PERSON = {"id": "pers_019abc4e5f607a8b9c0d1e2f3a4b5c6d", "name": "Mei Lin", "email": "mei@agency.example"}
MEMBER = {
    "id": "mem_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "person": PERSON,
    "role": "manager",
    "read_only": False,
    "accounts": None,
    "has_second_factor": True,
    "created_at": "2026-11-22T09:00:00Z",
}
INVITATION = {
    "id": "inv_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "email": "client@shop.example",
    "role": "viewer",
    "read_only": True,
    "accounts": [ACCOUNT_ID],
    "status": "open",
    "invited_by": "mem_019abc4e5f607a8b9c0d1e2f3a4b5c6d Mei Lin",
    "created_at": "2026-11-22T09:00:00Z",
    "sent_at": "2026-11-22T09:00:00Z",
    "expires_at": "2026-11-29T09:00:00Z",
}
NEW_INVITATION = {"email": "client@shop.example", "role": "viewer", "accounts": [ACCOUNT_ID]}


# Without a docstring: drf-spectacular would print it as the description of every subclass.
class GrantSerializer(Body, serializers.ModelSerializer[Any]):
    accounts = AccountLimit(required=False)

    def validate(self, fields: dict[str, Any]) -> dict[str, Any]:
        current: Grant | None = self.instance
        role, limit = (fields.get(name, getattr(current, name, None)) for name in ("role", "accounts"))
        check_account_limit(role, limit)
        return fields


class PersonSerializer(serializers.Serializer[Any]):
    id = PublicIdField()
    name = serializers.CharField()
    email = serializers.EmailField()


@extend_schema_serializer(
    examples=[
        OpenApiExample("Member", value=MEMBER, response_only=True),
        OpenApiExample(
            "Viewer of one account", value={"role": "viewer", "accounts": [ACCOUNT_ID]}, request_only=True
        ),
    ]
)
class MemberSerializer(GrantSerializer):
    id = PublicIdField()
    person = PersonSerializer(read_only=True)
    has_second_factor = serializers.SerializerMethodField(
        help_text="Whether the member has an authenticator app or a passkey."
    )

    class Meta:
        model = Member
        fields = ("id", "person", "role", "read_only", "accounts", "has_second_factor", "created_at")
        read_only_fields = ("created_at",)

    def get_has_second_factor(self, member: Member) -> bool:
        # Lists select it with their rows.
        selected: bool | None = getattr(member, "has_second_factor", None)
        return second_factors.exists_for(member.person_id) if selected is None else selected


@extend_schema_serializer(
    examples=[
        OpenApiExample("Invitation", value=INVITATION, response_only=True),
        OpenApiExample("Client with access to one account", value=NEW_INVITATION, request_only=True),
    ]
)
class InvitationSerializer(GrantSerializer):
    id = PublicIdField()
    status = serializers.SerializerMethodField(
        help_text="`open`, or `expired`. An expired invitation can be resent."
    )
    invited_by = serializers.CharField(
        read_only=True, help_text="ID and name, at that time, of the key or member that sent the invitation."
    )

    class Meta:
        model = Invitation
        fields = (
            *("id", "email", "role", "read_only", "accounts", "status"),
            *("invited_by", "created_at", "sent_at", "expires_at"),
        )
        read_only_fields = ("created_at", "sent_at", "expires_at")

    def validate_email(self, address: str) -> str:
        return check_mailbox(address)

    @extend_schema_field({"type": "string", "enum": ["open", "expired"]})
    def get_status(self, invitation: Invitation) -> str:
        return "open" if invitation.expires_at > timezone.now() else "expired"
