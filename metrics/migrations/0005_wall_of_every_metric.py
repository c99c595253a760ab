"""Agencies see their own shipments, returns, messages and reported figures only; what a fact was before it changed is kept."""

from django.db import migrations

from accounts.tenancy import row_level_security
from metrics import past

STATEMENT = "agency_id, account_id, {}, stated_at, received_at, line, recorded_at, report_id"
SHIPMENT = STATEMENT.format(
    "order_id, package, units, ship_by_on, shipped_on, is_late, is_scanned, deliver_by_on, delivered_on, is_on_time, "
    "is_invoiced_in_time, cancelled_by"
)
RETURN = STATEMENT.format("order_id, reference, requested_on, state, is_return, is_dissatisfied, reason")
MESSAGE = STATEMENT.format("message_id, marketplace, order_id, sent_on, needs_answer, answered_on, is_answered_in_time")
PAST = ("metrics_pastshipment", "metrics_pastreturn", "metrics_pastmessage")
WRITTEN_ONCE = (*PAST, "metrics_feedbackcoverage", "metrics_snapshot", "metrics_reportedfigure")
TABLES = ("metrics_shipment", "metrics_return", "metrics_message", *WRITTEN_ONCE)


class Migration(migrations.Migration):
    dependencies = [("metrics", "0004_every_metric"), ("accounts", "0002_wall")]

    operations = [
        *[row_level_security.build(table) for table in TABLES],
        *[row_level_security.belongs_to_account(table) for table in TABLES],
        past.keep("metrics_shipment", "metrics_pastshipment", SHIPMENT),
        past.keep("metrics_return", "metrics_pastreturn", RETURN),
        past.keep("metrics_message", "metrics_pastmessage", MESSAGE),
        *[past.never_changed(table) for table in WRITTEN_ONCE],
    ]
