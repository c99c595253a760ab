"""Events on their way to an endpoint, over HTTP."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.requests.views import Collection, Resource
from accounts.tenancy import context as tenant_context
from webhooks.api.conflicts import DeliveryPending, EndpointDisabled, limit_mails
from webhooks.api.delivery_serializers import DeliverySerializer, OneDeliverySerializer
from webhooks.api.endpoint_views import TAGS, endpoint_of, endpoints_of
from webhooks.api.filters import DeliveryFilter
from webhooks.delivery import redelivery
from webhooks.models import Attempt, Delivery, Endpoint

MOST_ATTEMPTS = 100
NO_DELIVERY = "No delivery has this ID."


def deliveries_of(request: Request) -> QuerySet[Delivery]:
    """The deliveries of events that the bearer may see."""
    theirs = Q(event__account__in=tenant_context.accounts_of(request)) | Q(event__account=None)
    mine = Delivery.objects.filter(theirs, agency_id=tenant_context.principal(request).agency_id).select_related("event")
    return mine.filter(endpoint__in=endpoints_of(request)) if tenant_context.principal(request).is_limited else mine


def delivery_of(request: Request, public_id: str) -> Delivery:
    """The delivery with this public id. Raises NotFound for a stranger's as for none at all."""
    return tenant_context.get_or_404(
        deliveries_of(request).select_related("event", "endpoint"), kind="dlv", public_id=public_id, name="delivery"
    )


def last_attempts(deliveries: Sequence[Delivery]) -> dict[str, Any]:
    """The newest attempt of each of these deliveries, in one query."""
    agencies = {delivery.agency_id for delivery in deliveries}
    made = Attempt.objects.filter(agency_id__in=agencies, delivery_id__in=[delivery.pk for delivery in deliveries])
    newest = made.order_by("delivery_id", "-id").distinct("delivery_id").defer("answer")
    return {"last_attempts": {attempt.delivery_id: attempt for attempt in newest}}


class DeliveriesOfEndpoint(Collection[Delivery]):
    queryset = Delivery.objects.none()
    serializer_class = DeliverySerializer
    filter_backends = (DjangoFilterBackend,)
    filterset_class = DeliveryFilter

    @extend_schema(
        operation_id="listDeliveries",
        summary="What an endpoint was sent or is being sent, newest event first",
        tags=TAGS,
        responses=DeliverySerializer(many=True),
    )
    def get(self, request: Request, endpoint_id: str) -> Response:
        mine = deliveries_of(request).filter(endpoint=endpoint_of(request, endpoint_id))
        page = self.paginate_queryset(self.filter_queryset(mine)) or []
        return self.get_paginated_response(DeliverySerializer(page, many=True, context=last_attempts(page)).data)  # type: ignore[arg-type]


class OneDelivery(Resource):
    @extend_schema(
        operation_id="getDelivery",
        summary="One delivery with its attempts, and what is sent",
        description=f"The newest {MOST_ATTEMPTS} attempts, newest first.",
        tags=TAGS,
        responses=OneDeliverySerializer,
    )
    def get(self, request: Request, delivery_id: str) -> Response:
        delivery = delivery_of(request, delivery_id)
        attempts = list(Attempt.objects.filter(agency_id=delivery.agency_id, delivery=delivery).order_by("-id")[:MOST_ATTEMPTS])
        context = {"attempts": attempts, "last_attempts": {delivery.pk: attempts[0]} if attempts else {}}
        return Response(OneDeliverySerializer(delivery, context=context).data)


class Redelivery(Resource):
    problems = {"post": (DeliveryPending, EndpointDisabled)}  # noqa: RUF012

    @extend_schema(
        operation_id="redeliver",
        summary="Deliver an event again",
        description="The same event with the same `webhook-id`, due now and with all tries before it. A mail once a minute.",
        tags=TAGS,
        request=None,
        responses={202: DeliverySerializer},
    )
    def post(self, request: Request, delivery_id: str) -> Response:
        delivery = delivery_of(request, delivery_id)
        limit_mails(request, delivery.endpoint)
        try:
            again = redelivery.redeliver(delivery=delivery, who=tenant_context.principal(request).actor, now=timezone.now())
        except redelivery.StillPending:
            raise DeliveryPending from None
        except redelivery.Disabled:
            raise EndpointDisabled from None
        except (Endpoint.DoesNotExist, Delivery.DoesNotExist):
            raise NotFound(NO_DELIVERY) from None
        return Response(DeliverySerializer(again, context=last_attempts([again])).data, status=202)
