"""Sort accounts by severity, and store what decided their status and their Account Health Assurance."""

from django.db import migrations, models

STATUSES = ("breached", "at_risk", "undecided", "healthy", "no_data")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_account_restoration")]

    operations = [
        migrations.AlterField(
            "selleraccount",
            "status",
            models.CharField(
                max_length=10,
                choices=[(status, status.replace("_", " ").title()) for status in STATUSES],
                default="no_data",
            ),
        ),
        migrations.AddField(
            "selleraccount",
            "severity",
            models.GeneratedField(
                expression=models.Case(
                    *(
                        models.When(status=status, then=models.Value(rank))
                        for rank, status in enumerate(STATUSES, start=1)
                    ),
                    output_field=models.SmallIntegerField(),
                ),
                output_field=models.SmallIntegerField(),
                db_persist=True,
            ),
        ),
        migrations.AddIndex(
            "selleraccount", models.Index("agency", "severity", "id", name="selleraccount_by_severity")
        ),
        migrations.AddField(
            "selleraccount", "decided_by_amazon", models.BooleanField(default=False, db_default=False)
        ),
        migrations.AddField(
            "selleraccount", "account_health_assurance", models.JSONField(default=dict, db_default={})
        ),
    ]
