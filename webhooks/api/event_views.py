"""Events over HTTP."""

from django.db.models import Q
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.requests.views import Collection, Resource
from accounts.tenancy import context
from webhooks.api.event_serializers import EventSerializer, EventTypesAnswer
from webhooks.api.filters import EventFilter
from webhooks.events.catalogue import EVENT_TYPES
from webhooks.models import Event


class Events(Collection[Event]):
    queryset = Event.objects.none()
    serializer_class = EventSerializer
    filter_backends = (DjangoFilterBackend,)
    filterset_class = EventFilter
    problems = {"get": (404,)}  # noqa: RUF012

    @extend_schema(
        operation_id="listEvents",
        summary="What happened, newest first",
        tags=["Events"],
        responses=EventSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        theirs = Q(account__in=context.accounts_of(request)) | Q(account=None)
        mine = Event.objects.filter(theirs, agency=context.agency_of(request), is_test=False)
        page = self.paginate_queryset(self.filter_queryset(mine))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class EventTypes(Resource):
    @extend_schema(
        operation_id="listEventTypes",
        summary="The kinds of events, with a JSON schema and an example of what each carries",
        tags=["Events"],
        responses=EventTypesAnswer,
    )
    def get(self, request: Request) -> Response:
        return Response(EventTypesAnswer({"data": EVENT_TYPES, "next_cursor": None}).data)
