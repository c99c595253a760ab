"""Shipments, returns and messages with their past, Amazon's own figures, and a count for every metric."""

from django.db import migrations, models

import api.identifiers


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0003_rules_of_odr"),
    ]

    operations = [
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
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "agency_id", "account_id", "report_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
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
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "agency_id", "account_id", "message_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PastMessage",
            fields=[
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
                ("superseded_at", models.DateTimeField()),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "agency_id",
                        "account_id",
                        "message_id",
                        "recorded_at",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="PastReturn",
            fields=[
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
                ("superseded_at", models.DateTimeField()),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "agency_id",
                        "account_id",
                        "order_id",
                        "reference",
                        "recorded_at",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="PastShipment",
            fields=[
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
                ("superseded_at", models.DateTimeField()),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "agency_id",
                        "account_id",
                        "order_id",
                        "package",
                        "recorded_at",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
            ],
            options={
                "abstract": False,
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
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "agency_id",
                        "account_id",
                        "snapshot_id",
                        "metric",
                        "channel",
                        "line",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Return",
            fields=[
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
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "agency_id",
                        "account_id",
                        "order_id",
                        "reference",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Shipment",
            fields=[
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
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "agency_id",
                        "account_id",
                        "order_id",
                        "package",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Snapshot",
            fields=[
                ("id", models.UUIDField(default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False)),
                ("agency_id", models.UUIDField()),
                ("account_id", models.UUIDField()),
                ("report_id", models.UUIDField()),
                ("marketplace", models.CharField(max_length=2)),
                ("account_status", models.CharField(max_length=20)),
                ("reported_at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                ("document", models.JSONField()),
            ],
        ),
        migrations.AddField(
            model_name="dailycounts",
            name="answered_messages",
            field=models.IntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="dailycounts",
            name="business_orders",
            field=models.IntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="dailycounts",
            name="cancellable_orders",
            field=models.IntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="dailycounts",
            name="dissatisfied_requests",
            field=models.IntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="dailycounts",
            name="invoice_defect_orders",
            field=models.IntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="dailycounts",
            name="late_orders",
            field=models.IntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="dailycounts",
            name="messages",
            field=models.IntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="dailycounts",
            name="on_time_packages",
            field=models.IntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="dailycounts",
            name="on_time_units",
            field=models.IntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="dailycounts",
            name="return_requests",
            field=models.IntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="dailycounts",
            name="returnable_orders",
            field=models.IntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="dailycounts",
            name="returned_orders",
            field=models.IntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="dailycounts",
            name="scanned_packages",
            field=models.IntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="dailycounts",
            name="seller_cancelled_orders",
            field=models.IntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="dailycounts",
            name="shipped_orders",
            field=models.IntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="dailycounts",
            name="shipped_packages",
            field=models.IntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="dailycounts",
            name="tracked_packages",
            field=models.IntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="dailycounts",
            name="tracked_units",
            field=models.IntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="dailycounts",
            name="unexplained_cancelled_orders",
            field=models.IntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="metricrule",
            name="counts_units",
            field=models.BooleanField(db_default=False),
        ),
        migrations.AddField(
            model_name="metricrule",
            name="enforced",
            field=models.BooleanField(db_default=False),
        ),
        migrations.AddField(
            model_name="metricrule",
            name="name",
            field=models.CharField(db_default="", max_length=80),
        ),
        migrations.AlterField(
            model_name="breach",
            name="metric",
            field=models.CharField(max_length=60),
        ),
        migrations.AlterField(
            model_name="currentvalue",
            name="metric",
            field=models.CharField(max_length=60),
        ),
        migrations.AlterField(
            model_name="defect",
            name="kind",
            field=models.CharField(max_length=16),
        ),
        migrations.AlterField(
            model_name="metricrule",
            name="metric",
            field=models.CharField(max_length=60),
        ),
        migrations.AlterField(
            model_name="pastdefect",
            name="kind",
            field=models.CharField(max_length=16),
        ),
        migrations.AddConstraint(
            model_name="dailycounts",
            constraint=models.CheckConstraint(
                condition=models.Q(("seller_cancelled_orders__lte", models.F("cancellable_orders"))),
                name="seller_cancelled_orders_are_some_of_cancellable_orders",
            ),
        ),
        migrations.AddConstraint(
            model_name="dailycounts",
            constraint=models.CheckConstraint(
                condition=models.Q(("returned_orders__lte", models.F("returnable_orders"))),
                name="returned_orders_are_some_of_returnable_orders",
            ),
        ),
        migrations.AddConstraint(
            model_name="dailycounts",
            constraint=models.CheckConstraint(
                condition=models.Q(("late_orders__lte", models.F("shipped_orders"))),
                name="late_orders_are_some_of_shipped_orders",
            ),
        ),
        migrations.AddConstraint(
            model_name="dailycounts",
            constraint=models.CheckConstraint(
                condition=models.Q(("scanned_packages__lte", models.F("shipped_packages"))),
                name="scanned_packages_are_some_of_shipped_packages",
            ),
        ),
        migrations.AddConstraint(
            model_name="dailycounts",
            constraint=models.CheckConstraint(
                condition=models.Q(("on_time_packages__lte", models.F("tracked_packages"))),
                name="on_time_packages_are_some_of_tracked_packages",
            ),
        ),
        migrations.AddConstraint(
            model_name="dailycounts",
            constraint=models.CheckConstraint(
                condition=models.Q(("on_time_units__lte", models.F("tracked_units"))),
                name="on_time_units_are_some_of_tracked_units",
            ),
        ),
        migrations.AddConstraint(
            model_name="dailycounts",
            constraint=models.CheckConstraint(
                condition=models.Q(("invoice_defect_orders__lte", models.F("business_orders"))),
                name="invoice_defect_orders_are_some_of_business_orders",
            ),
        ),
        migrations.AddConstraint(
            model_name="dailycounts",
            constraint=models.CheckConstraint(
                condition=models.Q(("answered_messages__lte", models.F("messages"))),
                name="answered_messages_are_some_of_messages",
            ),
        ),
        migrations.AddConstraint(
            model_name="dailycounts",
            constraint=models.CheckConstraint(
                condition=models.Q(("dissatisfied_requests__lte", models.F("return_requests"))),
                name="dissatisfied_requests_are_some_of_return_requests",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(models.F("agency_id"), models.F("account_id"), models.F("sent_on"), name="messages_by_day"),
        ),
        migrations.AddIndex(
            model_name="reportedfigure",
            index=models.Index(
                models.F("agency_id"),
                models.F("account_id"),
                models.F("metric"),
                models.F("marketplace"),
                models.F("channel"),
                models.F("reported_at"),
                name="figures_by_series",
            ),
        ),
        migrations.AddIndex(
            model_name="return",
            index=models.Index(models.F("agency_id"), models.F("account_id"), models.F("requested_on"), name="returns_by_day"),
        ),
        migrations.AddIndex(
            model_name="shipment",
            index=models.Index(
                models.F("agency_id"), models.F("account_id"), models.F("ship_by_on"), name="shipments_by_ship_by"
            ),
        ),
        migrations.AddIndex(
            model_name="shipment",
            index=models.Index(models.F("agency_id"), models.F("account_id"), models.F("shipped_on"), name="shipments_by_day"),
        ),
        migrations.AddIndex(
            model_name="shipment",
            index=models.Index(
                models.F("agency_id"), models.F("account_id"), models.F("deliver_by_on"), name="shipments_by_promise"
            ),
        ),
        migrations.AddIndex(
            model_name="shipment",
            index=models.Index(
                models.F("agency_id"),
                models.F("account_id"),
                condition=models.Q(("cancelled_by", ""), _negated=True),
                name="shipments_cancelled",
            ),
        ),
        migrations.AddIndex(
            model_name="snapshot",
            index=models.Index(
                models.F("agency_id"),
                models.F("account_id"),
                models.F("marketplace"),
                models.F("reported_at"),
                name="snapshots_by_age",
            ),
        ),
        migrations.AddConstraint(
            model_name="snapshot",
            constraint=models.UniqueConstraint(
                models.F("agency_id"),
                models.F("account_id"),
                models.F("report_id"),
                models.F("marketplace"),
                name="a_report_speaks_of_a_marketplace_once",
            ),
        ),
    ]
