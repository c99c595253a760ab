"""Write Amazon's rules as they were checked in November 2026."""

from django.db import migrations

from metrics.models.metric_rules import write_rules


def delete(apps, schema_editor):
    apps.get_model("metrics", "MetricRule").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("metrics", "0010_rule_sources")]

    operations = [migrations.RunPython(write_rules, delete)]
