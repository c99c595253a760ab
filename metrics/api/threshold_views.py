"""Serve thresholds: list, set, get, update, delete."""

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
from metrics.alerts.thresholds import Scope, ThresholdSettings
from metrics.api.breach_filters import ThresholdFilter
from metrics.api.breach_serializers import SetThreshold, ThresholdSerializer, UpdateThreshold
from metrics.models import Threshold

SCOPE_FIELDS = ("metric", "account", "marketplace", "channel")
SETTING_FIELDS = ("warn_at", "clear_at", "for_days", "keep_days", "min_denominator")


def build_scope(request: Request, params: dict[str, Any]) -> Scope:
    """Return the scope in a request's body.

    Raises NotFound for an account that the caller cannot see, NotPermitted.
    """
    account_id = context.visible_account(request, params["account"]).pk if params.get("account") else None
    check_permitted(request, account_id)
    return Scope(
        metric=params["metric"],
        account_id=account_id,
        marketplace=params.get("marketplace") or "",
        channel=params.get("channel") or "",
    )


def check_permitted(request: Request, account_id: UUID | None) -> None:
    """Refuse thresholds beyond the caller's account limit. Raises NotPermitted."""
    if not context.principal(request).can_see(account_id):
        raise permissions.NotPermitted(permissions.LIMITED)


def save(request: Request, scope: Scope, params: dict[str, Any]) -> tuple[Threshold, bool]:
    """Save the threshold and schedule the evaluation of its accounts. Return it and whether it is new.

    Raises Contradiction.
    """
    settings = ThresholdSettings(
        **{name: value for name, value in params.items() if name not in SCOPE_FIELDS}
    )
    now = timezone.now()
    try:
        threshold, is_new = thresholds.set_threshold(
            agency=context.agency_of(request), scope=scope, settings=settings, now=now
        )
    except thresholds.InvalidThreshold as error:
        raise Contradiction({error.field: error.reason}) from None
    # An older version means that the settings were identical and nothing was saved.
    if threshold.recorded_at >= now:
        previous = thresholds.previous_version(version=threshold)
        _record(request, threshold, "threshold.set", before=previous, after=threshold)
        schedule_evaluation(threshold)
    return threshold, is_new


def _record(request: Request, threshold: Threshold, what: str, **sides: Threshold | None) -> None:
    """Record the change in the audit log."""
    data = ThresholdSerializer(threshold).data
    scope = {name: data[name] for name in SCOPE_FIELDS}
    audit.record(
        agency_id=threshold.agency_id,
        actor=context.principal(request).actor,
        what=what,
        about=threshold.public_id,
        detail=scope | {"warn_at": threshold.warn_at, "for_days": threshold.for_days},
        now=timezone.now(),
        **{
            side: {name: getattr(version, name) for name in SETTING_FIELDS}
            for side, version in sides.items()
            if version
        },
    )


def schedule_evaluation(threshold: Threshold) -> None:
    """Queue the evaluation of the accounts in the threshold's scope after the commit."""
    scope: dict[str, Any] = {"marketplace": threshold.marketplace}
    if threshold.account_id:
        scope["account_id"] = str(threshold.account_id)
    delay = partial(tasks.apply_thresholds.delay, agency_id=str(threshold.agency_id), **scope)
    # After the commit, or a worker could look before the version is visible. Robust: without a broker,
    # accounts apply the version with their next report or daily run.
    transaction.on_commit(delay, robust=True)


def threshold_of(request: Request, public_id: str) -> Threshold:
    """Return the threshold with this public ID.

    Raises NotFound, also for a deleted one and for another agency's.
    """
    current = thresholds.query_current(agency=context.agency_of(request))
    threshold = current.filter(threshold_id=identifiers.private("thr", public_id)).first()
    if threshold is None:
        raise NotFound("No threshold has this ID.")
    return threshold


class ThresholdList(Collection[Threshold]):
    # For the OpenAPI document only; `get` queries within the tenant context.
    queryset = Threshold.objects.none()
    serializer_class = ThresholdSerializer
    filter_backends = (filters.DjangoFilterBackend,)
    filterset_class = ThresholdFilter
    problems = {"get": (404,), "put": (404,)}  # noqa: RUF012

    @extend_schema(
        operation_id="listThresholds",
        summary="List thresholds",
        description="Returns thresholds, most recently changed first.",
        tags=["Thresholds"],
        responses=ThresholdSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        current = thresholds.query_current(agency=context.agency_of(request))
        page = self.paginate_queryset(self.filter_queryset(current))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="setThreshold",
        summary="Set a threshold",
        description="Creates the threshold of a scope, or replaces its settings. The scope is the metric "
        "with the account, "
        "marketplace and channel. If several thresholds apply to a series, the most specific one is used: "
        "account before "
        "marketplace before channel. Amazon's own target always applies as well. The new threshold takes "
        "effect within minutes. Days before today keep the thresholds of those days.",
        tags=["Thresholds"],
        request=SetThreshold,
        responses={200: ThresholdSerializer, 201: ThresholdSerializer},
    )
    def put(self, request: Request) -> Response:
        body = SetThreshold(data=request.data)
        body.is_valid(raise_exception=True)
        params = dict(body.validated_data)
        threshold, is_new = save(request, build_scope(request, params), params)
        headers = {"Location": f"/v1/thresholds/{threshold.public_id}"} if is_new else {}
        return Response(ThresholdSerializer(threshold).data, status=201 if is_new else 200, headers=headers)


class ThresholdDetail(Resource):
    @extend_schema(
        operation_id="getThreshold",
        summary="Get a threshold",
        description="Returns one threshold.",
        tags=["Thresholds"],
        responses=ThresholdSerializer,
    )
    def get(self, request: Request, threshold_id: str) -> Response:
        return Response(ThresholdSerializer(threshold_of(request, threshold_id)).data)

    @extend_schema(
        operation_id="updateThreshold",
        summary="Update a threshold",
        description="Replaces the settings. A setting that you leave out gets its default value: the "
        "value of `warn_at` for `clear_at`, and 0 for the others. The scope cannot be "
        "changed.",
        tags=["Thresholds"],
        request=UpdateThreshold,
        responses=ThresholdSerializer,
    )
    def put(self, request: Request, threshold_id: str) -> Response:
        threshold = threshold_of(request, threshold_id)
        check_permitted(request, threshold.account_id)
        body = UpdateThreshold(data=request.data)
        body.is_valid(raise_exception=True)
        params = dict(body.validated_data)
        current = ThresholdSerializer(threshold).data
        if changed := [name for name in SCOPE_FIELDS if name in params and params[name] != current[name]]:
            reason = "The scope of a threshold cannot be changed. Set another threshold for another scope."
            raise Contradiction(dict.fromkeys(changed, reason))
        columns = ("metric", "account_id", "marketplace", "channel")
        scope = Scope(**{column: getattr(threshold, column) for column in columns})
        return Response(ThresholdSerializer(save(request, scope, params)[0]).data)

    @extend_schema(
        operation_id="deleteThreshold",
        summary="Delete a threshold",
        description="Deletes the threshold. Its open warnings are then evaluated against the next "
        "threshold that applies, or against the default one. If there is neither, the "
        "warnings end.",
        tags=["Thresholds"],
        responses={204: None},
    )
    def delete(self, request: Request, threshold_id: str) -> Response:
        threshold = threshold_of(request, threshold_id)
        check_permitted(request, threshold.account_id)
        thresholds.delete(threshold=threshold, now=timezone.now())
        _record(request, threshold, "threshold.removed", before=threshold)
        schedule_evaluation(threshold)
        return Response(status=204)
