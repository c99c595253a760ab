"""Store which orders of a report the account does not have."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0004_rows_set_apart")]

    operations = [migrations.AddField("report", "missing_orders", models.JSONField(null=True))]
