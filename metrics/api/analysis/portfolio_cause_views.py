"""Serve the causes that several accounts have in common."""

from datetime import UTC, datetime
from typing import Any

from django.db.models import Max
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.marketplaces import CODES
from accounts.requests.views import Resource
from accounts.tenancy import context
from api.strict_fields import Choice, Contradiction
from metrics.api import query_params
from metrics.api.analysis.portfolio_cause_serializers import (
    PORTFOLIO_DIMENSIONS,
    PortfolioCausesSerializer,
    cause_data,
)
from metrics.api.views import LANGUAGE, metric_of
from metrics.drilldown import dimensions, portfolio_causes
from metrics.rules import playbook
from metrics.rules.catalogue.definitions import CATALOGUE

RETURN_RATE = "return_rate"


class PortfolioCausesParams(serializers.Serializer[Any]):
    metric = Choice(
        choices=tuple(CATALOGUE),
        required=False,
        default="order_defect_rate",
        help_text="The metric whose defects are grouped. The default is the order defect rate.",
    )
    by = Choice(
        choices=PORTFOLIO_DIMENSIONS,
        required=False,
        default=dimensions.CARRIER,
        help_text="`carrier`: the carriers of the packages (default). `asin`: the items of the orders. `reason`: the reasons "
        "of returns.",
    )
    marketplace = Choice(
        choices=CODES, required=False, help_text="Compare only series of this marketplace (ISO country code)."
    )
    limit = serializers.IntegerField(
        required=False,
        default=20,
        min_value=1,
        max_value=100,
        help_text="The maximum number of causes to return.",
    )

    def validate(self, params: dict[str, Any]) -> dict[str, Any]:
        if params["by"] == dimensions.REASON and params["metric"] == RETURN_RATE:
            raise Contradiction(
                {"by": "Every order with a reason is returned. Choose another metric, or another `by`."}
            )
        return params


class PortfolioCauses(Resource):
    cost = 20

    @extend_schema(
        operation_id="getPortfolioCauses",
        summary="Get the causes that accounts have in common",
        description="Finds the carrier, product or reason with too many defects in several accounts at once. Each group is "
        "compared with what the rate of each account lets expect, so an account with a high rate does not make its "
        "carriers look bad. The current windows of all accounts that the key can see are compared; of more than "
        f"{portfolio_causes.MAX_SERIES} series with defects, those with the most.",
        tags=["Accounts"],
        parameters=[PortfolioCausesParams, LANGUAGE],
        responses=PortfolioCausesSerializer,
    )
    def get(self, request: Request) -> Response:
        params = query_params.parse(PortfolioCausesParams, request)
        metric, today = metric_of(params["metric"]), timezone.now().astimezone(UTC).date()
        known_at = _known_at(request)
        by = dimensions.RETURN_REASON if params["by"] == dimensions.REASON else params["by"]
        found = portfolio_causes.query(
            agency_id=context.agency_of(request).pk,
            metric=metric,
            by=by,
            known_at=known_at,
            marketplace=params.get("marketplace"),
        )
        data = {
            "metric": metric.code,
            "by": params["by"],
            "unit": metric.unit,
            "known_at": known_at,
            "series": found.series,
            "left_out": found.left_out,
            "tried": found.tried,
            "causes": [
                cause_data(
                    cause,
                    by=by,
                    codes=playbook.codes(metric=metric.code, by=params["by"], key=cause.key, on=today),
                )
                for cause in found.causes[: params["limit"]]
            ],
        }
        return Response(PortfolioCausesSerializer(data).data)


def _known_at(request: Request) -> datetime:
    """Return the moment of the last recording of any visible account: nothing was learned since."""
    moments = context.visible_accounts(request).aggregate(
        recorded=Max("last_recorded_at"), created=Max("created_at")
    )
    # Without an account, the agency's own beginning: the response must not change with the clock.
    moment: datetime = moments["recorded"] or moments["created"] or context.agency_of(request).created_at
    return moment
