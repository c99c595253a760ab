"""Serve metrics, their history and orders, snapshots, the portfolio, and the agency."""

from collections.abc import Collection as CollectionOf
from datetime import UTC
from functools import partial
from typing import Any, ClassVar

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.agencies import lifecycle as agencies
from accounts.agencies.serializers import AgencySerializer, CloseAgency, ClosedAgency
from accounts.models import Role, SellerAccount
from accounts.people.api import second_factor_requirement
from accounts.people.api.second_factor_requirement import SecondFactorMissing
from accounts.requests.views import Collection, Resource
from accounts.tenancy import context
from api.strict_fields import Contradiction
from metrics import tasks
from metrics.api import query_params
from metrics.api.order_serializers import OrderSerializer, RetainedPagination, UnmatchedDefectSerializer
from metrics.api.portfolio_serializers import PortfolioSerializer
from metrics.api.renderers import HistoryCsv, OrdersCsv, UnmatchedDefectsCsv
from metrics.api.snapshot_serializers import SnapshotSerializer
from metrics.api.value_serializers import (
    AccountMetricsSerializer,
    HistoryPointSerializer,
    MetricHistorySerializer,
)
from metrics.drilldown import dimensions, portfolio, unmatched
from metrics.drilldown.orders import Drilldown
from metrics.models import Defect, Snapshot
from metrics.pipeline import amazon_reported, staleness, values
from metrics.retention import retained_days
from metrics.rules.catalogue.definitions import CATALOGUE
from metrics.rules.catalogue.metric import Metric
from metrics.rules.series import Value

REFRESHED_SETTINGS = {"counts_pending_and_cancelled", "ignored_metrics"}
"""The settings of an agency that every account applies."""
METRIC = OpenApiParameter("metric", location="path", enum=tuple(CATALOGUE))
LANGUAGE = OpenApiParameter(
    "Accept-Language",
    location="header",
    description=(
        "The language of names, explanations and reasons: `en` (default) or `zh-hans` (also `zh-CN`)."
    ),
)


def check_ignored_metrics(codes: CollectionOf[str]) -> None:
    """Raise ValidationError for a metric that does not exist."""
    unknown = [code for code in codes if code not in CATALOGUE]
    if unknown:
        detail = f"{unknown[0]!r} is not a metric; expected some of {', '.join(CATALOGUE)}."
        raise ValidationError({"ignored_metrics": [detail]})


def metric_of(code: str) -> Metric:
    """Return the metric in a path. Raises NotFound."""
    if code not in CATALOGUE:
        raise NotFound(f"No metric has this name. The metrics are {', '.join(CATALOGUE)}.")
    return CATALOGUE[code]


def series_of(params: dict[str, Any], account: SellerAccount, metric: Metric) -> tuple[str, str]:
    """Return marketplace and channel.

    The defaults are the account's home marketplace and the metric's first channel.
    """
    return params.get("marketplace", account.home_marketplace), params.get(
        "channel", metric.channels[0].value
    )


def query_day(
    account: SellerAccount,
    params: dict[str, Any],
    point: query_params.PointInTime,
    *,
    metrics: CollectionOf[str],
) -> list[Value]:
    """Return the values of one day in the marketplaces and channels that the parameters select."""
    return values.query(
        account=account,
        days=(point.as_of, point.as_of),
        known_at=point.known_at,
        stale_at=point.stale_at,
        metrics=metrics,
        marketplaces=[params["marketplace"]] if "marketplace" in params else None,
        channel=params.get("channel"),
    )


class Metrics(Resource):
    problems = {"get": (query_params.NotRetained,)}  # noqa: RUF012

    @extend_schema(
        operation_id="listMetrics",
        summary="List metrics",
        description=(
            "Returns the value of every metric of an account on one day, in each marketplace and channel."
        ),
        tags=["Metrics"],
        parameters=[query_params.MetricsParams, LANGUAGE],
        responses=AccountMetricsSerializer,
    )
    def get(self, request: Request, account_id: str) -> Response:
        account = context.visible_account(request, account_id)
        params = query_params.parse(query_params.MetricsParams, request)
        point = query_params.resolve_point(params, account)
        metrics = [params["metric"]] if "metric" in params else tuple(CATALOGUE)
        day_values = query_day(account, params, point, metrics=metrics)
        data = {
            "account": account.public_id,
            "as_of": point.as_of,
            "known_at": point.known_at,
            "unmatched_defects": unmatched.count(account=account, known_at=point.known_at),
            "retained_from": retained_days.first_value_day(account.data_from),
            "metrics": day_values,
        }
        figures = amazon_reported.query_figures(
            account=account, values=day_values, as_of=point.as_of, known_at=point.known_at
        )
        stale_sources = staleness.stale_sources(account=account, at=point.stale_at)
        ignored = context.agency_of(request).ignored_metrics
        extra = {"stale_sources": stale_sources, "amazon": figures, "ignored_metrics": ignored}
        return Response(AccountMetricsSerializer(data, context=extra).data)


class History(Resource):
    renderer_classes = (JSONRenderer, HistoryCsv)
    row_serializer = HistoryPointSerializer
    problems = {"get": (Contradiction, query_params.NotRetained)}  # noqa: RUF012

    def request_cost(self, request: Request) -> int:
        return query_params.history_cost(request.query_params.dict())

    @extend_schema(
        operation_id="getMetricHistory",
        summary="Get a metric's history",
        description="Returns the value of each day, as known now or at `known_at`. Without `marketplace`, "
        "the account's home "
        "marketplace is used; without `channel`, the metric's first one (`mfn`, or `all` for messages and "
        "for metrics that only "
        "Amazon reports).",
        tags=["Metrics"],
        parameters=[METRIC, query_params.HistoryParams],
        responses=MetricHistorySerializer,
    )
    def get(self, request: Request, account_id: str, metric: str) -> Response:
        account = context.visible_account(request, account_id)
        definition = metric_of(metric)
        params = query_params.parse(query_params.HistoryParams, request)
        since, until, known_at, stale_at = query_params.resolve_span(params, account)
        marketplace, channel = series_of(params, account, definition)
        points = values.query(
            account=account,
            days=(since, until),
            known_at=known_at,
            stale_at=stale_at,
            metrics=[definition.code],
            marketplaces=[marketplace],
            channel=channel,
        )
        history = {
            "account": account.public_id,
            "metric": definition.code,
            "marketplace": marketplace,
            "channel": channel,
            "known_at": known_at,
            "retained_from": retained_days.first_value_day(account.data_from),
            "points": points,
        }
        data = MetricHistorySerializer(history).data
        picked = self.select_fields(data["points"], available=self.selectable_fields())
        return Response(data | {"points": picked})


class Orders(Collection[Any]):
    cost = 2
    renderer_classes = (JSONRenderer, OrdersCsv)
    # For the OpenAPI document only; the rows come from the drill-down.
    queryset = Snapshot.objects.none()
    serializer_class = OrderSerializer
    pagination_class = RetainedPagination
    problems = {"get": (query_params.NotRetained,)}  # noqa: RUF012

    @extend_schema(
        operation_id="listMetricOrders",
        summary="List the orders behind a metric",
        description="Returns the orders of the metric's denominator on one day, newest first, each with "
        "the reason why it counts or does not count. Without a filter, all marketplaces "
        "and channels are included.",
        tags=["Metrics"],
        parameters=[METRIC, query_params.OrdersParams, LANGUAGE],
        responses=OrderSerializer(many=True),
    )
    def get(self, request: Request, account_id: str, metric: str) -> Response:
        account = context.visible_account(request, account_id)
        definition = metric_of(metric)
        params = query_params.parse(query_params.OrdersParams, request)
        point = query_params.resolve_point(params, account)
        series = query_day(account, params, point, metrics=[definition.code])
        drilldown = Drilldown(
            account=account,
            metric=definition,
            # All channels of a metric have the same window in a marketplace.
            windows={value.marketplace: value.window for value in series},
            channels=sorted({value.channel for value in series}),
            known_at=point.known_at,
            counted=params.get("counted"),
            filters={name: params[name] for name in dimensions.FILTERS if name in params},
        )
        self.paginator.retained_from = retained_days.first_value_day(account.data_from)  # type: ignore[union-attr]
        page = self.paginate_queryset(drilldown)  # type: ignore[arg-type]
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class UnmatchedDefects(Collection[Any]):
    cost = 2
    renderer_classes = (JSONRenderer, UnmatchedDefectsCsv)
    # For the OpenAPI document only; the rows come from the drill-down.
    queryset = Defect.objects.none()
    serializer_class = UnmatchedDefectSerializer
    pagination_class = RetainedPagination
    problems = {"get": (query_params.NotRetained,)}  # noqa: RUF012

    @extend_schema(
        operation_id="listUnmatchedDefects",
        summary="List unmatched defects",
        description="Returns the defects that no metric counts yet, because their order or package is not loaded "
        "for this account, the last recorded first. Their number is `unmatched_defects` of the account's metrics. "
        "If another account has the order, the report was probably uploaded to the wrong account.",
        tags=["Metrics"],
        parameters=[query_params.UnmatchedParams],
        responses=UnmatchedDefectSerializer(many=True),
    )
    def get(self, request: Request, account_id: str) -> Response:
        account = context.visible_account(request, account_id)
        params = query_params.parse(query_params.UnmatchedParams, request)
        listing = unmatched.UnmatchedDefects(
            account=account,
            known_at=query_params.resolve_known_at(params, account),
            # Other accounts may have learned of the order after this one's last report.
            found_at=params.get("known_at") or timezone.now(),
            kind=params.get("kind"),
        )
        self.paginator.retained_from = retained_days.first_value_day(account.data_from)  # type: ignore[union-attr]
        page = self.paginate_queryset(listing)  # type: ignore[arg-type]
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class Snapshots(Collection[Snapshot]):
    # For the OpenAPI document only; `get` queries within the tenant context.
    queryset = Snapshot.objects.none()
    serializer_class = SnapshotSerializer

    def get_ordering(self) -> str:
        return "-reported_at"

    @extend_schema(
        operation_id="listSnapshots",
        summary="List snapshots of Amazon's reports",
        description="Returns the figures of Amazon's account health reports, newest first, as one "
        "snapshot for each report and marketplace, as long as their data is stored.",
        tags=["Metrics"],
        parameters=[query_params.SnapshotsParams],
        responses=SnapshotSerializer(many=True),
    )
    def get(self, request: Request, account_id: str) -> Response:
        account = context.visible_account(request, account_id)
        params = query_params.parse(query_params.SnapshotsParams, request)
        snapshots = Snapshot.objects.filter(agency_id=account.agency_id, account_id=account.pk, **params)
        page = self.paginate_queryset(snapshots) or []
        figures = amazon_reported.query_snapshot_figures(account=account, snapshots=page)
        serializer = SnapshotSerializer(page, many=True, context={"figures": figures})  # type: ignore[arg-type]
        return self.get_paginated_response(serializer.data)


class Portfolio(Resource):
    cost = 5

    @extend_schema(
        operation_id="getPortfolio",
        summary="Get the portfolio",
        description="Returns a summary of all accounts: their number by status and by metric, the open "
        "breaches, and the worst and the stale accounts.",
        tags=["Accounts"],
        parameters=[query_params.PortfolioParams, LANGUAGE],
        responses=PortfolioSerializer,
    )
    def get(self, request: Request) -> Response:
        params = query_params.parse(query_params.PortfolioParams, request)
        now = timezone.now()
        agency = context.agency_of(request)
        data = portfolio.query(agency_id=agency.pk, now=now, **params)
        summary = {"as_of": now.astimezone(UTC).date()} | data
        ignored = {"ignored_metrics": agency.ignored_metrics}
        return Response(PortfolioSerializer(summary, context=ignored).data)


# In metrics and not beside the accounts: a change of the denominator counts all accounts again.
class AgencyDetail(Resource):
    required_roles: ClassVar = {"patch": Role.ADMIN, "delete": Role.ADMIN}
    problems: ClassVar = {"patch": (SecondFactorMissing,)}
    confirms_deletion = True

    @extend_schema(
        operation_id="getAgency",
        summary="Get the agency",
        description="Returns the agency and its settings.",
        tags=["Agency"],
        responses=AgencySerializer,
    )
    def get(self, request: Request) -> Response:
        return Response(AgencySerializer(context.agency_of(request)).data)

    @extend_schema(
        operation_id="updateAgency",
        summary="Update the agency",
        description="Changes the agency's name or settings. `counts_pending_and_cancelled` decides "
        "whether Pending and Cancelled orders are in the denominator of every account. "
        "After a change, all accounts are counted again within minutes, and responses for "
        "an earlier `known_at` keep the earlier setting. `ignored_metrics` are left out of the status "
        "of every account within minutes. `keeps_personal_columns` applies "
        "to reports received after the change. `document_retention_days` applies to all "
        "reports within an hour. `data_retention_months` ends the data of uploaded and posted reports: "
        "within a day, the facts, reports, breaches and events of earlier days are deleted, and values of "
        "days before `retained_from` respond with 410. A longer period does not bring them back. "
        "`requires_second_factor` can be changed only by a member who has a second factor; it applies with the "
        "next request of each member.",
        tags=["Agency"],
        request=AgencySerializer,
        responses=AgencySerializer,
    )
    def patch(self, request: Request) -> Response:
        agency = context.agency_of(request)
        change = AgencySerializer(agency, data=request.data, partial=True)
        change.is_valid(raise_exception=True)
        check_ignored_metrics(change.validated_data.get("ignored_metrics", []))
        required = agency.requires_second_factor
        if change.validated_data.get("requires_second_factor", required) != required:
            second_factor_requirement.check_may_change(context.principal(request))
        actor = context.principal(request).actor
        agencies.update(instance=agency, fields=change.validated_data, actor=actor, now=timezone.now())
        if REFRESHED_SETTINGS & set(change.validated_data):
            recount = partial(tasks.apply_agency_settings.delay, agency_id=str(agency.pk))
            # Robust: without a broker, each account applies the change with its next report or daily run.
            transaction.on_commit(recount, robust=True)
        return Response(AgencySerializer(agency).data)

    @extend_schema(
        operation_id="closeAgency",
        summary="Close the agency",
        description="Closes the agency and schedules the erasure of its data. From now on, its keys, "
        "tokens and users have no access, its reports are not loaded, and its events are "
        "not sent. Until `erased_from`, the operator of the service can reopen it. After "
        "that, all data is erased except the audit log without names, and the time and the "
        "actor of the closure.",
        tags=["Agency"],
        request=CloseAgency,
        responses={202: ClosedAgency},
    )
    def delete(self, request: Request) -> Response:
        principal = context.principal(request)
        CloseAgency(data=request.data, context={"agency": principal.agency}).is_valid(raise_exception=True)
        closed = agencies.close(
            agency=principal.agency, by=principal.public_id, actor=principal.actor, now=timezone.now()
        )
        return Response(ClosedAgency(closed).data, status=202)
