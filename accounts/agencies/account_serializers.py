"""Define the request and response bodies of seller accounts."""

from typing import Any

from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts.marketplaces import CODES
from accounts.models import AccountStatus, SellerAccount
from accounts.requests.fields import ACCOUNT_ID, PublicIdField
from api.strict_fields import Body, Choice, Contradiction, KeywordFields

ACCOUNT = {
    "id": ACCOUNT_ID,
    "name": "Nordwind Outdoor",
    "selling_partner_id": "A2NORDWIND7XYZ",
    "home_marketplace": "DE",
    "external_id": "crm-4711",
    "marketplaces": ["DE", "FR"],
    "status": "healthy",
    "status_decided_by": "series",
    "amazon_statuses": {"DE": {"status": "NORMAL", "reported_at": "2026-11-22T08:12:00Z"}},
    "distance": 0.3464052287581699,
    "worst_series": {
        "metric": "order_defect_rate",
        "name": "Order Defect Rate",
        "marketplace": "DE",
        "channel": "mfn",
        "numerator": 4,
        "denominator": 612,
        "basis": "own",
        "rate": 0.006535947712418301,
        "target": {"comparator": "lt", "value": 0.01, "source": "default"},
        "status": "healthy",
        "enforced": True,
    },
    "account_health_assurance": {
        "DE": {
            "eligible": None,
            "from": "2026-05-24",
            "to": "2026-11-22",
            "days": 183,
            "days_known": 57,
            "days_below": 0,
        }
    },
    "open_breaches": 0,
    "open_warnings": 0,
    "stale": False,
    "created_at": "2026-11-22T09:00:00Z",
    "restorable_until": None,
}
DECIDED_BY = ("series", "amazon_account_status")
NEW_ACCOUNT = {key: ACCOUNT[key] for key in ("name", "selling_partner_id", "home_marketplace", "external_id")}


@extend_schema_field({"$ref": "#/components/schemas/Metric"})
class MetricField(serializers.CharField):
    """Represent the code of a metric.

    An upper layer defines the values of this field and of the next four.
    """


@extend_schema_field({"$ref": "#/components/schemas/Channel"})
class ChannelField(serializers.CharField):
    """Represent a channel."""


@extend_schema_field({"$ref": "#/components/schemas/Comparator"})
class ComparatorField(serializers.CharField):
    """Represent the comparator of a target."""


@extend_schema_field({"$ref": "#/components/schemas/Basis"})
class BasisField(serializers.CharField):
    """Represent on whose figure a value stands."""


@extend_schema_field({"$ref": "#/components/schemas/TargetSource"})
class TargetSourceField(serializers.CharField):
    """Represent the source of a target."""


class PartnerIdField(serializers.RegexField):
    """Accept a selling partner ID."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            r"^[^\u0000-\u0020\u007f-\u00a0\s]+$",
            max_length=64,
            error_messages={"invalid": "A selling partner ID has no spaces."},
            **kwargs,
        )


class AmazonStatus(serializers.Serializer[Any]):
    status = serializers.CharField(
        help_text="`NORMAL`, `AT_RISK`, `DEACTIVATED`, or another status as Amazon reports it."
    )
    reported_at = serializers.DateTimeField(help_text="When Amazon reported it.")


class Assurance(KeywordFields):
    """Whether the account health rating suffices for Amazon's Account Health Assurance: at least 250 for six
    months, with at most 10 days below. Amazon also requires an emergency contact, which no report states."""

    eligible = serializers.BooleanField(
        allow_null=True, help_text="Null if the days without a known rating could change the answer."
    )
    from_ = serializers.DateField(help_text="The first of the days.")
    to = serializers.DateField(help_text="The last of the days.")
    days = serializers.IntegerField(help_text="The number of days.")
    days_known = serializers.IntegerField(help_text="Days with a rating from a report that was not stale.")
    days_below = serializers.IntegerField(help_text="Days with a rating below 250.")


class SeriesTarget(serializers.Serializer[Any]):
    comparator = ComparatorField(
        help_text="How the rate must compare with `value`. With `lt`, it must be strictly below."
    )
    value = serializers.FloatField(help_text="The limit that the rate or count is compared with.")
    source = TargetSourceField(
        help_text=(
            "Where the target comes from. `default`: Amazon's rules. "
            "`amazon_report`: Amazon's report about this series."
        )
    )  # type: ignore[assignment]  # a field of the contract


class WorstSeries(serializers.Serializer[Any]):
    """The series of an account with the worst status. Enforced metrics come before others of the same
    status."""

    metric = MetricField(help_text="The metric, such as `order_defect_rate`.")
    name = serializers.SerializerMethodField(
        help_text="The name of the metric, in the language of the response."
    )
    marketplace = serializers.ChoiceField(choices=CODES)
    channel = ChannelField()
    numerator = serializers.IntegerField()
    denominator = serializers.IntegerField()
    rate = serializers.FloatField(allow_null=True)
    basis = BasisField(default="own", help_text="Whose figure decides the status: `own` or `amazon_report`.")
    target = SeriesTarget()
    status = serializers.ChoiceField(choices=AccountStatus.choices)
    enforced = serializers.BooleanField(
        help_text="Whether Amazon deactivates accounts that miss this target."
    )

    def get_name(self, series: dict[str, Any]) -> str:
        return gettext(series["name"])


@extend_schema_serializer(
    examples=[
        OpenApiExample("New account", value=NEW_ACCOUNT, request_only=True),
        OpenApiExample("Account", value=ACCOUNT, response_only=True),
    ]
)
class AccountSerializer(Body, serializers.ModelSerializer[SellerAccount]):
    id = PublicIdField()
    selling_partner_id = PartnerIdField()
    home_marketplace = Choice(
        choices=CODES, help_text="The marketplace where the account began to sell, as an ISO country code."
    )
    status = serializers.ChoiceField(
        choices=AccountStatus.choices,
        read_only=True,
        help_text="The status of the account's worst series that the agency does not ignore, or that of the "
        "account at Amazon if it is worse.",
    )
    status_decided_by = serializers.SerializerMethodField(
        help_text="`series`: the worst series. `amazon_account_status`: the account's status at Amazon is worse "
        "than every series: AT_RISK or DEACTIVATED."
    )
    marketplaces = serializers.ListField(
        child=serializers.ChoiceField(choices=CODES),
        read_only=True,
        help_text="The home marketplace, and every marketplace in which reports show sales.",
    )
    amazon_statuses = serializers.DictField(
        child=AmazonStatus(),
        read_only=True,
        help_text="The account status in Amazon's latest report, by marketplace.",
    )
    distance = serializers.FloatField(
        read_only=True,
        allow_null=True,
        help_text="How far the worst series is from its target: 1 without defects, 0 at the target, and "
        "negative beyond it. Null without data.",
    )
    worst_series = WorstSeries(read_only=True, allow_null=True)
    account_health_assurance = serializers.DictField(
        child=Assurance(),
        read_only=True,
        help_text="The rating part of Amazon's Account Health Assurance, by marketplace.",
    )
    open_breaches = serializers.IntegerField(
        read_only=True, help_text="The number of open breaches, without warnings."
    )
    open_warnings = serializers.IntegerField(read_only=True, help_text="The number of open warnings.")
    stale = serializers.SerializerMethodField(
        help_text="Whether a source was not updated within its maximum age."
    )
    restorable_until = serializers.DateTimeField(
        source="erased_from",
        read_only=True,
        allow_null=True,
        help_text="If the account is deleted: until when it can be restored. After that its data is erased. "
        "Otherwise null.",
    )

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
            "status_decided_by",
            "amazon_statuses",
            "distance",
            "worst_series",
            "account_health_assurance",
            "open_breaches",
            "open_warnings",
            "stale",
            "created_at",
            "restorable_until",
        )
        read_only_fields = ("created_at",)
        extra_kwargs = {"external_id": {"required": False, "help_text": ("Your own ID for the account.")}}  # noqa: RUF012

    @extend_schema_field(serializers.ChoiceField(choices=DECIDED_BY))
    def get_status_decided_by(self, account: SellerAccount) -> str:
        return "amazon_account_status" if account.decided_by_amazon else "series"

    def get_stale(self, account: SellerAccount) -> bool:
        return account.is_stale(at=self.context["now"])


@extend_schema_serializer(
    examples=[OpenApiExample("New name", value={"name": "Nordwind Outdoor GmbH"}, request_only=True)]
)
class UpdateAccount(Body, serializers.ModelSerializer[SellerAccount]):
    """The fields of an account that can be updated."""

    selling_partner_id = PartnerIdField(
        required=False, help_text="It can be updated until a report is received for the account."
    )
    home_marketplace = Choice(
        choices=CODES,
        required=False,
        help_text="It can be updated until a report is received for the account.",
    )

    class Meta:
        model = SellerAccount
        fields = ("name", "external_id", "selling_partner_id", "home_marketplace")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Misspelt selling partner", value={"selling_partner_id": "A2NORDWIND7XYZ"}, request_only=True
        )
    ]
)
class CorrectAccount(Body):
    """The corrected fields of an account. At least one is required."""

    selling_partner_id = PartnerIdField(required=False, help_text="The right selling partner ID.")
    home_marketplace = Choice(choices=CODES, required=False, help_text="The right home marketplace.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise Contradiction("Expected selling_partner_id, home_marketplace, or both.")
        return attrs
