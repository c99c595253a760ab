"""Serve breaches: list, get, acknowledge, snooze, assign, note."""

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
from metrics.api.breach_serializers import (
    AcknowledgeBreach,
    AssignBreach,
    BreachDetailSerializer,
    BreachSerializer,
    CreateBreachNote,
    SnoozeBreach,
)
from metrics.api.renderers import BreachesCsv
from metrics.models import Breach
from metrics.models.breaches import BreachQuerySet

Action = Callable[..., None]


class BreachResolved(APIException):
    status_code = 409
    default_code = "breach-resolved"
    default_detail = "The breach is resolved. You can only add notes to it."


def breaches_of(request: Request, now: datetime) -> BreachQuerySet:
    """Return the breaches of the accounts that the caller can see, annotated with whether they are stale."""
    breaches = Breach.objects.filter(
        agency=context.agency_of(request), account__in=context.visible_accounts(request)
    )
    return breaches.with_stale(now=now)


def breach_of(request: Request, breach_id: str, now: datetime) -> Breach:
    """Return the breach with this public ID.

    Raises NotFound, also for a breach that the caller cannot see.
    """
    breaches = breaches_of(request, now).select_related("account")
    return context.get_or_404(breaches, kind="brch", public_id=breach_id, name="breach")


def respond(request: Request, breach_id: str, now: datetime) -> Response:
    """Return a response with the breach as it is now."""
    breach = breach_of(request, breach_id, now)
    return Response(BreachDetailSerializer(breach, context={"now": now}).data)


class BreachList(Collection[Breach]):
    renderer_classes = (JSONRenderer, BreachesCsv)
    # For the OpenAPI document only; `get` queries within the tenant context.
    queryset = Breach.objects.none()
    serializer_class = BreachSerializer
    filter_backends = (filters.DjangoFilterBackend,)
    filterset_class = BreachFilter
    problems = {"get": (404,)}  # noqa: RUF012

    @extend_schema(
        operation_id="listBreaches",
        summary="List breaches",
        description="Returns breaches and warnings, newest first. A breach is an episode in which a "
        "series missed Amazon's target (level `breach`) or its warning threshold (level "
        "`warning`).",
        tags=["Breaches"],
        responses=BreachSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(breaches_of(request, timezone.now())))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class BreachDetail(Resource):
    @extend_schema(
        operation_id="getBreach",
        summary="Get a breach",
        description="Returns the breach with its whole timeline and its values day by day.",
        tags=["Breaches"],
        responses=BreachDetailSerializer,
    )
    def get(self, request: Request, breach_id: str) -> Response:
        return respond(request, breach_id, timezone.now())


# No docstring: it would be the description of each operation below that has none.
class BreachAction(Resource):
    problems = {"post": (BreachResolved,)}  # noqa: RUF012

    def act(
        self, request: Request, breach_id: str, action: Action, body: type[serializers.Serializer[Any]]
    ) -> Response:
        """Validate the body, perform the action, and respond with the breach as it is then."""
        now = timezone.now()
        breach = breach_of(request, breach_id, now)
        params = body(data=request.data, context={"now": now})
        params.is_valid(raise_exception=True)
        try:
            action(breach=breach, by=context.principal(request), now=now, **params.validated_data)
        except actions.AlreadyResolved:
            raise BreachResolved from None
        # Read again: the action locked and changed another instance of the row.
        return respond(request, breach_id, now)


class Acknowledge(BreachAction):
    @extend_schema(
        operation_id="acknowledgeBreach",
        summary="Acknowledge a breach",
        description="Marks the breach as acknowledged. Acknowledging it again changes nothing, and the first "
        "note stays. The series is evaluated as before.",
        tags=["Breaches"],
        request=AcknowledgeBreach,
        responses=BreachDetailSerializer,
    )
    def post(self, request: Request, breach_id: str) -> Response:
        return self.act(request, breach_id, actions.acknowledge, AcknowledgeBreach)


class Snooze(BreachAction):
    @extend_schema(
        operation_id="snoozeBreach",
        summary="Snooze a breach",
        description="Marks the breach as snoozed until a moment, so that lists can leave it out "
        "(`snoozed=false`). The series "
        "is evaluated and its events are published as before.",
        tags=["Breaches"],
        request=SnoozeBreach,
        responses=BreachDetailSerializer,
    )
    def post(self, request: Request, breach_id: str) -> Response:
        return self.act(request, breach_id, actions.snooze, SnoozeBreach)


class Assign(BreachAction):
    @extend_schema(
        operation_id="assignBreach",
        summary="Assign a breach",
        description="Sets or removes the assignee of the breach.",
        tags=["Breaches"],
        request=AssignBreach,
        responses=BreachDetailSerializer,
    )
    def post(self, request: Request, breach_id: str) -> Response:
        return self.act(request, breach_id, actions.assign, AssignBreach)


class Notes(BreachAction):
    problems = {}  # noqa: RUF012

    @extend_schema(
        operation_id="createBreachNote",
        summary="Add a note to a breach",
        description=(
            "Adds a note to the timeline of an open or resolved breach. Notes cannot be changed or deleted."
        ),
        tags=["Breaches"],
        request=CreateBreachNote,
        responses=BreachDetailSerializer,
    )
    def post(self, request: Request, breach_id: str) -> Response:
        return self.act(request, breach_id, actions.create_note, CreateBreachNote)
