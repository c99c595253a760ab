"""Define the request and response bodies of sign-in, sign-up and sessions."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.people.api.me_serializers import MEMBERSHIP, MembershipSerializer
from accounts.people.api.member_serializers import PERSON, PersonSerializer
from accounts.requests.fields import check_mailbox
from api.strict_fields import Body, Choice

TOKEN = "uo_ses_4k2v0m8c6x1z3b5n7a9s2d4f6g8h0j1l.vKx0cT4mVb2nQeR8sW1yZ6uJ3pL5aD7fG9hK0iO2tYw"  # noqa: S105  an example
SESSION = {"token": TOKEN, "expires_at": "2026-12-06T09:00:00Z"}
REQUIREMENTS = (
    "It must have at least twelve characters, must not be a common password, must not be similar to the name or "
    "the e-mail address, and must not be one of the user's last ten passwords."
)


class PasswordField(serializers.CharField):
    """Accept a password exactly as it was typed, including spaces."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=500, trim_whitespace=False, write_only=True, **kwargs)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Credentials", value={"email": "mei@agency.example", "password": "correct horse battery"}
        )
    ]
)
class SignIn(Body):
    email = serializers.EmailField(max_length=254, help_text="The user's e-mail address.")
    password = PasswordField(help_text="The user's password.")
    agency = serializers.CharField(
        max_length=60,
        required=False,
        help_text=(
            "ID of the agency that requests of this session act for, unless they send the header "
            "`Underone-Agency`."
        ),
    )


@extend_schema_serializer(examples=[OpenApiExample("E-mail address", value={"email": "mei@agency.example"})])
class EmailAddress(Body):
    email = serializers.EmailField(max_length=254, help_text="The user's e-mail address.")


@extend_schema_serializer(examples=[OpenApiExample("Code", value={"code": "HLTM-QRWK"})])
class SignInCode(Body):
    code = serializers.CharField(max_length=20, help_text="The code from the e-mail.")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "New password", value={"key": "3x8kq2-d1a2b3-5f6e7d8c", "password": "correct horse battery"}
        )
    ]
)
class ResetPassword(Body):
    key = serializers.CharField(max_length=200, help_text="The key from the e-mail.")
    password = PasswordField(help_text=REQUIREMENTS)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "New password",
            value={"current_password": "correct horse battery", "password": "staple green window"},
        )
    ]
)
class ChangePassword(Body):
    current_password = PasswordField(
        required=False, help_text="The current password. It is required if the user has one."
    )
    password = PasswordField(help_text=REQUIREMENTS)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "New agency",
            value={"agency_name": "Acme Partners", "name": "Mei Lin", "email": "mei@agency.example"},
        )
    ]
)
class SignUp(Body):
    agency_name = serializers.CharField(max_length=200, help_text="The name of the new agency.")
    name = serializers.CharField(max_length=200, help_text="The name of its first user.")
    email = serializers.EmailField(
        max_length=254, help_text="The user's e-mail address, to which the token is sent."
    )

    def validate_email(self, address: str) -> str:
        return check_mailbox(address)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "New user",
            value={"token": "uo_inv_Yq0…", "name": "Mei Lin", "password": "correct horse battery"},
            request_only=True,
        )
    ]
)
class AcceptInvitation(Body):
    token = serializers.CharField(max_length=2000, help_text="The token from the e-mail.")
    name = serializers.CharField(
        max_length=200,
        required=False,
        allow_blank=True,
        default="",
        help_text="The name of a new user. An existing user keeps name and password.",
    )
    password = PasswordField(
        required=False,
        allow_null=True,
        default=None,
        help_text=(
            f"The password of a new user. {REQUIREMENTS} Without a password, the user signs in with "
            "codes by e-mail."
        ),
    )


@extend_schema_serializer(
    examples=[OpenApiExample("Read e-mails in Chinese", value={"language": "zh-hans"}, request_only=True)]
)
class UpdateSession(Body):
    """The language of the signed-in user."""

    language = Choice(
        choices=settings.LANGUAGES, required=False, help_text="The language of e-mails to the user."
    )


class SignedInPerson(PersonSerializer):
    language = serializers.ChoiceField(
        choices=settings.LANGUAGES, help_text="The language of e-mails to the user."
    )


@extend_schema_serializer(
    examples=[OpenApiExample("Session", value=SESSION, response_only=True, status_codes=["202"])]
)
class SessionSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(
        help_text="The session token. Send it as `X-Session-Token` or as `Authorization: Bearer`."
    )
    expires_at = serializers.DateTimeField(help_text="When the session expires. Each use extends it.")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Signed in",
            value=SESSION | {"person": PERSON | {"language": "en"}, "memberships": [MEMBERSHIP]},
            response_only=True,
        ),
    ]
)
class SignedInSerializer(SessionSerializer):
    person = SignedInPerson()
    memberships = MembershipSerializer(many=True)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "New user",
            value={"session": SESSION, "person": PERSON | {"language": "en"}, "membership": MEMBERSHIP},
            response_only=True,
        )
    ]
)
class AcceptedSerializer(serializers.Serializer[Any]):
    session = SessionSerializer(
        allow_null=True, help_text="A session of a new user. Null for an existing user, who signs in."
    )
    person = SignedInPerson()
    membership = MembershipSerializer()
