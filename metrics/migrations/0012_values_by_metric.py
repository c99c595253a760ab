"""Counts by metric and status are read from an index alone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0011_wall_of_actions"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="currentvalue",
            index=models.Index(
                fields=["agency_id", "metric", "account_id"], include=("status", "marketplace"), name="values_by_metric"
            ),
        ),
    ]
