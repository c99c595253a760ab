"""Define the tables of breaches and of users' actions on them."""

from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from accounts.models import SellerAccount, TenantForeignKey, TenantModel
from api import identifiers
from metrics.models.amazon_figures import ReportedFigure
from metrics.models.order_facts import SourceLoad
from metrics.rules.catalogue.definitions import METRICS
from metrics.rules.judgement import Comparator, Limit
from metrics.rules.series import Series
from metrics.rules.verdicts import Basis


class BreachQuerySet(models.QuerySet["Breach"]):
    def with_stale(self, *, now: datetime) -> Self:
        """Annotate `is_stale`: whether a breach is open and frozen, because the figure it stands on is stale.

        The rule is in metrics/pipeline/staleness.py.
        """
        stale_source = reduce(
            or_,
            (_is_source_stale(source, now) for source in {metric.source for metric in METRICS}),
            _is_amazon_stale(now),
        )
        is_stale = Q(status=Breach.State.OPEN) & stale_source
        return self.annotate(is_stale=models.ExpressionWrapper(is_stale, output_field=models.BooleanField()))


def _is_source_stale(source: str, now: datetime) -> Q:
    """Return the condition that a breach's metric comes from this source, and the source is stale."""
    spoke = SourceLoad.objects.filter(
        agency_id=OuterRef("agency_id"), account_id=OuterRef("account_id"), source=source
    )
    lately = now - timedelta(hours=settings.SOURCES_MAX_AGE_HOURS[source])
    codes = [metric.code for metric in METRICS if metric.source == source]
    # A source that was never received is not stale: the agency may not use it.
    is_outdated = Q(Exists(spoke)) & ~Q(Exists(spoke.filter(described_at__gte=lately)))
    return Q(metric__in=codes, basis=Basis.OWN) & is_outdated


def _is_amazon_stale(now: datetime) -> Q:
    """Return the condition that a breach stands on Amazon's figure, and Amazon reported none lately."""
    lately = now - timedelta(hours=settings.SOURCES_MAX_AGE_HOURS["reported"])
    figures = ReportedFigure.objects.filter(
        agency_id=OuterRef("agency_id"),
        account_id=OuterRef("account_id"),
        metric=OuterRef("metric"),
        marketplace=OuterRef("marketplace"),
        reported_at__gte=lately,
    )
    return Q(basis=Basis.AMAZON_REPORT) & ~Q(Exists(figures))


class Breach(TenantModel):
    """Store an episode in which a series missed its limit. The figures with which it opened never change."""

    class Level(models.TextChoices):
        WARNING = "warning"
        BREACH = "breach"

    class State(models.TextChoices):
        OPEN = "open"
        RESOLVED = "resolved"

    class Because(models.TextChoices):
        """List the reasons why a breach was resolved."""

        # The values are published in events and by the API.
        KEPT = "kept"
        THRESHOLD_CHANGED = "line_changed"
        THRESHOLD_REMOVED = "line_removed"

    id = models.UUIDField(primary_key=True, default=identifiers.uuid7, editable=False)
    account = TenantForeignKey(SellerAccount, on_delete=models.DO_NOTHING, related_name="breaches")
    metric = models.CharField(max_length=60)
    marketplace = models.CharField(max_length=2)
    channel = models.CharField(max_length=3)
    level = models.CharField(max_length=7, choices=Level)
    status = models.CharField(max_length=8, choices=State, default=State.OPEN)
    opened_at = models.DateTimeField()
    as_of = models.DateField()
    # Whose figure missed the limit.
    basis = models.CharField(
        max_length=13, choices=[(each.value, each.name) for each in Basis], db_default=Basis.OWN
    )
    numerator = models.IntegerField()
    denominator = models.IntegerField()
    comparator = models.CharField(max_length=3)
    # Big: the default threshold is in quarters of Amazon's target, so its fraction is four times as large.
    limit_numerator = models.PositiveBigIntegerField()
    limit_denominator = models.PositiveBigIntegerField()
    limit_source = models.CharField(max_length=13, db_default="default")
    threshold_id = models.UUIDField(null=True)
    escalated_from = TenantForeignKey(
        "self", on_delete=models.DO_NOTHING, null=True, related_name="escalations"
    )
    acknowledged_at = models.DateTimeField(null=True)
    snoozed_until = models.DateTimeField(null=True)
    # Null: not assigned.
    assignee = models.CharField(max_length=200, null=True)  # noqa: DJ001
    resolved_at = models.DateTimeField(null=True)
    resolved_as_of = models.DateField(null=True)
    resolved_numerator = models.IntegerField(null=True)
    resolved_denominator = models.IntegerField(null=True)
    resolved_because = models.CharField(max_length=12, choices=Because, blank=True, db_default="")

    objects = BreachQuerySet.as_manager()

    class Meta:
        constraints = (
            # The account's lock prevents a second open breach already; this
            # constraint holds if a caller forgets it.
            models.UniqueConstraint(
                "agency",
                "account",
                "metric",
                "marketplace",
                "channel",
                "level",
                condition=models.Q(status="open"),
                name="metrics_breach_one_open_per_level",
            ),
            models.CheckConstraint(
                condition=models.Q(status="open", resolved_at=None)
                | models.Q(status="resolved", resolved_at__isnull=False),
                name="metrics_breach_resolved_complete",
            ),
        )
        indexes = (
            models.Index("agency", "account", "id", name="breach_by_account"),
            models.Index(
                "agency",
                "escalated_from",
                name="breach_by_escalated_from",
                condition=models.Q(escalated_from__isnull=False),
            ),
        )

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


class BreachAction(TenantModel):
    """Store an action on a breach and its actor. Never changed."""

    class What(models.TextChoices):
        ACKNOWLEDGED = "acknowledged"
        SNOOZED = "snoozed"
        ASSIGNED = "assigned"
        NOTED = "noted"

    id = models.UUIDField(primary_key=True, default=identifiers.uuid7, editable=False)
    account_id = models.UUIDField()
    breach = TenantForeignKey(Breach, on_delete=models.DO_NOTHING, related_name="actions")
    what = models.CharField(max_length=12, choices=What)
    detail: "models.JSONField[Any, Any]" = models.JSONField()
    key_id = models.UUIDField()
    key_name = models.CharField(max_length=200)
    recorded_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index("agency", "breach", "id", name="breachaction_by_breach"),)

    def __str__(self) -> str:
        return self.what
