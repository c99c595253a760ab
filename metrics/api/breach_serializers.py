"""Define the request and response bodies of thresholds, breaches, and actions on breaches."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts.marketplaces import CODES
from accounts.models import public_account_id
from accounts.requests.fields import PublicIdField
from api import identifiers
from api.strict_fields import Body, Choice, Contradiction
from metrics.alerts import timeline
from metrics.api import examples
from metrics.api.value_serializers import BASES, CHANNELS, HistoryPointSerializer, TargetSerializer
from metrics.models import Breach, Threshold
from metrics.rules.catalogue.definitions import CATALOGUE
from metrics.rules.judgement import rate

MAX_DAYS = 90
MAX_DENOMINATOR = 1_000_000
MAX_SCORE = 1000
BREACH_EVENT_TYPES = (
    "opened",
    "escalated",
    "resolved",
    "acknowledged",
    "snoozed",
    "assigned",
    "noted",
    "restated",
)
MAX_NOTE_LENGTH = 4000
MAX_SNOOZE = timedelta(days=366)
SET_THRESHOLD = {
    name: value for name, value in examples.THRESHOLD.items() if name not in {"id", "changed_at"}
}
WARN_AT = (
    "The limit that opens a warning: a fraction of 1 for rates, a number for counts and scores. It has "
    "the comparator of Amazon's target (`lt` if there is no target) and must be at least as strict. It "
    "is rounded to six decimal places."
)


class LimitField(serializers.DecimalField):
    """Accept a JSON number, rounded to six decimal places and exact from then on."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_digits=10,
            decimal_places=6,
            min_value=0,
            max_value=MAX_SCORE,
            coerce_to_string=False,
            **kwargs,
        )

    def to_internal_value(self, data: Any) -> Decimal:
        try:
            # By way of its text: Decimal(0.007) would take over the error of the float. Rounded here, because
            # DRF refuses more decimal places than it stores.
            return super().to_internal_value(str(round(Decimal(str(data)), self.decimal_places)))
        except (ArithmeticError, ValueError):
            self.fail("invalid")


@extend_schema_serializer(examples=[OpenApiExample("Threshold", value=SET_THRESHOLD, request_only=True)])
class SetThreshold(Body):
    metric = Choice(choices=tuple(CATALOGUE), help_text="The metric's code.")
    account = serializers.CharField(
        required=False,
        allow_null=True,
        max_length=64,
        help_text="An account's ID (`acct_…`), or null for all accounts.",
    )
    marketplace = Choice(
        choices=CODES,
        required=False,
        allow_null=True,
        help_text="ISO country code, or null for all marketplaces.",
    )
    channel = Choice(
        choices=CHANNELS,
        required=False,
        allow_null=True,
        help_text="Fulfillment channel, or null for all channels.",
    )
    warn_at = LimitField(help_text=WARN_AT)
    clear_at = LimitField(
        required=False,
        allow_null=True,
        help_text=(
            "The limit that must be met to end a warning, at least as strict as `warn_at`. Null stands "
            "for the value of `warn_at`."
        ),
    )
    for_days = serializers.IntegerField(
        default=0,
        min_value=0,
        max_value=MAX_DAYS,
        help_text="Days for which `warn_at` must be missed before a warning opens. 0: immediately.",
    )
    keep_days = serializers.IntegerField(
        default=0,
        min_value=0,
        max_value=MAX_DAYS,
        help_text="Days for which `clear_at` must be met before a warning ends. The end of breaches of "
        "Amazon's target in this scope is delayed by the same number of days.",
    )
    min_denominator = serializers.IntegerField(
        default=0,
        min_value=0,
        max_value=MAX_DENOMINATOR,
        help_text="A value with a smaller denominator is not compared with `warn_at` and `clear_at`.",
    )


@extend_schema_serializer(
    examples=[OpenApiExample("Another limit", value={"warn_at": 0.007, "keep_days": 3}, request_only=True)]
)
class UpdateThreshold(SetThreshold):
    """The new settings of a threshold. The scope can be sent again, but it cannot be changed."""

    metric = Choice(choices=tuple(CATALOGUE), required=False, help_text="The metric's code.")


@extend_schema_serializer(
    examples=[OpenApiExample("Threshold", value=examples.THRESHOLD, response_only=True)]
)
class ThresholdSerializer(serializers.Serializer[Threshold]):
    id = PublicIdField(help_text="The ID.")
    metric = serializers.ChoiceField(choices=tuple(CATALOGUE), help_text="The metric's code.")
    account = serializers.SerializerMethodField(help_text="The account's ID, or null for all accounts.")
    marketplace = serializers.SerializerMethodField(
        help_text="ISO country code, or null for all marketplaces."
    )
    channel = serializers.SerializerMethodField(help_text="Fulfillment channel, or null for all channels.")
    warn_at = serializers.FloatField(help_text="The limit that opens a warning.")
    clear_at = serializers.FloatField(help_text="The limit that must be met to end a warning.")
    for_days = serializers.IntegerField(
        help_text="Days for which `warn_at` must be missed before a warning opens."
    )
    keep_days = serializers.IntegerField(
        help_text="Days for which `clear_at` must be met before a warning ends."
    )
    min_denominator = serializers.IntegerField(
        help_text="A value with a smaller denominator is not compared."
    )
    changed_at = serializers.DateTimeField(source="recorded_at", help_text="When these settings were saved.")

    def get_account(self, threshold: Threshold) -> str | None:
        return public_account_id(threshold.account_id) if threshold.account_id else None

    @extend_schema_field(serializers.ChoiceField(choices=CODES, allow_null=True))
    def get_marketplace(self, threshold: Threshold) -> str | None:
        return threshold.marketplace or None

    @extend_schema_field(serializers.ChoiceField(choices=CHANNELS, allow_null=True))
    def get_channel(self, threshold: Threshold) -> str | None:
        return threshold.channel or None


class PerformedBy(serializers.Serializer[Any]):
    """The API key or user that performed the action."""

    key = serializers.SerializerMethodField(help_text="The ID of the API key or user.")
    name = serializers.CharField(source="key_name", help_text="Its name at that moment.")

    def get_key(self, action: Any) -> str:
        return identifiers.public("key", action.key_id)


class TimelineEntry(serializers.Serializer[timeline.TimelineEntry]):
    """Something that happened to a breach. Fields that do not apply to it are null."""

    at = serializers.DateTimeField(help_text="When it happened.")
    what = serializers.ChoiceField(
        choices=BREACH_EVENT_TYPES,
        help_text="The type of the entry.",
    )
    as_of = serializers.DateField(
        allow_null=True,
        help_text="The day of the value. For a restatement, it is the last day whose value changed.",
    )
    numerator = serializers.IntegerField(allow_null=True, help_text="The numerator of the value.")
    denominator = serializers.IntegerField(allow_null=True, help_text="The denominator of the value.")
    by = PerformedBy(
        allow_null=True,
        help_text="The API key or user that acknowledged, snoozed, assigned or added the note.",
    )
    note = serializers.CharField(allow_null=True, help_text="The text of the note.")
    until = serializers.DateTimeField(
        allow_null=True, help_text="The end of the snooze. Null if the snooze was ended."
    )
    to = serializers.CharField(allow_null=True, help_text="The assignee. Null if the assignment was removed.")
    breach = serializers.CharField(
        source="breach.public_id",
        default=None,
        allow_null=True,
        help_text="The ID of the breach to which a warning escalated.",
    )
    event = serializers.CharField(
        source="event.public_id",
        default=None,
        allow_null=True,
        help_text="The ID of the `metric.restated` event.",
    )


@extend_schema_serializer(examples=[OpenApiExample("Open breach", value=examples.BREACH, response_only=True)])
class BreachSerializer(serializers.Serializer[Breach]):
    id = PublicIdField(help_text="The ID.")
    account = serializers.SerializerMethodField(help_text="The account's ID.")
    metric = serializers.ChoiceField(choices=tuple(CATALOGUE), help_text="The metric's code.")
    marketplace = serializers.ChoiceField(choices=CODES, help_text="ISO country code.")
    channel = serializers.ChoiceField(choices=CHANNELS, help_text="Fulfillment channel.")
    level = serializers.ChoiceField(
        choices=Breach.Level.choices,
        help_text="`breach`: Amazon's target is missed. `warning`: only the warning threshold is missed.",
    )
    status = serializers.ChoiceField(choices=Breach.State.choices, help_text="`open` or `resolved`.")
    opened_at = serializers.DateTimeField(help_text="When it opened.")
    as_of = serializers.DateField(
        help_text="The day whose value opened it. `numerator` and `denominator` never change."
    )
    basis = serializers.ChoiceField(
        choices=BASES,
        help_text="Whose figure missed the limit: `own` for our counts, `amazon_report` for Amazon's own figure.",
    )
    numerator = serializers.IntegerField(help_text="The numerator when it opened.")
    denominator = serializers.IntegerField(help_text="The denominator when it opened.")
    rate = serializers.SerializerMethodField(help_text="The rate when it opened.")
    target = serializers.SerializerMethodField(help_text="The limit that was missed.")
    threshold = serializers.SerializerMethodField(
        help_text=(
            "The ID of the agency's threshold that was missed, or null for Amazon's target and the "
            "default warning."
        )
    )
    stale = serializers.BooleanField(
        source="is_stale",
        help_text="Whether it is open and frozen, because the figure it stands on is stale.",
    )
    escalated_from = serializers.SerializerMethodField(
        help_text="The ID of the warning that escalated to it, or null."
    )
    acknowledged_at = serializers.DateTimeField(allow_null=True, help_text="When it was acknowledged.")
    snoozed_until = serializers.DateTimeField(allow_null=True, help_text="The end of the snooze.")
    assignee = serializers.CharField(
        allow_null=True, help_text="The assignee. Null if the breach is not assigned."
    )
    resolved_at = serializers.DateTimeField(allow_null=True, help_text="When it was resolved.")
    resolved_because = serializers.ChoiceField(
        choices=Breach.Because.choices,
        allow_null=True,
        help_text="`kept`: the limit is met again. `line_changed`: another limit applies. `line_removed`: "
        "the threshold was "
        "deleted.",
    )
    timeline = serializers.SerializerMethodField(
        help_text="The entries of the timeline. Lists contain only the entries that open and end the "
        "breach. `GET /v1/breaches/{breach_id}` returns all entries."
    )

    def get_account(self, breach: Breach) -> str:
        return public_account_id(breach.account_id)

    def get_rate(self, breach: Breach) -> float | None:
        return rate(breach.numerator, breach.denominator)

    @extend_schema_field(TargetSerializer)
    def get_target(self, breach: Breach) -> Any:
        return {
            "comparator": breach.limit.comparator,
            "value": breach.limit.value,
            "source": breach.limit_source,
        }

    def get_threshold(self, breach: Breach) -> str | None:
        return identifiers.public("thr", breach.threshold_id) if breach.threshold_id else None

    def get_escalated_from(self, breach: Breach) -> str | None:
        return identifiers.public("brch", breach.escalated_from_id) if breach.escalated_from_id else None

    def to_representation(self, breach: Breach) -> dict[str, Any]:
        data: dict[str, Any] = super().to_representation(breach)
        return data | {"resolved_because": breach.resolved_because or None}

    @extend_schema_field(TimelineEntry(many=True))
    def get_timeline(self, breach: Breach) -> Any:
        entries: Any = timeline.opening_and_end(breach=breach)
        return TimelineEntry(entries, many=True).data


class BreachDay(HistoryPointSerializer):
    """The value of one day of a breach, as known now."""

    stale = serializers.SerializerMethodField(help_text="Whether the source was stale at the end of the day.")

    def get_stale(self, value: Any) -> bool:
        return bool(self.context["stale"][value.as_of])


@extend_schema_serializer(
    examples=[OpenApiExample("One breach", value=examples.ONE_BREACH, response_only=True)]
)
class BreachDetailSerializer(BreachSerializer):
    days = serializers.SerializerMethodField(
        help_text="The values of the series, as known now, from a week before the breach opened until "
        "it ended. They cover at most the last three years."
    )

    @extend_schema_field(TimelineEntry(many=True))
    def get_timeline(self, breach: Breach) -> Any:
        entries: Any = timeline.query(breach=breach)
        return TimelineEntry(entries, many=True).data

    @extend_schema_field(BreachDay(many=True))
    def get_days(self, breach: Breach) -> Any:
        days = timeline.query_days(account=breach.account, breach=breach, now=self.context["now"])
        stale = {value.as_of: is_stale for value, is_stale in days}
        values: Any = [value for value, _ in days]
        return BreachDay(values, many=True, context={"stale": stale}).data


@extend_schema_serializer(
    examples=[
        OpenApiExample("With a note", value={"note": "Claims are with the carrier."}, request_only=True)
    ]
)
class AcknowledgeBreach(Body):
    note = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=MAX_NOTE_LENGTH,
        default="",
        help_text="A note for the timeline.",
    )


@extend_schema_serializer(
    examples=[OpenApiExample("Until Monday", value={"until": "2026-11-30T08:00:00Z"}, request_only=True)]
)
class SnoozeBreach(Body):
    until = serializers.DateTimeField(
        allow_null=True, help_text="The end of the snooze, at most 366 days from now. Null ends the snooze."
    )

    def validate_until(self, until: datetime | None) -> datetime | None:
        now = self.context["now"]
        if until is not None and not now < until <= now + MAX_SNOOZE:
            raise Contradiction("`until` must be in the future and at most 366 days from now.")
        return until


@extend_schema_serializer(examples=[OpenApiExample("To a person", value={"to": "mei"}, request_only=True)])
class AssignBreach(Body):
    to = serializers.CharField(
        allow_null=True,
        max_length=200,
        help_text="The assignee. Any text is allowed. Null removes the assignment.",
    )


@extend_schema_serializer(
    examples=[OpenApiExample("Note", value={"text": "The carrier paid."}, request_only=True)]
)
class CreateBreachNote(Body):
    text = serializers.CharField(max_length=MAX_NOTE_LENGTH, help_text="The text of the note.")
