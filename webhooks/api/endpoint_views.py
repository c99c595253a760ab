"""Serve webhook endpoints: list, create, get, update, delete, test, recover, rotate the secret."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound, Throttled
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.people.api.auth_problems import MailUnavailable
from accounts.requests.views import Collection, Resource
from accounts.tenancy import context as tenant_context
from api.strict_fields import Absent, Contradiction
from webhooks.api.conflicts import (
    EndpointDisabled,
    MailboxInUse,
    MailboxUnconfirmed,
    NothingSigned,
    TooManyEndpoints,
    check_can_send,
    limit_mails,
)
from webhooks.api.delivery_serializers import DeliverySerializer
from webhooks.api.endpoint_serializers import (
    CreatedEndpointSerializer,
    CreateEndpoint,
    EndpointSerializer,
    RecoveredEvents,
    RecoverEvents,
    RotatedSigningSecret,
    SendTestEvent,
    UpdateEndpoint,
)
from webhooks.delivery import redelivery
from webhooks.endpoints import confirmation
from webhooks.endpoints import lifecycle as endpoints
from webhooks.endpoints import secrets as endpoint_secrets
from webhooks.models import Endpoint, EndpointQuerySet

TAGS = ["Webhooks"]
NOT_FOUND = "No webhook endpoint has this ID."
NO_ACCOUNTS = "All accounts that you can see were deleted, so no events can be sent."


def endpoints_of(request: Request) -> EndpointQuerySet:
    """Return the endpoints that the principal can see.

    If it has an account limit, these are the endpoints that name only its accounts.
    """

    # Row-level security does not limit endpoints to accounts: one may name several or none (ADR 9).
    principal = tenant_context.principal(request)
    endpoints = Endpoint.objects.filter(agency_id=principal.agency_id)
    return endpoints if principal.accounts is None else endpoints.within(principal.accounts)


def endpoint_of(request: Request, public_id: str) -> Endpoint:
    """Return the endpoint with this public ID. Raises NotFound, also for one that the principal cannot
    see."""
    return tenant_context.get_or_404(
        endpoints_of(request), kind="ep", public_id=public_id, name="webhook endpoint"
    )


def asked_too_often(error: confirmation.AskedTooOften) -> Throttled:
    """Return the problem of a mailbox that may not be asked again yet."""
    return Throttled(wait=(error.free_at - timezone.now()).total_seconds())


def asks_for_mails(endpoint: Endpoint, fields: dict[str, Any]) -> bool:
    """Return whether an update changes the address or enables the endpoint."""
    is_new = fields.get("url", endpoint.url) != endpoint.url
    return is_new or (fields.get("enabled") is True and endpoint.disabled_at is not None)


def limit_accounts(request: Request, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields. If the principal has an account limit, its accounts replace all accounts.

    Raises Contradiction if all its accounts are deleted, because it could not see an endpoint without
    accounts.
    """
    if not tenant_context.principal(request).is_limited or fields.get("accounts", ()) is not None:
        return fields
    account_ids = list(tenant_context.visible_accounts(request).values_list("pk", flat=True))
    if not account_ids:
        raise Contradiction({"accounts": [NO_ACCOUNTS]})
    return fields | {"accounts": account_ids}


def serializer_context(request: Request, endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Return the serializer context: the time, and the accounts of these endpoints that are not deleted, from one
    query."""

    named = {each for endpoint in endpoints for each in endpoint.accounts or ()}
    accounts = tenant_context.visible_accounts(request).filter(pk__in=named)
    existing = set(accounts.values_list("pk", flat=True) if named else ())
    return {"existing_accounts": existing, "now": timezone.now()}


class WebhookEndpoints(Collection[Endpoint]):
    # For the OpenAPI document only; `get` queries in the tenant context.
    queryset = Endpoint.objects.none()
    serializer_class = EndpointSerializer
    problems = {"post": (Absent, TooManyEndpoints, MailboxInUse, MailUnavailable, 429)}  # noqa: RUF012

    @extend_schema(
        operation_id="listWebhookEndpoints",
        summary="List webhook endpoints",
        description="Returns endpoints, newest first.",
        tags=TAGS,
        responses=EndpointSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(endpoints_of(request)) or []
        rows = EndpointSerializer(page, many=True, context=serializer_context(request, page))  # type: ignore[arg-type]
        return self.get_paginated_response(rows.data)

    @extend_schema(
        operation_id="createWebhookEndpoint",
        summary="Create a webhook endpoint",
        description="Creates an endpoint. A webhook receives each event as a signed POST request "
        "(Standard Webhooks), a mailbox receives an e-mail, and a chat receives a message. "
        "The signing `secret` is shown only in this response. Several endpoints can have "
        "the same URL, but only one a mailbox. A mailbox receives an e-mail that asks its owner to confirm the "
        "endpoint, and no events before that, unless it is your own.",
        tags=TAGS,
        request=CreateEndpoint,
        responses={201: CreatedEndpointSerializer},
    )
    def post(self, request: Request) -> Response:
        body = CreateEndpoint(
            data=request.data, context={"accounts": tenant_context.visible_accounts(request)}
        )
        body.is_valid(raise_exception=True)
        check_can_send(body.validated_data["kind"])
        fields = limit_accounts(request, {"accounts": None} | body.validated_data)
        try:
            endpoint, secret = endpoints.create(
                by=tenant_context.principal(request), fields=fields, now=timezone.now()
            )
        except endpoints.EndpointLimitReached as error:
            raise TooManyEndpoints(str(error)) from None
        except endpoints.MailboxInUse:
            raise MailboxInUse from None
        except confirmation.AskedTooOften as error:
            raise asked_too_often(error) from None
        context = {"secret": secret} | serializer_context(request, [endpoint])
        location = f"/v1/webhook-endpoints/{endpoint.public_id}"
        return Response(
            CreatedEndpointSerializer(endpoint, context=context).data,
            status=201,
            headers={"Location": location},
        )


class WebhookEndpoint(Resource):
    unchangeable_because: ClassVar = {"kind": "Create another endpoint of the other kind."}
    problems: ClassVar = {"patch": (MailboxInUse, MailUnavailable, 429)}

    @extend_schema(
        operation_id="getWebhookEndpoint",
        summary="Get a webhook endpoint",
        description="Returns one endpoint, without its signing secret.",
        tags=TAGS,
        responses=EndpointSerializer,
    )
    def get(self, request: Request, endpoint_id: str) -> Response:
        endpoint = endpoint_of(request, endpoint_id)
        return Response(EndpointSerializer(endpoint, context=serializer_context(request, [endpoint])).data)

    @extend_schema(
        operation_id="updateWebhookEndpoint",
        summary="Update a webhook endpoint",
        description="Updates the endpoint. `enabled: false` disables it, and its pending deliveries "
        "fail. `enabled: true` enables it and clears `disabled_reason`; use `recover` to "
        "send the events that it missed. Another mailbox, and one that has unsubscribed, is asked to confirm.",
        tags=TAGS,
        request=UpdateEndpoint,
        responses=EndpointSerializer,
    )
    def patch(self, request: Request, endpoint_id: str) -> Response:
        endpoint = endpoint_of(request, endpoint_id)
        context = {"accounts": tenant_context.visible_accounts(request), "kind": endpoint.kind}
        body = UpdateEndpoint(data=request.data, partial=True, context=context)
        body.is_valid(raise_exception=True)
        fields = limit_accounts(request, body.validated_data)
        if asks_for_mails(endpoint, fields):
            check_can_send(endpoint.kind)
        try:
            updated = endpoints.update(
                endpoint=endpoint,
                fields=fields,
                by=tenant_context.principal(request),
                now=timezone.now(),
            )
        except endpoints.MailboxInUse:
            raise MailboxInUse from None
        except confirmation.AskedTooOften as error:
            raise asked_too_often(error) from None
        # endpoint_of takes no lock, so another request may have deleted the endpoint since.
        except Endpoint.DoesNotExist:
            raise NotFound(NOT_FOUND) from None
        return Response(EndpointSerializer(updated, context=serializer_context(request, [updated])).data)

    @extend_schema(
        operation_id="deleteWebhookEndpoint",
        summary="Delete a webhook endpoint",
        description="Deletes the endpoint and its deliveries. The events are kept.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, endpoint_id: str) -> Response:
        endpoint = endpoint_of(request, endpoint_id)
        try:
            endpoints.delete(
                endpoint=endpoint, actor=tenant_context.principal(request).actor, now=timezone.now()
            )
        except Endpoint.DoesNotExist:
            raise NotFound(NOT_FOUND) from None
        return Response(status=204)


class SecretRotation(Resource):
    problems = {"post": (NothingSigned,)}  # noqa: RUF012

    @extend_schema(
        operation_id="rotateSigningSecret",
        summary="Rotate the signing secret",
        description="Creates a new signing secret. For 24 hours, deliveries are signed with the new and "
        "the previous secret. Another rotation within the 24 hours invalidates the oldest "
        "secret immediately.",
        tags=TAGS,
        request=None,
        responses=RotatedSigningSecret,
    )
    def post(self, request: Request, endpoint_id: str) -> Response:
        endpoint, now = endpoint_of(request, endpoint_id), timezone.now()
        if endpoint.kind != Endpoint.Kind.WEBHOOK:
            raise NothingSigned
        try:
            secret = endpoints.rotate_secret(
                endpoint=endpoint, actor=tenant_context.principal(request).actor, now=now
            )
        except Endpoint.DoesNotExist:
            raise NotFound(NOT_FOUND) from None
        return Response(
            RotatedSigningSecret(
                {"secret": secret, "previous_expires_at": now + endpoint_secrets.OVERLAP}
            ).data
        )


class EndpointTest(Resource):
    problems = {"post": (EndpointDisabled, MailboxUnconfirmed, MailUnavailable)}  # noqa: RUF012

    @extend_schema(
        operation_id="sendTestEvent",
        summary="Send a test event",
        description="Sends an example event with `test: true` to this endpoint only. The event is not "
        "in the list of events. You can send one test a second. For e-mail endpoints, the "
        "limit is one a minute for each mailbox and five a minute for each agency.",
        tags=TAGS,
        request=SendTestEvent,
        responses={202: DeliverySerializer},
    )
    def post(self, request: Request, endpoint_id: str) -> Response:
        endpoint = endpoint_of(request, endpoint_id)
        body = SendTestEvent(data=request.data)
        body.is_valid(raise_exception=True)
        type_ = body.validated_data["event_type"]
        check_can_send(endpoint.kind)
        try:
            delivery = redelivery.send_test(
                endpoint=endpoint,
                type_=type_,
                actor=tenant_context.principal(request).actor,
                now=timezone.now(),
            )
        except redelivery.EndpointIsDisabled:
            raise EndpointDisabled from None
        except redelivery.EndpointIsUnconfirmed:
            raise MailboxUnconfirmed from None
        except redelivery.TooManyTests as error:
            raise Throttled(wait=error.wait.total_seconds()) from None
        except Endpoint.DoesNotExist:
            raise NotFound(NOT_FOUND) from None
        location = f"/v1/deliveries/{delivery.public_id}"
        return Response(
            DeliverySerializer(delivery, context={"last_attempts": {}}).data,
            status=202,
            headers={"Location": location},
        )


class EndpointRecovery(Resource):
    problems = {"post": (EndpointDisabled, MailboxUnconfirmed, MailUnavailable)}  # noqa: RUF012

    @extend_schema(
        operation_id="recoverEvents",
        summary="Recover missed events",
        description="Sends, in order, every event since the given time that the endpoint is subscribed to "
        "and did not receive. The time is at most 30 days ago. Delivered events are not sent again.",
        tags=TAGS,
        request=RecoverEvents,
        responses={202: RecoveredEvents},
    )
    def post(self, request: Request, endpoint_id: str) -> Response:
        endpoint, now = endpoint_of(request, endpoint_id), timezone.now()
        body = RecoverEvents(data=request.data, context={"now": now})
        body.is_valid(raise_exception=True)
        since = body.validated_data["since"]
        limit_mails(request, endpoint)
        try:
            count = redelivery.recover(
                endpoint=endpoint, since=since, actor=tenant_context.principal(request).actor, now=now
            )
        except redelivery.EndpointIsDisabled:
            raise EndpointDisabled from None
        except redelivery.EndpointIsUnconfirmed:
            raise MailboxUnconfirmed from None
        except Endpoint.DoesNotExist:
            raise NotFound(NOT_FOUND) from None
        return Response(RecoveredEvents({"since": since, "deliveries": count}).data, status=202)
