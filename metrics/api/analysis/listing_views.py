"""Serve the listings behind a metric."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.requests.views import Resource
from accounts.tenancy import context
from api.pagination import CursorPagination
from api.strict_fields import Choice, Contradiction
from metrics.api import query_params
from metrics.api.analysis.listing_serializers import (
    ListingListSerializer,
    ListingSerializer,
    listing_data,
    totals_data,
)
from metrics.api.views import metric_of, query_day, series_of
from metrics.drilldown.listings import LISTING_METRICS, ListingsBehind
from metrics.retention import retained_days
from metrics.rules.catalogue.definitions import CATALOGUE
from metrics.rules.series import Value


class ListingsParams(query_params.DayParams):
    # The channel is that of the metric.
    channel = None  # type: ignore[assignment]
    metric = Choice(
        choices=tuple(CATALOGUE),
        required=False,
        default=LISTING_METRICS[0],
        help_text="The metric whose units are counted. Only `on_time_delivery_rate` (the default) is supported: Amazon acts on "
        "single listings for no other metric.",
    )
    at_risk = serializers.BooleanField(
        required=False,
        help_text="`true` returns only listings that are at risk. `false` returns only the others. By default, all listings "
        "are returned.",
    )

    def validate(self, params: dict[str, Any]) -> dict[str, Any]:
        if params["metric"] not in LISTING_METRICS:
            raise Contradiction(
                {"metric": f"This metric has no listings. Expected one of {', '.join(LISTING_METRICS)}."}
            )
        return params


class ListingsPagination(CursorPagination):
    """Paginate within a response that has other fields as well."""

    def parameters(self) -> list[OpenApiParameter]:
        """Return the parameters that a list declares."""
        return [
            OpenApiParameter(
                each["name"], each["schema"], location=each["in"], description=each["description"]
            )
            for each in self.get_schema_operation_parameters(None)  # type: ignore[arg-type]
        ]


class ListingList(Resource):
    cost = 3
    row_serializer = ListingSerializer
    problems = {"get": (Contradiction, query_params.NotRetained)}  # noqa: RUF012

    @extend_schema(
        operation_id="listListings",
        summary="List the listings behind a metric",
        description="Returns the tracked units of each SKU in the window of the on-time delivery rate, and how many of them "
        "were late, the SKU with the most late units first. A package is judged as the metric judges it. The units of a "
        "package whose items are unknown are `unassigned_units`. Without `marketplace`, the account's home marketplace is "
        "used.",
        tags=["Metrics"],
        parameters=[ListingsParams, *ListingsPagination().parameters()],
        responses=ListingListSerializer,
    )
    def get(self, request: Request, account_id: str) -> Response:
        account = context.visible_account(request, account_id)
        params = query_params.parse(ListingsParams, request)
        point = query_params.resolve_point(params, account)
        metric = metric_of(params["metric"])
        marketplace, channel = series_of(params, account, metric)
        series = {"marketplace": marketplace, "channel": channel}
        values = query_day(account, params | series, point, metrics=[metric.code])
        # Without data in the marketplace there is no value.
        value = values[0] if values else None
        listings = ListingsBehind(
            account=account, value=value, known_at=point.known_at, at_risk=params.get("at_risk")
        )
        paginator = ListingsPagination()
        rows = paginator.paginate_queryset(listings, request, view=self)
        body = series | {
            "account": account.public_id,
            "metric": metric.code,
            "as_of": point.as_of,
            "known_at": point.known_at,
            **_target_data(value),
            "totals": totals_data(listings.totals),
            "data": [listing_data(row, listings) for row in rows],
            "next_cursor": paginator.next_cursor,
            "retained_from": retained_days.first_value_day(account.data_from),
        }
        data = ListingListSerializer(body).data
        picked = self.select_fields(data["data"], available=self.selectable_fields())
        page = paginator.get_paginated_response(picked)
        page.data = data | page.data
        return page


def _target_data(value: Value | None) -> dict[str, Any]:
    """Return the window and target of a value."""
    if value is None:
        return {
            "window": None,
            "target": None,
            "minimum_units": None,
            "enforced": False,
            "target_missed": None,
        }
    has_met = value.has_met_target
    return {
        "window": value.window,
        "target": value.limit,
        "minimum_units": value.minimum_denominator or None,
        "enforced": value.enforced,
        "target_missed": None if has_met is None else not has_met,
    }
