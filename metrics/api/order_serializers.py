"""Define the response bodies of the orders behind a metric, and of unmatched defects."""

from datetime import date
from typing import Any

from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.response import Response

from accounts.marketplaces import CODES
from accounts.models import public_account_id
from accounts.requests.fields import ChoiceOrNull, TextOrNull
from api import identifiers
from api.pagination import CursorPagination
from metrics.api import examples
from metrics.api.query_params import DEFECT_KINDS
from metrics.api.value_serializers import CHANNELS, RETAINED_FROM
from metrics.drilldown import reasons
from metrics.drilldown.unmatched import UnmatchedDefect

FUNDERS = ("seller", "amazon")


class RetainedPagination(CursorPagination):
    """Add the first day of which values are complete to each page."""

    def __init__(self) -> None:
        super().__init__()
        self.retained_from: date | None = None

    def get_paginated_response(self, data: Any) -> Response:
        response = super().get_paginated_response(data)
        response.data["retained_from"] = self.retained_from
        return response

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        page = super().get_paginated_response_schema(schema)
        page["required"].append("retained_from")
        page["properties"]["retained_from"] = {
            "type": ["string", "null"],
            "format": "date",
            "example": None,
            "description": RETAINED_FROM,
        }
        return page


class DefectSerializer(serializers.Serializer[reasons.Reason]):
    """A defect, package, return request or message, with the reason why it counts or does not count."""

    kind = serializers.ChoiceField(choices=reasons.KINDS, help_text="The kind of the item.")
    state = serializers.CharField(
        help_text="The state that determines whether the item counts, such as `granted`, `late` or "
        "`not_scanned`."
    )
    rating = serializers.IntegerField(allow_null=True, help_text="The stars of a feedback; otherwise null.")
    occurred_on = serializers.DateField(
        allow_null=True, help_text="The day of the defect, shipment, request or answer."
    )
    due_on = serializers.DateField(allow_null=True, help_text="The deadline. Null if the item has none.")
    counts = serializers.BooleanField(help_text="Whether it is counted in the numerator of its metric.")
    reason = serializers.SerializerMethodField(
        help_text="The reason why the item counts or does not count, in the language of the request."
    )
    reference = TextOrNull(
        help_text="The ID that distinguishes several defects of one kind, such as a claim ID."
    )
    funded_by = ChoiceOrNull(
        FUNDERS, help_text="The party that paid the claim. It does not affect whether the claim counts."
    )

    def get_reason(self, reason: reasons.Reason) -> str:
        return gettext(reason.text)


@extend_schema_serializer(
    examples=[OpenApiExample("Defective order", value=examples.ORDER, response_only=True)]
)
class OrderSerializer(serializers.Serializer[Any]):
    order_id = serializers.CharField(
        allow_null=True, help_text="Amazon's order ID. Null for a message that belongs to no order."
    )
    ordered_on = serializers.DateField(
        allow_null=True, help_text="The day of the order in the marketplace's time zone."
    )
    marketplace = serializers.ChoiceField(choices=CODES, help_text="ISO country code.")
    channel = serializers.ChoiceField(choices=CHANNELS, help_text="Fulfillment channel.")
    counted = serializers.BooleanField(help_text="Whether the order is in the metric's numerator.")
    defects = DefectSerializer(many=True, help_text="The reasons why the order counts or does not count.")
    leaves_window_on = serializers.DateField(
        help_text="The first day whose window no longer includes the order."
    )
    day = serializers.DateField(
        help_text="The day that determines whether the order is in the window. Depending on the metric, "
        "this is the day of the order, the ship-by date, the day of the shipment, the "
        "promised date, or the day of the request or message."
    )
    reference = TextOrNull(help_text="The ID of the package, request or message, if the metric counts those.")


@extend_schema_serializer(
    examples=[OpenApiExample("Claim in the wrong account", value=examples.UNMATCHED, response_only=True)]
)
class UnmatchedDefectSerializer(serializers.Serializer[UnmatchedDefect]):
    """A defect whose order or package is not loaded for the account."""

    order_id = serializers.CharField(help_text="Amazon's order ID.")
    kind = serializers.ChoiceField(choices=DEFECT_KINDS, help_text="The kind of the defect.")
    state = serializers.CharField(help_text="The state of the defect, such as `granted` or `listed`.")
    rating = serializers.IntegerField(allow_null=True, help_text="The stars of a feedback; otherwise null.")
    occurred_on = serializers.DateField(allow_null=True, help_text="The day of the defect, if it is known.")
    reference = TextOrNull(
        help_text="The ID that distinguishes several defects of one kind, such as a claim ID."
    )
    missing = serializers.SerializerMethodField(
        help_text="What is not loaded: the `order`, or a `package` of it that its metric can judge."
    )
    found_in = serializers.SerializerMethodField(
        help_text="The ID of another account that has the order. Null if no account that you can see has it."
    )
    report = serializers.SerializerMethodField(help_text="The ID of the report that stated the defect.")
    recorded_at = serializers.DateTimeField(help_text="When this state of the defect was recorded.")

    @extend_schema_field({"type": "string", "enum": ["order", "package"]})
    def get_missing(self, row: UnmatchedDefect) -> str:
        return "order" if row.lacks_order else "package"

    def get_found_in(self, row: UnmatchedDefect) -> str | None:
        return public_account_id(row.found_in) if row.found_in and row.lacks_order else None

    def get_report(self, row: UnmatchedDefect) -> str:
        return identifiers.public("rpt", row.report_id)
