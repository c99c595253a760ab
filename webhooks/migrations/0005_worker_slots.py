"""Add the slots of delivery workers, which are leases instead of locks of a session."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0004_leased_in_order"),
    ]

    operations = [
        migrations.CreateModel(
            name="WorkerSlot",
            fields=[
                ("number", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("holder", models.UUIDField()),
                ("leased_until", models.DateTimeField()),
            ],
        ),
    ]
