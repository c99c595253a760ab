"""Serve the causes of a metric's defects."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import SellerAccount
from accounts.requests.views import Resource
from accounts.tenancy import context
from api.strict_fields import Choice
from metrics.api import query_params
from metrics.api.analysis.cause_serializers import (
    CausesSerializer,
    group_data,
    label,
    main_keys,
    share_data,
)
from metrics.api.views import metric_of, query_day, series_of
from metrics.drilldown import causes, dimensions
from metrics.rules import playbook
from metrics.rules.catalogue.definitions import CATALOGUE
from metrics.rules.series import Window


class CausesParams(query_params.DayParams):
    metric = Choice(
        choices=tuple(CATALOGUE),
        required=False,
        default="order_defect_rate",
        help_text="The metric whose defects are grouped. The default is the order defect rate.",
    )
    by = Choice(
        choices=dimensions.DIMENSIONS,
        required=False,
        default=dimensions.KIND,
        help_text="`kind`: the kinds of defects (default). `sku`, `asin`: the items of the orders. `carrier`: the carriers of "
        "the packages. `reason`: the reasons of returns and claims. `fulfilment_day`: the days on which packages were shipped.",
    )
    limit = serializers.IntegerField(
        required=False,
        default=50,
        min_value=1,
        max_value=500,
        help_text="The maximum number of groups to return.",
    )


class CauseList(Resource):
    cost = 3
    problems = {"get": (query_params.NotRetained,)}  # noqa: RUF012

    @extend_schema(
        operation_id="getCauses",
        summary="Get the causes of a metric's defects",
        description="Groups the orders behind a metric's value by what they have in common, and compares each group with "
        "the other orders and with the window before. An order in several groups is in the figures of each, and counted "
        "once in the total. Without `marketplace`, the account's home marketplace is used; without `channel`, the metric's "
        "first one.",
        tags=["Metrics"],
        parameters=[CausesParams],
        responses=CausesSerializer,
    )
    def get(self, request: Request, account_id: str) -> Response:
        account = context.visible_account(request, account_id)
        params = query_params.parse(CausesParams, request)
        point = query_params.resolve_point(params, account)
        metric, by = metric_of(params["metric"]), params["by"]
        marketplace, channel = series_of(params, account, metric)
        series = {"marketplace": marketplace, "channel": channel}
        asked: dict[str, Any] = {
            "account": account,
            "metric": metric,
            "by": by,
            "known_at": point.known_at,
        } | series
        values = query_day(account, params | series, point, metrics=[metric.code])
        # Without data in the marketplace there is no value.
        window = values[0].window if values else None
        found = causes.query(window=window, **asked) if window else causes.NONE
        earlier = _window_before(window) if window else None
        # Of a window whose data has partly ended, nothing is known.
        has_ended = earlier and account.data_from and earlier.first < account.data_from
        before = None if has_ended else causes.query(window=earlier, **asked) if earlier else causes.NONE
        data = asked | {
            "account": account.public_id,
            "metric": metric.code,
            "as_of": point.as_of,
            "window": window,
            "unit": metric.unit,
            "total": share_data(found.total),
            "before": share_data(before.total) if before else None,
            "mixed_orders": found.mixed_orders,
            "main": main_keys(found),
            "group_count": len(found.groups),
            "groups": _groups(account, params | series | {"point": point}, found, before),
        }
        return Response(CausesSerializer(data).data)


def _groups(
    account: SellerAccount, asked: dict[str, Any], found: causes.Causes, before: causes.Causes | None
) -> list[dict[str, Any]]:
    """Return the fields of the first groups."""
    by, metric, point = asked["by"], asked["metric"], asked["point"]
    series = {"marketplace": asked["marketplace"], "channel": asked["channel"]}
    shown = found.groups[: asked["limit"]]
    titles = causes.query_titles(
        account=account, marketplace=series["marketplace"], by=by, keys=[group.key for group in shown]
    )
    return [
        group_data(group, found, before, is_compared=by in dimensions.COMPARED)
        | {
            "label": label(group, by, titles),
            "playbook": playbook.codes(metric=metric, by=by, key=group.key, on=point.as_of),
            "orders_url": _orders_url(account, metric, by, group.key, series, point),
        }
        for group in shown
    ]


def _orders_url(
    account: SellerAccount,
    metric: str,
    by: str,
    key: str,
    series: dict[str, str],
    point: query_params.PointInTime,
) -> str | None:
    """Return the path of the orders of a group, as the group counts them."""
    if by not in dimensions.FILTERS or not key:
        return None
    query = {by: key} | series | {"as_of": point.as_of.isoformat(), "known_at": point.known_at.isoformat()}
    return f"/v1/accounts/{account.public_id}/metrics/{metric}/orders?{urlencode(query)}"


def _window_before(window: Window) -> Window:
    """Return the window that ends the day before this one begins, and is as long."""
    length = timedelta(days=window.days)
    return Window(window.first - length, window.last - length, window.days, window.offset + window.days)
