"""Archives of all that is kept, for agencies to take away."""

import django.db.models.deletion
from django.db import migrations, models

import api.identifiers


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0010_changes_and_closing"),
        ("ingestion", "0006_figures_for_operators"),
    ]

    operations = [
        migrations.CreateModel(
            name="Export",
            fields=[
                ("id", models.UUIDField(default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False)),
                ("with_documents", models.BooleanField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("ready", "Ready"),
                            ("failed", "Failed"),
                            ("expired", "Expired"),
                        ],
                        default="queued",
                        max_length=7,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("created_at", models.DateTimeField()),
                ("handed_out_at", models.DateTimeField()),
                ("ready_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
                ("size", models.BigIntegerField(null=True)),
                ("sha256", models.CharField(blank=True, max_length=64)),
                ("document", models.CharField(blank=True, max_length=200)),
                (
                    "account",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.selleraccount"
                    ),
                ),
                (
                    "agency",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.agency"),
                ),
            ],
            options={
                "indexes": [models.Index(models.F("agency"), models.F("id"), name="exports_by_age")],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("agency"),
                        condition=models.Q(("status__in", ("queued", "running"))),
                        name="an_agency_has_one_export_under_way",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "ready"), _negated=True),
                            models.Q(
                                ("expires_at__isnull", False),
                                ("ready_at__isnull", False),
                                ("size__isnull", False),
                                models.Q(("document", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="a_ready_export_is_there",
                    ),
                ],
            },
        ),
    ]
