"""A report may be whole for a period, as its sender says."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0003_documents_blanked_and_deleted")]

    operations = [
        migrations.AddField("report", "period_from", models.DateField(null=True)),
        migrations.AddField("report", "period_to", models.DateField(null=True)),
        migrations.AddConstraint(
            "report",
            models.CheckConstraint(
                condition=models.Q(period_from__isnull=True, period_to__isnull=True)
                | models.Q(period_from__isnull=False, period_to__isnull=False, period_from__lte=models.F("period_to")),
                name="a_period_has_both_its_days_in_order",
            ),
        ),
    ]
