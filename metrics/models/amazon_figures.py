"""Define the tables of Amazon's own figures."""

from typing import Any

from django.db import models

from api import identifiers
from metrics.models.account_rows import AccountRow


class Snapshot(models.Model):
    """Store one of Amazon's account health reports for a marketplace. It ends with its report."""

    id = models.UUIDField(primary_key=True, default=identifiers.uuid7, editable=False)
    agency_id = models.UUIDField()
    account_id = models.UUIDField()
    report_id = models.UUIDField()
    marketplace = models.CharField(max_length=2)
    account_status = models.CharField(max_length=20)
    reported_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    document: "models.JSONField[Any, Any]" = models.JSONField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                "agency_id",
                "account_id",
                "report_id",
                "marketplace",
                name="metrics_snapshot_unique_marketplace",
            ),
        )
        indexes = (
            models.Index("agency_id", "account_id", "marketplace", "reported_at", name="snapshot_by_age"),
        )

    def __str__(self) -> str:
        return f"{self.marketplace} {self.reported_at}"

    @property
    def public_id(self) -> str:
        return identifiers.public("snap", self.id)


class ReportedFigure(AccountRow):
    """Store one figure of Amazon's report: counts, rate, window, status, target, and contradictions in it."""

    snapshot_id = models.UUIDField()
    line = models.IntegerField()
    metric = models.CharField(max_length=60)
    marketplace = models.CharField(max_length=2)
    channel = models.CharField(max_length=3)
    first_on = models.DateField(null=True)
    last_on = models.DateField(null=True)
    numerator = models.IntegerField(null=True)
    denominator = models.IntegerField(null=True)
    rate = models.DecimalField(max_digits=20, decimal_places=12, null=True)
    status = models.CharField(max_length=20)
    comparator = models.CharField(max_length=3)
    limit_numerator = models.IntegerField(null=True)
    limit_denominator = models.IntegerField(null=True)
    flags: "models.JSONField[Any, Any]" = models.JSONField()
    reported_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    pk = models.CompositePrimaryKey("agency_id", "account_id", "snapshot_id", "metric", "channel", "line")

    class Meta:
        indexes = (
            models.Index(
                "agency_id",
                "account_id",
                "metric",
                "marketplace",
                "channel",
                "reported_at",
                name="reportedfigure_by_series",
            ),
        )
