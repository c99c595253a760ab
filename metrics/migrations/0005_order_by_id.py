"""Index orders by their ID, to find the account that has an order."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("metrics", "0004_windows_and_targets")]

    operations = [
        migrations.AddIndex("order", models.Index("agency_id", "order_id", name="order_by_id")),
    ]
