"""Create the tables of facts and their history, daily counts, values, breaches, thresholds and rules.

Every key of a tenant's row begins with the agency (accounts/tenancy/row_level_security.py).
"""

import django.db.models.deletion
from django.db import migrations, models

import accounts.models.tenant
import api.identifiers
from accounts.tenancy import row_level_security

KEYED_BY_AGENCY = ("metrics_breach", "metrics_breachaction", "metrics_snapshot", "metrics_threshold")
OF_ACCOUNT = (
    *("metrics_order", "metrics_defect", "metrics_shipment", "metrics_return", "metrics_message"),
    *(
        "metrics_pastorder",
        "metrics_pastdefect",
        "metrics_pastshipment",
        "metrics_pastreturn",
        "metrics_pastmessage",
    ),
    *("metrics_sourceload", "metrics_feedbackcoverage", "metrics_snapshot", "metrics_reportedfigure"),
    *("metrics_denominatorrule", "metrics_appliedthresholds", "metrics_threshold"),
    *("metrics_dailycounts", "metrics_currentvalue", "metrics_breach", "metrics_breachaction"),
)


def key(*columns):
    """Return a primary key that begins with the agency and the account."""
    return ("pk", models.CompositePrimaryKey("agency_id", "account_id", *columns, serialize=False))


def defect_state():
    return [
        ("agency_id", models.UUIDField()),
        ("account_id", models.UUIDField()),
        ("stated_at", models.DateTimeField()),
        ("received_at", models.DateTimeField()),
        ("line", models.IntegerField()),
        ("recorded_at", models.DateTimeField()),
        ("report_id", models.UUIDField()),
        ("order_id", models.CharField(max_length=19)),
        ("kind", models.CharField(max_length=16)),
        ("reference", models.CharField(max_length=64)),
        ("state", models.CharField(max_length=20)),
        ("rating", models.SmallIntegerField(null=True)),
        ("occurred_on", models.DateField(null=True)),
        ("funded_by", models.CharField(max_length=10)),
        ("counts", models.BooleanField()),
    ]


def message_state():
    return [
        ("agency_id", models.UUIDField()),
        ("account_id", models.UUIDField()),
        ("stated_at", models.DateTimeField()),
        ("received_at", models.DateTimeField()),
        ("line", models.IntegerField()),
        ("recorded_at", models.DateTimeField()),
        ("report_id", models.UUIDField()),
        ("message_id", models.CharField(max_length=64)),
        ("marketplace", models.CharField(max_length=2)),
        ("order_id", models.CharField(max_length=19)),
        ("sent_on", models.DateField()),
        ("needs_answer", models.BooleanField()),
        ("answered_on", models.DateField(null=True)),
        ("is_answered_in_time", models.BooleanField(null=True)),
    ]


def order_state():
    return [
        ("agency_id", models.UUIDField()),
        ("account_id", models.UUIDField()),
        ("order_id", models.CharField(max_length=19)),
        ("marketplace", models.CharField(max_length=10)),
        ("channel", models.CharField(max_length=3)),
        ("status", models.SmallIntegerField()),
        ("ordered_at", models.DateTimeField()),
        ("ordered_on", models.DateField()),
        ("last_updated_at", models.DateTimeField()),
        ("recorded_at", models.DateTimeField()),
        ("report_id", models.UUIDField()),
    ]


def return_state():
    return [
        ("agency_id", models.UUIDField()),
        ("account_id", models.UUIDField()),
        ("stated_at", models.DateTimeField()),
        ("received_at", models.DateTimeField()),
        ("line", models.IntegerField()),
        ("recorded_at", models.DateTimeField()),
        ("report_id", models.UUIDField()),
        ("order_id", models.CharField(max_length=19)),
        ("reference", models.CharField(max_length=64)),
        ("requested_on", models.DateField()),
        ("state", models.CharField(max_length=20)),
        ("is_return", models.BooleanField()),
        ("is_dissatisfied", models.BooleanField(null=True)),
        ("reason", models.CharField(max_length=20)),
    ]


def shipment_state():
    return [
        ("agency_id", models.UUIDField()),
        ("account_id", models.UUIDField()),
        ("stated_at", models.DateTimeField()),
        ("received_at", models.DateTimeField()),
        ("line", models.IntegerField()),
        ("recorded_at", models.DateTimeField()),
        ("report_id", models.UUIDField()),
        ("order_id", models.CharField(max_length=19)),
        ("package", models.CharField(max_length=64)),
        ("units", models.IntegerField()),
        ("ship_by_on", models.DateField(null=True)),
        ("shipped_on", models.DateField(null=True)),
        ("is_late", models.BooleanField(null=True)),
        ("is_scanned", models.BooleanField(null=True)),
        ("deliver_by_on", models.DateField(null=True)),
        ("delivered_on", models.DateField(null=True)),
        ("is_on_time", models.BooleanField(null=True)),
        ("is_invoiced_in_time", models.BooleanField(null=True)),
        ("cancelled_by", models.CharField(max_length=11)),
    ]


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Defect",
            fields=[*defect_state(), key("order_id", "kind", "reference")],
        ),
        migrations.CreateModel(
            name="DenominatorRule",
            fields=[
                ("agency_id", models.UUIDField()),
                ("account_id", models.UUIDField()),
                ("counts_pending_and_cancelled", models.BooleanField()),
                ("recorded_at", models.DateTimeField()),
                key("recorded_at"),
            ],
        ),
        migrations.CreateModel(
            name="FeedbackCoverage",
            fields=[
                ("agency_id", models.UUIDField()),
                ("account_id", models.UUIDField()),
                ("marketplace", models.CharField(max_length=2)),
                ("first_on", models.DateField()),
                ("last_on", models.DateField()),
                ("received_at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                ("report_id", models.UUIDField()),
                key("report_id"),
            ],
        ),
        migrations.CreateModel(
            name="AppliedThresholds",
            fields=[
                ("agency_id", models.UUIDField()),
                ("account_id", models.UUIDField()),
                ("upto", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                key("recorded_at"),
            ],
        ),
        migrations.CreateModel(
            name="PastDefect",
            fields=[
                *defect_state(),
                ("superseded_at", models.DateTimeField()),
                key("order_id", "kind", "reference", "recorded_at"),
            ],
        ),
        migrations.CreateModel(
            name="PastMessage",
            fields=[
                *message_state(),
                ("superseded_at", models.DateTimeField()),
                key("message_id", "recorded_at"),
            ],
        ),
        migrations.CreateModel(
            name="PastReturn",
            fields=[
                *return_state(),
                ("superseded_at", models.DateTimeField()),
                key("order_id", "reference", "recorded_at"),
            ],
        ),
        migrations.CreateModel(
            name="PastShipment",
            fields=[
                *shipment_state(),
                ("superseded_at", models.DateTimeField()),
                key("order_id", "package", "recorded_at"),
            ],
        ),
        migrations.CreateModel(
            name="SourceLoad",
            fields=[
                ("agency_id", models.UUIDField()),
                ("account_id", models.UUIDField()),
                ("source", models.CharField(max_length=20)),
                ("recorded_at", models.DateTimeField()),
                ("report_id", models.UUIDField()),
                key("source", "recorded_at"),
            ],
        ),
        migrations.CreateModel(
            name="Breach",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("metric", models.CharField(max_length=60)),
                ("marketplace", models.CharField(max_length=2)),
                ("channel", models.CharField(max_length=3)),
                (
                    "level",
                    models.CharField(choices=[("warning", "Warning"), ("breach", "Breach")], max_length=7),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "Open"), ("resolved", "Resolved")], default="open", max_length=8
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                ("as_of", models.DateField()),
                ("numerator", models.IntegerField()),
                ("denominator", models.IntegerField()),
                ("comparator", models.CharField(max_length=3)),
                ("limit_numerator", models.PositiveBigIntegerField()),
                ("limit_denominator", models.PositiveBigIntegerField()),
                ("limit_source", models.CharField(db_default="default", max_length=13)),
                ("threshold_id", models.UUIDField(null=True)),
                ("acknowledged_at", models.DateTimeField(null=True)),
                ("snoozed_until", models.DateTimeField(null=True)),
                ("assignee", models.CharField(max_length=200, null=True)),
                ("resolved_at", models.DateTimeField(null=True)),
                ("resolved_as_of", models.DateField(null=True)),
                ("resolved_numerator", models.IntegerField(null=True)),
                ("resolved_denominator", models.IntegerField(null=True)),
                (
                    "resolved_because",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("kept", "Kept"),
                            ("line_changed", "Threshold Changed"),
                            ("line_removed", "Threshold Removed"),
                        ],
                        db_default="",
                        max_length=12,
                    ),
                ),
                (
                    "account",
                    accounts.models.tenant.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="breaches",
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
                (
                    "escalated_from",
                    accounts.models.tenant.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="escalations",
                        to="metrics.breach",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="BreachAction",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
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
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.agency",
                    ),
                ),
                (
                    "breach",
                    accounts.models.tenant.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="actions",
                        to="metrics.breach",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CurrentValue",
            fields=[
                ("agency_id", models.UUIDField()),
                ("account_id", models.UUIDField()),
                ("metric", models.CharField(max_length=60)),
                ("marketplace", models.CharField(max_length=2)),
                ("channel", models.CharField(max_length=3)),
                ("as_of", models.DateField()),
                ("window_from", models.DateField()),
                ("window_to", models.DateField()),
                ("numerator", models.IntegerField()),
                ("denominator", models.IntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("breached", "BREACHED"),
                            ("at_risk", "AT_RISK"),
                            ("healthy", "HEALTHY"),
                            ("no_data", "NO_DATA"),
                        ],
                        max_length=10,
                    ),
                ),
                ("computed_at", models.DateTimeField()),
                ("evaluated_until", models.DateField(null=True)),
                ("missed_since", models.DateField(null=True)),
                ("cleared_since", models.DateField(null=True)),
                ("target_met_since", models.DateField(null=True)),
                key("metric", "marketplace", "channel"),
            ],
            options={
                "indexes": [
                    models.Index("agency_id", "status", "metric", name="currentvalue_by_status"),
                    models.Index(
                        fields=["agency_id", "metric", "account_id"],
                        include=("status", "marketplace"),
                        name="currentvalue_by_metric",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DailyCounts",
            fields=[
                ("agency_id", models.UUIDField()),
                ("account_id", models.UUIDField()),
                ("marketplace", models.CharField(max_length=2)),
                ("channel", models.CharField(max_length=3)),
                ("day", models.DateField()),
                ("recorded_at", models.DateTimeField()),
                ("orders", models.IntegerField()),
                ("defective_orders", models.IntegerField()),
                ("negative_feedback_orders", models.IntegerField()),
                ("a_to_z_claim_orders", models.IntegerField()),
                ("chargeback_orders", models.IntegerField()),
                ("cancellable_orders", models.IntegerField(db_default=0)),
                ("seller_cancelled_orders", models.IntegerField(db_default=0)),
                ("unexplained_cancelled_orders", models.IntegerField(db_default=0)),
                ("returnable_orders", models.IntegerField(db_default=0)),
                ("returned_orders", models.IntegerField(db_default=0)),
                ("shipped_orders", models.IntegerField(db_default=0)),
                ("late_orders", models.IntegerField(db_default=0)),
                ("shipped_packages", models.IntegerField(db_default=0)),
                ("scanned_packages", models.IntegerField(db_default=0)),
                ("tracked_packages", models.IntegerField(db_default=0)),
                ("on_time_packages", models.IntegerField(db_default=0)),
                ("tracked_units", models.IntegerField(db_default=0)),
                ("on_time_units", models.IntegerField(db_default=0)),
                ("business_orders", models.IntegerField(db_default=0)),
                ("invoice_defect_orders", models.IntegerField(db_default=0)),
                ("messages", models.IntegerField(db_default=0)),
                ("answered_messages", models.IntegerField(db_default=0)),
                ("return_requests", models.IntegerField(db_default=0)),
                ("dissatisfied_requests", models.IntegerField(db_default=0)),
                key("marketplace", "channel", "day", "recorded_at"),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("defective_orders__lte", models.F("orders"))),
                        name="metrics_dailycounts_defective_orders_in_total",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("seller_cancelled_orders__lte", models.F("cancellable_orders"))),
                        name="metrics_dailycounts_seller_cancelled_orders_in_total",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("returned_orders__lte", models.F("returnable_orders"))),
                        name="metrics_dailycounts_returned_orders_in_total",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("late_orders__lte", models.F("shipped_orders"))),
                        name="metrics_dailycounts_late_orders_in_total",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("scanned_packages__lte", models.F("shipped_packages"))),
                        name="metrics_dailycounts_scanned_packages_in_total",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("on_time_packages__lte", models.F("tracked_packages"))),
                        name="metrics_dailycounts_on_time_packages_in_total",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("on_time_units__lte", models.F("tracked_units"))),
                        name="metrics_dailycounts_on_time_units_in_total",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("invoice_defect_orders__lte", models.F("business_orders"))),
                        name="metrics_dailycounts_invoice_defect_orders_in_total",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("answered_messages__lte", models.F("messages"))),
                        name="metrics_dailycounts_answered_messages_in_total",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("dissatisfied_requests__lte", models.F("return_requests"))),
                        name="metrics_dailycounts_dissatisfied_requests_in_total",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[*message_state(), key("message_id")],
            options={
                "indexes": [models.Index("agency_id", "account_id", "sent_on", name="message_by_day")],
            },
        ),
        migrations.CreateModel(
            name="MetricRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("metric", models.CharField(max_length=60)),
                ("marketplace", models.CharField(default="*", max_length=2)),
                ("effective_from", models.DateField()),
                ("window_days", models.PositiveSmallIntegerField()),
                ("window_offset", models.PositiveSmallIntegerField()),
                ("counts_units", models.BooleanField(db_default=False)),
                ("name", models.CharField(db_default="", max_length=80)),
                ("enforced", models.BooleanField(db_default=False)),
                (
                    "comparator",
                    models.CharField(
                        blank=True,
                        choices=[("lt", "LT"), ("lte", "LTE"), ("gt", "GT"), ("gte", "GTE"), ("eq", "EQ")],
                        max_length=3,
                    ),
                ),
                ("limit_numerator", models.PositiveIntegerField(null=True)),
                ("limit_denominator", models.PositiveIntegerField(null=True)),
                ("warning_numerator", models.PositiveIntegerField(null=True)),
                ("warning_denominator", models.PositiveIntegerField(null=True)),
                ("source", models.CharField(max_length=300)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        "metric",
                        "marketplace",
                        "effective_from",
                        name="metrics_metricrule_unique_start",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Order",
            fields=[*order_state(), key("order_id")],
            options={
                "indexes": [models.Index("agency_id", "account_id", "ordered_on", name="order_by_day")],
            },
        ),
        migrations.CreateModel(
            name="PastOrder",
            fields=[
                *order_state(),
                ("superseded_at", models.DateTimeField()),
                key("order_id", "recorded_at"),
            ],
            options={
                "indexes": [models.Index("agency_id", "account_id", "ordered_on", name="pastorder_by_day")],
            },
        ),
        migrations.CreateModel(
            name="ReportedFigure",
            fields=[
                ("agency_id", models.UUIDField()),
                ("account_id", models.UUIDField()),
                ("snapshot_id", models.UUIDField()),
                ("line", models.IntegerField()),
                ("metric", models.CharField(max_length=60)),
                ("marketplace", models.CharField(max_length=2)),
                ("channel", models.CharField(max_length=3)),
                ("first_on", models.DateField(null=True)),
                ("last_on", models.DateField(null=True)),
                ("numerator", models.IntegerField(null=True)),
                ("denominator", models.IntegerField(null=True)),
                ("rate", models.DecimalField(decimal_places=12, max_digits=20, null=True)),
                ("status", models.CharField(max_length=20)),
                ("comparator", models.CharField(max_length=3)),
                ("limit_numerator", models.IntegerField(null=True)),
                ("limit_denominator", models.IntegerField(null=True)),
                ("flags", models.JSONField()),
                ("reported_at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                key("snapshot_id", "metric", "channel", "line"),
            ],
            options={
                "indexes": [
                    models.Index(
                        "agency_id",
                        "account_id",
                        "metric",
                        "marketplace",
                        "channel",
                        "reported_at",
                        name="reportedfigure_by_series",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Return",
            fields=[*return_state(), key("order_id", "reference")],
            options={
                "indexes": [models.Index("agency_id", "account_id", "requested_on", name="return_by_day")],
            },
        ),
        migrations.CreateModel(
            name="Shipment",
            fields=[*shipment_state(), key("order_id", "package")],
            options={
                "indexes": [
                    models.Index("agency_id", "account_id", "ship_by_on", name="shipment_by_ship_by"),
                    models.Index("agency_id", "account_id", "shipped_on", name="shipment_by_day"),
                    models.Index("agency_id", "account_id", "deliver_by_on", name="shipment_by_promise"),
                    models.Index(
                        "agency_id",
                        "account_id",
                        condition=models.Q(("cancelled_by", ""), _negated=True),
                        name="shipment_cancelled",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Snapshot",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("agency_id", models.UUIDField()),
                ("account_id", models.UUIDField()),
                ("report_id", models.UUIDField()),
                ("marketplace", models.CharField(max_length=2)),
                ("account_status", models.CharField(max_length=20)),
                ("reported_at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                ("document", models.JSONField()),
            ],
            options={
                "indexes": [
                    models.Index(
                        "agency_id",
                        "account_id",
                        "marketplace",
                        "reported_at",
                        name="snapshot_by_age",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        "agency_id",
                        "account_id",
                        "report_id",
                        "marketplace",
                        name="metrics_snapshot_unique_marketplace",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Threshold",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
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
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.agency",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="breach",
            index=models.Index("agency", "account", "id", name="breach_by_account"),
        ),
        migrations.AddIndex(
            model_name="breach",
            index=models.Index(
                "agency",
                "escalated_from",
                condition=models.Q(("escalated_from__isnull", False)),
                name="breach_by_escalated_from",
            ),
        ),
        migrations.AddConstraint(
            model_name="breach",
            constraint=models.UniqueConstraint(
                "agency",
                "account",
                "metric",
                "marketplace",
                "channel",
                "level",
                condition=models.Q(("status", "open")),
                name="metrics_breach_one_open_per_level",
            ),
        ),
        migrations.AddConstraint(
            model_name="breach",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("resolved_at", None), ("status", "open")),
                    models.Q(("resolved_at__isnull", False), ("status", "resolved")),
                    _connector="OR",
                ),
                name="metrics_breach_resolved_complete",
            ),
        ),
        migrations.AddIndex(
            model_name="breachaction",
            index=models.Index("agency", "breach", "id", name="breachaction_by_breach"),
        ),
        migrations.AddIndex(
            model_name="threshold",
            index=models.Index("agency", "threshold_id", "recorded_at", name="threshold_by_version"),
        ),
        migrations.AddConstraint(
            model_name="threshold",
            constraint=models.UniqueConstraint(
                fields=("agency", "account_id", "metric", "marketplace", "channel", "recorded_at"),
                name="metrics_threshold_unique_version",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="threshold",
            constraint=models.CheckConstraint(
                condition=models.Q(("clear_denominator__gt", 0), ("warn_denominator__gt", 0)),
                name="metrics_threshold_denominator_positive",
            ),
        ),
        *(row_level_security.primary_key(table) for table in KEYED_BY_AGENCY),
        row_level_security.agency_key("metrics_threshold"),
        *(row_level_security.account_key(table) for table in OF_ACCOUNT),
        row_level_security.foreign_key(
            "metrics_breach", "escalated_from_id", "metrics_breach", on_delete="SET NULL (escalated_from_id)"
        ),
        row_level_security.foreign_key("metrics_breachaction", "breach_id", "metrics_breach"),
    ]
