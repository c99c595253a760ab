"""Counts by metric and status are read from an index alone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0006_rules_of_every_metric"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="currentvalue",
            index=models.Index(
                models.F("agency_id"), models.F("metric"), models.F("account_id"), models.F("status"), name="values_by_metric"
            ),
        ),
    ]
