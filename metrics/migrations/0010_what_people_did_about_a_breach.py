"""What people did about a breach, and with which key."""

import django.db.models.deletion
from django.db import migrations, models

import api.identifiers


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_amazon_statuses"),
        ("metrics", "0009_wall_of_thresholds"),
    ]

    operations = [
        migrations.CreateModel(
            name="BreachAction",
            fields=[
                ("id", models.UUIDField(default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False)),
                ("account_id", models.UUIDField()),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("acknowledged", "Acknowledged"),
                            ("snoozed", "Snoozed"),
                            ("assigned", "Assigned"),
                            ("noted", "Noted"),
                        ],
                        max_length=12,
                    ),
                ),
                ("detail", models.JSONField()),
                ("key_id", models.UUIDField()),
                ("key_name", models.CharField(max_length=200)),
                ("recorded_at", models.DateTimeField()),
                (
                    "agency",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.agency"),
                ),
                (
                    "breach",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="actions", to="metrics.breach"),
                ),
            ],
            options={
                "indexes": [models.Index(models.F("agency"), models.F("breach"), models.F("id"), name="actions_by_breach")],
            },
        ),
    ]
