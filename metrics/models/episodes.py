"""Breaches."""

from django.db import models

from accounts import identifiers
from accounts.models import Agency, SellerAccount
from metrics.judgement import Comparator, Limit
from metrics.series import Series


class Breach(models.Model):
    """An episode in which a series missed its limit. What it announced when it opened is never rewritten."""

    class Level(models.TextChoices):
        WARNING = "warning"
        BREACH = "breach"

    class State(models.TextChoices):
        OPEN = "open"
        RESOLVED = "resolved"

    class Because(models.TextChoices):
        """What ended it."""

        KEPT = "kept"
        LINE_REMOVED = "line_removed"

    id = models.UUIDField(primary_key=True, default=identifiers.uuid7, editable=False)
    agency = models.ForeignKey(Agency, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(SellerAccount, on_delete=models.CASCADE, related_name="breaches")
    metric = models.CharField(max_length=60)
    marketplace = models.CharField(max_length=2)
    channel = models.CharField(max_length=3)
    level = models.CharField(max_length=7, choices=Level)
    status = models.CharField(max_length=8, choices=State, default=State.OPEN)
    opened_at = models.DateTimeField()
    as_of = models.DateField()
    numerator = models.IntegerField()
    denominator = models.IntegerField()
    comparator = models.CharField(max_length=3)
    limit_numerator = models.PositiveIntegerField()
    limit_denominator = models.PositiveIntegerField()
    limit_source = models.CharField(max_length=13, db_default="default")
    threshold_id = models.UUIDField(null=True)
    escalated_from = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="escalations")
    acknowledged_at = models.DateTimeField(null=True)
    snoozed_until = models.DateTimeField(null=True)
    assignee = models.CharField(max_length=200, null=True)  # noqa: DJ001  null is nobody
    resolved_at = models.DateTimeField(null=True)
    resolved_as_of = models.DateField(null=True)
    resolved_numerator = models.IntegerField(null=True)
    resolved_denominator = models.IntegerField(null=True)
    resolved_because = models.CharField(max_length=12, choices=Because, blank=True, db_default="")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                "agency",
                "account",
                "metric",
                "marketplace",
                "channel",
                "level",
                condition=models.Q(status="open"),
                name="a_series_has_one_open_breach_a_level",
            ),
            models.CheckConstraint(
                condition=models.Q(status="open", resolved_at=None) | models.Q(status="resolved", resolved_at__isnull=False),
                name="a_breach_is_open_or_has_an_end",
            ),
        )
        indexes = (models.Index("agency", "id", name="breaches_by_age"),)

    def __str__(self) -> str:
        return f"{self.metric} {self.marketplace} {self.channel}"

    @property
    def public_id(self) -> str:
        return identifiers.public("brch", self.id)

    @property
    def limit(self) -> Limit:
        return Limit(Comparator(self.comparator), self.limit_numerator, self.limit_denominator)

    def series(self) -> Series:
        return (self.metric, self.marketplace, self.channel)
