"""Archive the previous state of a fact when it changes, and make versions immutable."""

from django.db import migrations

from metrics.models import fact_history

STATEMENT = "agency_id, account_id, {}, stated_at, received_at, line, recorded_at, report_id"
PAST = {
    "order": "agency_id, account_id, order_id, marketplace, channel, status, ordered_at, ordered_on, last_updated_at, "
    "recorded_at, report_id",
    "defect": STATEMENT.format("order_id, kind, reference, state, rating, occurred_on, funded_by, counts"),
    "shipment": STATEMENT.format(
        "order_id, package, units, ship_by_on, shipped_on, is_late, is_scanned, deliver_by_on, delivered_on, is_on_time, "
        "is_invoiced_in_time, cancelled_by"
    ),
    "return": STATEMENT.format(
        "order_id, reference, requested_on, state, is_return, is_dissatisfied, reason"
    ),
    "message": STATEMENT.format(
        "message_id, marketplace, order_id, sent_on, needs_answer, answered_on, is_answered_in_time"
    ),
}
WRITTEN_ONCE = (
    *(f"metrics_past{name}" for name in PAST),
    *("metrics_dailycounts", "metrics_sourceload", "metrics_denominatorrule", "metrics_feedbackcoverage"),
    *(
        "metrics_snapshot",
        "metrics_reportedfigure",
        "metrics_threshold",
        "metrics_appliedthresholds",
        "metrics_breachaction",
    ),
)
FORBID_VERSION_UPDATE = """
CREATE FUNCTION forbid_version_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% keeps versions: write a new row', TG_TABLE_NAME;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("metrics", "0002_row_level_security")]

    operations = [
        *(
            fact_history.archive_changes(f"metrics_{name}", f"metrics_past{name}", columns)
            for name, columns in PAST.items()
        ),
        migrations.RunSQL(FORBID_VERSION_UPDATE, "DROP FUNCTION forbid_version_update();"),
        *(fact_history.forbid_updates(table) for table in WRITTEN_ONCE),
    ]
