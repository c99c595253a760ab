"""Let the same bytes be sent for several marketplaces, and store whether the marketplace was stated."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0005_missing_orders")]

    operations = [
        migrations.AddField(
            "report", "is_marketplace_stated", models.BooleanField(default=True, db_default=True)
        ),
        migrations.RemoveConstraint("report", "ingestion_report_unique_document"),
        migrations.AddConstraint(
            "report",
            models.UniqueConstraint(
                "agency",
                "account",
                "sha256",
                "marketplace",
                condition=models.Q(("source", "json"), _negated=True),
                name="ingestion_report_unique_document",
            ),
        ),
    ]
