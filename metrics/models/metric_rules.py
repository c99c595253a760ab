"""Define the tables of rules: windows and targets with their first day and source, and the orders in a
denominator."""

from typing import Any

from django.db import models

from metrics.models.account_rows import AccountRow
from metrics.rules.amazon_rules import RULES
from metrics.rules.judgement import Comparator


class MetricRule(models.Model):
    """Store Amazon's rule for a metric in a marketplace from a day on, with its source. '*' stands for all
    other marketplaces.

    Amazon does not judge denominators below `minimum_denominator`. `tiers` are (from, to, consequence) of
    missed rates. `checked_on` is the day on which somebody last compared the rule with its source; a rule that
    no page of Amazon's confirms is not `verified`.
    """

    metric = models.CharField(max_length=60)
    marketplace = models.CharField(max_length=2, default="*")
    effective_from = models.DateField()
    window_days = models.PositiveSmallIntegerField()
    window_offset = models.PositiveSmallIntegerField()
    # Units instead of packages, for a metric that Amazon counts in either.
    counts_units = models.BooleanField(db_default=False)
    name = models.CharField(max_length=80, db_default="")
    enforced = models.BooleanField(db_default=False)
    comparator = models.CharField(
        max_length=3, choices=[(each.value, each.name) for each in Comparator], blank=True
    )
    limit_numerator = models.PositiveIntegerField(null=True)
    limit_denominator = models.PositiveIntegerField(null=True)
    warning_numerator = models.PositiveIntegerField(null=True)
    warning_denominator = models.PositiveIntegerField(null=True)
    minimum_denominator = models.PositiveIntegerField(db_default=0)
    tiers: "models.JSONField[Any, Any]" = models.JSONField(default=list, db_default=[])
    # What Amazon does if the target is missed, and what of the rule the product cannot compute.
    consequence = models.CharField(max_length=500, blank=True, db_default="")
    limitation = models.CharField(max_length=600, blank=True, db_default="")
    source_title = models.CharField(max_length=200)
    source_url = models.CharField(max_length=300)
    checked_on = models.DateField()
    verified = models.BooleanField(db_default=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                "metric", "marketplace", "effective_from", name="metrics_metricrule_unique_start"
            ),
        )

    def __str__(self) -> str:
        return f"{self.metric} in {self.marketplace} from {self.effective_from}"


def write_rules(apps: Any, schema_editor: Any) -> None:
    """Replace all rules by those of metrics/rules/amazon_rules.py. For `RunPython` in a migration."""
    rule_model = apps.get_model("metrics", "MetricRule")
    # A later migration may add columns, which the table of this migration does not have yet.
    names = {field.name for field in rule_model._meta.get_fields()}  # noqa: SLF001  Django's documented API
    rule_model.objects.all().delete()
    rule_model.objects.bulk_create(
        rule_model(**{name: value for name, value in rule.to_row().items() if name in names})
        for rule in RULES
    )


class DenominatorRule(AccountRow):
    """Store whether denominators include Pending and Cancelled orders from `recorded_at` on.

    Without a row, they do not include them.
    """

    counts_pending_and_cancelled = models.BooleanField()
    recorded_at = models.DateTimeField()
    pk = models.CompositePrimaryKey("agency_id", "account_id", "recorded_at")
