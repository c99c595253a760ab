"""Define the request and response bodies of second factors and passkeys."""

import json
from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from fido2.webauthn import AuthenticationResponse, RegistrationResponse
from rest_framework import serializers

from accounts.people.api.auth_serializers import SESSION
from api.strict_fields import Body

MAX_CREDENTIAL_LENGTH = 65_536
CODES = ["48215703", "90637184", "15527709"]
TOTP = {
    "id": "fac_12",
    "kind": "totp",
    "name": None,
    "created_at": "2026-11-22T09:00:00Z",
    "last_used_at": None,
    "unused_codes": None,
}
RECOVERY_CODES = TOTP | {"id": "fac_13", "kind": "recovery_codes", "unused_codes": 10}
PASSKEY = TOTP | {"id": "fac_14", "kind": "passkey", "name": "Laptop"}
CREDENTIAL_ID = "q7Zf0mX2cT4vNbReQ8sWyZ"
REGISTRATION = {
    "id": CREDENTIAL_ID,
    "rawId": CREDENTIAL_ID,
    "type": "public-key",
    "response": {
        "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0",
        "attestationObject": "o2NmbXRkbm9uZQ",
    },
}
ASSERTION = {
    "id": CREDENTIAL_ID,
    "rawId": CREDENTIAL_ID,
    "type": "public-key",
    "response": {
        "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0In0",
        "authenticatorData": "SZYN5YgOjGh0NBcPZHZgW4",
        "signature": "MEUCIQDx8w",
        "userHandle": "M3g4a3Ey",
    },
}
CREATION_OPTIONS = {
    "publicKey": {
        "rp": {"id": "app.agency.example", "name": "Underone"},
        "user": {"id": "M3g4a3Ey", "name": "mei@agency.example", "displayName": "mei@agency.example"},
        "challenge": "kT5vN8rQ2sW6yZ9uJ3pL5aD7fG",
        "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
    }
}
REQUEST_OPTIONS = {
    "publicKey": {
        "rpId": "app.agency.example",
        "challenge": "kT5vN8rQ2sW6yZ9uJ3pL5aD7fG",
        "userVerification": "required",
    }
}


@extend_schema_field({"type": "object", "additionalProperties": True})
class CredentialField(serializers.JSONField):
    """Accept the JSON of a browser's PublicKeyCredential, as `credential.toJSON()` returns it."""

    default_error_messages = {  # noqa: RUF012  as DRF declares it
        "credential": "Expected the result of `credential.toJSON()` in a browser."
    }

    def __init__(self, parse: Callable[[Any], Any], **kwargs: Any) -> None:
        self.parse = parse
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        if not isinstance(value, dict) or len(json.dumps(value)) > MAX_CREDENTIAL_LENGTH:
            self.fail("credential")
        # The parser is made for well-formed credentials, and raises anything for others.
        try:
            self.parse(value)
        except Exception:  # noqa: BLE001
            self.fail("credential")
        return value


@extend_schema_field({"type": "object", "additionalProperties": True})
class OptionsField(serializers.JSONField):
    """Show options for a browser's `navigator.credentials`."""


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Second factor required",
            value=SESSION | {"second_factors": ["recovery_codes", "totp"]},
            response_only=True,
            status_codes=["202"],
        )
    ]
)
class PendingSessionSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(
        help_text="The token of the pending sign-in. Send it as `X-Session-Token` with the second factor. It gives "
        "no other access."
    )
    expires_at = serializers.DateTimeField(help_text="Until when the second factor can be sent.")
    second_factors = serializers.SerializerMethodField(
        help_text="The kinds of second factors that are accepted."
    )

    @extend_schema_field(
        {"type": "array", "items": {"type": "string", "enum": ["totp", "passkey", "recovery_codes"]}}
    )
    def get_second_factors(self, data: dict[str, Any]) -> list[str]:
        return sorted({"webauthn": "passkey"}.get(each, each) for each in data["second_factors"])


@extend_schema_serializer(
    examples=[OpenApiExample("Authenticator app", value=TOTP, response_only=True)],
    component_name="SecondFactor",
)
class SecondFactorSerializer(serializers.Serializer[Any]):
    """A second factor of a user, without its secret."""

    id = serializers.CharField()
    kind = serializers.ChoiceField(choices=("totp", "passkey", "recovery_codes"))
    name = serializers.CharField(allow_null=True, help_text="The name of a passkey. Null for other kinds.")
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(
        allow_null=True, help_text="When it was last used. Null if never."
    )
    unused_codes = serializers.IntegerField(
        allow_null=True, help_text="How many recovery codes are left. Null for other kinds."
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample("Second factors", value={"data": [TOTP, RECOVERY_CODES, PASSKEY]}, response_only=True)
    ]
)
class SecondFactorsSerializer(serializers.Serializer[Any]):
    data = SecondFactorSerializer(many=True)  # type: ignore[assignment]  # a field of the contract


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "New secret",
            value={
                "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
                "url": "otpauth://totp/mei%40agency.example?secret=JBSWY3DPEHPK3PXP&issuer=Underone",
            },
            response_only=True,
        )
    ]
)
class TotpSecretSerializer(serializers.Serializer[Any]):
    secret = serializers.CharField(help_text="The secret for the authenticator app. It is shown once.")
    url = serializers.CharField(help_text="The same as a URL. Show it to the user as a QR code.")


@extend_schema_serializer(examples=[OpenApiExample("Code", value={"code": "492039"})])
class SecondFactorCode(Body):
    code = serializers.CharField(
        max_length=20, help_text="The code that the authenticator app shows, or an unused recovery code."
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Added",
            value={"second_factor": TOTP, "recovery_codes": CODES},
            response_only=True,
            status_codes=["201"],
        )
    ]
)
class AddedFactorSerializer(serializers.Serializer[Any]):
    second_factor = SecondFactorSerializer()
    recovery_codes = serializers.ListField(
        child=serializers.CharField(),
        allow_null=True,
        help_text="Codes that can each be used once instead of the second factor. They are shown once, with the "
        "first second factor. Null if the user has some already.",
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Recovery codes", value={"recovery_codes": CODES}, response_only=True, status_codes=["201"]
        )
    ]
)
class NewRecoveryCodesSerializer(serializers.Serializer[Any]):
    recovery_codes = serializers.ListField(
        child=serializers.CharField(), help_text="Codes that can each be used once. They are shown once."
    )


@extend_schema_serializer(
    examples=[OpenApiExample("New passkey", value={"options": CREATION_OPTIONS}, response_only=True)]
)
class CreationOptionsSerializer(serializers.Serializer[Any]):
    options = OptionsField(help_text="The options for `navigator.credentials.create()`.")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Passkey", value=SESSION | {"options": REQUEST_OPTIONS}, response_only=True, status_codes=["202"]
        )
    ]
)
class RequestOptionsSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(
        help_text="The token of the pending sign-in. Send it as `X-Session-Token` with the passkey."
    )
    expires_at = serializers.DateTimeField(help_text="Until when the passkey can be sent.")
    options = OptionsField(help_text="The options for `navigator.credentials.get()`.")


@extend_schema_serializer(
    examples=[OpenApiExample("Passkey", value={"name": "Laptop", "credential": REGISTRATION})]
)
class AddPasskey(Body):
    name = serializers.CharField(max_length=100, help_text="A name by which the user recognizes the passkey.")
    credential = CredentialField(
        RegistrationResponse.from_dict, help_text="The result of `navigator.credentials.create()`, as JSON."
    )


@extend_schema_serializer(examples=[OpenApiExample("Passkey", value={"credential": ASSERTION})])
class PasskeyAssertion(Body):
    credential = CredentialField(
        AuthenticationResponse.from_dict, help_text="The result of `navigator.credentials.get()`, as JSON."
    )
