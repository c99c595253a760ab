"""Answers to writes are kept for a day, so that a write asked for twice happens once."""

import django.db.models.deletion
from django.db import migrations, models

import accounts.encryption.at_rest
from accounts.tenancy import row_level_security


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_what_a_bearer_sees_and_from_where")]

    operations = [
        migrations.CreateModel(
            name="KeptAnswer",
            fields=[
                ("bearer_id", models.UUIDField()),
                ("key", models.CharField(max_length=255)),
                ("fingerprint", models.BinaryField(max_length=32)),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("headers", models.JSONField(default=dict)),
                ("sealed", models.BinaryField(default=b"")),
                (
                    "key_id",
                    models.GeneratedField(
                        db_persist=True,
                        expression=accounts.encryption.at_rest.SealedWith("sealed"),
                        output_field=models.IntegerField(null=True),
                    ),
                ),
                ("created_at", models.DateTimeField()),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "agency_id", "bearer_id", "key", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "agency",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.agency"),
                ),
            ],
            options={
                "indexes": [models.Index(models.F("agency"), models.F("created_at"), name="kept_answers_by_age")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status", None), ("status__range", (200, 399)), _connector="OR"),
                        name="what_was_refused_is_not_kept",
                    )
                ],
            },
        ),
        row_level_security.build("accounts_keptanswer"),
        row_level_security.tell_key_ids("accounts_keptanswer"),
    ]
