"""Serve events and event types."""

from django.db.models import Q
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.requests.views import Collection, Resource
from accounts.tenancy import context
from webhooks.api.event_serializers import EventSerializer, EventTypeList
from webhooks.api.filters import EventFilter
from webhooks.events.catalogue import EVENT_TYPES
from webhooks.models import Event


class Events(Collection[Event]):
    # For the OpenAPI document only; `get` queries in the tenant context.
    queryset = Event.objects.none()
    serializer_class = EventSerializer
    filter_backends = (DjangoFilterBackend,)
    filterset_class = EventFilter
    problems = {"get": (404,)}  # noqa: RUF012

    @extend_schema(
        operation_id="listEvents",
        summary="List events",
        description="Returns events, newest first. Test events are not included.",
        tags=["Events"],
        responses=EventSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        # Events of deleted accounts stay until these are erased, so row-level
        # security alone would still show them.
        visible = Q(account__in=context.visible_accounts(request)) | Q(account=None)
        events = Event.objects.filter(visible, agency=context.agency_of(request), is_test=False)
        page = self.paginate_queryset(self.filter_queryset(events))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class EventTypes(Resource):
    @extend_schema(
        operation_id="listEventTypes",
        summary="List event types",
        description="Returns every event type with a JSON Schema and an example of its `data`.",
        tags=["Events"],
        responses=EventTypeList,
    )
    def get(self, request: Request) -> Response:
        return Response(EventTypeList({"data": EVENT_TYPES, "next_cursor": None}).data)
