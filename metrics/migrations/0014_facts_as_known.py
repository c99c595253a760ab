"""Create the functions of the facts as they were known at a moment."""

from django.db import migrations

from metrics.models.fact_history import create_as_known

FACTS = {
    "order": "order_id, marketplace, channel, status, ordered_on",
    "defect": "order_id, kind, reference, state, rating, occurred_on, funded_by, counts",
    "shipment": "order_id, package, units, ship_by_on, shipped_on, is_late, is_scanned, deliver_by_on, delivered_on, "
    "is_on_time, is_invoiced_in_time, cancelled_by, is_business",
    "return": "order_id, reference, requested_on, state, is_return, is_dissatisfied, reason",
    "message": "message_id, marketplace, order_id, sent_on, needs_answer, answered_on, is_answered_in_time",
}


class Migration(migrations.Migration):
    dependencies = [("metrics", "0013_carried_counts")]

    operations = [create_as_known(fact, columns) for fact, columns in FACTS.items()]
