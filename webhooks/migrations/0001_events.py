"""What happened, once each."""

import django.db.models.deletion
from django.db import migrations, models

import api.identifiers


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0003_choices_about_documents"),
    ]

    operations = [
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.UUIDField(default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False)),
                ("type", models.CharField(max_length=40)),
                ("data", models.JSONField()),
                ("occurred_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="events", to="accounts.selleraccount"
                    ),
                ),
                (
                    "agency",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.agency"),
                ),
            ],
            options={
                "indexes": [models.Index(models.F("agency"), models.F("id"), name="events_by_age")],
            },
        ),
    ]
