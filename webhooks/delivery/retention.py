"""Delete old deliveries with their attempts, old test events, and expired signing secrets. Other events
end with the data that they are about (ingestion/data_retention)."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection

from accounts import audit
from accounts.tenancy import batches, context

# SKIP LOCKED: whoever redelivers an old delivery locks it, and it is then not to be deleted.
OLD_DELIVERIES = """
DELETE FROM webhooks_delivery WHERE agency_id = %(agency)s AND id IN (
    SELECT id FROM webhooks_delivery
    WHERE agency_id = %(agency)s AND state <> 'pending' AND finished_at < %(until)s
    ORDER BY finished_at LIMIT %(batch_size)s
    FOR UPDATE SKIP LOCKED)
"""
OLD_TESTS = """
DELETE FROM webhooks_event WHERE agency_id = %(agency)s AND id IN (
    SELECT id FROM webhooks_event AS event
    WHERE agency_id = %(agency)s AND is_test AND occurred_at < %(until)s
        AND NOT EXISTS (SELECT FROM webhooks_delivery WHERE agency_id = event.agency_id AND event_id = event.id)
    LIMIT %(batch_size)s
    FOR UPDATE SKIP LOCKED)
"""
OLD_SECRETS = "DELETE FROM webhooks_endpointsecret WHERE agency_id = %(agency)s AND expires_at < %(now)s"


def delete(*, agency_id: UUID, now: datetime) -> int:
    """Delete the agency's deliveries that ended DELIVERIES_KEPT_DAYS ago, and return how many.

    1. delete deliveries   2. delete test events that have no delivery left   3. delete expired signing secrets

    The first two run in batches, each in a transaction of its own; the next run finishes an interrupted one.
    """

    until = now - timedelta(days=settings.DELIVERIES_KEPT_DAYS)
    deleted = batches.run(agency_id=agency_id, statement=OLD_DELIVERIES, until=until)
    # After the deliveries: a test event stays until its delivery is deleted.
    batches.run(agency_id=agency_id, statement=OLD_TESTS, until=until)
    with context.agency(agency_id), connection.cursor() as cursor:
        cursor.execute(OLD_SECRETS, {"agency": agency_id, "now": now})
        if deleted:
            audit.record_scheduled(
                agency_id=agency_id, what="deliveries.deleted", detail={"count": deleted}, now=now
            )
    return deleted
