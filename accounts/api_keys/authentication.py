"""`Authorization: Bearer uo_live_…` becomes the bearer who asks."""

from typing import Any

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.api_keys import secrets as key_secrets
from accounts.tenancy import context
from accounts.tenancy.principals import Bearer


class ApiKeyAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Bearer, Bearer] | None:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return None
        if scheme.lower() != "bearer":
            raise AuthenticationFailed("Send the key as `Authorization: Bearer uo_live_…`.")
        try:
            bearer = key_secrets.recognise(text=text.strip(), now=timezone.now())
        except key_secrets.UnknownKey:
            raise AuthenticationFailed("This key is unknown, expired or was revoked.") from None
        return bearer, bearer

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="underone"'


def recognise_again(request: Request) -> None:
    """Who asks, as of now: where a body streamed in meanwhile, a key may be revoked, a member gone. Raises AuthenticationFailed.

    To be called in the transaction of the write, which then sees what the bearer may see now.
    """
    before = context.bearer(request)
    for authenticator in request.authenticators or ():
        found: Any = authenticator.authenticate(request)
        if found is not None:
            if found[0].id != before.id:
                break
            request.user, request.auth = found
            return
    raise AuthenticationFailed("Who began this request may not end it.")


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document describes the key."""

    target_class = "accounts.api_keys.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API key of the agency: `uo_live_…`."}
