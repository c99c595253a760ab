"""Breaches over HTTP: which there are, what became of them, and what is done about them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.requests.views import Collection, Resource
from accounts.tenancy import context
from metrics.alerts import actions
from metrics.api.breach_filters import BreachFilter
from metrics.api.breach_serializers import Acknowledgement, Assignment, BreachSerializer, Note, OneBreachSerializer, Snooze
from metrics.api.renderers import BreachesCsv
from metrics.models import Breach
from metrics.models.breaches import BreachQuerySet

Action = Callable[..., None]


class BreachResolved(APIException):
    status_code = 409
    default_code = "breach-resolved"
    default_detail = "The breach is resolved. A note can be kept of it, and nothing else be done."


def breaches_of(request: Request, now: datetime) -> BreachQuerySet:
    """The breaches of the accounts that the bearer may see, each with whether it is stale."""
    breaches = Breach.objects.filter(agency=context.agency_of(request), account__in=context.accounts_of(request))
    return breaches.with_stale(now=now)


def one(request: Request, breach_id: str, now: datetime) -> Breach:
    """The breach with this public id. Raises NotFound for a stranger's as for none at all."""
    mine = breaches_of(request, now).select_related("account")
    return context.get_or_404(mine, kind="brch", public_id=breach_id, name="breach")


class Breaches(Collection[Breach]):
    renderer_classes = (JSONRenderer, BreachesCsv)
    queryset = Breach.objects.none()
    serializer_class = BreachSerializer
    filter_backends = (filters.DjangoFilterBackend,)
    filterset_class = BreachFilter
    problems = {"get": (404,)}  # noqa: RUF012

    @extend_schema(
        operation_id="listBreaches",
        summary="Episodes in which a series missed Amazon's limit, or the line before it, newest first",
        tags=["Breaches"],
        responses=BreachSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(breaches_of(request, timezone.now())))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


def told(request: Request, breach_id: str, now: datetime) -> Response:
    """The breach as it is now."""
    return Response(OneBreachSerializer(one(request, breach_id, now), context={"now": now}).data)


class OneBreach(Resource):
    @extend_schema(
        operation_id="getBreach",
        summary="One breach with everything that became of it, and its values day by day",
        tags=["Breaches"],
        responses=OneBreachSerializer,
    )
    def get(self, request: Request, breach_id: str) -> Response:
        return told(request, breach_id, timezone.now())


class Act(Resource):
    """What somebody does about a breach. It is answered with the breach as it is then."""

    problems = {"post": (BreachResolved,)}  # noqa: RUF012

    def act(self, request: Request, breach_id: str, action: Action, shape: type[serializers.Serializer[Any]]) -> Response:
        now = timezone.now()
        breach = one(request, breach_id, now)
        said = shape(data=request.data, context={"now": now})
        said.is_valid(raise_exception=True)
        try:
            action(breach=breach, by=context.principal(request), now=now, **said.validated_data)
        except actions.AlreadyResolved:
            raise BreachResolved from None
        return told(request, breach_id, now)


class Acknowledge(Act):
    @extend_schema(
        operation_id="acknowledgeBreach",
        summary="Say that somebody has seen a breach",
        description="A second time changes nothing.",
        tags=["Breaches"],
        request=Acknowledgement,
        responses=OneBreachSerializer,
    )
    def post(self, request: Request, breach_id: str) -> Response:
        return self.act(request, breach_id, actions.acknowledge, Acknowledgement)


class SnoozeIt(Act):
    @extend_schema(
        operation_id="snoozeBreach",
        summary="Leave a breach aside until a moment",
        description="It is marked so, for lists to pass it over (`snoozed=false`). It is judged and told of as ever.",
        tags=["Breaches"],
        request=Snooze,
        responses=OneBreachSerializer,
    )
    def post(self, request: Request, breach_id: str) -> Response:
        return self.act(request, breach_id, actions.snooze, Snooze)


class Assign(Act):
    @extend_schema(
        operation_id="assignBreach",
        summary="Say who sees to a breach",
        tags=["Breaches"],
        request=Assignment,
        responses=OneBreachSerializer,
    )
    def post(self, request: Request, breach_id: str) -> Response:
        return self.act(request, breach_id, actions.assign, Assignment)


class Notes(Act):
    problems = {}  # noqa: RUF012

    @extend_schema(
        operation_id="noteOnBreach",
        summary="Keep a note of a breach, also of one that is over",
        tags=["Breaches"],
        request=Note,
        responses=OneBreachSerializer,
    )
    def post(self, request: Request, breach_id: str) -> Response:
        return self.act(request, breach_id, actions.note, Note)
