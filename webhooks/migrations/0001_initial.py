"""Create the tables of events, endpoints, signing secrets, deliveries and attempts.

Every key of a tenant's row begins with the agency (accounts/tenancy/row_level_security.py).
"""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import accounts.encryption.at_rest
import accounts.models.tenant
import api.identifiers
from accounts.tenancy import row_level_security

KEYED_BY_AGENCY = (
    *(
        "webhooks_event",
        "webhooks_endpoint",
        "webhooks_endpointsecret",
        "webhooks_delivery",
        "webhooks_attempt",
    ),
)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Endpoint",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("webhook", "Webhook"), ("email", "Email"), ("slack", "Slack")],
                        default="webhook",
                        max_length=7,
                    ),
                ),
                ("url", models.CharField(max_length=2000)),
                ("description", models.CharField(blank=True, max_length=500)),
                (
                    "event_types",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60), size=None
                    ),
                ),
                (
                    "accounts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), null=True, size=None
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("disabled_at", models.DateTimeField(null=True)),
                (
                    "disabled_reason",
                    models.CharField(
                        blank=True,
                        choices=[("by_hand", "By Hand"), ("gone", "Gone"), ("failing", "Failing")],
                        max_length=7,
                    ),
                ),
                ("failing_since", models.DateTimeField(null=True)),
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
        migrations.CreateModel(
            name="EndpointSecret",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("encrypted", models.BinaryField()),
                (
                    "key_id",
                    models.GeneratedField(
                        db_persist=True,
                        expression=accounts.encryption.at_rest.EncryptionKeyId("encrypted"),
                        output_field=models.IntegerField(null=True),
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(null=True)),
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
                    "endpoint",
                    accounts.models.tenant.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="secrets",
                        to="webhooks.endpoint",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("type", models.CharField(max_length=40)),
                ("data", models.JSONField()),
                ("occurred_at", models.DateTimeField()),
                ("key", models.CharField(max_length=120, null=True)),
                ("series", models.CharField(db_default="", max_length=80)),
                ("is_test", models.BooleanField(db_default=False)),
                (
                    "account",
                    accounts.models.tenant.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="events",
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
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("order_key", models.CharField(max_length=120)),
                (
                    "state",
                    models.CharField(
                        choices=[("pending", "Pending"), ("delivered", "Delivered"), ("failed", "Failed")],
                        default="pending",
                        max_length=9,
                    ),
                ),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("next_attempt_at", models.DateTimeField(null=True)),
                ("leased_until", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
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
                    "endpoint",
                    accounts.models.tenant.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="deliveries",
                        to="webhooks.endpoint",
                    ),
                ),
                (
                    "event",
                    accounts.models.tenant.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="deliveries",
                        to="webhooks.event",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("attempted_at", models.DateTimeField()),
                ("duration_ms", models.PositiveIntegerField()),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("error", models.CharField(blank=True, max_length=200)),
                ("answer", models.TextField(blank=True)),
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
                    "delivery",
                    accounts.models.tenant.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="attempts",
                        to="webhooks.delivery",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index("agency", "delivery", "id", name="attempt_by_delivery")],
            },
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("disabled_at", None), ("disabled_reason", "")),
                    models.Q(
                        ("disabled_at__isnull", False), models.Q(("disabled_reason", ""), _negated=True)
                    ),
                    _connector="OR",
                ),
                name="webhooks_endpoint_disabled_complete",
            ),
        ),
        migrations.AddIndex(
            model_name="endpointsecret",
            index=models.Index("agency", "endpoint", "id", name="endpointsecret_by_endpoint"),
        ),
        migrations.AddIndex(
            model_name="endpointsecret",
            index=models.Index("agency", "key_id", "id", name="endpointsecret_by_key"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index("agency", "account", "id", name="event_by_account"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index("agency", "occurred_at", name="event_by_moment"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                "agency", "occurred_at", condition=models.Q(("is_test", True)), name="event_tests"
            ),
        ),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.UniqueConstraint("agency", "key", name="webhooks_event_unique_key"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index("agency", "endpoint", "id", name="delivery_by_endpoint"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index("agency", "event", name="delivery_by_event"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                "next_attempt_at", condition=models.Q(("state", "pending")), name="delivery_due"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                "agency",
                "finished_at",
                condition=models.Q(("state", "pending"), _negated=True),
                name="delivery_finished",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                "agency",
                "endpoint",
                "next_attempt_at",
                condition=models.Q(("state", "pending")),
                name="delivery_due_by_endpoint",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                "agency",
                "endpoint",
                "order_key",
                condition=models.Q(("leased_until__isnull", False)),
                name="delivery_leased",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                "agency",
                "endpoint",
                "order_key",
                "id",
                condition=models.Q(("state", "pending")),
                name="delivery_pending_in_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(
                "agency", "endpoint", "event", name="webhooks_delivery_unique_event"
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at", None), ("next_attempt_at__isnull", False), ("state", "pending")),
                    models.Q(
                        models.Q(("state", "pending"), _negated=True),
                        ("finished_at__isnull", False),
                        ("next_attempt_at", None),
                    ),
                    _connector="OR",
                ),
                name="webhooks_delivery_due_or_finished",
            ),
        ),
        *(row_level_security.primary_key(table) for table in KEYED_BY_AGENCY),
        *(row_level_security.agency_key(table) for table in ("webhooks_event", "webhooks_endpoint")),
        row_level_security.account_key("webhooks_event"),
        row_level_security.foreign_key("webhooks_endpointsecret", "endpoint_id", "webhooks_endpoint"),
        row_level_security.foreign_key("webhooks_delivery", "endpoint_id", "webhooks_endpoint"),
        row_level_security.foreign_key("webhooks_delivery", "event_id", "webhooks_event"),
        row_level_security.foreign_key("webhooks_attempt", "delivery_id", "webhooks_delivery"),
    ]
