"""The shapes of seller accounts."""

from typing import Any

from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.marketplaces import CODES
from accounts.models import AccountStatus, SellerAccount
from accounts.requests.fields import ACCOUNT_ID, PublicIdField
from api.strict_fields import Body

ACCOUNT = {
    "id": ACCOUNT_ID,
    "name": "Nordwind Outdoor",
    "selling_partner_id": "A2NORDWIND7XYZ",
    "home_marketplace": "DE",
    "external_id": "crm-4711",
    "marketplaces": ["DE", "FR"],
    "status": "healthy",
    "amazon_statuses": {"DE": {"status": "NORMAL", "reported_at": "2026-11-22T08:12:00Z"}},
    "distance": 0.3464052287581699,
    "worst_series": {
        "metric": "order_defect_rate",
        "name": "Order Defect Rate",
        "marketplace": "DE",
        "channel": "mfn",
        "numerator": 4,
        "denominator": 612,
        "rate": 0.006535947712418301,
        "target": {"comparator": "lt", "value": 0.01, "source": "default"},
        "status": "healthy",
        "enforced": True,
    },
    "open_breaches": 0,
    "open_warnings": 0,
    "stale": False,
    "created_at": "2026-11-22T09:00:00Z",
}
NEW_ACCOUNT = {key: ACCOUNT[key] for key in ("name", "selling_partner_id", "home_marketplace", "external_id")}


class AmazonStatus(serializers.Serializer[Any]):
    status = serializers.CharField(help_text="NORMAL, AT_RISK, DEACTIVATED, or as Amazon says.")
    reported_at = serializers.DateTimeField()


class TargetOfSeries(serializers.Serializer[Any]):
    comparator = serializers.CharField(help_text="`lt`, `lte`, `gt`, `gte` or `eq`.")
    value = serializers.FloatField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field of the contract


class WorstSeries(serializers.Serializer[Any]):
    """The series of an account that stands worst of those that have a target: enforced ones before others of its status."""

    metric = serializers.CharField()
    name = serializers.SerializerMethodField(help_text="What people call the metric.")
    marketplace = serializers.CharField()
    channel = serializers.CharField()
    numerator = serializers.IntegerField()
    denominator = serializers.IntegerField()
    rate = serializers.FloatField(allow_null=True)
    target = TargetOfSeries()
    status = serializers.ChoiceField(choices=AccountStatus.choices)
    enforced = serializers.BooleanField(help_text="Amazon closes shops over it.")

    def get_name(self, series: dict[str, Any]) -> str:
        return gettext(series["name"])


@extend_schema_serializer(
    examples=[
        OpenApiExample("A new account", value=NEW_ACCOUNT, request_only=True),
        OpenApiExample("An account", value=ACCOUNT, response_only=True),
    ]
)
class AccountSerializer(Body, serializers.ModelSerializer[SellerAccount]):
    id = PublicIdField()
    selling_partner_id = serializers.RegexField(
        r"^[^\u0000-\u0020\u007f-\u00a0\s]+$", max_length=64, error_messages={"invalid": "A selling partner id has no spaces."}
    )
    home_marketplace = serializers.ChoiceField(choices=CODES, help_text="Where it began to sell (ISO country code).")
    status = serializers.ChoiceField(choices=AccountStatus.choices, read_only=True, help_text="The status of its worst series.")
    marketplaces = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Its home and every store it was seen to sell in."
    )
    amazon_statuses = serializers.DictField(
        child=AmazonStatus(),
        read_only=True,
        help_text="By marketplace: the status that Amazon's newest report tells.",
    )
    distance = serializers.FloatField(
        read_only=True,
        allow_null=True,
        help_text="How far its worst series is from the limit: 1 is spotless, 0 at it, below 0 beyond it. Null without data.",
    )
    worst_series = WorstSeries(read_only=True, allow_null=True)
    open_breaches = serializers.IntegerField(read_only=True)
    open_warnings = serializers.IntegerField(read_only=True)
    stale = serializers.SerializerMethodField(help_text="One of its sources was last brought up to date too long ago.")

    class Meta:
        model = SellerAccount
        fields = (
            "id",
            "name",
            "selling_partner_id",
            "home_marketplace",
            "external_id",
            "marketplaces",
            "status",
            "amazon_statuses",
            "distance",
            "worst_series",
            "open_breaches",
            "open_warnings",
            "stale",
            "created_at",
        )
        read_only_fields = ("created_at",)
        extra_kwargs = {"external_id": {"required": False, "help_text": "Your own name for it."}}  # noqa: RUF012

    def get_stale(self, account: SellerAccount) -> bool:
        return account.is_stale(at=self.context["now"])


@extend_schema_serializer(examples=[OpenApiExample("A new name", value={"name": "Nordwind Outdoor GmbH"}, request_only=True)])
class AccountChange(Body, serializers.ModelSerializer[SellerAccount]):
    """What may change of an account: the selling partner and its home never do."""

    class Meta:
        model = SellerAccount
        fields = ("name", "external_id")
