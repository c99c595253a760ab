"""Events over HTTP."""

from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import scoping
from webhooks.catalogue import EVENT_TYPES, TYPES
from webhooks.models import Event
from webhooks.serializers import EventSerializer, EventTypesAnswer


class EventFilter(filters.FilterSet):
    """What a list of events can be narrowed to."""

    type = filters.ChoiceFilter(choices=[(name, name) for name in TYPES])
    account = filters.CharFilter(method="of_account", label="Events of this account (acct_…).")

    class Meta:
        model = Event
        fields = ("type", "account")

    def of_account(self, events: QuerySet[Event], _name: str, public_id: str) -> QuerySet[Event]:
        return events.filter(account=scoping.account_of(self.request, public_id))


class Events(GenericAPIView[Event]):
    queryset = Event.objects.none()  # for the document; requests go through scoping
    serializer_class = EventSerializer
    filter_backends = (filters.DjangoFilterBackend,)
    filterset_class = EventFilter
    problems = {"get": (404,)}  # noqa: RUF012

    @extend_schema(
        operation_id="listEvents",
        summary="What happened, newest first",
        tags=["Events"],
        responses=EventSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        theirs = Q(account__in=scoping.accounts_of(request)) | Q(account=None)
        mine = Event.objects.filter(theirs, agency=scoping.agency_of(request), is_test=False)
        page = self.paginate_queryset(self.filter_queryset(mine))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class EventTypes(APIView):
    @extend_schema(
        operation_id="listEventTypes",
        summary="The kinds of events, with an example of what each carries",
        tags=["Events"],
        responses=EventTypesAnswer,
    )
    def get(self, request: Request) -> Response:
        return Response(EventTypesAnswer({"data": EVENT_TYPES, "next_cursor": None}).data)
