"""Define the response body of the causes that several accounts have in common."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.marketplaces import CODES
from metrics.api import examples
from metrics.api.analysis.cause_serializers import share_data
from metrics.api.value_serializers import CHANNELS
from metrics.drilldown.dimensions import RETURN_REASON
from metrics.drilldown.portfolio_causes import MAX_Q, CommonCause, Stratum
from metrics.rules import playbook, return_reasons
from metrics.rules.catalogue.definitions import CATALOGUE, UNITS

PORTFOLIO_DIMENSIONS = ("carrier", "asin", "reason")


class CauseSeriesSerializer(serializers.Serializer[Any]):
    """The orders of a common cause in one account, marketplace and channel."""

    account = serializers.CharField(help_text="ID of the account.")
    name = serializers.CharField(help_text="Name of the account.")
    marketplace = serializers.ChoiceField(choices=CODES, help_text="ISO country code.")
    channel = serializers.ChoiceField(choices=CHANNELS, help_text="Fulfillment channel.")
    orders = serializers.IntegerField(help_text="The orders of the group.")
    defects = serializers.IntegerField(help_text="The defective orders of the group.")
    rate = serializers.FloatField(allow_null=True, help_text="`defects` / `orders`.")
    expected = serializers.FloatField(
        help_text="The defects that the group would have with the rate of all orders of the series."
    )


class CommonCauseSerializer(serializers.Serializer[Any]):
    """A group of orders with more defects than expected in several accounts."""

    key = serializers.CharField(help_text="What the orders have in common.")
    # DRF has an attribute of this name.
    label = serializers.CharField(help_text="The key for people.")  # type: ignore[assignment]
    accounts = serializers.IntegerField(help_text="The number of accounts that have such orders.")
    orders = serializers.IntegerField(help_text="The orders of the group in all these accounts.")
    defects = serializers.IntegerField(help_text="The defective orders of the group.")
    rate = serializers.FloatField(allow_null=True, help_text="`defects` / `orders`.")
    expected = serializers.FloatField(
        help_text="The defects that the group would have if it had the rate of each account."
    )
    p_value = serializers.FloatField(
        help_text="How probable so many defects, or more, are by chance: the exact test over all accounts, one-sided."
    )
    q_value = serializers.FloatField(
        help_text="The p-value corrected for the number of groups tried (Benjamini-Hochberg)."
    )
    playbook = serializers.ListField(
        child=serializers.ChoiceField(choices=playbook.CODES),
        help_text="The codes of the measures that help against this cause, the most probable first.",
    )
    series = CauseSeriesSerializer(many=True, help_text="The group in each series, the most defects first.")


@extend_schema_serializer(
    examples=[OpenApiExample("One bad carrier", value=examples.PORTFOLIO_CAUSES, response_only=True)]
)
class PortfolioCausesSerializer(serializers.Serializer[Any]):
    """What the defects of several accounts have in common."""

    metric = serializers.ChoiceField(choices=tuple(CATALOGUE), help_text="Name of the metric.")
    by = serializers.ChoiceField(choices=PORTFOLIO_DIMENSIONS, help_text="What the orders are grouped by.")
    unit = serializers.ChoiceField(choices=UNITS, help_text="What is counted.")
    known_at = serializers.DateTimeField(help_text="The moment at which the data was known.")
    series = serializers.IntegerField(help_text="The number of series with defects in their current window.")
    left_out = serializers.IntegerField(
        help_text="How many of these series were not grouped, because others have more defects."
    )
    tried = serializers.IntegerField(help_text="The number of groups that are in at least two accounts.")
    causes = CommonCauseSerializer(
        many=True,
        help_text=f"The groups whose `q_value` is below {MAX_Q} and that have more defects than expected in at least two "
        "accounts, the most significant first.",
    )


def cause_data(cause: CommonCause, *, by: str, codes: tuple[str, ...]) -> dict[str, Any]:
    """Return the fields of a common cause."""
    series = sorted(cause.strata, key=lambda each: (-each.share.defects, each.account.pk, each.marketplace))
    return {
        "key": cause.key,
        "label": _(return_reasons.describe(cause.key)) if by == RETURN_REASON else cause.label,
        "accounts": len({each.account.pk for each in cause.strata}),
        **share_data(cause.share),
        "expected": cause.expected,
        "p_value": cause.p_value,
        "q_value": cause.q_value,
        "playbook": codes,
        "series": [_series_data(each) for each in series],
    }


def _series_data(stratum: Stratum) -> dict[str, Any]:
    return {
        "account": stratum.account.public_id,
        "name": stratum.account.name,
        "marketplace": stratum.marketplace,
        "channel": stratum.channel,
        **share_data(stratum.share),
        "expected": stratum.expected,
    }
