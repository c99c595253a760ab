"""Store the carrier and the service of packages."""

from django.db import migrations, models

# As metrics/models/fact_history.py built it, with the new columns.
ARCHIVE = """
CREATE OR REPLACE FUNCTION metrics_shipment_archive() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO metrics_pastshipment (
        agency_id, account_id, order_id, package, units, ship_by_on, shipped_on, is_late, is_scanned,
        deliver_by_on, delivered_on, is_on_time, is_invoiced_in_time, cancelled_by, is_business, carrier, service,
        stated_at, received_at, line, recorded_at, report_id, superseded_at)
    VALUES (
        OLD.agency_id, OLD.account_id, OLD.order_id, OLD.package, OLD.units, OLD.ship_by_on, OLD.shipped_on,
        OLD.is_late, OLD.is_scanned, OLD.deliver_by_on, OLD.delivered_on, OLD.is_on_time,
        OLD.is_invoiced_in_time, OLD.cancelled_by, OLD.is_business, OLD.carrier, OLD.service, OLD.stated_at,
        OLD.received_at, OLD.line, OLD.recorded_at, OLD.report_id, NEW.recorded_at);
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("metrics", "0014_counts")]

    operations = [
        *(
            migrations.AddField(table, name, models.CharField(max_length=40, db_default=""))
            for table in ("shipment", "pastshipment")
            for name in ("carrier", "service")
        ),
        migrations.RunSQL(ARCHIVE, migrations.RunSQL.noop),
    ]
