"""Keys and tokens over HTTP. A key's text is in the answer that makes it, and nowhere else."""

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
    KeyChange,
    KeyWish,
    NewApiKeySerializer,
    RotationWish,
    TokenSerializer,
    TokenWish,
)
from accounts.models import ApiKey, Role
from accounts.requests.views import Collection, Resource
from accounts.tenancy import context
from accounts.tenancy.permissions import NotPermitted
from api.strict_fields import Contradiction

TAGS = ["Keys"]
LATER = "The key that asks ends before: no key is made that outlives it."


class KeyIsOver(APIException):
    status_code = 409
    default_code = "key-over"
    default_detail = "The key was revoked, or has expired. Make another one."


class KeyReplaced(APIException):
    status_code = 409
    default_code = "key-replaced"
    default_detail = "The key was rotated before: the one that replaces it can be rotated."


class TooManyTokens(APIException):
    status_code = 429
    default_code = "too-many-tokens"
    default_detail = (
        f"A key has at most {api_keys.MOST_TOKENS} tokens that still open something. Use one of them, or ask again later."
    )

    def __init__(self, wait: timedelta) -> None:
        super().__init__()
        self.wait = wait.total_seconds()


def keys_of(request: Request) -> QuerySet[ApiKey]:
    """The keys of the agency, those that are over too; no tokens."""
    return ApiKey.objects.filter(agency_id=context.bearer(request).agency_id, kind=ApiKey.Kind.KEY)


def key_of(request: Request, public_id: str) -> ApiKey:
    """The key with this public id. Raises NotFound for a stranger's as for none at all."""
    return context.one(keys_of(request), kind="key", public_id=public_id, called="API key")


def living(request: Request, public_id: str) -> ApiKey:
    """The key with this public id, unless it was revoked: a DELETE leaves nothing to read. Raises NotFound."""
    key = key_of(request, public_id)
    if key.revoked_at is not None:
        raise NotFound("This API key was revoked. The list has it still.")
    return key


def made(key: ApiKey, text: str) -> Response:
    body = NewApiKeySerializer(key, context={"text": text}).data
    return Response(body, status=201, headers={"Location": f"/v1/api-keys/{key.public_id}", "Cache-Control": "no-store"})


class ApiKeys(Collection[ApiKey]):
    needs: ClassVar = {"get": Role.ADMIN, "post": Role.ADMIN}
    queryset = ApiKey.objects.none()  # for the document; requests go through scoping
    serializer_class = ApiKeySerializer

    @extend_schema(
        operation_id="listApiKeys",
        summary="The agency's keys, newest first, those that are over too",
        tags=TAGS,
        responses=ApiKeySerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(keys_of(request))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="createApiKey",
        summary="A new key for a program",
        description="Its text, `key`, is in this answer alone: only a digest of it is kept. A key that itself ends one day makes "
        "none that ends later.",
        tags=TAGS,
        request=KeyWish,
        responses={201: NewApiKeySerializer},
    )
    def post(self, request: Request) -> Response:
        now, bearer = timezone.now(), context.bearer(request)
        wish = KeyWish(data=request.data, context={"now": now})
        wish.is_valid(raise_exception=True)
        name = wish.validated_data["name"]
        try:
            return made(*api_keys.key(agency=bearer.agency, name=name, rights=wish.rights(), who=bearer.who, by=bearer, now=now))
        except api_keys.Outlives:
            raise Contradiction({"expires_at": LATER}) from None


class OneApiKey(Resource):
    needs: ClassVar = {"get": Role.ADMIN, "patch": Role.ADMIN, "delete": Role.ADMIN}

    @extend_schema(operation_id="getApiKey", summary="One key", tags=TAGS, responses=ApiKeySerializer)
    def get(self, request: Request, key_id: str) -> Response:
        return Response(ApiKeySerializer(living(request, key_id)).data)

    @extend_schema(
        operation_id="renameApiKey",
        summary="Rename a key",
        tags=TAGS,
        request=KeyChange,
        responses=ApiKeySerializer,
    )
    def patch(self, request: Request, key_id: str) -> Response:
        key = living(request, key_id)
        change = KeyChange(data=request.data, partial=True)
        change.is_valid(raise_exception=True)
        name = change.validated_data.get("name", key.name)
        api_keys.rename(key=key, name=name, who=context.bearer(request).who, now=timezone.now())
        return Response(ApiKeySerializer(key).data)

    @extend_schema(
        operation_id="revokeApiKey",
        summary="Let a key open nothing any more",
        description="Nor do the tokens that were made with it, nor its open invitations. It stays in the list, and is read there "
        "alone. The last key of an admin may go too: then members, or the operator (`manage.py create_api_key`), let the "
        "agency in again.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, key_id: str) -> Response:
        api_keys.revoke(key=key_of(request, key_id), who=context.bearer(request).who, now=timezone.now())
        return Response(status=204)


class KeyRotation(Resource):
    needs: ClassVar = {"post": Role.ADMIN}
    problems: ClassVar = {"post": (KeyIsOver, KeyReplaced)}

    @extend_schema(
        operation_id="rotateApiKey",
        summary="A key to take over from this one, with the same rights",
        description="Both open during the overlap; then the one before ends, and its tokens with it. What it invited "
        "is withdrawn at once.",
        tags=TAGS,
        request=RotationWish,
        responses={201: NewApiKeySerializer},
    )
    def post(self, request: Request, key_id: str) -> Response:
        key = key_of(request, key_id)
        wish = RotationWish(data=request.data)
        wish.is_valid(raise_exception=True)
        return _rotated(request, key, wish.overlap(), timezone.now())


def _rotated(request: Request, key: ApiKey, overlap: timedelta, now: datetime) -> Response:
    try:
        return made(*api_keys.rotate(key=key, overlap=overlap, by=context.bearer(request), now=now))
    except api_keys.AlreadyOver:
        raise KeyIsOver from None
    except api_keys.AlreadyReplaced:
        raise KeyReplaced from None
    except api_keys.Outlives:
        raise NotPermitted(LATER) from None


class Tokens(Resource):
    needs: ClassVar = {"post": Role.VIEWER}
    as_read = ("post",)

    @extend_schema(
        operation_id="createToken",
        summary="A short-lived token that reads, for a browser",
        description="It sees what the key sees that makes it, or the accounts that are named, and changes nothing. It ends after "
        "`expires_in` seconds, and at once when its key is revoked. Keys make tokens; tokens and members make none.",
        tags=TAGS,
        request=TokenWish,
        responses={201: TokenSerializer},
    )
    def post(self, request: Request) -> Response:
        bearer = context.bearer(request)
        if bearer.kind != "key":
            raise NotPermitted("Tokens are made with a key.")
        wish = TokenWish(data=request.data)
        wish.is_valid(raise_exception=True)
        accounts = wish.validated_data.get("accounts")
        lifetime = timedelta(seconds=wish.validated_data["expires_in"])
        accounts = bearer.accounts if accounts is None else accounts
        try:
            token, text = api_keys.token(by=bearer, accounts=accounts, lifetime=lifetime, now=timezone.now())
        except api_keys.TooManyTokens as error:
            raise TooManyTokens(error.wait) from None
        return Response(TokenSerializer(token, context={"text": text}).data, status=201, headers={"Cache-Control": "no-store"})
