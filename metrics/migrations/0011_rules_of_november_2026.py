"""Write Amazon's rules as they were checked in November 2026."""

from django.db import migrations

from metrics.rules.amazon_rules import RULES


def write(apps, schema_editor):
    rule_model = apps.get_model("metrics", "MetricRule")
    # A later migration may add columns, which this state of the table does not have yet.
    names = {field.name for field in rule_model._meta.get_fields()}  # noqa: SLF001  Django's documented API
    rule_model.objects.all().delete()
    rule_model.objects.bulk_create(
        rule_model(**{name: value for name, value in rule.to_row().items() if name in names})
        for rule in RULES
    )


def delete(apps, schema_editor):
    apps.get_model("metrics", "MetricRule").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("metrics", "0010_rule_sources")]

    operations = [migrations.RunPython(write, delete)]
