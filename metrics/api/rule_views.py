"""Serve Amazon's rules for metrics."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.marketplaces import CODES
from accounts.requests.fields import TranslatedText
from accounts.requests.views import Resource
from api.strict_fields import Choice, Day, KeywordFields
from api.translation import translate
from metrics.api import query_params
from metrics.api.value_serializers import CHANNELS, LimitSerializer
from metrics.drilldown import metric_rules
from metrics.drilldown.metric_rules import RuleInForce
from metrics.rules.catalogue.definitions import CATALOGUE, UNITS
from metrics.rules.dated_rules import EVERYWHERE
from metrics.rules.judgement import build_limit

EXAMPLE = {
    "data": [
        {
            "metric": "on_time_delivery_rate",
            "name": "On-Time Delivery Rate without promise extension",
            "marketplace": "GB",
            "effective_from": "2026-02-02",
            "effective_to": None,
            "window": {"days": 14, "offset_days": 7},
            "unit": "units",
            "target": {"comparator": "gte", "value": 0.9},
            "channels": ["mfn"],
            "enforced": True,
            "minimum_denominator": 20,
            "tiers": [
                {
                    "from": 0.8,
                    "to": 0.9,
                    "consequence": "Listings are deactivated and can be reactivated immediately.",
                }
            ],
            "consequence": "Amazon deactivates the listings that cause the miss.",
            "limitation": None,
            "source": {
                "title": "Seller forums: On-Time Delivery Rate policy, United Kingdom",
                "url": "https://sellercentral-europe.amazon.com/seller-forums/discussions/t/"
                "3b3da25c-e8e0-4178-a7d0-415704097047",
            },
            "verified": True,
            "checked_on": "2026-11-29",
        }
    ],
    "next_cursor": None,
}


class RuleParams(serializers.Serializer[Any]):
    metric = Choice(
        choices=tuple(CATALOGUE), required=False, help_text="Return only the rules of this metric."
    )
    marketplace = Choice(
        choices=CODES, required=False, help_text="Return the rules that apply in this marketplace."
    )
    on = Day(required=False, help_text="Return only the rules in force on this day.")


class RuleWindow(serializers.Serializer[Any]):
    days = serializers.IntegerField(source="window_days", help_text="The length of the window in days.")
    offset_days = serializers.IntegerField(
        source="window_offset", help_text="Days between the end of the window and the day of the value."
    )


class RuleTier(KeywordFields):
    """What Amazon does with rates from `from` up to, and without, `to`."""

    from_ = serializers.FloatField(source="from_rate", help_text="The lowest rate or score of the tier.")
    to = serializers.FloatField(source="to_rate", help_text="The first rate or score above the tier.")
    consequence = TranslatedText(help_text="What Amazon does.")


class RuleSource(serializers.Serializer[Any]):
    title = serializers.CharField(source="source_title", help_text="The title of the source.")
    url = serializers.SerializerMethodField(help_text="Its address, or null for a rule of our own.")

    def get_url(self, rule: Any) -> str | None:
        return rule.source_url or None


class RuleSerializer(serializers.Serializer[RuleInForce]):
    """One of Amazon's rules, with its source."""

    metric = serializers.ChoiceField(
        choices=tuple(CATALOGUE), source="rule.metric", help_text="The metric's code."
    )
    name = TranslatedText(source="rule.name", help_text="Amazon's name of the metric under this rule.")
    marketplace = serializers.SerializerMethodField(
        help_text="ISO country code, or null for every marketplace without a rule of its own."
    )
    effective_from = serializers.DateField(
        source="rule.effective_from",
        help_text="The first day of the rule; 2000-01-01 if no earlier rule is known.",
    )
    effective_to = serializers.DateField(allow_null=True, help_text="The last day, or null.")
    window = RuleWindow(source="rule", help_text="The days that are counted.")
    unit = serializers.SerializerMethodField(help_text="What the denominator counts.")
    target = serializers.SerializerMethodField(help_text="The target, or null if Amazon sets none.")
    channels = serializers.SerializerMethodField(help_text="The channels in which the metric is judged.")
    enforced = serializers.BooleanField(
        source="rule.enforced", help_text="Whether Amazon acts if the target is missed."
    )
    minimum_denominator = serializers.SerializerMethodField(
        help_text="The number from which Amazon judges the metric, or null. A smaller value is `below_minimum`."
    )
    tiers = RuleTier(
        source="rule.tiers",
        many=True,
        help_text="The consequences by the size of the miss, if Amazon states them.",
    )
    consequence = serializers.SerializerMethodField(help_text="What Amazon does if the target is missed.")
    limitation = serializers.SerializerMethodField(
        help_text="What of the rule our counts cannot follow, or null."
    )
    source = RuleSource(source="rule", help_text="Where the rule is stated.")  # type: ignore[assignment]
    verified = serializers.BooleanField(
        source="rule.verified", help_text="Whether a page of Amazon's confirms the whole rule."
    )
    checked_on = serializers.DateField(
        source="rule.checked_on", help_text="The day on which the rule was last compared with its source."
    )

    @extend_schema_field(serializers.ChoiceField(choices=CODES, allow_null=True))
    def get_marketplace(self, each: RuleInForce) -> str | None:
        return None if each.marketplace == EVERYWHERE else each.marketplace

    @extend_schema_field(serializers.ChoiceField(choices=UNITS))
    def get_unit(self, each: RuleInForce) -> str:
        metric = CATALOGUE[each.rule.metric]
        return "units" if each.rule.counts_units else metric.unit

    @extend_schema_field(LimitSerializer(allow_null=True))
    def get_target(self, each: RuleInForce) -> dict[str, Any] | None:
        rule = each.rule
        limit = build_limit(rule.comparator, rule.limit_numerator, rule.limit_denominator)
        return {"comparator": limit.comparator, "value": limit.value} if limit else None

    @extend_schema_field(serializers.ListField(child=serializers.ChoiceField(choices=CHANNELS)))
    def get_channels(self, each: RuleInForce) -> list[str]:
        return [channel.value for channel in CATALOGUE[each.rule.metric].channels]

    def get_minimum_denominator(self, each: RuleInForce) -> int | None:
        return each.rule.minimum_denominator or None

    def get_consequence(self, each: RuleInForce) -> str | None:
        return translate(each.rule.consequence) or None

    def get_limitation(self, each: RuleInForce) -> str | None:
        return translate(each.rule.limitation) or None


@extend_schema_serializer(examples=[OpenApiExample("One rule", value=EXAMPLE, response_only=True)])
class RuleList(serializers.Serializer[Any]):
    """Amazon's rules."""

    data = RuleSerializer(many=True, help_text="The rules.")  # type: ignore[assignment]  # name of a field
    next_cursor = serializers.CharField(
        allow_null=True, help_text="Always null, because the list has only one page."
    )


class Rules(Resource):
    @extend_schema(
        operation_id="listRules",
        summary="List Amazon's rules",
        description="Returns the dated rules by which values are judged: window, unit, target, enforcement and "
        "consequences, each with its source and the day on which it was last checked. A past day is judged by "
        "the rule of that day.",
        tags=["Metrics"],
        parameters=[RuleParams],
        responses=RuleList,
    )
    def get(self, request: Request) -> Response:
        rules = metric_rules.query(**query_params.parse(RuleParams, request))
        return Response(RuleList({"data": rules, "next_cursor": None}).data)
