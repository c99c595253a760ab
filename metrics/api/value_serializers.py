"""The shapes of a series on a day and over days."""

from typing import Any

from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts.marketplaces import CODES
from api import identifiers
from metrics.api import examples
from metrics.pipeline.amazon_reported import Figure
from metrics.rules import explanations
from metrics.rules.definitions import CATALOGUE
from metrics.rules.facts import Channel
from metrics.rules.judgement import Comparator, Status, meets, rate
from metrics.rules.series import LINE_SOURCES, Line, Value

CHANNELS = [each.value for each in Channel]
COMPARATORS = [each.value for each in Comparator]
STATUSES = [each.value for each in Status]


class WindowSerializer(serializers.Serializer[Any]):
    vars()["from"] = serializers.DateField(source="first", help_text="First order day, included.")
    to = serializers.DateField(source="last", help_text="Last order day, included.")
    days = serializers.IntegerField()
    offset_days = serializers.IntegerField(source="offset", help_text="Days between the window's end and `as_of`.")


class PartsSerializer(serializers.Serializer[Any]):
    """Orders with that defect. An order may be in several; they are never summed into the rate."""

    negative_feedback = serializers.IntegerField()
    a_to_z_claims = serializers.IntegerField()
    chargebacks = serializers.IntegerField()


class LimitSerializer(serializers.Serializer[Any]):
    comparator = serializers.ChoiceField(choices=COMPARATORS, help_text="`lt`: met only strictly below the value.")
    value = serializers.FloatField()


class TargetSerializer(LimitSerializer):
    source = serializers.ChoiceField(choices=LINE_SOURCES)  # type: ignore[assignment]  # a field of the contract


class LineSerializer(TargetSerializer):
    """The warning line before the target: missed, a series is at risk."""

    value = serializers.FloatField(source="limit.value")
    comparator = serializers.ChoiceField(choices=COMPARATORS, source="limit.comparator")
    threshold = serializers.SerializerMethodField(help_text="Whose line it is: `thr_…`, or null for the usual one.")
    clear_at = serializers.FloatField(source="clear.value", help_text="What has to be kept for a warning to end.")
    for_days = serializers.IntegerField(help_text="How many days it is missed before a warning opens.")
    keep_days = serializers.IntegerField(help_text="How many days it is kept before an episode ends.")
    min_denominator = serializers.IntegerField(help_text="Of fewer than these nothing is judged by this line.")

    def get_threshold(self, line: Line) -> str | None:
        return identifiers.public("thr", line.threshold) if line.threshold else None


class Judged:
    """The lines that a value is judged by on its day: `target` is Amazon's, always; `warning` is what comes before it."""

    @extend_schema_field(TargetSerializer(allow_null=True))
    def get_target(self, value: Value) -> dict[str, Any] | None:
        limit = value.limit
        return {"comparator": limit.comparator, "value": limit.value, "source": value.limit_source} if limit else None

    @extend_schema_field(LineSerializer(allow_null=True))
    def get_warning(self, value: Value) -> Any:
        return LineSerializer(value.line).data if value.line else None


class BudgetSerializer(serializers.Serializer[Any]):
    allowed = serializers.IntegerField(help_text="Most defective orders that still meet the target in this window.")
    left = serializers.IntegerField(help_text="How many more it bears; below 0 it is over.")


class OursOnTheirDays(serializers.Serializer[Any]):
    """Our counts over exactly the days of Amazon's figure."""

    numerator = serializers.IntegerField()
    denominator = serializers.IntegerField()
    rate = serializers.FloatField(allow_null=True)
    meets_target = serializers.BooleanField(allow_null=True, help_text="Whether they meet the target that the report states.")


class AmazonFigure(serializers.Serializer[Figure]):
    """What Amazon itself reported. Amazon's rate and status are as told, also where they contradict its counts: see `flags`."""

    rate = serializers.FloatField(allow_null=True)
    status = serializers.CharField(allow_null=True, help_text="Amazon's word: GOOD, BAD, AT_RISK, NONE, …")
    vars()["from"] = serializers.DateField(source="first_on", allow_null=True)
    to = serializers.DateField(source="last_on", allow_null=True)
    reported_at = serializers.DateTimeField()
    numerator = serializers.IntegerField(allow_null=True)
    denominator = serializers.IntegerField(allow_null=True)
    target = LimitSerializer(allow_null=True)
    flags = serializers.ListField(child=serializers.CharField(), help_text="What contradicts itself in the report.")
    ours = serializers.SerializerMethodField()

    @extend_schema_field(OursOnTheirDays(allow_null=True))
    def get_ours(self, figure: Figure) -> dict[str, Any] | None:
        if figure.ours is None:
            return None
        return {
            "numerator": figure.ours[0],
            "denominator": figure.ours[1],
            "rate": rate(*figure.ours),
            "meets_target": meets(*figure.ours, figure.target) if figure.target else None,
        }


class ValueSerializer(Judged, serializers.Serializer[Value]):
    metric = serializers.ChoiceField(choices=tuple(CATALOGUE))
    name = serializers.SerializerMethodField(help_text="What people call it.")
    marketplace = serializers.ChoiceField(choices=CODES)
    channel = serializers.ChoiceField(choices=CHANNELS)
    window = WindowSerializer()
    numerator = serializers.IntegerField(help_text="Of a counter that only Amazon reports: the count.")
    denominator = serializers.IntegerField(help_text="Of a counter that only Amazon reports: 1.")
    rate = serializers.FloatField(allow_null=True, help_text="For people; null where there is nothing to count.")
    parts = PartsSerializer(allow_null=True)
    target = serializers.SerializerMethodField(help_text="Amazon's. It is judged always, whatever lines an agency draws.")
    warning = serializers.SerializerMethodField(help_text="The line before it: missed, the series is at risk.")
    meets_target = serializers.BooleanField(allow_null=True)
    status = serializers.ChoiceField(choices=STATUSES)
    stale = serializers.SerializerMethodField(help_text="Its source was last brought up to date too long ago.")
    enforced = serializers.BooleanField(help_text="Amazon closes shops over it.")
    budget = BudgetSerializer(allow_null=True)
    amazon = serializers.SerializerMethodField()
    explanation = serializers.SerializerMethodField(help_text="What is counted, in a sentence or two.")
    unexplained = serializers.IntegerField(
        allow_null=True,
        help_text="Of pre_fulfillment_cancel_rate: cancelled orders of which nothing tells who cancelled. They are not in the "
        "rate.",
    )

    def get_name(self, value: Value) -> str:
        return gettext(value.name)

    def get_explanation(self, value: Value) -> str:
        return gettext(explanations.OF[value.metric])

    def get_stale(self, value: Value) -> bool:
        return CATALOGUE[value.metric].source in self.context["stale_sources"]

    @extend_schema_field(AmazonFigure(allow_null=True))
    def get_amazon(self, value: Value) -> Any:
        figure = self.context["amazon"].get(value.series)
        return AmazonFigure(figure).data if figure else None


@extend_schema_serializer(examples=[OpenApiExample("One series", value=examples.METRICS, response_only=True)])
class MetricsAnswer(serializers.Serializer[Any]):
    account = serializers.CharField()
    as_of = serializers.DateField()
    known_at = serializers.DateTimeField(
        help_text="The last moment at which anything that this answer saw was learned. Ask with it again for the same answer."
    )
    unmatched_defects = serializers.IntegerField(
        help_text="Defects whose order was not loaded yet. They count by themselves when it is."
    )
    metrics = ValueSerializer(many=True)


class PointSerializer(Judged, serializers.Serializer[Value]):
    as_of = serializers.DateField()
    vars()["from"] = serializers.DateField(source="window.first")
    to = serializers.DateField(source="window.last")
    numerator = serializers.IntegerField()
    denominator = serializers.IntegerField()
    rate = serializers.FloatField(allow_null=True)
    meets_target = serializers.BooleanField(allow_null=True)
    status = serializers.ChoiceField(choices=STATUSES)
    target = serializers.SerializerMethodField()
    warning = serializers.SerializerMethodField()


@extend_schema_serializer(examples=[OpenApiExample("One day", value=examples.HISTORY, response_only=True)])
class HistoryAnswer(serializers.Serializer[Any]):
    account = serializers.CharField()
    metric = serializers.ChoiceField(choices=tuple(CATALOGUE))
    marketplace = serializers.ChoiceField(choices=CODES)
    channel = serializers.ChoiceField(choices=CHANNELS)
    known_at = serializers.DateTimeField()
    points = PointSerializer(many=True)
