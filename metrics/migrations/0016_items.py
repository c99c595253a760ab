"""Store the items of orders and of return requests, the listings, and the reasons of defects."""

import django.db.models.fields.composite
from django.db import migrations, models

from accounts.tenancy import row_level_security
from metrics.models import fact_history

STATED = "stated_at, received_at, line, recorded_at, report_id"
COLUMNS = {
    "orderitem": "agency_id, account_id, order_id, sku, asin, quantity, item_status, price, currency, stated_at, "
    "recorded_at, report_id",
    "returnitem": f"agency_id, account_id, order_id, reference, sku, asin, quantity, reason_code, {STATED}",
    "listing": "agency_id, account_id, marketplace, sku, source, channel, asin, title, quantity, price, status, "
    + STATED,
}
ACCOUNT = ("agency_id", "account_id")
KEYS = {
    "orderitem": (*ACCOUNT, "order_id", "sku"),
    "returnitem": (*ACCOUNT, "order_id", "reference", "sku"),
    "listing": (*ACCOUNT, "marketplace", "sku", "source"),
}
MODELS = {
    "orderitem": ("OrderItem", "PastOrderItem"),
    "returnitem": ("ReturnItem", "PastReturnItem"),
    "listing": ("Listing", "PastListing"),
}
ITEM = (
    ("sku", models.CharField(max_length=40)),
    ("asin", models.CharField(max_length=10)),
    ("quantity", models.IntegerField(null=True)),
)
PRICE = models.DecimalField(max_digits=20, decimal_places=2, null=True)
STATEMENT = (
    ("stated_at", models.DateTimeField()),
    ("received_at", models.DateTimeField()),
    ("line", models.IntegerField()),
    ("recorded_at", models.DateTimeField()),
    ("report_id", models.UUIDField()),
)
FIELDS = {
    "orderitem": (
        ("order_id", models.CharField(max_length=19)),
        *ITEM,
        ("item_status", models.SmallIntegerField(null=True)),
        ("price", PRICE),
        ("currency", models.CharField(max_length=3)),
        ("stated_at", models.DateTimeField()),
        ("recorded_at", models.DateTimeField()),
        ("report_id", models.UUIDField()),
    ),
    "returnitem": (
        ("order_id", models.CharField(max_length=19)),
        ("reference", models.CharField(max_length=64)),
        *ITEM,
        ("reason_code", models.CharField(max_length=40)),
        *STATEMENT,
    ),
    "listing": (
        ("marketplace", models.CharField(max_length=2)),
        ("source", models.CharField(max_length=10)),
        ("channel", models.CharField(max_length=3)),
        *ITEM,
        ("title", models.CharField(max_length=200)),
        ("price", PRICE),
        ("status", models.CharField(max_length=20)),
        *STATEMENT,
    ),
}
# As metrics/models/fact_history.py built it, with the new column.
ARCHIVE_DEFECTS = """
CREATE OR REPLACE FUNCTION metrics_defect_archive() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO metrics_pastdefect (
        agency_id, account_id, order_id, kind, reference, state, rating, occurred_on, funded_by, counts, reason_code,
        stated_at, received_at, line, recorded_at, report_id, superseded_at)
    VALUES (
        OLD.agency_id, OLD.account_id, OLD.order_id, OLD.kind, OLD.reference, OLD.state, OLD.rating, OLD.occurred_on,
        OLD.funded_by, OLD.counts, OLD.reason_code, OLD.stated_at, OLD.received_at, OLD.line, OLD.recorded_at,
        OLD.report_id, NEW.recorded_at);
    RETURN NULL;
END $$;
"""


def create(name: str, *, is_past: bool) -> list[migrations.operations.base.Operation]:
    table = f"metrics_past{name}" if is_past else f"metrics_{name}"
    key = (*KEYS[name], "recorded_at") if is_past else KEYS[name]
    return [
        migrations.CreateModel(
            MODELS[name][is_past],
            [
                ("agency_id", models.UUIDField()),
                ("account_id", models.UUIDField()),
                *((field, kind.clone()) for field, kind in FIELDS[name]),
                *([("superseded_at", models.DateTimeField())] if is_past else []),
                (
                    "pk",
                    django.db.models.fields.composite.CompositePrimaryKey(
                        *key, blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
            ],
        ),
        row_level_security.account_key(table),
        row_level_security.isolate(table),
        row_level_security.limit_to_accounts(table),
    ]


class Migration(migrations.Migration):
    dependencies = [("metrics", "0015_carriers"), ("accounts", "0010_data_retention")]

    operations = [
        *(
            operation
            for name in MODELS
            for is_past in (False, True)
            for operation in create(name, is_past=is_past)
        ),
        *(
            fact_history.archive_changes(f"metrics_{name}", f"metrics_past{name}", columns)
            for name, columns in COLUMNS.items()
        ),
        *(fact_history.forbid_updates(f"metrics_past{name}") for name in MODELS),
        *(
            migrations.AddField(table, "reason_code", models.CharField(max_length=40, db_default=""))
            for table in ("defect", "pastdefect")
        ),
        migrations.RunSQL(ARCHIVE_DEFECTS, migrations.RunSQL.noop),
    ]
