"""Thresholds over HTTP."""

from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit
from accounts.requests.views import Collection, Resource
from accounts.tenancy import context, permissions
from api import identifiers
from api.strict_fields import Contradiction
from metrics import tasks
from metrics.alerts import thresholds
from metrics.alerts.thresholds import Asks, Scope
from metrics.api.breach_filters import ThresholdFilter
from metrics.api.breach_serializers import ThresholdAsked, ThresholdChange, ThresholdSerializer
from metrics.models import Threshold

OF_SCOPE = ("metric", "account", "marketplace", "channel")
ASKS = ("warn_at", "clear_at", "for_days", "keep_days", "min_denominator")


def scope_of(request: Request, asked: dict[str, Any]) -> Scope:
    """The series that a threshold is asked for. Raises NotFound for an account that is not theirs, NotPermitted."""
    account_id = context.account_of(request, asked["account"]).pk if asked.get("account") else None
    check_account_limit(request, account_id)
    places = {"marketplace": asked.get("marketplace") or "", "channel": asked.get("channel") or ""}
    return Scope(metric=asked["metric"], account_id=account_id, **places)


def check_account_limit(request: Request, account_id: UUID | None) -> None:
    """Who sees some accounts only draws lines of those. Raises NotPermitted."""
    if not context.principal(request).can_see(account_id):
        raise permissions.NotPermitted(permissions.LIMITED)


def put(request: Request, scope: Scope, asked: dict[str, Any]) -> tuple[Threshold, bool]:
    """The threshold as asked for, and whether it is new; its accounts are judged by it soon. Raises Contradiction."""
    asks = Asks(**{name: value for name, value in asked.items() if name not in OF_SCOPE})
    now = timezone.now()
    try:
        put = thresholds.put(agency=context.agency_of(request), scope=scope, asks=asks, now=now)
    except thresholds.NotALine as refused:
        raise Contradiction({refused.field: refused.reason}) from None
    if put[0].recorded_at >= now:  # what it asked for already changes nothing
        _note(request, put[0], "threshold.set", before=thresholds.before(version=put[0]), after=put[0])
        judge_by(put[0])
    return put


def _note(request: Request, threshold: Threshold, what: str, **sides: Threshold | None) -> None:
    told = ThresholdSerializer(threshold).data
    audit.record(
        agency_id=threshold.agency_id,
        who=context.principal(request).actor,
        what=what,
        about=threshold.public_id,
        detail={name: told[name] for name in OF_SCOPE} | {"warn_at": threshold.warn_at, "for_days": threshold.for_days},
        now=timezone.now(),
        **{side: {name: getattr(version, name) for name in ASKS} for side, version in sides.items() if version},
    )


def judge_by(threshold: Threshold) -> None:
    """Once this is committed, a worker judges the accounts that it concerns."""
    where: dict[str, Any] = {"marketplace": threshold.marketplace}
    if threshold.account_id:
        where["account_id"] = str(threshold.account_id)
    judge = partial(tasks.follow_thresholds.delay, agency_id=str(threshold.agency_id), **where)
    transaction.on_commit(judge, robust=True)


class Thresholds(Collection[Threshold]):
    queryset = Threshold.objects.none()
    serializer_class = ThresholdSerializer
    filter_backends = (filters.DjangoFilterBackend,)
    filterset_class = ThresholdFilter
    problems = {"get": (404,), "put": (404,)}  # noqa: RUF012

    @extend_schema(
        operation_id="listThresholds",
        summary="The lines that the agency draws before Amazon's, changed last first",
        tags=["Thresholds"],
        responses=ThresholdSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        mine = thresholds.current(agency=context.agency_of(request))
        page = self.paginate_queryset(self.filter_queryset(mine))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="putThreshold",
        summary="Draw the line of a scope, or change it",
        description="The scope is the metric with the account, marketplace and channel; the most specific threshold is in force: "
        "of the account before of the marketplace before of the channel. Amazon's own target is judged besides, at once and "
        "always. Accounts are judged by the new line within minutes, days before today by the lines of those days.",
        tags=["Thresholds"],
        request=ThresholdAsked,
        responses={200: ThresholdSerializer, 201: ThresholdSerializer},
    )
    def put(self, request: Request) -> Response:
        wanted = ThresholdAsked(data=request.data)
        wanted.is_valid(raise_exception=True)
        asked = dict(wanted.validated_data)
        threshold, is_new = put(request, scope_of(request, asked), asked)
        at = {"Location": f"/v1/thresholds/{threshold.public_id}"} if is_new else {}
        return Response(ThresholdSerializer(threshold).data, status=201 if is_new else 200, headers=at)


def threshold_of(request: Request, public_id: str) -> Threshold:
    """The threshold with this public id. Raises NotFound for a stranger's or a removed one as for none at all."""
    mine = thresholds.current(agency=context.agency_of(request))
    threshold = mine.filter(threshold_id=identifiers.private("thr", public_id)).first()
    if threshold is None:
        raise NotFound("No threshold has this ID.")
    return threshold


class OneThreshold(Resource):
    @extend_schema(operation_id="getThreshold", summary="One threshold", tags=["Thresholds"], responses=ThresholdSerializer)
    def get(self, request: Request, threshold_id: str) -> Response:
        return Response(ThresholdSerializer(threshold_of(request, threshold_id)).data)

    @extend_schema(
        operation_id="changeThreshold",
        summary="Change what a threshold asks for",
        description="What is not named is what it is without being named: 0, or for `clear_at` the same as `warn_at`.",
        tags=["Thresholds"],
        request=ThresholdChange,
        responses=ThresholdSerializer,
    )
    def put(self, request: Request, threshold_id: str) -> Response:
        threshold = threshold_of(request, threshold_id)
        check_account_limit(request, threshold.account_id)
        wanted = ThresholdChange(data=request.data)
        wanted.is_valid(raise_exception=True)
        asked = dict(wanted.validated_data)
        told = ThresholdSerializer(threshold).data
        if moved := [name for name in OF_SCOPE if name in asked and asked[name] != told[name]]:
            raise Contradiction(dict.fromkeys(moved, "A threshold keeps its scope. Put another one for another scope."))
        scope = Scope(**{column: getattr(threshold, column) for column in ("metric", "account_id", "marketplace", "channel")})
        return Response(ThresholdSerializer(put(request, scope, asked)[0]).data)

    @extend_schema(
        operation_id="removeThreshold",
        summary="Take a line away",
        description="A warning that stood on it is judged by the line that is in force then, or ends where there is none.",
        tags=["Thresholds"],
        responses={204: None},
    )
    def delete(self, request: Request, threshold_id: str) -> Response:
        threshold = threshold_of(request, threshold_id)
        check_account_limit(request, threshold.account_id)
        thresholds.remove(threshold=threshold, now=timezone.now())
        _note(request, threshold, "threshold.removed", before=threshold)
        judge_by(threshold)
        return Response(status=204)
