"""Where agencies want to be told, each event on its way there, and every try."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import api.identifiers


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_amazon_statuses"),
        ("webhooks", "0002_wall"),
    ]

    operations = [
        migrations.CreateModel(
            name="Attempt",
            fields=[
                ("id", models.UUIDField(default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False)),
                ("attempted_at", models.DateTimeField()),
                ("duration_ms", models.PositiveIntegerField()),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("error", models.CharField(blank=True, max_length=200)),
                ("answer", models.TextField(blank=True)),
            ],
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.UUIDField(default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False)),
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
            ],
        ),
        migrations.CreateModel(
            name="Endpoint",
            fields=[
                ("id", models.UUIDField(default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("webhook", "Webhook"), ("email", "Email"), ("slack", "Slack")], default="webhook", max_length=7
                    ),
                ),
                ("url", models.CharField(max_length=2000)),
                ("description", models.CharField(blank=True, max_length=500)),
                ("event_types", django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), size=None)),
                ("accounts", django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), null=True, size=None)),
                ("created_at", models.DateTimeField()),
                ("disabled_at", models.DateTimeField(null=True)),
                (
                    "disabled_reason",
                    models.CharField(
                        blank=True, choices=[("by_hand", "By Hand"), ("gone", "Gone"), ("failing", "Failing")], max_length=7
                    ),
                ),
                ("failing_since", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="EndpointSecret",
            fields=[
                ("id", models.UUIDField(default=api.identifiers.uuid7, editable=False, primary_key=True, serialize=False)),
                ("sealed", models.BinaryField()),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name="event",
            name="is_test",
            field=models.BooleanField(db_default=False),
        ),
        migrations.AddField(
            model_name="event",
            name="key",
            field=models.CharField(max_length=120, null=True),
        ),
        migrations.AddField(
            model_name="event",
            name="series",
            field=models.CharField(db_default="", max_length=80),
        ),
        migrations.AlterField(
            model_name="event",
            name="account",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="events", to="accounts.selleraccount"
            ),
        ),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.UniqueConstraint(models.F("agency"), models.F("id"), name="an_event_is_addressed_by_its_agency"),
        ),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.UniqueConstraint(models.F("agency"), models.F("key"), name="what_happens_once_is_told_once"),
        ),
        migrations.AddField(
            model_name="attempt",
            name="agency",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.agency"),
        ),
        migrations.AddField(
            model_name="delivery",
            name="agency",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.agency"),
        ),
        migrations.AddField(
            model_name="delivery",
            name="event",
            field=models.ForeignKey(
                db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name="deliveries", to="webhooks.event"
            ),
        ),
        migrations.AddField(
            model_name="attempt",
            name="delivery",
            field=models.ForeignKey(
                db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name="attempts", to="webhooks.delivery"
            ),
        ),
        migrations.AddField(
            model_name="endpoint",
            name="agency",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="endpoints", to="accounts.agency"),
        ),
        migrations.AddField(
            model_name="delivery",
            name="endpoint",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="deliveries",
                to="webhooks.endpoint",
            ),
        ),
        migrations.AddField(
            model_name="endpointsecret",
            name="agency",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.agency"),
        ),
        migrations.AddField(
            model_name="endpointsecret",
            name="endpoint",
            field=models.ForeignKey(
                db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name="secrets", to="webhooks.endpoint"
            ),
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(models.F("agency"), models.F("delivery"), models.F("id"), name="attempts_of_a_delivery"),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.UniqueConstraint(models.F("agency"), models.F("id"), name="an_endpoint_is_addressed_by_its_agency"),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("disabled_at", None), ("disabled_reason", "")),
                    models.Q(("disabled_at__isnull", False), models.Q(("disabled_reason", ""), _negated=True)),
                    _connector="OR",
                ),
                name="a_disabled_endpoint_says_why",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(models.F("agency"), models.F("endpoint"), models.F("id"), name="deliveries_of_an_endpoint"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                models.F("next_attempt_at"), condition=models.Q(("state", "pending")), name="deliveries_that_are_due"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                models.F("agency"),
                models.F("endpoint"),
                models.F("order_key"),
                models.F("id"),
                condition=models.Q(("state", "pending")),
                name="deliveries_in_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(models.F("agency"), models.F("id"), name="a_delivery_is_addressed_by_its_agency"),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(
                models.F("agency"), models.F("endpoint"), models.F("event"), name="an_event_goes_to_an_endpoint_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at", None), ("next_attempt_at__isnull", False), ("state", "pending")),
                    models.Q(
                        models.Q(("state", "pending"), _negated=True), ("finished_at__isnull", False), ("next_attempt_at", None)
                    ),
                    _connector="OR",
                ),
                name="a_delivery_is_due_or_finished",
            ),
        ),
        migrations.AddIndex(
            model_name="endpointsecret",
            index=models.Index(models.F("agency"), models.F("endpoint"), models.F("id"), name="secrets_of_an_endpoint"),
        ),
    ]
