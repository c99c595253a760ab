"""Define the tables of thresholds and their versions."""

from django.db import models

from accounts.models import TenantModel
from api import identifiers
from metrics.models.account_rows import AccountRow


class Threshold(TenantModel):
    """Store a version of a threshold. It is valid from `recorded_at` on and never changes. A removal is a
    version too.

    In its scope, null means all accounts, and '' means all marketplaces or all channels.
    """

    id = models.UUIDField(primary_key=True, default=identifiers.uuid7, editable=False)
    threshold_id = models.UUIDField()
    account_id = models.UUIDField(null=True)
    metric = models.CharField(max_length=60)
    marketplace = models.CharField(max_length=2, blank=True)
    channel = models.CharField(max_length=3, blank=True)
    warn_numerator = models.PositiveIntegerField()
    warn_denominator = models.PositiveIntegerField()
    clear_numerator = models.PositiveIntegerField()
    clear_denominator = models.PositiveIntegerField()
    for_days = models.PositiveSmallIntegerField()
    keep_days = models.PositiveSmallIntegerField()
    min_denominator = models.PositiveIntegerField()
    is_removed = models.BooleanField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["agency", "account_id", "metric", "marketplace", "channel", "recorded_at"],
                # Null means all accounts here, so two nulls are the same scope.
                nulls_distinct=False,
                name="metrics_threshold_unique_version",
            ),
            models.CheckConstraint(
                condition=models.Q(warn_denominator__gt=0, clear_denominator__gt=0),
                name="metrics_threshold_denominator_positive",
            ),
        )
        indexes = (models.Index("agency", "threshold_id", "recorded_at", name="threshold_by_version"),)

    def __str__(self) -> str:
        return f"{self.metric} {self.marketplace} {self.channel}".strip()

    @property
    def public_id(self) -> str:
        return identifiers.public("thr", self.threshold_id)

    @property
    def warn_at(self) -> float:
        return self.warn_numerator / self.warn_denominator

    @property
    def clear_at(self) -> float:
        return self.clear_numerator / self.clear_denominator


class AppliedThresholds(AccountRow):
    """Store the moment up to which recorded thresholds apply to an account, from `recorded_at` on.

    Without a row, no threshold applies.
    """

    upto = models.DateTimeField()
    recorded_at = models.DateTimeField()
    pk = models.CompositePrimaryKey("agency_id", "account_id", "recorded_at")
