"""The shapes of what Amazon reported."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts.marketplaces import CODES
from accounts.models import public_account_id
from accounts.requests.fields import PublicIdField, TextOrNull
from api import identifiers
from metrics.api import examples
from metrics.api.value_serializers import CHANNELS, LimitSerializer
from metrics.models import ReportedFigure, Snapshot
from metrics.rules.definitions import CATALOGUE
from metrics.rules.judgement import limit_of


class FigureOfSnapshot(serializers.Serializer[ReportedFigure]):
    """One figure as Amazon's report states it. `numerator / denominator` is our quotient of Amazon's own counts."""

    metric = serializers.ChoiceField(choices=tuple(CATALOGUE))
    channel = serializers.ChoiceField(choices=CHANNELS)
    vars()["from"] = serializers.DateField(source="first_on", allow_null=True)
    to = serializers.DateField(source="last_on", allow_null=True)
    numerator = serializers.IntegerField(allow_null=True)
    denominator = serializers.IntegerField(allow_null=True)
    rate = serializers.FloatField(allow_null=True)
    status = TextOrNull(help_text="Amazon's own word for it, such as GOOD, BAD, AT_RISK or NONE.")
    target = serializers.SerializerMethodField()
    flags = serializers.ListField(child=serializers.CharField(), help_text="What contradicts itself in it.")

    @extend_schema_field(LimitSerializer(allow_null=True))
    def get_target(self, figure: ReportedFigure) -> Any:
        limit = limit_of(figure.comparator, figure.limit_numerator, figure.limit_denominator)
        return LimitSerializer(limit).data if limit else None


@extend_schema_serializer(examples=[OpenApiExample("One marketplace", value=examples.SNAPSHOT, response_only=True)])
class SnapshotSerializer(serializers.Serializer[Snapshot]):
    id = PublicIdField()
    account = serializers.SerializerMethodField()
    report = serializers.SerializerMethodField()
    marketplace = serializers.ChoiceField(choices=CODES)
    account_status = TextOrNull(help_text="Amazon's status of the account: NORMAL, AT_RISK or DEACTIVATED. Null if not reported.")
    reported_at = serializers.DateTimeField(help_text="The moment that the report speaks of.")
    recorded_at = serializers.DateTimeField(help_text="The moment since which we know it.")
    figures = serializers.SerializerMethodField()
    document = serializers.JSONField(help_text="The marketplace's part of the report as it was received, extras included.")

    def get_account(self, snapshot: Snapshot) -> str:
        return public_account_id(snapshot.account_id)

    def get_report(self, snapshot: Snapshot) -> str:
        return identifiers.public("rpt", snapshot.report_id)

    @extend_schema_field(FigureOfSnapshot(many=True))
    def get_figures(self, snapshot: Snapshot) -> Any:
        return FigureOfSnapshot(self.context["figures"][snapshot.pk], many=True).data
