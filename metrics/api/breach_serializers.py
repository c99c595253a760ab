"""The shapes of thresholds, of breaches, and of what people do about them."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts.marketplaces import CODES
from accounts.models import public_account_id
from accounts.requests.fields import PublicIdField
from api import identifiers
from api.strict_fields import Body, Contradiction
from metrics.alerts import timeline
from metrics.alerts.timeline import Moment
from metrics.api import examples
from metrics.api.value_serializers import CHANNELS, PointSerializer, TargetSerializer
from metrics.models import Breach, Threshold
from metrics.rules.definitions import CATALOGUE
from metrics.rules.judgement import rate

MOST_DAYS = 90
MOST_ORDERS = 1_000_000
HIGHEST_SCORE = 1000
HAPPENINGS = ("opened", "escalated", "resolved", "acknowledged", "snoozed", "assigned", "noted", "restated")
ASKED = {name: value for name, value in examples.THRESHOLD.items() if name not in {"id", "changed_at"}}


class LineField(serializers.DecimalField):
    """A JSON number, taken to six decimal places, and then exactly."""

    def to_internal_value(self, data: Any) -> Decimal:
        try:
            return super().to_internal_value(str(round(Decimal(str(data)), self.decimal_places)))
        except (ArithmeticError, ValueError):
            self.fail("invalid")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=10, decimal_places=6, min_value=0, max_value=HIGHEST_SCORE, coerce_to_string=False, **kwargs)


@extend_schema_serializer(examples=[OpenApiExample("A line of your own", value=ASKED, request_only=True)])
class ThresholdAsked(Body):
    metric = serializers.ChoiceField(choices=tuple(CATALOGUE))
    account = serializers.CharField(
        required=False, allow_null=True, max_length=64, help_text="Of this account (acct_…); null: of all."
    )
    marketplace = serializers.ChoiceField(choices=CODES, required=False, allow_null=True, help_text="Null: in every store.")
    channel = serializers.ChoiceField(choices=CHANNELS, required=False, allow_null=True, help_text="Null: in every channel.")
    warn_at = LineField(
        help_text="Compared as Amazon's target is (`lt` where there is none), and at least as strict. To six decimal places."
    )
    clear_at = LineField(required=False, allow_null=True, help_text="What ends a warning; null: `warn_at` is kept again.")
    for_days = serializers.IntegerField(default=0, min_value=0, max_value=MOST_DAYS)
    keep_days = serializers.IntegerField(
        default=0, min_value=0, max_value=MOST_DAYS, help_text="Also of breaches of Amazon's target in this scope."
    )
    min_denominator = serializers.IntegerField(default=0, min_value=0, max_value=MOST_ORDERS)


@extend_schema_serializer(examples=[OpenApiExample("Another line", value={"warn_at": 0.007, "keep_days": 3}, request_only=True)])
class ThresholdChange(ThresholdAsked):
    """What a threshold asks for from now on. Its scope is what it is: it may be repeated, and is never changed."""

    metric = serializers.ChoiceField(choices=tuple(CATALOGUE), required=False)


@extend_schema_serializer(examples=[OpenApiExample("A line of your own", value=examples.THRESHOLD, response_only=True)])
class ThresholdSerializer(serializers.Serializer[Threshold]):
    id = PublicIdField()
    metric = serializers.ChoiceField(choices=tuple(CATALOGUE))
    account = serializers.SerializerMethodField()
    marketplace = serializers.SerializerMethodField()
    channel = serializers.SerializerMethodField()
    warn_at = serializers.FloatField()
    clear_at = serializers.FloatField()
    for_days = serializers.IntegerField()
    keep_days = serializers.IntegerField()
    min_denominator = serializers.IntegerField()
    changed_at = serializers.DateTimeField(source="recorded_at")

    def get_account(self, threshold: Threshold) -> str | None:
        return public_account_id(threshold.account_id) if threshold.account_id else None

    @extend_schema_field(serializers.ChoiceField(choices=CODES, allow_null=True))
    def get_marketplace(self, threshold: Threshold) -> str | None:
        return threshold.marketplace or None

    @extend_schema_field(serializers.ChoiceField(choices=CHANNELS, allow_null=True))
    def get_channel(self, threshold: Threshold) -> str | None:
        return threshold.channel or None


class ByKey(serializers.Serializer[Any]):
    """The key that it was done with."""

    key = serializers.SerializerMethodField()
    name = serializers.CharField(source="key_name")

    def get_key(self, action: Any) -> str:
        return identifiers.public("key", action.key_id)


class BreachMoment(serializers.Serializer[Moment]):
    """What happened; null is what does not go with it."""

    at = serializers.DateTimeField()
    what = serializers.ChoiceField(choices=HAPPENINGS)
    as_of = serializers.DateField(allow_null=True, help_text="Of a restatement: the last day that reads otherwise.")
    numerator = serializers.IntegerField(allow_null=True)
    denominator = serializers.IntegerField(allow_null=True)
    by = ByKey(allow_null=True)
    note = serializers.CharField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True, help_text="Until when it is snoozed; null: no longer.")
    to = serializers.CharField(allow_null=True, help_text="Whom it is assigned to; null: nobody.")
    breach = serializers.CharField(
        source="breach.public_id", default=None, allow_null=True, help_text="What a warning escalated to."
    )
    event = serializers.CharField(source="event.public_id", default=None, allow_null=True, help_text="The restatement.")


@extend_schema_serializer(examples=[OpenApiExample("An open breach", value=examples.BREACH, response_only=True)])
class BreachSerializer(serializers.Serializer[Breach]):
    id = PublicIdField()
    account = serializers.SerializerMethodField()
    metric = serializers.ChoiceField(choices=tuple(CATALOGUE))
    marketplace = serializers.ChoiceField(choices=CODES)
    channel = serializers.ChoiceField(choices=CHANNELS)
    level = serializers.ChoiceField(
        choices=Breach.Level.choices, help_text="`breach`: Amazon's target is missed. `warning`: the line before it."
    )
    status = serializers.ChoiceField(choices=Breach.State.choices)
    opened_at = serializers.DateTimeField()
    as_of = serializers.DateField(help_text="The day it was seen on; figures are those of that moment, for ever.")
    numerator = serializers.IntegerField()
    denominator = serializers.IntegerField()
    rate = serializers.SerializerMethodField()
    target = serializers.SerializerMethodField()
    threshold = serializers.SerializerMethodField(help_text="The agency's own line that it missed, or null.")
    stale = serializers.BooleanField(source="is_stale", help_text="It is open, and frozen: its source is silent.")
    escalated_from = serializers.SerializerMethodField(help_text="The warning that was open before it.")
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    snoozed_until = serializers.DateTimeField(allow_null=True)
    assignee = serializers.CharField(allow_null=True)
    resolved_at = serializers.DateTimeField(allow_null=True)
    resolved_because = serializers.ChoiceField(
        choices=Breach.Because.choices, allow_null=True, help_text="The line was kept again, or taken away."
    )
    timeline = serializers.SerializerMethodField(help_text="In lists, how it opened and ended; of one breach, everything.")

    def get_account(self, breach: Breach) -> str:
        return public_account_id(breach.account_id)

    def get_rate(self, breach: Breach) -> float | None:
        return rate(breach.numerator, breach.denominator)

    @extend_schema_field(TargetSerializer)
    def get_target(self, breach: Breach) -> Any:
        return {"comparator": breach.limit.comparator, "value": breach.limit.value, "source": breach.limit_source}

    def get_threshold(self, breach: Breach) -> str | None:
        return identifiers.public("thr", breach.threshold_id) if breach.threshold_id else None

    def get_escalated_from(self, breach: Breach) -> str | None:
        return identifiers.public("brch", breach.escalated_from_id) if breach.escalated_from_id else None

    def to_representation(self, breach: Breach) -> dict[str, Any]:
        told: dict[str, Any] = super().to_representation(breach)
        return told | {"resolved_because": breach.resolved_because or None}

    @extend_schema_field(BreachMoment(many=True))
    def get_timeline(self, breach: Breach) -> Any:
        found: Any = timeline.ends(breach=breach)
        return BreachMoment(found, many=True).data


class BreachDay(PointSerializer):
    stale = serializers.SerializerMethodField(help_text="At the end of that day its source had been silent for too long.")

    def get_stale(self, value: Any) -> bool:
        return bool(self.context["stale"][value.as_of])


@extend_schema_serializer(examples=[OpenApiExample("One breach", value=examples.ONE_BREACH, response_only=True)])
class OneBreachSerializer(BreachSerializer):
    days = serializers.SerializerMethodField(
        help_text="The series from a week before it opened until it ended, as known now; of the last three years."
    )

    @extend_schema_field(BreachMoment(many=True))
    def get_timeline(self, breach: Breach) -> Any:
        found: Any = timeline.moments(breach=breach)
        return BreachMoment(found, many=True).data

    @extend_schema_field(BreachDay(many=True))
    def get_days(self, breach: Breach) -> Any:
        found = timeline.days(account=breach.account, breach=breach, now=self.context["now"])
        stale = {value.as_of: is_stale for value, is_stale in found}
        days: Any = [value for value, _ in found]
        return BreachDay(days, many=True, context={"stale": stale}).data


LONGEST_NOTE = 4000
LONGEST_SNOOZE = timedelta(days=366)


@extend_schema_serializer(
    examples=[OpenApiExample("With a note", value={"note": "Claims are with the carrier."}, request_only=True)]
)
class Acknowledgement(Body):
    note = serializers.CharField(required=False, allow_blank=True, max_length=LONGEST_NOTE, default="")


@extend_schema_serializer(examples=[OpenApiExample("Until Monday", value={"until": "2026-11-30T08:00:00Z"}, request_only=True)])
class Snooze(Body):
    until = serializers.DateTimeField(allow_null=True, help_text="To come, within a year; null: no longer.")

    def validate_until(self, until: datetime | None) -> datetime | None:
        now = self.context["now"]
        if until is not None and not now < until <= now + LONGEST_SNOOZE:
            raise Contradiction("A moment to come, at most a year from now.")
        return until


@extend_schema_serializer(examples=[OpenApiExample("To somebody", value={"to": "mei"}, request_only=True)])
class Assignment(Body):
    to = serializers.CharField(allow_null=True, max_length=200, help_text="Whoever you like; null: nobody.")


@extend_schema_serializer(examples=[OpenApiExample("A note", value={"text": "The carrier paid."}, request_only=True)])
class Note(Body):
    text = serializers.CharField(max_length=LONGEST_NOTE)
