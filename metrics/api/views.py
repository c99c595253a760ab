"""Numbers over HTTP: where they stand, what they were, which orders are behind them."""

from datetime import UTC
from functools import partial
from typing import Any, ClassVar

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.agencies import lifecycle as agencies
from accounts.agencies.serializers import AgencySerializer, CloseAgency, ClosedAgency
from accounts.models import Role, SellerAccount
from accounts.requests.views import Collection, Resource
from accounts.tenancy import context
from api.strict_fields import Contradiction
from metrics import tasks
from metrics.api import query_params
from metrics.api.order_serializers import OrderSerializer
from metrics.api.portfolio_serializers import PortfolioAnswer
from metrics.api.renderers import HistoryCsv, OrdersCsv
from metrics.api.snapshot_serializers import SnapshotSerializer
from metrics.api.value_serializers import HistoryAnswer, MetricsAnswer, PointSerializer
from metrics.drilldown import portfolio, unmatched
from metrics.drilldown.orders import OrdersOfWindow
from metrics.models import Snapshot
from metrics.pipeline import amazon_reported, snapshots, values
from metrics.rules.definitions import CATALOGUE, Metric

METRIC = OpenApiParameter("metric", location="path", enum=tuple(CATALOGUE))
LANGUAGE = OpenApiParameter(
    "Accept-Language",
    location="header",
    description="The language of the words: `en` (without it) or `zh-hans`, also as `zh-CN`.",
)


def metric_of(code: str) -> Metric:
    """The metric of a path. Raises NotFound."""
    if code not in CATALOGUE:
        raise NotFound(f"No metric of this name. There are {', '.join(CATALOGUE)}.")
    return CATALOGUE[code]


def place(question: dict[str, Any], account: SellerAccount, metric: Metric) -> tuple[str, str]:
    """Marketplace and channel; where the question is silent, the account's home and the metric's first channel."""
    return question.get("marketplace", account.home_marketplace), question.get("channel", metric.channels[0].value)


class Metrics(Resource):
    @extend_schema(
        operation_id="getMetrics",
        summary="Where every series of an account stands",
        tags=["Metrics"],
        parameters=[query_params.MetricsQuestion, LANGUAGE],
        responses=MetricsAnswer,
    )
    def get(self, request: Request, account_id: str) -> Response:
        account = context.account_of(request, account_id)
        question = query_params.asked(query_params.MetricsQuestion, request)
        at = query_params.moment(question, account)
        found = values.over(
            account=account,
            since=at.as_of,
            until=at.as_of,
            known_at=at.known_at,
            metrics=[question["metric"]] if "metric" in question else tuple(CATALOGUE),
            marketplace=question.get("marketplace"),
            channel=question.get("channel"),
        )
        answer = {
            "account": account.public_id,
            "as_of": at.as_of,
            "known_at": at.known_at,
            "unmatched_defects": unmatched.count(account=account, known_at=at.known_at),
            "metrics": found,
        }
        beside = {
            "stale_sources": values.stale_sources(account=account, at=at.asked_at),
            "amazon": amazon_reported.beside(account=account, values=found, as_of=at.as_of, known_at=at.known_at),
        }
        return Response(MetricsAnswer(answer, context=beside).data)


class History(Resource):
    renderer_classes = (JSONRenderer, HistoryCsv)
    row_serializer = PointSerializer
    problems = {"get": (Contradiction,)}  # noqa: RUF012

    @extend_schema(
        operation_id="getHistory",
        summary="What a series was on each day, restated by everything known since",
        description="Without `marketplace` the account's home is "
        "answered, without `channel` the metric's first (mfn; all for messages and for what only Amazon reports).",
        tags=["Metrics"],
        parameters=[METRIC, query_params.HistoryQuestion],
        responses=HistoryAnswer,
    )
    def get(self, request: Request, account_id: str, metric: str) -> Response:
        account = context.account_of(request, account_id)
        asked = metric_of(metric)
        question = query_params.asked(query_params.HistoryQuestion, request)
        since, until, known_at = query_params.span(question, account)
        marketplace, channel = place(question, account, asked)
        points = values.over(
            account=account,
            since=since,
            until=until,
            known_at=known_at,
            metrics=[asked.code],
            marketplace=marketplace,
            channel=channel,
        )
        answer = {
            "account": account.public_id,
            "metric": asked.code,
            "marketplace": marketplace,
            "channel": channel,
            "known_at": known_at,
            "points": points,
        }
        told = HistoryAnswer(answer).data
        return Response(told | {"points": self.select_fields(told["points"], available=self.selectable_fields())})


class Orders(Collection[Any]):
    renderer_classes = (JSONRenderer, OrdersCsv)
    queryset = Snapshot.objects.none()  # for the document; rows come from the drill-down
    serializer_class = OrderSerializer

    @extend_schema(
        operation_id="listOrdersOfMetric",
        summary="The orders behind a number, and why each counts or does not",
        description="Newest order first, over every marketplace and channel that is not narrowed.",
        tags=["Metrics"],
        parameters=[METRIC, query_params.OrdersQuestion, LANGUAGE],
        responses=OrderSerializer(many=True),
    )
    def get(self, request: Request, account_id: str, metric: str) -> Response:
        account = context.account_of(request, account_id)
        asked = metric_of(metric)
        question = query_params.asked(query_params.OrdersQuestion, request)
        at = query_params.moment(question, account)
        series = values.over(
            account=account,
            since=at.as_of,
            until=at.as_of,
            known_at=at.known_at,
            metrics=[asked.code],
            marketplace=question.get("marketplace"),
            channel=question.get("channel"),
        )
        orders = OrdersOfWindow(
            account=account,
            metric=asked.code,
            windows={value.marketplace: value.window for value in series},
            channels=sorted({value.channel for value in series}),
            known_at=at.known_at,
            counted=question["counted"],
        )
        page = self.paginate_queryset(orders)  # type: ignore[arg-type]
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class Snapshots(Collection[Snapshot]):
    queryset = Snapshot.objects.none()
    serializer_class = SnapshotSerializer

    def get_ordering(self) -> str:
        return "-reported_at"

    @extend_schema(
        operation_id="listSnapshots",
        summary="What Amazon itself reported of an account, newest first, kept for ever",
        tags=["Metrics"],
        parameters=[query_params.SnapshotsQuestion],
        responses=SnapshotSerializer(many=True),
    )
    def get(self, request: Request, account_id: str) -> Response:
        account = context.account_of(request, account_id)
        question = query_params.asked(query_params.SnapshotsQuestion, request)
        told = Snapshot.objects.filter(agency_id=account.agency_id, account_id=account.pk, **question)
        page = self.paginate_queryset(told) or []
        figures = snapshots.figures(account=account, snapshots=page)
        return self.get_paginated_response(SnapshotSerializer(page, many=True, context={"figures": figures}).data)  # type: ignore[arg-type]


class Portfolio(Resource):
    @extend_schema(
        operation_id="getPortfolio",
        summary="Every account at a glance: counts by status and metric, what is open, the worst and the stale accounts",
        tags=["Accounts"],
        parameters=[query_params.PortfolioQuestion, LANGUAGE],
        responses=PortfolioAnswer,
    )
    def get(self, request: Request) -> Response:
        question = query_params.asked(query_params.PortfolioQuestion, request)
        now = timezone.now()
        answer = portfolio.over(agency_id=context.agency_of(request).pk, now=now, **question)
        return Response(PortfolioAnswer({"as_of": now.astimezone(UTC).date()} | answer).data)


class AgencyChoices(Resource):
    """Here and not beside the accounts, because a change counts all of them again."""

    required_roles: ClassVar = {"patch": Role.ADMIN, "delete": Role.ADMIN}
    confirms_deletion = True

    @extend_schema(operation_id="getAgency", summary="The agency and its choices", tags=["Agency"], responses=AgencySerializer)
    def get(self, request: Request) -> Response:
        return Response(AgencySerializer(context.agency_of(request)).data)

    @extend_schema(
        operation_id="changeAgency",
        summary="Change the agency's name or its choices",
        description="`counts_pending_and_cancelled` decides whether Pending and Cancelled orders are in the denominator of "
        "every account; a change counts them all again within minutes. Answers as known before keep the choice of then. "
        "`keeps_personal_columns` holds for documents that come from then on, `document_retention_days` for all within the hour.",
        tags=["Agency"],
        request=AgencySerializer,
        responses=AgencySerializer,
    )
    def patch(self, request: Request) -> Response:
        agency = context.agency_of(request)
        change = AgencySerializer(agency, data=request.data, partial=True)
        change.is_valid(raise_exception=True)
        who = context.principal(request).actor
        agencies.update(thing=agency, fields=change.validated_data, who=who, now=timezone.now())
        if "counts_pending_and_cancelled" in change.validated_data:
            recount = partial(tasks.follow_denominator.delay, agency_id=str(agency.pk))
            transaction.on_commit(recount, robust=True)
        return Response(AgencySerializer(agency).data)

    @extend_schema(
        operation_id="closeAgency",
        summary="Close the agency and have all of it erased",
        description="From the answer on no key, token or person of it gets in, nothing is loaded and nothing is sent. Until "
        "`erased_from` whoever runs the service can open it again; then everything is erased but that it was there, when and by "
        "whom it was closed, and who did what by ids alone.",
        tags=["Agency"],
        request=CloseAgency,
        responses={202: ClosedAgency},
    )
    def delete(self, request: Request) -> Response:
        principal = context.principal(request)
        CloseAgency(data=request.data, context={"agency": principal.agency}).is_valid(raise_exception=True)
        closed = agencies.close(agency=principal.agency, by=principal.public_id, who=principal.actor, now=timezone.now())
        return Response(ClosedAgency(closed).data, status=202)
