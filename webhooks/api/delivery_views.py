"""Serve deliveries: list, get, redeliver."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.people.api.auth_problems import MailUnavailable
from accounts.requests.views import Collection, Resource
from accounts.tenancy import context as tenant_context
from webhooks.api.conflicts import DeliveryPending, EndpointDisabled, MailboxUnconfirmed, limit_mails
from webhooks.api.delivery_serializers import DeliveryDetailSerializer, DeliverySerializer
from webhooks.api.endpoint_views import TAGS, endpoint_of, endpoints_of
from webhooks.api.filters import DeliveryFilter
from webhooks.delivery import redelivery
from webhooks.models import Attempt, Delivery, Endpoint

MAX_ATTEMPTS = 100
NOT_FOUND = "No delivery has this ID."


def deliveries_of(request: Request) -> QuerySet[Delivery]:
    """Return the deliveries that the principal can see.

    If it has an account limit, these are the deliveries to endpoints that it can see.
    """

    # Row-level security does not limit deliveries to accounts: their table has no account (ADR 9).
    visible = Q(event__account__in=tenant_context.visible_accounts(request)) | Q(event__account=None)
    principal = tenant_context.principal(request)
    deliveries = Delivery.objects.filter(visible, agency_id=principal.agency_id).select_related("event")
    return deliveries.filter(endpoint__in=endpoints_of(request)) if principal.is_limited else deliveries


def delivery_of(request: Request, public_id: str) -> Delivery:
    """Return the delivery with this public ID. Raises NotFound, also for one that the principal cannot
    see."""
    return tenant_context.get_or_404(
        deliveries_of(request).select_related("event", "endpoint"),
        kind="dlv",
        public_id=public_id,
        name="delivery",
    )


def last_attempts(deliveries: Sequence[Delivery]) -> dict[str, Any]:
    """Return the serializer context with the newest attempt of each of these deliveries, from one query."""
    agency_ids = {delivery.agency_id for delivery in deliveries}
    attempts = Attempt.objects.filter(
        agency_id__in=agency_ids, delivery_id__in=[delivery.pk for delivery in deliveries]
    )
    # DISTINCT ON keeps the first row of each delivery. The list does not show `answer`, which may be long.
    newest = attempts.order_by("delivery_id", "-id").distinct("delivery_id").defer("answer")
    return {"last_attempts": {attempt.delivery_id: attempt for attempt in newest}}


class EndpointDeliveries(Collection[Delivery]):
    # For the OpenAPI document only; `get` queries in the tenant context.
    queryset = Delivery.objects.none()
    serializer_class = DeliverySerializer
    filter_backends = (DjangoFilterBackend,)
    filterset_class = DeliveryFilter

    @extend_schema(
        operation_id="listDeliveries",
        summary="List deliveries of a webhook endpoint",
        description="Returns deliveries, newest event first.",
        tags=TAGS,
        responses=DeliverySerializer(many=True),
    )
    def get(self, request: Request, endpoint_id: str) -> Response:
        deliveries = deliveries_of(request).filter(endpoint=endpoint_of(request, endpoint_id))
        page = self.paginate_queryset(self.filter_queryset(deliveries)) or []
        rows = DeliverySerializer(page, many=True, context=last_attempts(page))  # type: ignore[arg-type]
        return self.get_paginated_response(rows.data)


class DeliveryDetail(Resource):
    @extend_schema(
        operation_id="getDelivery",
        summary="Get a delivery",
        description=f"Returns the delivery with its payload and its newest {MAX_ATTEMPTS} attempts.",
        tags=TAGS,
        responses=DeliveryDetailSerializer,
    )
    def get(self, request: Request, delivery_id: str) -> Response:
        delivery = delivery_of(request, delivery_id)
        attempts = list(
            Attempt.objects.filter(agency_id=delivery.agency_id, delivery=delivery).order_by("-id")[
                :MAX_ATTEMPTS
            ]
        )
        context = {"attempts": attempts, "last_attempts": {delivery.pk: attempts[0]} if attempts else {}}
        return Response(DeliveryDetailSerializer(delivery, context=context).data)


class Redelivery(Resource):
    problems = {"post": (DeliveryPending, EndpointDisabled, MailboxUnconfirmed, MailUnavailable)}  # noqa: RUF012

    @extend_schema(
        operation_id="redeliverEvent",
        summary="Redeliver an event",
        description="Sends a finished delivery again, with the same `webhook-id`. Its earlier attempts "
        "are kept. For e-mail endpoints, the limit is one request a minute.",
        tags=TAGS,
        request=None,
        responses={202: DeliverySerializer},
    )
    def post(self, request: Request, delivery_id: str) -> Response:
        delivery = delivery_of(request, delivery_id)
        # Before the redelivery, which sends at once: otherwise this path would flood a mailbox.
        limit_mails(request, delivery.endpoint)
        try:
            pending = redelivery.redeliver(
                delivery=delivery, actor=tenant_context.principal(request).actor, now=timezone.now()
            )
        except redelivery.DeliveryIsPending:
            raise DeliveryPending from None
        except redelivery.EndpointIsDisabled:
            raise EndpointDisabled from None
        except redelivery.EndpointIsUnconfirmed:
            raise MailboxUnconfirmed from None
        # Either may have been deleted between the look-up and the lock.
        except (Endpoint.DoesNotExist, Delivery.DoesNotExist):
            raise NotFound(NOT_FOUND) from None
        return Response(DeliverySerializer(pending, context=last_attempts([pending])).data, status=202)
