"""The shapes of signing in: what people send, and what they go on with."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.people.api.me_serializers import MEMBERSHIP, MembershipSerializer
from accounts.people.api.member_serializers import PERSON, PersonSerializer
from api.strict_fields import Body

TOKEN = "uo_ses_4k2v0m8c6x1z3b5n7a9s2d4f6g8h0j1l.vKx0cT4mVb2nQeR8sW1yZ6uJ3pL5aD7fG9hK0iO2tYw"  # noqa: S105  an example
SESSION = {"token": TOKEN, "expires_at": "2026-12-06T09:00:00Z"}
PASSWORD_HELP = "At least ten characters; nothing common, and nothing like the name or address."  # noqa: S105


class PasswordField(serializers.CharField):
    """A password as it was typed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=500, trim_whitespace=False, write_only=True, **kwargs)


class Sent(Body):
    """What people send."""


@extend_schema_serializer(
    examples=[OpenApiExample("With a password", value={"email": "mei@agency.example", "password": "correct horse battery"})]
)
class SignIn(Sent):
    email = serializers.EmailField(max_length=254)
    password = PasswordField()
    agency = serializers.CharField(
        max_length=60, required=False, help_text="The agency for which the session is, where the header names no other."
    )


@extend_schema_serializer(examples=[OpenApiExample("A mailbox", value={"email": "mei@agency.example"})])
class Mailbox(Sent):
    email = serializers.EmailField(max_length=254)


@extend_schema_serializer(examples=[OpenApiExample("From the mail", value={"code": "HLTM-QRWK"})])
class Code(Sent):
    code = serializers.CharField(max_length=20)


@extend_schema_serializer(
    examples=[OpenApiExample("With the key", value={"key": "3x8kq2-d1a2b3-5f6e7d8c", "password": "correct horse battery"})]
)
class NewPassword(Sent):
    key = serializers.CharField(max_length=200, help_text="From the mail.")
    password = PasswordField(help_text=PASSWORD_HELP)


@extend_schema_serializer(
    examples=[
        OpenApiExample("Another one", value={"current_password": "correct horse battery", "password": "staple green window"})
    ]
)
class PasswordChange(Sent):
    current_password = PasswordField(required=False, help_text="Unless there is none yet.")
    password = PasswordField(help_text=PASSWORD_HELP)


@extend_schema_serializer(
    examples=[
        OpenApiExample("A new agency", value={"agency_name": "Acme Partners", "name": "Mei Lin", "email": "mei@agency.example"})
    ]
)
class SignUp(Sent):
    agency_name = serializers.CharField(max_length=200)
    name = serializers.CharField(max_length=200)
    email = serializers.EmailField(max_length=254)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A new person",
            value={"token": "uo_inv_Yq0…", "name": "Mei Lin", "password": "correct horse battery"},
            request_only=True,
        )
    ]
)
class Acceptance(Sent):
    token = serializers.CharField(max_length=2000, help_text="From the mail.")
    name = serializers.CharField(
        max_length=200,
        required=False,
        allow_blank=True,
        default="",
        help_text="Of a new person. Somebody who is known keeps name and password.",
    )
    password = PasswordField(
        required=False, allow_null=True, default=None, help_text=f"{PASSWORD_HELP} Without one, codes by mail open the door."
    )


@extend_schema_serializer(examples=[OpenApiExample("A session", value=SESSION, response_only=True, status_codes=["202"])])
class SessionSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="Goes as `X-Session-Token`, or as `Authorization: Bearer`.")
    expires_at = serializers.DateTimeField(help_text="Later with every use.")


@extend_schema_serializer(
    examples=[
        OpenApiExample("Signed in", value=SESSION | {"person": PERSON, "memberships": [MEMBERSHIP]}, response_only=True),
    ]
)
class SignedInSerializer(SessionSerializer):
    person = PersonSerializer()
    memberships = MembershipSerializer(many=True)


@extend_schema_serializer(
    examples=[
        OpenApiExample("A new person", value={"session": SESSION, "person": PERSON, "membership": MEMBERSHIP}, response_only=True)
    ]
)
class AcceptedSerializer(serializers.Serializer[Any]):
    session = SessionSerializer(allow_null=True, help_text="Of a new person. Somebody who is known signs in as ever.")
    person = PersonSerializer()
    membership = MembershipSerializer()
