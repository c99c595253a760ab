"""The shapes of the orders behind a number."""

from typing import Any

from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.marketplaces import CODES
from accounts.requests.fields import ChoiceOrNull, TextOrNull
from metrics.api import examples
from metrics.api.value_serializers import CHANNELS
from metrics.rules import reasons

FUNDERS = ("seller", "amazon")


class DefectSerializer(serializers.Serializer[reasons.Evidence]):
    kind = serializers.ChoiceField(choices=reasons.KINDS)
    state = serializers.CharField()
    rating = serializers.IntegerField(allow_null=True, help_text="Stars, for feedback.")
    occurred_on = serializers.DateField(allow_null=True)
    due_on = serializers.DateField(allow_null=True, help_text="The day by which it should have happened, where there is one.")
    counts = serializers.BooleanField(help_text="Whether it puts the order into the numerator of its metric.")
    reason = serializers.SerializerMethodField(help_text="The rule that says so.")
    reference = TextOrNull(help_text="What tells several defects of one kind apart, such as a claim ID.")
    funded_by = ChoiceOrNull(FUNDERS, help_text="Who paid. It never decides whether a claim counts.")

    def get_reason(self, told: reasons.Evidence) -> str:
        return gettext(told.reason)


@extend_schema_serializer(examples=[OpenApiExample("A defective order", value=examples.ORDER, response_only=True)])
class OrderSerializer(serializers.Serializer[Any]):
    order_id = serializers.CharField(allow_null=True, help_text="Null for a message that belongs to no order.")
    ordered_on = serializers.DateField(allow_null=True)
    marketplace = serializers.ChoiceField(choices=CODES)
    channel = serializers.ChoiceField(choices=CHANNELS)
    counted = serializers.BooleanField(help_text="In the metric's numerator.")
    defects = DefectSerializer(many=True)
    leaves_window_on = serializers.DateField(help_text="The first day whose window no longer holds it.")
    day = serializers.DateField(
        help_text="The day that puts it into the window: order, ship-by, ship, promise, request, message."
    )
    reference = TextOrNull(help_text="The package, request or message, where the metric counts those and not orders.")
