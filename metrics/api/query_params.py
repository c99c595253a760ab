"""Check the query parameters of metrics, and resolve them to a day, a span and the `known_at` of the
response."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from accounts.marketplaces import CODES
from accounts.models import SellerAccount
from api.strict_fields import Choice, Contradiction, Day, Instant, KeywordFields
from metrics.retention import retained_days
from metrics.rules.catalogue.definitions import CATALOGUE
from metrics.rules.facts import Channel, DefectKind

LONGEST_HISTORY = timedelta(days=3 * 366)
DEFAULT_HISTORY = timedelta(days=89)
DEFECT_KINDS = tuple(kind.value for kind in DefectKind)
# The clock of a client may be ahead of ours.
CLOCK_SKEW = timedelta(minutes=5)
NO_FORECASTS = "Forecasts are not answered here."


def check_day(day: date) -> date:
    """Return the day. Raises ValidationError for a day after tomorrow, which no time zone has reached."""
    if day > timezone.now().astimezone(UTC).date() + timedelta(days=1):
        raise serializers.ValidationError(f"Expected a day up to tomorrow. {NO_FORECASTS}")
    return day


class KnownAt(Instant):
    """Accept a moment that has passed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            required=False,
            help_text=(
                "Use only data that was known at this moment, so that the response does not change until "
                "its data ends. It must not be in the future. By default, all data that is known now is used."
            ),
            **kwargs,
        )

    def to_internal_value(self, value: Any) -> datetime:
        moment = super().to_internal_value(value)
        if moment > timezone.now() + CLOCK_SKEW:
            raise serializers.ValidationError(f"Expected a moment that has passed. {NO_FORECASTS}")
        return moment


class SeriesParams(serializers.Serializer[Any]):
    marketplace = Choice(
        choices=CODES, required=False, help_text="Return only rows for this marketplace (ISO country code)."
    )
    channel = Choice(
        choices=[channel.value for channel in Channel],
        required=False,
        help_text="Return only rows for this fulfillment channel. If Amazon does not separate the "
        "channels of a metric, its channel is `all`.",
    )
    known_at = KnownAt()


class DayParams(SeriesParams):
    as_of = Day(
        required=False,
        help_text="The day of the values, at most tomorrow. The default is the UTC day of `known_at`, or "
        "today.",
    )

    def validate_as_of(self, day: date) -> date:
        return check_day(day)


class MetricsParams(DayParams):
    metric = Choice(choices=tuple(CATALOGUE), required=False, help_text="Return only rows for this metric.")


class OrdersParams(DayParams):
    counted = serializers.BooleanField(
        required=False,
        help_text=(
            "`true` returns only orders in the numerator. `false` returns only the other orders. By "
            "default, all orders are returned."
        ),
    )
    sku = serializers.CharField(
        required=False,
        max_length=40,
        help_text="Return only orders that have an item with this SKU, packages of these orders, or requests about them.",
    )
    asin = serializers.CharField(
        required=False,
        max_length=10,
        help_text="Return only orders that have an item with this ASIN, packages of these orders, or requests about them.",
    )
    reason = serializers.CharField(
        required=False,
        max_length=40,
        help_text="Return only orders with a return or a counted defect that has this reason code, such as DEFECTIVE.",
    )
    carrier = serializers.CharField(
        required=False,
        max_length=40,
        help_text="Return only orders with a package of this carrier, or packages of it. Upper and lower case are equal.",
    )


class UnmatchedParams(serializers.Serializer[Any]):
    kind = Choice(
        choices=DEFECT_KINDS,
        required=False,
        help_text="Return only defects of this kind.",
    )
    known_at = KnownAt()


class PortfolioParams(serializers.Serializer[Any]):
    marketplace = Choice(
        choices=CODES,
        required=False,
        help_text="Return only accounts that sell in this marketplace, and count only their series and "
        "breaches in it. The status, distance and worst series of an account still cover all "
        "its marketplaces.",
    )
    limit = serializers.IntegerField(
        required=False,
        default=10,
        min_value=1,
        max_value=100,
        help_text="The maximum number of worst accounts and of stale accounts to return.",
    )


class SnapshotsParams(serializers.Serializer[Any]):
    marketplace = Choice(choices=CODES, required=False, help_text="Return only rows for this marketplace.")


class HistoryParams(KeywordFields, SeriesParams):
    from_ = Day(required=False, help_text="The first day. The default is 89 days before `to`.")
    to = Day(
        required=False,
        help_text="The last day, at most tomorrow. The default is the UTC day of `known_at`, or today.",
    )

    def validate_to(self, day: date) -> date:
        return check_day(day)


class NotRetained(APIException):
    """Raise when data of the requested days has ended (ingestion/data_retention)."""

    status_code = 410
    default_code = "data-not-retained"
    default_detail = (
        "Data of this account is stored for a limited time, and a part of what the request asks for has ended. "
        "Values are complete from `retained_from` on."
    )

    def __init__(self, retained_from: date) -> None:
        super().__init__()
        self.more = {"retained_from": retained_from.isoformat()}


@dataclass(frozen=True, slots=True)
class PointInTime:
    """Store the day of the values, the moment at which their data was known, and the moment for staleness."""

    as_of: date
    known_at: datetime
    stale_at: datetime


def parse(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """Return the checked query parameters.

    Raises ValidationError with one message for each wrong parameter.
    """
    # A plain dict: from a QueryDict, DRF would take an empty value for a missing one.
    params = kind(data=request.query_params.dict())
    params.is_valid(raise_exception=True)
    return dict(params.validated_data)


def resolve_point(params: dict[str, Any], account: SellerAccount) -> PointInTime:
    """Return the point in time of the request.

    Without parameters, it is today with all data that is known now. Raises NotRetained.
    """
    moment = params.get("known_at") or timezone.now()
    as_of = params.get("as_of") or moment.astimezone(UTC).date()
    _check_retained(account, params, as_of)
    return PointInTime(as_of, _known_at(params, account), moment)


def resolve_span(params: dict[str, Any], account: SellerAccount) -> tuple[date, date, datetime, datetime]:
    """Return the first and last day of a history, the moment at which the data was known, and that for
    staleness.

    Without `from`, the history begins no earlier than the values of the account. Raises Contradiction and
    NotRetained.
    """
    moment = params.get("known_at") or timezone.now()
    until = params.get("to") or moment.astimezone(UTC).date()
    retained_from = retained_days.first_value_day(account.data_from)
    default = until - DEFAULT_HISTORY
    since = params.get("from") or min(until, max(default, retained_from or default))
    if since > until:
        raise Contradiction({"from": "`from` must not be after `to`."})
    if until - since > LONGEST_HISTORY:
        raise Contradiction({"from": "A history covers at most three years. Send several requests for more."})
    _check_retained(account, params, since)
    return since, until, _known_at(params, account), moment


def history_cost(params: Mapping[str, str]) -> int:
    """Return the units that a history takes from the rate limits: one for each 90 days that it begins.

    The parameters are not checked yet. Wrong ones cost one unit, because they are refused.
    """
    try:
        until = date.fromisoformat(params["to"]) if "to" in params else timezone.now().astimezone(UTC).date()
        since = date.fromisoformat(params["from"]) if "from" in params else until - DEFAULT_HISTORY
    except ValueError:
        return 1
    is_refused = until < since or until - since > LONGEST_HISTORY
    return 1 if is_refused else 1 + (until - since) // (DEFAULT_HISTORY + timedelta(days=1))


def resolve_known_at(params: dict[str, Any], account: SellerAccount) -> datetime:
    """Return the moment at which the data of a response without days was known. Raises NotRetained."""
    _check_retained(account, params)
    return _known_at(params, account)


def _check_retained(account: SellerAccount, params: dict[str, Any], *days: date) -> None:
    """Raise NotRetained if the data of a day, or what was known at the requested moment, has ended."""
    retained_from = retained_days.first_value_day(account.data_from)
    if retained_from is None:
        return
    known_at = params.get("known_at")
    known_on = (known_at.astimezone(UTC).date(),) if known_at else ()
    if min((*days, *known_on, retained_from)) < retained_from:
        raise NotRetained(retained_from)


def _known_at(params: dict[str, Any], account: SellerAccount) -> datetime:
    """Return the requested moment, or that of the last visible recording: nothing was learned since."""
    # The current time would be wrong: a report that is being recorded now has an earlier moment and is not
    # visible yet. With the moment returned here, the same request gets the same response for good.
    return params.get("known_at") or account.last_recorded_at or account.created_at
