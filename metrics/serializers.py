"""The shapes of numbers, of the orders behind them, and of breaches."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts.models import public_account_id
from accounts.serializers import PublicIdField
from metrics import examples
from metrics.definitions import CATALOGUE
from metrics.facts import Channel, DefectKind
from metrics.judgement import Comparator, Status, rate
from metrics.models import Breach
from metrics.values import Value

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
    source = serializers.ChoiceField(choices=["default", "amazon_report", "custom"])  # type: ignore[assignment]  # a field of the contract


class BudgetSerializer(serializers.Serializer[Any]):
    allowed = serializers.IntegerField(help_text="Most defective orders that still meet the target in this window.")
    left = serializers.IntegerField(help_text="How many more it bears; below 0 it is over.")


class AmazonFigure(serializers.Serializer[Any]):
    """What Amazon itself reported."""

    rate = serializers.FloatField(allow_null=True)
    status = serializers.CharField(allow_null=True)
    vars()["from"] = serializers.DateField(allow_null=True)
    to = serializers.DateField(allow_null=True)
    reported_at = serializers.DateTimeField()


class ValueSerializer(serializers.Serializer[Value]):
    metric = serializers.ChoiceField(choices=tuple(CATALOGUE))
    name = serializers.SerializerMethodField(help_text="What people call it.")
    marketplace = serializers.CharField()
    channel = serializers.ChoiceField(choices=CHANNELS)
    window = WindowSerializer()
    numerator = serializers.IntegerField()
    denominator = serializers.IntegerField()
    rate = serializers.FloatField(allow_null=True, help_text="For people; null where there are no orders.")
    parts = PartsSerializer(allow_null=True)
    target = serializers.SerializerMethodField()
    meets_target = serializers.BooleanField(allow_null=True)
    status = serializers.ChoiceField(choices=STATUSES)
    stale = serializers.SerializerMethodField(help_text="Its orders were last brought up to date too long ago.")
    enforced = serializers.SerializerMethodField(help_text="Amazon closes shops over it.")
    budget = BudgetSerializer(allow_null=True)
    amazon = serializers.SerializerMethodField()

    def get_name(self, value: Value) -> str:
        return CATALOGUE[value.metric].title

    @extend_schema_field(TargetSerializer(allow_null=True))
    def get_target(self, value: Value) -> dict[str, Any] | None:
        limit = value.limit
        return {"comparator": limit.comparator, "value": limit.value, "source": "default"} if limit else None

    def get_stale(self, value: Value) -> bool:
        return CATALOGUE[value.metric].source in self.context["stale_sources"]

    def get_enforced(self, value: Value) -> bool:
        return CATALOGUE[value.metric].enforced

    @extend_schema_field(AmazonFigure(allow_null=True))
    def get_amazon(self, value: Value) -> None:
        return None


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


class PointSerializer(serializers.Serializer[Value]):
    as_of = serializers.DateField()
    vars()["from"] = serializers.DateField(source="window.first")
    to = serializers.DateField(source="window.last")
    numerator = serializers.IntegerField()
    denominator = serializers.IntegerField()
    rate = serializers.FloatField(allow_null=True)
    meets_target = serializers.BooleanField(allow_null=True)


@extend_schema_serializer(examples=[OpenApiExample("One day", value=examples.HISTORY, response_only=True)])
class HistoryAnswer(serializers.Serializer[Any]):
    account = serializers.CharField()
    metric = serializers.CharField()
    marketplace = serializers.CharField()
    channel = serializers.CharField()
    known_at = serializers.DateTimeField()
    points = PointSerializer(many=True)


class DefectSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=[each.value for each in DefectKind])
    state = serializers.CharField()
    rating = serializers.IntegerField(allow_null=True, help_text="Stars, for feedback.")
    occurred_on = serializers.DateField(allow_null=True)
    counts = serializers.BooleanField(help_text="Whether Amazon counts it into the order defect rate.")
    reason = serializers.CharField(help_text="The rule that says so.")
    reference = serializers.CharField(allow_blank=True)
    funded_by = serializers.CharField(allow_blank=True, help_text="Who paid. It never decides whether a claim counts.")


@extend_schema_serializer(examples=[OpenApiExample("A defective order", value=examples.ORDER, response_only=True)])
class OrderSerializer(serializers.Serializer[Any]):
    order_id = serializers.CharField()
    ordered_on = serializers.DateField()
    marketplace = serializers.CharField()
    channel = serializers.ChoiceField(choices=CHANNELS)
    counted = serializers.BooleanField(help_text="In the metric's numerator.")
    defects = DefectSerializer(many=True)
    leaves_window_on = serializers.DateField(help_text="The first day whose window no longer holds the order.")


class BreachMoment(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    what = serializers.ChoiceField(choices=["opened", "resolved"])
    as_of = serializers.DateField()
    numerator = serializers.IntegerField()
    denominator = serializers.IntegerField()


@extend_schema_serializer(examples=[OpenApiExample("An open breach", value=examples.BREACH, response_only=True)])
class BreachSerializer(serializers.Serializer[Breach]):
    id = PublicIdField()
    account = serializers.SerializerMethodField()
    metric = serializers.CharField()
    marketplace = serializers.CharField()
    channel = serializers.ChoiceField(choices=CHANNELS)
    level = serializers.ChoiceField(choices=Breach.Level.choices)
    status = serializers.ChoiceField(choices=Breach.State.choices)
    opened_at = serializers.DateTimeField()
    as_of = serializers.DateField(help_text="The day it was seen on; figures are those of that moment, for ever.")
    numerator = serializers.IntegerField()
    denominator = serializers.IntegerField()
    rate = serializers.SerializerMethodField()
    target = LimitSerializer(source="limit")
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    snoozed_until = serializers.DateTimeField(allow_null=True)
    resolved_at = serializers.DateTimeField(allow_null=True)
    timeline = serializers.SerializerMethodField()

    def get_account(self, breach: Breach) -> str:
        return public_account_id(breach.account_id)

    def get_rate(self, breach: Breach) -> float | None:
        return rate(breach.numerator, breach.denominator)

    @extend_schema_field(BreachMoment(many=True))
    def get_timeline(self, breach: Breach) -> Any:
        moments = [
            {
                "at": breach.opened_at,
                "what": "opened",
                "as_of": breach.as_of,
                "numerator": breach.numerator,
                "denominator": breach.denominator,
            }
        ]
        if breach.resolved_at:
            moments.append(
                {
                    "at": breach.resolved_at,
                    "what": "resolved",
                    "as_of": breach.resolved_as_of,
                    "numerator": breach.resolved_numerator,
                    "denominator": breach.resolved_denominator,
                }
            )
        return BreachMoment(moments, many=True).data
