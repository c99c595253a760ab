"""Amazon's rule of the order defect rate, as rows."""

from datetime import date

from django.db import migrations

POLICY = "https://sellercentral.amazon.com/gp/help/external/G200285170"
EXAMPLE = "https://github.com/amzn/selling-partner-api-models/blob/main/schemas/reports/accountHealthReport-2020-11-18.json"
PARTS = ("negative_feedback_rate", "a_to_z_claim_rate", "chargeback_rate")


def write(apps, schema_editor):
    rule = apps.get_model("metrics", "MetricRule")
    window = {"effective_from": date(2000, 1, 1), "window_days": 60, "window_offset": 15}
    rule.objects.create(
        metric="order_defect_rate",
        comparator="lt",
        limit_numerator=1,
        limit_denominator=100,
        warning_numerator=3,
        warning_denominator=400,
        source=f"{POLICY} (under 1 %), {EXAMPLE} (60 days, 15 days back)",
        **window,
    )
    for part in PARTS:
        rule.objects.create(metric=part, source=EXAMPLE, **window)


def take_back(apps, schema_editor):
    apps.get_model("metrics", "MetricRule").objects.filter(metric__in=("order_defect_rate", *PARTS)).delete()


class Migration(migrations.Migration):
    dependencies = [("metrics", "0002_wall_and_past")]

    operations = [migrations.RunPython(write, take_back)]
