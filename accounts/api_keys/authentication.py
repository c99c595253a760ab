"""Authenticate requests by `Authorization: Bearer uo_live_…` or `uo_tok_…`."""

from typing import Any

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.api_keys import secrets as key_secrets
from accounts.tenancy import context
from accounts.tenancy.principals import Principal


class ApiKeyAuthentication(BaseAuthentication):
    """Turn the key or token of a request into its principal."""

    def authenticate(self, request: Request) -> tuple[Principal, Principal] | None:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return None
        if scheme.lower() != "bearer":
            raise AuthenticationFailed("Expected the header `Authorization: Bearer uo_live_…`.")
        try:
            principal = key_secrets.authenticate(text=text.strip(), now=timezone.now())
        # One text for all reasons: it does not reveal which prefixes exist.
        except key_secrets.UnknownKey:
            raise AuthenticationFailed("The API key or token is unknown, expired or revoked.") from None
        return principal, principal

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="underone"'


def reauthenticate(request: Request) -> None:
    """Authenticate a request again after its body was read, and set the tenant context as of now.

    While a large body arrives, its key can be revoked or its member removed. Call this inside the transaction
    of the write. Raises AuthenticationFailed.
    """
    before = context.principal(request)
    for authenticator in request.authenticators or ():
        result: Any = authenticator.authenticate(request)
        # Another principal than at the beginning must not continue what the first one was allowed to do.
        if result is not None:
            if result[0].id != before.id:
                break
            request.user, request.auth = result
            return
    raise AuthenticationFailed("The credentials became invalid while the request was being received.")


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describe API keys in the OpenAPI document."""

    target_class = "accounts.api_keys.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        description = "An API key of the agency (`uo_live_…`) or a token (`uo_tok_…`)."
        return {"type": "http", "scheme": "bearer", "description": description}
