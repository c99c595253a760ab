"""Thresholds of agencies, as versions, and since when each account follows them."""

import django.db.models.deletion
from django.db import migrations, models

import api.identifiers


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_amazon_statuses"),
        ("metrics", "0007_what_is_remembered_of_an_episode"),
    ]

    operations = [
        migrations.CreateModel(
            name="FollowedThresholds",
            fields=[
                ("agency_id", models.UUIDField()),
                ("account_id", models.UUIDField()),
                ("upto", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "agency_id", "account_id", "recorded_at", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Threshold",
            fields=[
                ("id", models.UUIDField(default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False)),
                ("threshold_id", models.UUIDField()),
                ("account_id", models.UUIDField(null=True)),
                ("metric", models.CharField(max_length=60)),
                ("marketplace", models.CharField(blank=True, max_length=2)),
                ("channel", models.CharField(blank=True, max_length=3)),
                ("warn_numerator", models.PositiveIntegerField()),
                ("warn_denominator", models.PositiveIntegerField()),
                ("clear_numerator", models.PositiveIntegerField()),
                ("clear_denominator", models.PositiveIntegerField()),
                ("for_days", models.PositiveSmallIntegerField()),
                ("keep_days", models.PositiveSmallIntegerField()),
                ("min_denominator", models.PositiveIntegerField()),
                ("is_removed", models.BooleanField()),
                ("recorded_at", models.DateTimeField()),
                (
                    "agency",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.agency"),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        models.F("agency"), models.F("threshold_id"), models.F("recorded_at"), name="thresholds_by_version"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("agency", "account_id", "metric", "marketplace", "channel", "recorded_at"),
                        name="a_scope_has_one_threshold_at_a_moment",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("clear_denominator__gt", 0), ("warn_denominator__gt", 0)), name="a_line_is_a_number"
                    ),
                ],
            },
        ),
    ]
