"""Deliveries go when the days for them are over, with their attempts; events stay."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection

from accounts import audit, scoping

Parameters = dict[str, UUID | datetime | int]
AT_ONCE = 1000
OLD_DELIVERIES = """
DELETE FROM webhooks_delivery WHERE agency_id = %(agency)s AND id IN (
    SELECT id FROM webhooks_delivery
    WHERE agency_id = %(agency)s AND state <> 'pending' AND finished_at < %(until)s
    ORDER BY finished_at LIMIT %(at_once)s
    FOR UPDATE SKIP LOCKED)
"""
OLD_TESTS = """
DELETE FROM webhooks_event WHERE agency_id = %(agency)s AND id IN (
    SELECT id FROM webhooks_event AS event
    WHERE agency_id = %(agency)s AND is_test AND occurred_at < %(until)s
        AND NOT EXISTS (SELECT FROM webhooks_delivery WHERE agency_id = event.agency_id AND event_id = event.id)
    LIMIT %(at_once)s
    FOR UPDATE SKIP LOCKED)
"""
OLD_SECRETS = "DELETE FROM webhooks_endpointsecret WHERE agency_id = %(agency)s AND expires_at < %(now)s"


def delete(*, agency_id: UUID, now: datetime) -> int:
    """Delete the agency's deliveries that were finished DELIVERIES_KEPT_DAYS ago, tests and all; returns how many.

    In batches, each a transaction of its own: an interrupted run is finished by the next one. Secrets that expired go too.
    """
    until = now - timedelta(days=settings.DELIVERIES_KEPT_DAYS)
    named: Parameters = {"agency": agency_id, "until": until, "now": now, "at_once": AT_ONCE}
    deleted = _in_batches(agency_id, OLD_DELIVERIES, named)
    _in_batches(agency_id, OLD_TESTS, named)
    with scoping.agency(agency_id), connection.cursor() as cursor:
        cursor.execute(OLD_SECRETS, named)
        if deleted:
            audit.by_itself(agency_id=agency_id, what="deliveries.deleted", detail={"count": deleted}, now=now)
    return deleted


def _in_batches(agency_id: UUID, statement: str, named: Parameters) -> int:
    deleted, last = 0, AT_ONCE
    while last == AT_ONCE:
        with scoping.agency(agency_id), connection.cursor() as cursor:
            cursor.execute(statement, named)
            last = cursor.rowcount
        deleted += last
    return deleted
