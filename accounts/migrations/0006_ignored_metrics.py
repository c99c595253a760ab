"""Let an agency ignore metrics that it does not feed."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_account_verdicts")]

    operations = [
        migrations.AddField(
            "agency",
            "ignored_metrics",
            django.contrib.postgres.fields.ArrayField(
                models.CharField(max_length=60),
                default=list,
                blank=True,
                db_default=[],
                help_text="Metrics that do not count towards the status of accounts, because the agency does "
                "not feed them.",
            ),
        )
    ]
