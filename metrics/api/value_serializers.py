"""Define the response bodies of a metric's value on a day, and of its history."""

from typing import Any

from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts.marketplaces import CODES
from api import identifiers
from api.strict_fields import KeywordFields
from metrics.alerts import state_machine
from metrics.api import examples
from metrics.pipeline.amazon_reported import AmazonFigure
from metrics.rules.catalogue.definitions import CATALOGUE
from metrics.rules.facts import Channel
from metrics.rules.judgement import Comparator, Status, meets, rate
from metrics.rules.series import LIMIT_SOURCES, Value
from metrics.rules.verdicts import Basis
from metrics.rules.yardstick import WarningThreshold

CHANNELS = [channel.value for channel in Channel]
COMPARATORS = [comparator.value for comparator in Comparator]
STATUSES = [status.value for status in Status]
BASES = [basis.value for basis in Basis]
RETAINED_FROM = "The first day of which values are complete, because data of earlier days has ended. Null if no data has ended."


class WindowSerializer(KeywordFields):
    from_ = serializers.DateField(source="first", help_text="The first day of the window, included.")
    to = serializers.DateField(source="last", help_text="The last day of the window, included.")
    days = serializers.IntegerField(help_text="The length of the window in days.")
    offset_days = serializers.IntegerField(
        source="offset", help_text="Days between the end of the window and `as_of`."
    )


class PartsSerializer(serializers.Serializer[Any]):
    """The number of orders by kind of defect.

    An order with several kinds of defects is in several of these counts, but only once in the numerator.
    """

    negative_feedback = serializers.IntegerField(help_text="Orders with feedback of 1 or 2 stars.")
    a_to_z_claims = serializers.IntegerField(help_text="Orders with a counted A-to-z claim.")
    chargebacks = serializers.IntegerField(help_text="Orders with a service chargeback.")


class LimitSerializer(serializers.Serializer[Any]):
    comparator = serializers.ChoiceField(
        choices=COMPARATORS,
        help_text="How the rate must compare with `value`. With `lt`, it must be strictly below.",
    )
    value = serializers.FloatField(
        help_text="The limit. It is a fraction of 1 for rates, and a number for counts and scores."
    )


class TargetSerializer(LimitSerializer):
    # `source` is a field of the API and hides an attribute of DRF's Serializer.
    source = serializers.ChoiceField(  # type: ignore[assignment]
        choices=LIMIT_SOURCES,
        help_text="`default`: Amazon's rules. `amazon_report`: Amazon's report about this series. `custom`: "
        "a threshold of "
        "the agency.",
    )


class WarningSerializer(TargetSerializer):
    """The warning threshold. A series that misses it and meets the target is at risk."""

    comparator = serializers.ChoiceField(
        choices=COMPARATORS, source="limit.comparator", help_text="How the rate must compare with `value`."
    )
    value = serializers.FloatField(source="limit.value", help_text="The limit that opens a warning.")
    threshold = serializers.SerializerMethodField(
        help_text="The ID of the agency's threshold (`thr_…`), or null for the default warning."
    )
    clear_at = serializers.FloatField(
        source="clear.value", help_text="The limit that must be met to end a warning."
    )
    for_days = serializers.IntegerField(
        help_text="Days for which `value` must be missed before a warning opens."
    )
    keep_days = serializers.IntegerField(
        help_text="Days for which `clear_at` must be met before a warning ends."
    )
    min_denominator = serializers.IntegerField(
        help_text="A value with a smaller denominator is not compared with this warning."
    )

    def get_threshold(self, warning: WarningThreshold) -> str | None:
        return identifiers.public("thr", warning.threshold) if warning.threshold else None


# One serializer for all values: DRF copies the fields for each new one, and a year has thousands of values.
WARNING = WarningSerializer()


class LimitFields:
    """Provide the fields `target` and `warning` of a value."""

    @extend_schema_field(TargetSerializer(allow_null=True))
    def get_target(self, value: Value) -> dict[str, Any] | None:
        limit = value.limit
        return (
            {"comparator": limit.comparator, "value": limit.value, "source": value.limit_source}
            if limit
            else None
        )

    @extend_schema_field(WarningSerializer(allow_null=True))
    def get_warning(self, value: Value) -> Any:
        return WARNING.to_representation(value.warning) if value.warning else None


class BudgetSerializer(serializers.Serializer[Any]):
    allowed = serializers.IntegerField(
        help_text="The largest number of defects that still meets the target in this window."
    )
    left = serializers.IntegerField(
        help_text="How many more defects the target allows. Negative if the target is missed."
    )


class EndSerializer(serializers.Serializer[Any]):
    """One end of the bounds."""

    numerator = serializers.IntegerField(help_text="The numerator at this end.")
    denominator = serializers.IntegerField(help_text="The denominator at this end.")
    rate = serializers.FloatField(
        allow_null=True, help_text="The rate at this end. Null if the denominator is 0."
    )
    status = serializers.ChoiceField(choices=STATUSES, help_text="The status that this end would have.")


class BoundsSerializer(serializers.Serializer[Any]):
    """The two ends between which the value lies, because reports leave something open."""

    undecided = serializers.IntegerField(
        help_text="The number of orders, packages or units that reports leave open: cancelled orders without a "
        "canceller, packages without scan data, tracked packages without delivery data."
    )
    best = EndSerializer(help_text="The value if everything that is open turned out well.")
    worst = EndSerializer(help_text="The value if everything that is open turned out badly.")
    settled_by = serializers.ListField(
        child=serializers.CharField(), help_text="The report types that state what is open."
    )


class OwnCountsInAmazonWindow(serializers.Serializer[Any]):
    """Our counts over the days of Amazon's figure."""

    numerator = serializers.IntegerField(help_text="Our count.")
    denominator = serializers.IntegerField(help_text="Our count.")
    rate = serializers.FloatField(
        allow_null=True, help_text="The numerator divided by the denominator. Null if the denominator is 0."
    )
    meets_target = serializers.BooleanField(
        allow_null=True, help_text="Whether our counts meet the target that Amazon's report states."
    )


class AmazonFigureSerializer(KeywordFields):
    """Amazon's newest figure of this series.

    Rate and status are Amazon's, even if they contradict its counts.
    """

    rate = serializers.FloatField(allow_null=True, help_text="Amazon's rate.")
    status = serializers.CharField(
        allow_null=True, help_text="Amazon's status, such as GOOD, BAD, AT_RISK or NONE."
    )
    from_ = serializers.DateField(
        source="first_on", allow_null=True, help_text="The first day of Amazon's window."
    )
    to = serializers.DateField(
        source="last_on", allow_null=True, help_text="The last day of Amazon's window."
    )
    reported_at = serializers.DateTimeField(help_text="The moment that the report describes.")
    numerator = serializers.IntegerField(allow_null=True, help_text="Amazon's count.")
    denominator = serializers.IntegerField(allow_null=True, help_text="Amazon's count.")
    target = LimitSerializer(allow_null=True, help_text="The target that the report states, or null.")
    flags = serializers.ListField(
        child=serializers.CharField(), help_text="Contradictions within the figure."
    )
    ours = serializers.SerializerMethodField(
        help_text=(
            "Our counts over the same days. Null if the report states no days, or if only Amazon counts this."
        )
    )

    @extend_schema_field(OwnCountsInAmazonWindow(allow_null=True))
    def get_ours(self, figure: AmazonFigure) -> dict[str, Any] | None:
        if figure.own_counts is None:
            return None
        numerator, denominator = figure.own_counts
        return {
            "numerator": numerator,
            "denominator": denominator,
            "rate": rate(numerator, denominator),
            "meets_target": meets(numerator, denominator, figure.target) if figure.target else None,
        }


AMAZON_FIGURE = AmazonFigureSerializer()


class MetricValueSerializer(LimitFields, serializers.Serializer[Value]):
    """The value of one metric in one marketplace and channel."""

    metric = serializers.ChoiceField(choices=tuple(CATALOGUE), help_text="The metric's code.")
    name = serializers.SerializerMethodField(help_text="The metric's name in the language of the request.")
    marketplace = serializers.ChoiceField(choices=CODES, help_text="ISO country code.")
    channel = serializers.ChoiceField(choices=CHANNELS, help_text="Fulfillment channel.")
    window = WindowSerializer(help_text="The days that the value covers.")
    basis = serializers.ChoiceField(
        choices=BASES,
        help_text="On whose figure the value stands. `own`: our counts of the loaded reports. "
        "`amazon_report`: Amazon's newest figure, because no counts of our own exist or they are undecided. "
        "`none`: neither exists.",
    )
    numerator = serializers.IntegerField(
        help_text="The numerator. If `basis` is `amazon_report`, it is Amazon's count."
    )
    denominator = serializers.IntegerField(
        help_text="The denominator. If `basis` is `amazon_report`, it is Amazon's count; for a counter or "
        "score, it is 1. If Amazon states only a rate, both are the rate as a fraction."
    )
    rate = serializers.FloatField(
        allow_null=True,
        help_text="`numerator / denominator`, for display. Null if the denominator is 0, and if the value is "
        "undecided (see `bounds`).",
    )
    bounds = serializers.SerializerMethodField(
        help_text="The two ends of our counts if reports leave something open, otherwise null."
    )
    parts = PartsSerializer(
        allow_null=True,
        help_text="The numerator by kind of defect. Null for metrics other than the order defect rate.",
    )
    target = serializers.SerializerMethodField(help_text="Amazon's target, or null if Amazon sets none.")
    warning = serializers.SerializerMethodField(
        help_text="The warning threshold: the agency's or the default one."
    )
    meets_target = serializers.BooleanField(
        allow_null=True,
        help_text="Whether numerator and denominator meet the target. Null without a target, without data, and "
        "if the ends of `bounds` differ.",
    )
    status = serializers.ChoiceField(
        choices=STATUSES,
        help_text=(
            "`breached`: the target is missed. `at_risk`: only the warning threshold is missed. "
            "`undecided`: reports leave open whether the series is healthy. `healthy`: target and warning are "
            "met. `no_data`: neither we nor Amazon counted anything. If Amazon's figure is worse than ours and "
            "not stale, it decides."
        ),
    )
    decided_by = serializers.ChoiceField(
        choices=BASES,
        source="verdict.decided_by",
        help_text="Whose figure decides the status: the worse of ours and Amazon's.",
    )
    differs_from_amazon = serializers.BooleanField(
        allow_null=True,
        help_text="Whether Amazon's figure, fresh or stale, has another status than our counts. Null if one of "
        "them is missing.",
    )
    below_minimum = serializers.BooleanField(
        source="is_below_minimum",
        help_text="Whether the denominator is smaller than the number from which Amazon judges this metric. Then "
        "the status is at most `at_risk`.",
    )
    ignored = serializers.SerializerMethodField(
        help_text="Whether the agency ignores this metric, so that it does not count towards the account's "
        "status."
    )
    stale = serializers.SerializerMethodField(
        help_text="Whether the figure that decides the status is older than its maximum age. Our counts are as "
        "old as the last load of their source, Amazon's figure as old as `amazon.reported_at`."
    )
    enforced = serializers.BooleanField(
        help_text="Whether Amazon may deactivate an account for missing the target."
    )
    budget = BudgetSerializer(
        allow_null=True,
        help_text="How many defects the target allows in this window. Null without a target, and for scores.",
    )
    amazon = serializers.SerializerMethodField(help_text="Amazon's own figure of this series, or null.")
    explanation = serializers.SerializerMethodField(
        help_text="What is counted, in the language of the request."
    )
    unexplained = serializers.IntegerField(
        allow_null=True,
        help_text="The number of cancelled orders for which no report states who cancelled (see `bounds`). "
        "Null for metrics other than `pre_fulfillment_cancel_rate`.",
    )

    def get_name(self, value: Value) -> str:
        return gettext(value.name)

    def get_explanation(self, value: Value) -> str:
        return gettext(CATALOGUE[value.metric].explanation)

    def get_stale(self, value: Value) -> bool:
        return state_machine.is_stale(value, self.context["stale_sources"])

    def get_ignored(self, value: Value) -> bool:
        return value.metric in self.context["ignored_metrics"]

    @extend_schema_field(BoundsSerializer(allow_null=True))
    def get_bounds(self, value: Value) -> dict[str, Any] | None:
        if value.bounds is None:
            return None
        ends = {
            name: {
                "numerator": end.numerator,
                "denominator": end.denominator,
                "rate": rate(*end),
                "status": value.yardstick.judge(end),
            }
            for name, end in (("best", value.bounds.best), ("worst", value.bounds.worst))
        }
        settled_by = list(CATALOGUE[value.metric].settled_by)
        return {"undecided": value.bounds.undecided} | ends | {"settled_by": settled_by}

    @extend_schema_field(AmazonFigureSerializer(allow_null=True))
    def get_amazon(self, value: Value) -> Any:
        figure = self.context["amazon"].get(value.series)
        return AMAZON_FIGURE.to_representation(figure) if figure else None


@extend_schema_serializer(
    examples=[OpenApiExample("Order defect rate", value=examples.METRICS, response_only=True)]
)
class AccountMetricsSerializer(serializers.Serializer[Any]):
    account = serializers.CharField(help_text="The account's ID.")
    as_of = serializers.DateField(help_text="The day of the values.")
    known_at = serializers.DateTimeField(
        help_text="The response uses only data that was known at this moment. Send it as `known_at` to get "
        "the same response again."
    )
    unmatched_defects = serializers.IntegerField(
        help_text="Defects whose order is not loaded yet. They count once the order is loaded."
    )
    retained_from = serializers.DateField(allow_null=True, help_text=RETAINED_FROM)
    metrics = MetricValueSerializer(
        many=True, help_text="One value for each metric, marketplace and channel."
    )


class HistoryPointSerializer(LimitFields, KeywordFields):
    """The value of one day."""

    as_of = serializers.DateField(help_text="The day of the value.")
    from_ = serializers.DateField(source="window.first", help_text="The first day of the window.")
    to = serializers.DateField(source="window.last", help_text="The last day of the window.")
    numerator = serializers.IntegerField(help_text="The count.")
    denominator = serializers.IntegerField(help_text="The denominator.")
    rate = serializers.FloatField(
        allow_null=True, help_text="The numerator divided by the denominator. Null if the denominator is 0."
    )
    meets_target = serializers.BooleanField(
        allow_null=True, help_text="Whether the target is met. Null without a target or without data."
    )
    status = serializers.ChoiceField(choices=STATUSES, help_text="The status on this day.")
    basis = serializers.ChoiceField(choices=BASES, help_text="On whose figure the value stands.")
    target = serializers.SerializerMethodField(help_text="Amazon's target on this day, or null.")
    warning = serializers.SerializerMethodField(help_text="The warning threshold on this day, or null.")


@extend_schema_serializer(examples=[OpenApiExample("One day", value=examples.HISTORY, response_only=True)])
class MetricHistorySerializer(serializers.Serializer[Any]):
    account = serializers.CharField(help_text="The account's ID.")
    metric = serializers.ChoiceField(choices=tuple(CATALOGUE), help_text="The metric's code.")
    marketplace = serializers.ChoiceField(choices=CODES, help_text="ISO country code.")
    channel = serializers.ChoiceField(choices=CHANNELS, help_text="Fulfillment channel.")
    known_at = serializers.DateTimeField(
        help_text="The response uses only data that was known at this moment. Send it as `known_at` to get "
        "the same response again."
    )
    retained_from = serializers.DateField(allow_null=True, help_text=RETAINED_FROM)
    points = HistoryPointSerializer(many=True, help_text="One value a day, oldest first.")
