"""Where the agency is told of events, over HTTP."""

from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound, Throttled
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.requests.views import Collection, Resource
from accounts.tenancy import context as tenant_context
from api.strict_fields import Absent, Contradiction
from webhooks.api.conflicts import EndpointDisabled, NothingSigned, TooManyEndpoints, limit_mails
from webhooks.api.delivery_serializers import DeliverySerializer
from webhooks.api.endpoint_serializers import (
    EndpointChange,
    EndpointSerializer,
    EndpointWish,
    NewEndpointSerializer,
    Recovery,
    RecoveryWish,
    RotatedSecret,
    TestWish,
)
from webhooks.delivery import redelivery
from webhooks.endpoints import lifecycle as endpoints
from webhooks.endpoints import secrets as endpoint_secrets
from webhooks.models import Endpoint, EndpointQuerySet

TAGS = ["Webhooks"]
NO_ENDPOINT = "No webhook endpoint has this ID."
NOTHING_LEFT = "All accounts that you see were handed back: there is nothing left to be told of."


def endpoints_of(request: Request) -> EndpointQuerySet:
    """The endpoints that the bearer may see; with a limit, those that are told of accounts within it and of no other."""
    principal = tenant_context.principal(request)
    mine = Endpoint.objects.filter(agency_id=principal.agency_id)
    if principal.accounts is None:
        return mine
    return mine.within(principal.accounts)


def endpoint_of(request: Request, public_id: str) -> Endpoint:
    """The endpoint with this public id. Raises NotFound for a stranger's as for none at all."""
    return tenant_context.get_or_404(endpoints_of(request), kind="ep", public_id=public_id, name="webhook endpoint")


def within(request: Request, wished: dict[str, Any]) -> dict[str, Any]:
    """What is wished for, with the bearer's own accounts where it has a limit and asks to be told of all.

    Raises Contradiction where none is left: who is limited neither sees an endpoint that names none, nor is it counted within.
    """
    if not tenant_context.principal(request).is_limited or wished.get("accounts", ()) is not None:
        return wished
    theirs = list(tenant_context.accounts_of(request).values_list("pk", flat=True))
    if not theirs:
        raise Contradiction({"accounts": [NOTHING_LEFT]})
    return wished | {"accounts": theirs}


def present(request: Request, shown: Sequence[Endpoint]) -> dict[str, Any]:
    """The accounts that these endpoints name and that are still looked after, in one query."""
    named = {each for endpoint in shown for each in endpoint.accounts or ()}
    theirs = tenant_context.accounts_of(request).filter(pk__in=named).values_list("pk", flat=True) if named else ()
    return {"present": set(theirs)}


class WebhookEndpoints(Collection[Endpoint]):
    queryset = Endpoint.objects.none()
    serializer_class = EndpointSerializer
    problems = {"post": (Absent, TooManyEndpoints)}  # noqa: RUF012

    @extend_schema(
        operation_id="listWebhookEndpoints",
        summary="Where the agency is told of events, newest first",
        tags=TAGS,
        responses=EndpointSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(endpoints_of(request)) or []
        return self.get_paginated_response(EndpointSerializer(page, many=True, context=present(request, page)).data)  # type: ignore[arg-type]

    @extend_schema(
        operation_id="createWebhookEndpoint",
        summary="Be told of events from now on",
        description="A webhook gets each event as a signed POST (Standard Webhooks), a mailbox a mail, a chat a message. The "
        "`secret` is shown in this answer alone. Two endpoints may have the same address.",
        tags=TAGS,
        request=EndpointWish,
        responses={201: NewEndpointSerializer},
    )
    def post(self, request: Request) -> Response:
        wish = EndpointWish(data=request.data, context={"accounts": tenant_context.accounts_of(request)})
        wish.is_valid(raise_exception=True)
        fields = within(request, {"accounts": None} | wish.validated_data)
        try:
            endpoint, secret = endpoints.add(by=tenant_context.principal(request), fields=fields, now=timezone.now())
        except endpoints.TooMany as error:
            raise TooManyEndpoints(str(error)) from None
        context = {"secret": secret} | present(request, [endpoint])
        where = f"/v1/webhook-endpoints/{endpoint.public_id}"
        return Response(NewEndpointSerializer(endpoint, context=context).data, status=201, headers={"Location": where})


class WebhookEndpoint(Resource):
    @extend_schema(operation_id="getWebhookEndpoint", summary="One endpoint", tags=TAGS, responses=EndpointSerializer)
    def get(self, request: Request, endpoint_id: str) -> Response:
        endpoint = endpoint_of(request, endpoint_id)
        return Response(EndpointSerializer(endpoint, context=present(request, [endpoint])).data)

    @extend_schema(
        operation_id="changeWebhookEndpoint",
        summary="Change what an endpoint is told, or stop and go on",
        description="`enabled: false` ends what is on its way as failed. `enabled: true` forgets why it was disabled; what it "
        "missed is recovered by `recover`.",
        tags=TAGS,
        request=EndpointChange,
        responses=EndpointSerializer,
    )
    def patch(self, request: Request, endpoint_id: str) -> Response:
        endpoint = endpoint_of(request, endpoint_id)
        context = {"accounts": tenant_context.accounts_of(request), "kind": endpoint.kind}
        wish = EndpointChange(data=request.data, partial=True, context=context)
        wish.is_valid(raise_exception=True)
        fields = within(request, wish.validated_data)
        try:
            changed = endpoints.change(
                endpoint=endpoint, fields=fields, who=tenant_context.principal(request).actor, now=timezone.now()
            )
        except Endpoint.DoesNotExist:
            raise NotFound(NO_ENDPOINT) from None
        return Response(EndpointSerializer(changed, context=present(request, [changed])).data)

    @extend_schema(
        operation_id="deleteWebhookEndpoint",
        summary="Be told no more",
        description="Its deliveries go with it; the events stay.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, endpoint_id: str) -> Response:
        endpoint = endpoint_of(request, endpoint_id)
        try:
            endpoints.remove(endpoint=endpoint, who=tenant_context.principal(request).actor, now=timezone.now())
        except Endpoint.DoesNotExist:
            raise NotFound(NO_ENDPOINT) from None
        return Response(status=204)


class SecretRotation(Resource):
    problems = {"post": (NothingSigned,)}  # noqa: RUF012

    @extend_schema(
        operation_id="rotateWebhookSecret",
        summary="A new secret; the one before signs beside it for 24 hours",
        description="A second rotation inside these hours ends the oldest at once: at most two sign.",
        tags=TAGS,
        request=None,
        responses=RotatedSecret,
    )
    def post(self, request: Request, endpoint_id: str) -> Response:
        endpoint, now = endpoint_of(request, endpoint_id), timezone.now()
        if endpoint.kind != Endpoint.Kind.WEBHOOK:
            raise NothingSigned
        try:
            secret = endpoints.rotate_secret(endpoint=endpoint, who=tenant_context.principal(request).actor, now=now)
        except Endpoint.DoesNotExist:
            raise NotFound(NO_ENDPOINT) from None
        return Response(RotatedSecret({"secret": secret, "previous_expires_at": now + endpoint_secrets.OVERLAP}).data)


class EndpointTest(Resource):
    problems = {"post": (EndpointDisabled,)}  # noqa: RUF012

    @extend_schema(
        operation_id="testWebhookEndpoint",
        summary="Send an example event to this endpoint alone",
        description="Once a second at most; a mailbox once a minute, and five mailboxes of an agency. The event has `test: true` "
        "and is in no list of events; its delivery has an id.",
        tags=TAGS,
        request=TestWish,
        responses={202: DeliverySerializer},
    )
    def post(self, request: Request, endpoint_id: str) -> Response:
        endpoint = endpoint_of(request, endpoint_id)
        wish = TestWish(data=request.data)
        wish.is_valid(raise_exception=True)
        type_ = wish.validated_data["event_type"]
        try:
            delivery = redelivery.send_test(
                endpoint=endpoint, type_=type_, who=tenant_context.principal(request).actor, now=timezone.now()
            )
        except redelivery.Disabled:
            raise EndpointDisabled from None
        except redelivery.TooSoon as error:
            raise Throttled(wait=error.wait.total_seconds()) from None
        except Endpoint.DoesNotExist:
            raise NotFound(NO_ENDPOINT) from None
        where = f"/v1/deliveries/{delivery.public_id}"
        return Response(DeliverySerializer(delivery, context={"last_attempts": {}}).data, status=202, headers={"Location": where})


class EndpointRecovery(Resource):
    problems = {"post": (EndpointDisabled,)}  # noqa: RUF012

    @extend_schema(
        operation_id="recoverWebhookEndpoint",
        summary="Deliver what an endpoint missed since a moment",
        description="Every event since then that it asks for and that did not arrive is due now, in order: deliveries that "
        "failed begin anew, those that were never made are made. At most 30 days back; asked for twice, nothing arrives twice.",
        tags=TAGS,
        request=RecoveryWish,
        responses={202: Recovery},
    )
    def post(self, request: Request, endpoint_id: str) -> Response:
        endpoint, now = endpoint_of(request, endpoint_id), timezone.now()
        wish = RecoveryWish(data=request.data, context={"now": now})
        wish.is_valid(raise_exception=True)
        since = wish.validated_data["since"]
        limit_mails(request, endpoint)
        try:
            due = redelivery.recover(endpoint=endpoint, since=since, who=tenant_context.principal(request).actor, now=now)
        except redelivery.Disabled:
            raise EndpointDisabled from None
        except Endpoint.DoesNotExist:
            raise NotFound(NO_ENDPOINT) from None
        return Response(Recovery({"since": since, "deliveries": due}).data, status=202)
