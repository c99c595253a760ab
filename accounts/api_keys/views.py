"""Serve API keys and tokens. The text of a key is only in the response to its creation."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException, NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_keys import lifecycle as api_keys
from accounts.api_keys.serializers import (
    ApiKeySerializer,
    CreateApiKey,
    CreateToken,
    NewApiKeySerializer,
    RotateApiKey,
    TokenSerializer,
    UpdateApiKey,
)
from accounts.models import ApiKey, Role
from accounts.requests.views import Collection, Resource
from accounts.tenancy import context
from accounts.tenancy.permissions import NotPermitted
from api.strict_fields import Contradiction

TAGS = ["API keys"]
OUTLIVES = "Your API key expires, so it cannot create a key that expires later or never."


class ApiKeyNotActive(APIException):
    status_code = 409
    default_code = "key-over"
    default_detail = "The API key is revoked or expired. Create another one."


class ApiKeyReplaced(APIException):
    status_code = 409
    default_code = "key-replaced"
    default_detail = "The API key was already rotated. Rotate the key that replaced it."


class TooManyTokens(APIException):
    status_code = 429
    default_code = "too-many-tokens"
    default_detail = (
        f"An API key can have at most {api_keys.MAX_TOKENS} valid tokens. Use one of them, or retry later."
    )

    def __init__(self, wait: timedelta) -> None:
        super().__init__()
        self.wait = wait.total_seconds()


def keys_of(request: Request) -> QuerySet[ApiKey]:
    """Return the agency's keys, including revoked and expired ones, without tokens."""
    return ApiKey.objects.filter(agency_id=context.principal(request).agency_id, kind=ApiKey.Kind.KEY)


def get_key(request: Request, public_id: str) -> ApiKey:
    """Return the key with this ID. Raises NotFound, also for a key of another agency."""
    return context.get_or_404(keys_of(request), kind="key", public_id=public_id, name="API key")


def get_unrevoked_key(request: Request, public_id: str) -> ApiKey:
    """Return the key with this ID.

    Raises NotFound, also for a revoked key, so that GET after DELETE returns 404.
    """
    key = get_key(request, public_id)
    if key.revoked_at is not None:
        raise NotFound("This API key is revoked. It is still in the list of API keys.")
    return key


def created_response(key: ApiKey, text: str) -> Response:
    body = NewApiKeySerializer(key, context={"text": text}).data
    # No cache may store the response: it is the only one that contains the secret.
    return Response(
        body, status=201, headers={"Location": f"/v1/api-keys/{key.public_id}", "Cache-Control": "no-store"}
    )


class ApiKeys(Collection[ApiKey]):
    required_roles: ClassVar = {"get": Role.ADMIN, "post": Role.ADMIN}
    # For the OpenAPI document only; requests go through the tenant context.
    queryset = ApiKey.objects.none()
    serializer_class = ApiKeySerializer

    @extend_schema(
        operation_id="listApiKeys",
        summary="List API keys",
        description="Returns the newest keys first, including revoked and expired ones.",
        tags=TAGS,
        responses=ApiKeySerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(keys_of(request))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="createApiKey",
        summary="Create an API key",
        description="The key itself is returned only in this response, as `key`; only a digest of it is "
        "stored. "
        "An API key with an expiry can only create keys that expire no later.",
        tags=TAGS,
        request=CreateApiKey,
        responses={201: NewApiKeySerializer},
    )
    def post(self, request: Request) -> Response:
        now, principal = timezone.now(), context.principal(request)
        body = CreateApiKey(data=request.data, context={"now": now})
        body.is_valid(raise_exception=True)
        name = body.validated_data["name"]
        try:
            key, text = api_keys.create(
                agency=principal.agency,
                name=name,
                rights=body.rights(),
                actor=principal.actor,
                by=principal,
                now=now,
            )
        except api_keys.OutlivesCreator:
            raise Contradiction({"expires_at": OUTLIVES}) from None
        return created_response(key, text)


class ApiKeyDetail(Resource):
    required_roles: ClassVar = {"get": Role.ADMIN, "patch": Role.ADMIN, "delete": Role.ADMIN}
    unchangeable_because: ClassVar = dict.fromkeys(
        ("role", "read_only", "accounts", "expires_at"),
        "To change permissions, create another key and revoke this one.",
    )

    @extend_schema(
        operation_id="getApiKey",
        summary="Get an API key",
        description="Returns one API key, without the key itself. A revoked key returns 404.",
        tags=TAGS,
        responses=ApiKeySerializer,
    )
    def get(self, request: Request, key_id: str) -> Response:
        return Response(ApiKeySerializer(get_unrevoked_key(request, key_id)).data)

    @extend_schema(
        operation_id="updateApiKey",
        summary="Update an API key",
        description="Renames the key. To change its permissions, create another key.",
        tags=TAGS,
        request=UpdateApiKey,
        responses=ApiKeySerializer,
    )
    def patch(self, request: Request, key_id: str) -> Response:
        key = get_unrevoked_key(request, key_id)
        body = UpdateApiKey(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        name = body.validated_data.get("name", key.name)
        api_keys.rename(key=key, name=name, actor=context.principal(request).actor, now=timezone.now())
        return Response(ApiKeySerializer(key).data)

    @extend_schema(
        operation_id="revokeApiKey",
        summary="Revoke an API key",
        description="Revokes the key, its tokens and its open invitations immediately. The key stays in "
        "the list, marked with `revoked_at`. You can also revoke the last admin key. After "
        "that, members with the role `admin`, or the operator with `manage.py "
        "create_api_key`, can create a new one.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, key_id: str) -> Response:
        api_keys.revoke(
            key=get_key(request, key_id), actor=context.principal(request).actor, now=timezone.now()
        )
        return Response(status=204)


class ApiKeyRotation(Resource):
    required_roles: ClassVar = {"post": Role.ADMIN}
    problems: ClassVar = {"post": (ApiKeyNotActive, ApiKeyReplaced)}

    @extend_schema(
        operation_id="rotateApiKey",
        summary="Rotate an API key",
        description="Creates a key with the same name and permissions. Both keys are valid during the "
        "overlap. Then the old key "
        "and its tokens expire. Open invitations sent with the old key are revoked immediately.",
        tags=TAGS,
        request=RotateApiKey,
        responses={201: NewApiKeySerializer},
    )
    def post(self, request: Request, key_id: str) -> Response:
        key = get_key(request, key_id)
        body = RotateApiKey(data=request.data)
        body.is_valid(raise_exception=True)
        return _rotate(request, key, body.overlap(), timezone.now())


def _rotate(request: Request, key: ApiKey, overlap: timedelta, now: datetime) -> Response:
    try:
        new, text = api_keys.rotate(key=key, overlap=overlap, by=context.principal(request), now=now)
    except api_keys.NotActive:
        raise ApiKeyNotActive from None
    except api_keys.AlreadyReplaced:
        raise ApiKeyReplaced from None
    except api_keys.OutlivesCreator:
        raise NotPermitted(OUTLIVES) from None
    return created_response(new, text)


class Tokens(Resource):
    # A token can do no more than read what its key can read, so a read-only viewer may create one.
    required_roles: ClassVar = {"post": Role.VIEWER}
    treated_as_read = ("post",)

    @extend_schema(
        operation_id="createToken",
        summary="Create a token",
        description="Creates a short-lived, read-only token for a browser. It can read what the API key "
        "can read, or only the given accounts. It expires after `expires_in` seconds, or "
        "immediately when its API key is revoked. Only API keys can create tokens.",
        tags=TAGS,
        request=CreateToken,
        responses={201: TokenSerializer},
    )
    def post(self, request: Request) -> Response:
        principal = context.principal(request)
        if principal.kind != "key":
            raise NotPermitted("Only API keys can create tokens.")
        body = CreateToken(data=request.data)
        body.is_valid(raise_exception=True)
        accounts = body.validated_data.get("accounts")
        lifetime = timedelta(seconds=body.validated_data["expires_in"])
        # AccountLimit accepts only accounts in the tenant context, so a token never sees more than its key.
        accounts = principal.accounts if accounts is None else accounts
        try:
            token, text = api_keys.create_token(
                by=principal, accounts=accounts, lifetime=lifetime, now=timezone.now()
            )
        except api_keys.TooManyTokens as error:
            raise TooManyTokens(error.wait) from None
        serializer = TokenSerializer(token, context={"text": text})
        return Response(serializer.data, status=201, headers={"Cache-Control": "no-store"})
