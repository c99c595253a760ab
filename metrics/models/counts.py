"""Define the tables of daily counts with their versions, and of the current value of each series."""

from django.db import models

from metrics.models.account_rows import AccountRow
from metrics.rules.catalogue.definitions import COUNTED, COUNTS
from metrics.rules.judgement import Status

PART_OF = tuple(
    dict.fromkeys(
        (ratio.numerator.name, ratio.denominator.name)
        for metric in COUNTED
        for ratio in (metric.counts_in(units=False), metric.counts_in(units=True))
    )
)
"""The numerators, each with the denominator that contains it."""
STREAKS = ("evaluated_until", "missed_since", "cleared_since", "target_met_since")
"""The fields of the alert state, which the evaluation of a series stores between two runs."""


class DayCounts(AccountRow):
    """Store the counts of one day: a column for each count of the metrics."""

    marketplace = models.CharField(max_length=2)
    channel = models.CharField(max_length=3)
    day = models.DateField()

    class Meta:
        abstract = True


for _name in COUNTS:
    DayCounts.add_to_class(_name, models.IntegerField(db_default=0))


class DailyCounts(DayCounts):
    """Store the counts of one day as of `recorded_at`: orders, packages, messages and return requests.

    Append-only: a version is written when a number changed.
    """

    recorded_at = models.DateTimeField()
    # The version is last, so that the newest of a day is found by the key.
    pk = models.CompositePrimaryKey("agency_id", "account_id", "marketplace", "channel", "day", "recorded_at")

    class Meta:
        constraints = (
            *(
                models.CheckConstraint(
                    condition=models.Q(**{f"{part}__lte": models.F(whole)}),
                    name=f"metrics_dailycounts_{part}_in_total",
                )
                for part, whole in PART_OF
            ),
        )


class CarriedCounts(DayCounts):
    """Store what facts that have ended contributed to a day whose data is complete.

    An order that ends may have a ship-by day, a promised day or a return on a later day. These counts are added
    to those of the facts that are left, so that a recount gives the same numbers.
    """

    pk = models.CompositePrimaryKey("agency_id", "account_id", "marketplace", "channel", "day")


class CurrentValue(AccountRow):
    """Store the current value of a series. Rebuilt by refresh, never by hand."""

    metric = models.CharField(max_length=60)
    marketplace = models.CharField(max_length=2)
    channel = models.CharField(max_length=3)
    as_of = models.DateField()
    window_from = models.DateField()
    window_to = models.DateField()
    numerator = models.IntegerField()
    denominator = models.IntegerField()
    status = models.CharField(max_length=10, choices=[(each.value, each.name) for each in Status])
    computed_at = models.DateTimeField()
    evaluated_until = models.DateField(null=True)
    missed_since = models.DateField(null=True)
    cleared_since = models.DateField(null=True)
    target_met_since = models.DateField(null=True)
    pk = models.CompositePrimaryKey("agency_id", "account_id", "metric", "marketplace", "channel")

    class Meta:
        indexes = (
            models.Index("agency_id", "status", "metric", name="currentvalue_by_status"),
            # INCLUDE: the portfolio counts accounts by metric from the index alone.
            models.Index(
                fields=("agency_id", "metric", "account_id"),
                include=("status", "marketplace"),
                name="currentvalue_by_metric",
            ),
        )
