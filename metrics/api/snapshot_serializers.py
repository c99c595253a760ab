"""Define the response bodies of Amazon's account health reports as they were received."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts.marketplaces import CODES
from accounts.models import public_account_id
from accounts.requests.fields import PublicIdField, TextOrNull
from api import identifiers
from api.strict_fields import KeywordFields
from metrics.api import examples
from metrics.api.value_serializers import CHANNELS, LimitSerializer
from metrics.models import ReportedFigure, Snapshot
from metrics.rules.catalogue.definitions import CATALOGUE
from metrics.rules.judgement import build_limit

# One serializer for all figures: DRF copies the fields for each new one.
LIMIT = LimitSerializer()


class SnapshotFigure(KeywordFields):
    """One figure as Amazon's report states it."""

    metric = serializers.ChoiceField(choices=tuple(CATALOGUE), help_text="The metric's code.")
    channel = serializers.ChoiceField(choices=CHANNELS, help_text="Fulfillment channel.")
    from_ = serializers.DateField(
        source="first_on", allow_null=True, help_text="The first day of Amazon's window."
    )
    to = serializers.DateField(
        source="last_on", allow_null=True, help_text="The last day of Amazon's window."
    )
    numerator = serializers.IntegerField(allow_null=True, help_text="Amazon's count.")
    denominator = serializers.IntegerField(allow_null=True, help_text="Amazon's count.")
    rate = serializers.FloatField(
        allow_null=True, help_text="Amazon's rate. It may differ from `numerator / denominator`."
    )
    status = TextOrNull(
        help_text="Amazon's status, such as GOOD, BAD, AT_RISK or NONE. Null if the report states none."
    )
    target = serializers.SerializerMethodField(help_text="The target that the report states, or null.")
    flags = serializers.ListField(
        child=serializers.CharField(), help_text="Contradictions within the figure."
    )

    @extend_schema_field(LimitSerializer(allow_null=True))
    def get_target(self, figure: ReportedFigure) -> Any:
        limit = build_limit(figure.comparator, figure.limit_numerator, figure.limit_denominator)
        return LIMIT.to_representation(limit) if limit else None


@extend_schema_serializer(
    examples=[OpenApiExample("One marketplace", value=examples.SNAPSHOT, response_only=True)]
)
class SnapshotSerializer(serializers.Serializer[Snapshot]):
    id = PublicIdField(help_text="The ID.")
    account = serializers.SerializerMethodField(help_text="The account's ID.")
    report = serializers.SerializerMethodField(help_text="The ID of the report that contained it.")
    marketplace = serializers.ChoiceField(choices=CODES, help_text="ISO country code.")
    account_status = TextOrNull(
        help_text="Amazon's account status: NORMAL, AT_RISK or DEACTIVATED. Null if the report states none."
    )
    reported_at = serializers.DateTimeField(help_text="The moment that the report describes.")
    recorded_at = serializers.DateTimeField(help_text="When the figures became known to Underone.")
    figures = serializers.SerializerMethodField(help_text="The figures in the report.")
    document = serializers.JSONField(help_text="The marketplace's part of the report, unchanged.")

    def get_account(self, snapshot: Snapshot) -> str:
        return public_account_id(snapshot.account_id)

    def get_report(self, snapshot: Snapshot) -> str:
        return identifiers.public("rpt", snapshot.report_id)

    @extend_schema_field(SnapshotFigure(many=True))
    def get_figures(self, snapshot: Snapshot) -> Any:
        figures: Any = self.context["figures"][snapshot.pk]
        return SnapshotFigure(figures, many=True).data
