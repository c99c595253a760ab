"""Store what facts that have ended contributed to later days."""

import django.db.models.fields.composite
from django.db import migrations, models

from accounts.tenancy import row_level_security

TABLE = "metrics_carriedcounts"
COUNTS = (
    *("orders", "defective_orders", "negative_feedback_orders", "a_to_z_claim_orders", "chargeback_orders"),
    *("cancellable_orders", "seller_cancelled_orders", "unexplained_cancelled_orders"),
    *("uncounted_cancelled_orders", "returnable_orders", "returned_orders", "shipped_orders", "late_orders"),
    *(
        "shipped_packages",
        "scanned_packages",
        "unknown_scan_packages",
        "tracked_packages",
        "on_time_packages",
    ),
    *("unknown_delivery_packages", "tracked_units", "on_time_units", "unknown_delivery_units"),
    *("business_tracked_units", "business_on_time_units", "business_unknown_units", "business_orders"),
    *("invoice_defect_orders", "messages", "answered_messages", "return_requests", "dissatisfied_requests"),
)
WITHOUT_DEFAULT = COUNTS[:5]


class Migration(migrations.Migration):
    dependencies = [("metrics", "0012_business_deliveries"), ("accounts", "0010_data_retention")]

    operations = [
        migrations.CreateModel(
            "CarriedCounts",
            [
                ("agency_id", models.UUIDField()),
                ("account_id", models.UUIDField()),
                ("marketplace", models.CharField(max_length=2)),
                ("channel", models.CharField(max_length=3)),
                ("day", models.DateField()),
                *((name, models.IntegerField()) for name in WITHOUT_DEFAULT),
                *((name, models.IntegerField(db_default=0)) for name in COUNTS[5:]),
                (
                    "pk",
                    django.db.models.fields.composite.CompositePrimaryKey(
                        "agency_id",
                        "account_id",
                        "marketplace",
                        "channel",
                        "day",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
            ],
        ),
        row_level_security.account_key(TABLE),
        row_level_security.isolate(TABLE),
        row_level_security.limit_to_accounts(TABLE),
    ]
