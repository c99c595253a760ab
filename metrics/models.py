"""Facts with their past, daily counts with their versions, current values, breaches, and Amazon's rules as rows.

Tables without inbound keys lead with the agency in their primary key: row-level security is one equality on it, and the
same tables distribute by it. Each is tied to its account by a composite key in the database (accounts/wall.py).
"""

from typing import Any

from django.db import models

from accounts import identifiers
from accounts.models import Agency, SellerAccount
from metrics.judgement import Comparator, Limit, Status


class MetricRule(models.Model):
    """The window and target of a metric in a marketplace ('*': all others) from a day on, with the page that says so."""

    metric = models.CharField(max_length=40)
    marketplace = models.CharField(max_length=2, default="*")
    effective_from = models.DateField()
    window_days = models.PositiveSmallIntegerField()
    window_offset = models.PositiveSmallIntegerField()
    comparator = models.CharField(max_length=3, choices=[(each.value, each.name) for each in Comparator], blank=True)
    limit_numerator = models.PositiveIntegerField(null=True)
    limit_denominator = models.PositiveIntegerField(null=True)
    warning_numerator = models.PositiveIntegerField(null=True)
    warning_denominator = models.PositiveIntegerField(null=True)
    source = models.CharField(max_length=300)

    class Meta:
        constraints = (models.UniqueConstraint("metric", "marketplace", "effective_from", name="a_metric_has_one_rule_a_day"),)

    def __str__(self) -> str:
        return f"{self.metric} in {self.marketplace} from {self.effective_from}"


class OfAccount(models.Model):
    """Keyed by agency and account; the database holds the key, so nothing is fetched to write a row."""

    agency_id = models.UUIDField()
    account_id = models.UUIDField()

    class Meta:
        abstract = True


class OrderState(OfAccount):
    order_id = models.CharField(max_length=19)
    marketplace = models.CharField(max_length=10)
    channel = models.CharField(max_length=3)
    status = models.SmallIntegerField()
    ordered_at = models.DateTimeField()
    ordered_on = models.DateField()
    last_updated_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    report_id = models.UUIDField()

    class Meta:
        abstract = True


class Order(OrderState):
    """The newest known state of an order."""

    pk = models.CompositePrimaryKey("agency_id", "account_id", "order_id")

    class Meta:
        indexes = (models.Index("agency_id", "account_id", "ordered_on", name="orders_by_day"),)


class PastOrder(OrderState):
    """A state that an order had from `recorded_at` until `superseded_at`. Written by the database when the order changes."""

    superseded_at = models.DateTimeField()
    pk = models.CompositePrimaryKey("agency_id", "account_id", "order_id", "recorded_at")

    class Meta:
        indexes = (models.Index("agency_id", "account_id", "ordered_on", name="past_orders_by_day"),)


class DefectState(OfAccount):
    order_id = models.CharField(max_length=19)
    kind = models.CharField(max_length=12)
    reference = models.CharField(max_length=64)
    state = models.CharField(max_length=20)
    rating = models.SmallIntegerField(null=True)
    occurred_on = models.DateField(null=True)
    stated_at = models.DateTimeField()
    received_at = models.DateTimeField()
    line = models.IntegerField()
    funded_by = models.CharField(max_length=10)
    counts = models.BooleanField()
    recorded_at = models.DateTimeField()
    report_id = models.UUIDField()

    class Meta:
        abstract = True


class Defect(DefectState):
    """The newest known state of a defect. Its order may not be known yet: then it is unmatched and waits."""

    pk = models.CompositePrimaryKey("agency_id", "account_id", "order_id", "kind", "reference")


class PastDefect(DefectState):
    """A state that a defect had from `recorded_at` until `superseded_at`. Written by the database when the defect changes."""

    superseded_at = models.DateTimeField()
    pk = models.CompositePrimaryKey("agency_id", "account_id", "order_id", "kind", "reference", "recorded_at")


class SourceLoad(OfAccount):
    """A source of facts (`orders`, `defects`) was brought up to date at a moment. Silence shows as age."""

    source = models.CharField(max_length=20)
    recorded_at = models.DateTimeField()
    report_id = models.UUIDField()
    pk = models.CompositePrimaryKey("agency_id", "account_id", "source", "recorded_at")


class DenominatorRule(OfAccount):
    """Whether Pending and Cancelled orders are in the account's denominators, from `recorded_at` on. Without a row: no."""

    counts_pending_and_cancelled = models.BooleanField()
    recorded_at = models.DateTimeField()
    pk = models.CompositePrimaryKey("agency_id", "account_id", "recorded_at")


class DailyCounts(OfAccount):
    """How many orders of a day are what, as counted at `recorded_at`. Append-only: a version is written when a number changed."""

    marketplace = models.CharField(max_length=2)
    channel = models.CharField(max_length=3)
    day = models.DateField()
    recorded_at = models.DateTimeField()
    orders = models.IntegerField()
    defective_orders = models.IntegerField()
    negative_feedback_orders = models.IntegerField()
    a_to_z_claim_orders = models.IntegerField()
    chargeback_orders = models.IntegerField()
    pk = models.CompositePrimaryKey("agency_id", "account_id", "marketplace", "channel", "day", "recorded_at")

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(defective_orders__lte=models.F("orders")),
                name="a_defective_order_is_in_the_denominator",
            ),
        )


class CurrentValue(OfAccount):
    """Where a series stands today. Rebuilt by refresh, never by hand."""

    metric = models.CharField(max_length=40)
    marketplace = models.CharField(max_length=2)
    channel = models.CharField(max_length=3)
    as_of = models.DateField()
    window_from = models.DateField()
    window_to = models.DateField()
    numerator = models.IntegerField()
    denominator = models.IntegerField()
    status = models.CharField(max_length=10, choices=[(each.value, each.name) for each in Status])
    computed_at = models.DateTimeField()
    pk = models.CompositePrimaryKey("agency_id", "account_id", "metric", "marketplace", "channel")

    class Meta:
        indexes = (models.Index("agency_id", "status", "metric", name="values_by_status"),)


class Breach(models.Model):
    """An episode in which a series missed its limit. What it announced when it opened is never rewritten."""

    class Level(models.TextChoices):
        WARNING = "warning"
        BREACH = "breach"

    class State(models.TextChoices):
        OPEN = "open"
        RESOLVED = "resolved"

    id = models.UUIDField(primary_key=True, default=identifiers.uuid7, editable=False)
    agency = models.ForeignKey(Agency, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(SellerAccount, on_delete=models.CASCADE, related_name="breaches")
    metric = models.CharField(max_length=40)
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
    acknowledged_at = models.DateTimeField(null=True)
    snoozed_until = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    resolved_as_of = models.DateField(null=True)
    resolved_numerator = models.IntegerField(null=True)
    resolved_denominator = models.IntegerField(null=True)

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

    def series(self) -> tuple[Any, ...]:
        return (self.metric, self.marketplace, self.channel)
