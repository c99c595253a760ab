"""Create the tables of reports, rejected rows and exports.

Every key of a tenant's row begins with the agency (accounts/tenancy/row_level_security.py).
"""

import django.db.models.deletion
from django.db import migrations, models

import accounts.models.tenant
import api.identifiers
from accounts.tenancy import row_level_security


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="RejectedRow",
            fields=[
                ("agency_id", models.UUIDField()),
                ("account_id", models.UUIDField()),
                ("report_id", models.UUIDField()),
                ("line", models.IntegerField()),
                ("reason", models.CharField(max_length=300)),
                (
                    "pk",
                    models.CompositePrimaryKey("agency_id", "report_id", "line", serialize=False),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Export",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
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
                    accounts.models.tenant.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.selleraccount",
                    ),
                ),
                (
                    "agency",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.agency",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index("agency", "account", name="export_by_account")],
                "constraints": [
                    models.UniqueConstraint(
                        "agency",
                        condition=models.Q(("status__in", ("queued", "running"))),
                        name="ingestion_export_one_in_progress",
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
                        name="ingestion_export_ready_complete",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Report",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("announced_type", models.CharField(blank=True, max_length=80)),
                ("report_type", models.CharField(blank=True, max_length=80)),
                ("marketplace", models.CharField(max_length=2)),
                (
                    "source",
                    models.CharField(
                        choices=[("upload", "Upload"), ("sp_api", "Sp Api"), ("json", "Json")], max_length=6
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("processing", "Processing"),
                            ("loaded", "Loaded"),
                            ("rejected", "Rejected"),
                            ("failed", "Failed"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("rows_read", models.IntegerField(default=0)),
                ("rows_new", models.IntegerField(default=0)),
                ("rows_changed", models.IntegerField(default=0)),
                ("rows_unchanged", models.IntegerField(default=0)),
                ("rows_rejected", models.IntegerField(default=0)),
                ("problem", models.JSONField(null=True)),
                ("warnings", models.JSONField(default=list)),
                ("encoding", models.CharField(blank=True, max_length=20)),
                ("encoding_reason", models.CharField(blank=True, max_length=200)),
                ("sha256", models.CharField(max_length=64)),
                ("size", models.BigIntegerField()),
                ("document", models.CharField(max_length=200)),
                ("document_deleted_at", models.DateTimeField(null=True)),
                (
                    "blanked_columns",
                    models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
                ),
                ("period_from", models.DateField(null=True)),
                ("period_to", models.DateField(null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("received_at", models.DateTimeField()),
                ("handed_out_at", models.DateTimeField()),
                ("loaded_at", models.DateTimeField(null=True)),
                (
                    "account",
                    accounts.models.tenant.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="reports",
                        to="accounts.selleraccount",
                    ),
                ),
                (
                    "agency",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.agency",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index("agency", "account", "id", name="report_by_age"),
                    models.Index(
                        "agency",
                        "handed_out_at",
                        condition=models.Q(("status__in", ("queued", "processing"))),
                        name="report_in_progress",
                    ),
                    models.Index(
                        "agency",
                        "received_at",
                        condition=models.Q(("document_deleted_at", None)),
                        name="report_document_by_age",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        "agency",
                        "account",
                        models.F("sha256"),
                        condition=models.Q(("source", "json"), _negated=True),
                        name="ingestion_report_unique_document",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "loaded"), _negated=True),
                            ("loaded_at__isnull", False),
                            _connector="OR",
                        ),
                        name="ingestion_report_loaded_complete",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status__in", ("rejected", "failed")), _negated=True),
                            ("problem__isnull", False),
                            _connector="OR",
                        ),
                        name="ingestion_report_problem_present",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("period_from__isnull", True), ("period_to__isnull", True)),
                            models.Q(
                                ("period_from__isnull", False),
                                ("period_from__lte", models.F("period_to")),
                                ("period_to__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="ingestion_report_period_complete",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("document_deleted_at__isnull", True),
                            models.Q(("status__in", ("queued", "processing")), _negated=True),
                            _connector="OR",
                        ),
                        name="ingestion_report_document_present",
                    ),
                ],
            },
        ),
        *(row_level_security.primary_key(table) for table in ("ingestion_report", "ingestion_export")),
        row_level_security.agency_key("ingestion_export"),
        *(
            row_level_security.account_key(table)
            for table in ("ingestion_report", "ingestion_rejectedrow", "ingestion_export")
        ),
    ]
