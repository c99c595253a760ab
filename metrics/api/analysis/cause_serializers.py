"""Define the response body of the causes of a metric's defects."""

from collections.abc import Mapping
from itertools import accumulate
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.marketplaces import CODES
from metrics.api import examples
from metrics.api.value_serializers import CHANNELS, WindowSerializer
from metrics.drilldown.causes import Causes, Group
from metrics.drilldown.dimensions import DIMENSIONS, REASON
from metrics.rules import playbook, return_reasons
from metrics.rules.association import Share, fisher_p, lift, wilson_interval
from metrics.rules.catalogue.definitions import CATALOGUE, UNITS

MAIN_PERCENT = 80
"""The share of the defects that the main groups explain together."""


class ShareSerializer(serializers.Serializer[Share]):
    """Orders, and how many of them are defective."""

    orders = serializers.IntegerField(
        help_text="The number of orders, packages, requests or messages (`unit`)."
    )
    defects = serializers.IntegerField(help_text="How many of them are defective.")
    rate = serializers.FloatField(allow_null=True, help_text="`defects` / `orders`. Null without orders.")


class IntervalSerializer(serializers.Serializer[Any]):
    low = serializers.FloatField(help_text="The lower end, as a fraction of 1.")
    high = serializers.FloatField(help_text="The upper end, as a fraction of 1.")


class CauseSerializer(serializers.Serializer[Any]):
    """A group of orders that have something in common."""

    key = serializers.CharField(
        allow_null=True,
        help_text="What the orders have in common. Null for orders without a known one, such as without a known carrier, "
        "or, by `kind`, without a defect.",
    )
    # DRF has an attribute of this name.
    label = serializers.CharField(  # type: ignore[assignment]
        allow_null=True,
        help_text="The key for people: the title of a product, a reason in words, or a carrier as a report writes it.",
    )
    orders = serializers.IntegerField(help_text="The orders of the group.")
    defects = serializers.IntegerField(help_text="The defective orders of the group.")
    share = serializers.FloatField(
        allow_null=True, help_text="The group's part of all defects. The parts of mixed orders overlap."
    )
    rate = serializers.FloatField(allow_null=True, help_text="`defects` / `orders`.")
    interval = IntervalSerializer(allow_null=True, help_text="The 95 % interval of the rate (Wilson).")
    lift = serializers.FloatField(
        allow_null=True,
        help_text="The rate divided by that of all orders: 2 is twice as many defects. Null by `kind` and `reason`, which "
        "belong to defects.",
    )
    p_value = serializers.FloatField(
        allow_null=True,
        help_text="How probable so uneven a distribution is by chance: Fisher's exact test against all other orders, "
        "two-sided. Null by `kind` and `reason`.",
    )
    exclusive = ShareSerializer(help_text="The orders that are in no other group.")
    before = ShareSerializer(
        allow_null=True, help_text="The same group in the window before. Null if its data has ended."
    )
    playbook = serializers.ListField(
        child=serializers.ChoiceField(choices=playbook.CODES),
        help_text="The codes of the measures that help against this cause, the most probable first.",
    )
    orders_url = serializers.CharField(
        allow_null=True,
        help_text="The path of the orders of the group. Null where orders cannot be filtered by `by`.",
    )


@extend_schema_serializer(
    examples=[OpenApiExample("One bad carrier", value=examples.CAUSES, response_only=True)]
)
class CausesSerializer(serializers.Serializer[Any]):
    """What the defects behind a value have in common."""

    account = serializers.CharField(help_text="ID of the account.")
    metric = serializers.ChoiceField(choices=tuple(CATALOGUE), help_text="Name of the metric.")
    by = serializers.ChoiceField(choices=DIMENSIONS, help_text="What the orders are grouped by.")
    marketplace = serializers.ChoiceField(choices=CODES, help_text="ISO country code.")
    channel = serializers.ChoiceField(choices=CHANNELS, help_text="Fulfillment channel.")
    as_of = serializers.DateField(help_text="The day of the value.")
    known_at = serializers.DateTimeField(help_text="The moment at which the data was known.")
    window = WindowSerializer(
        allow_null=True,
        help_text="The days over which orders are counted. Null without data in the marketplace.",
    )
    unit = serializers.ChoiceField(choices=UNITS, help_text="What is counted.")
    total = ShareSerializer(help_text="All orders. Each is counted once.")
    before = ShareSerializer(
        allow_null=True, help_text="All orders of the window before. Null if its data has ended."
    )
    mixed_orders = serializers.IntegerField(help_text="The number of orders that are in several groups.")
    main = serializers.ListField(
        child=serializers.CharField(allow_null=True),
        help_text=f"The keys of the few groups that explain {MAIN_PERCENT} % of the defects.",
    )
    group_count = serializers.IntegerField(help_text="The number of groups. `groups` has the first of them.")
    groups = CauseSerializer(many=True, help_text="The groups, the one with the most defects first.")


def share_data(share: Share) -> dict[str, Any]:
    return {"orders": share.orders, "defects": share.defects, "rate": share.rate}


def group_data(group: Group, now: Causes, before: Causes | None, *, is_compared: bool) -> dict[str, Any]:
    """Return the figures of a group. `is_compared` is whether its orders are compared with the others."""
    interval = wilson_interval(group.share) if is_compared else None
    return {
        "key": group.key or None,
        **share_data(group.share),
        "share": group.share.defects / now.total.defects if now.total.defects else None,
        "interval": dict(zip(("low", "high"), interval, strict=True)) if interval else None,
        "lift": lift(group.share, now.total) if is_compared else None,
        "p_value": fisher_p(group.share, now.total) if is_compared else None,
        "exclusive": share_data(group.exclusive),
        "before": share_data(before.find(group.key)) if before else None,
    }


def label(group: Group, by: str, titles: Mapping[str, str]) -> str | None:
    """Return the key of a group for people."""
    if by == REASON:
        return _(return_reasons.describe(group.key)) if group.key else None
    return titles.get(group.key) or group.label or None


def main_keys(causes: Causes) -> list[str | None]:
    """Return the keys of the first groups that explain MAIN_PERCENT of the defects."""
    reached = accumulate(group.share.defects for group in causes.groups)
    explained = [100 * defects >= MAIN_PERCENT * causes.total.defects for defects in reached]
    if not causes.total.defects:
        return []
    count = explained.index(True) + 1 if True in explained else len(explained)
    return [group.key or None for group in causes.groups[:count]]
