"""Define the response body of the listings behind a metric."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.marketplaces import CODES
from metrics.api import examples
from metrics.api.value_serializers import CHANNELS, RETAINED_FROM, LimitSerializer, WindowSerializer
from metrics.drilldown.listings import ListingsBehind, SkuUnits, Totals
from metrics.rules.catalogue.definitions import CATALOGUE
from metrics.rules.judgement import rate

EXAMPLE: dict[str, Any] = {
    "account": examples.ACCOUNT_ID,
    "metric": "on_time_delivery_rate",
    "marketplace": "DE",
    "channel": "mfn",
    "as_of": "2026-11-22",
    "known_at": "2026-11-22T12:00:00Z",
    "window": {"from": "2026-11-02", "to": "2026-11-15", "days": 14, "offset_days": 7},
    "target": {"comparator": "gte", "value": 0.9},
    "minimum_units": None,
    "enforced": True,
    "target_missed": True,
    "totals": {
        "units": 300,
        "late": 36,
        "on_time": 264,
        "rate": 0.88,
        "unassigned_units": 12,
        "unassigned_late": 1,
    },
    "data": [
        {
            "sku": "CUP-BLUE",
            "asin": "B000000001",
            "title": "Becher, blau",
            "price": 12.99,
            "quantity": 40,
            "channel": "mfn",
            "listing_status": "active",
            "units": 120,
            "late": 30,
            "on_time": 90,
            "rate": 0.75,
            "share": 0.8333333333333334,
            "late_units_allowed": 0,
            "on_time_units_needed": 180,
            "at_risk": True,
        },
        {
            "sku": "CUP-RED",
            "asin": "B000000002",
            "title": None,
            "price": None,
            "quantity": None,
            "channel": None,
            "listing_status": None,
            "units": 168,
            "late": 5,
            "on_time": 163,
            "rate": 0.9702380952380952,
            "share": 0.1388888888888889,
            "late_units_allowed": 13,
            "on_time_units_needed": 0,
            "at_risk": False,
        },
    ],
    "next_cursor": None,
    "retained_from": None,
}


class ListingTotalsSerializer(serializers.Serializer[Totals]):
    """All units of the window. Those of all listings and the unassigned ones add up to them."""

    units = serializers.IntegerField(help_text="The number of tracked units.")
    late = serializers.IntegerField(help_text="How many of them were late.")
    on_time = serializers.IntegerField(help_text="How many of them were on time.")
    rate = serializers.FloatField(allow_null=True, help_text="`on_time` / `units`. Null without units.")
    unassigned_units = serializers.IntegerField(
        help_text="The units of packages whose items are unknown: the order has several SKUs and several packages, or its "
        "items are not loaded."
    )
    unassigned_late = serializers.IntegerField(help_text="How many of the unassigned units were late.")


class ListingSerializer(serializers.Serializer[Any]):
    """A SKU with tracked units in the window, and what is known of its listing."""

    sku = serializers.CharField(max_length=40, help_text="The seller's SKU.")
    asin = serializers.CharField(allow_null=True, max_length=10, help_text="The ASIN. Null if it is unknown.")
    title = serializers.CharField(allow_null=True, help_text="The title. Null if it is unknown.")
    price = serializers.FloatField(
        allow_null=True,
        help_text="The price of one unit in the currency of the marketplace. Null if it is unknown.",
    )
    quantity = serializers.IntegerField(
        allow_null=True, help_text="The number of units that can be sold. Null if it is unknown."
    )
    channel = serializers.ChoiceField(
        choices=CHANNELS,
        allow_null=True,
        help_text="The fulfillment channel of the listing now. Null if it is unknown.",
    )
    listing_status = serializers.CharField(
        allow_null=True,
        max_length=20,
        help_text="The status in the listings report, such as `active` or `inactive`. Null if it is unknown.",
    )
    units = serializers.IntegerField(help_text="The number of tracked units.")
    late = serializers.IntegerField(help_text="How many of them were late.")
    on_time = serializers.IntegerField(help_text="How many of them were on time.")
    rate = serializers.FloatField(allow_null=True, help_text="`on_time` / `units`.")
    share = serializers.FloatField(
        allow_null=True, help_text="The listing's part of all late units. Null if no unit was late."
    )
    late_units_allowed = serializers.IntegerField(
        allow_null=True,
        help_text="How many more late units the listing may have until its own rate misses the target. 0 if it misses it. "
        "Null without a target.",
    )
    on_time_units_needed = serializers.IntegerField(
        allow_null=True,
        help_text="How many more on-time units the listing needs until its own rate meets the target. 0 if it meets it. "
        "Null without a target.",
    )
    at_risk = serializers.BooleanField(
        help_text="Whether Amazon may deactivate the listing: the account misses an enforced target in the marketplace, "
        "and the listing's own rate misses it as well."
    )


@extend_schema_serializer(
    examples=[OpenApiExample("One late listing", value=EXAMPLE, response_only=True)],
    component_name="ListingList",
)
class ListingListSerializer(serializers.Serializer[Any]):
    """The listings behind a metric, the one with the most late units first."""

    account = serializers.CharField(help_text="ID of the account.")
    metric = serializers.ChoiceField(choices=tuple(CATALOGUE), help_text="Name of the metric.")
    marketplace = serializers.ChoiceField(choices=CODES, help_text="ISO country code.")
    channel = serializers.ChoiceField(choices=CHANNELS, help_text="Fulfillment channel of the units.")
    as_of = serializers.DateField(help_text="The day of the value.")
    known_at = serializers.DateTimeField(help_text="The moment at which the data was known.")
    window = WindowSerializer(
        allow_null=True,
        help_text="The days over which units are counted. Null without data in the marketplace.",
    )
    target = LimitSerializer(allow_null=True, help_text="The target. Null if there is none.")
    minimum_units = serializers.IntegerField(
        allow_null=True,
        help_text="The number of units of the account from which Amazon judges the metric. Null if there is none.",
    )
    enforced = serializers.BooleanField(help_text="Whether Amazon acts if the target is missed.")
    target_missed = serializers.BooleanField(
        allow_null=True,
        help_text="Whether the account misses the target in the marketplace. Null if this is undecided, or without data.",
    )
    totals = ListingTotalsSerializer(help_text="All units of the window, whatever the page and `at_risk`.")
    # The name of a field of the API, and of an attribute of DRF's Serializer.
    data = ListingSerializer(many=True, help_text="The listings.")  # type: ignore[assignment]
    next_cursor = serializers.CharField(
        allow_null=True, help_text="Pass this value as `cursor` to get the next page; null on the last page."
    )
    retained_from = serializers.DateField(allow_null=True, help_text=RETAINED_FROM)


def totals_data(totals: Totals) -> dict[str, Any]:
    on_time = totals.units - totals.late
    return {
        "units": totals.units,
        "late": totals.late,
        "on_time": on_time,
        "rate": rate(on_time, totals.units),
        "unassigned_units": totals.unassigned_units,
        "unassigned_late": totals.unassigned_late,
    }


def listing_data(row: SkuUnits, listings: ListingsBehind) -> dict[str, Any]:
    """Return the fields of a listing."""
    late = listings.totals.late
    return {
        "sku": row.sku,
        "asin": row.asin,
        "title": row.title,
        "price": row.price,
        "quantity": row.quantity,
        "channel": row.channel,
        "listing_status": row.status,
        "units": row.units,
        "late": row.late,
        "on_time": row.on_time,
        "rate": rate(row.on_time, row.units),
        "share": row.late / late if late else None,
        "late_units_allowed": listings.bad_allowed(row),
        "on_time_units_needed": listings.good_needed(row),
        "at_risk": row.at_risk,
    }
