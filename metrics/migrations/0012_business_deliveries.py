"""Store which packages belong to Amazon Business orders, and count their deliveries."""

from django.db import migrations, models

COUNTS = ("business_tracked_units", "business_on_time_units", "business_unknown_units")
# As metrics/models/fact_history.py built it, with the new column.
ARCHIVE = """
CREATE OR REPLACE FUNCTION metrics_shipment_archive() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO metrics_pastshipment (
        agency_id, account_id, order_id, package, units, ship_by_on, shipped_on, is_late, is_scanned,
        deliver_by_on, delivered_on, is_on_time, is_invoiced_in_time, cancelled_by, is_business, stated_at,
        received_at, line, recorded_at, report_id, superseded_at)
    VALUES (
        OLD.agency_id, OLD.account_id, OLD.order_id, OLD.package, OLD.units, OLD.ship_by_on, OLD.shipped_on,
        OLD.is_late, OLD.is_scanned, OLD.deliver_by_on, OLD.delivered_on, OLD.is_on_time,
        OLD.is_invoiced_in_time, OLD.cancelled_by, OLD.is_business, OLD.stated_at, OLD.received_at, OLD.line,
        OLD.recorded_at, OLD.report_id, NEW.recorded_at);
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("metrics", "0011_rules_of_november_2026")]

    operations = [
        *(
            migrations.AddField(table, "is_business", models.BooleanField(db_default=False))
            for table in ("shipment", "pastshipment")
        ),
        migrations.RunSQL(ARCHIVE, migrations.RunSQL.noop),
        *(migrations.AddField("dailycounts", name, models.IntegerField(db_default=0)) for name in COUNTS),
        migrations.AddConstraint(
            "dailycounts",
            models.CheckConstraint(
                condition=models.Q(business_on_time_units__lte=models.F("business_tracked_units")),
                name="metrics_dailycounts_business_on_time_units_in_total",
            ),
        ),
    ]
