"""Decide what a mailbox receives next: one event, a digest of all that wait, or nothing yet.

While the limits allow it (accounts/mailboxes/allowances.py), each event is an e-mail of its own. Once a limit is reached, the
endpoint collects: its deliveries stay pending until `digest_at`, and then one e-mail has all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from accounts.mailboxes import allowances
from accounts.tenancy import context
from webhooks.delivery import leases
from webhooks.delivery.jobs import DeliveryJob
from webhooks.endpoints import addresses
from webhooks.models import Endpoint

# Events in one e-mail. If more wait, the next digest follows as soon as the limits allow it.
MAX_EVENTS = 500

POSTPONE = """
UPDATE webhooks_delivery SET next_attempt_at = %(until)s
WHERE agency_id = %(agency)s AND id IN (
    SELECT id FROM webhooks_delivery
    WHERE agency_id = %(agency)s AND endpoint_id = %(endpoint)s AND state = 'pending' AND next_attempt_at < %(until)s
        AND (leased_until IS NULL OR leased_until <= %(now)s)
    FOR NO KEY UPDATE SKIP LOCKED)
"""
"""Make what waits due with the digest. Without it, the worker would lease and return every delivery once."""

COLLECT = """
UPDATE webhooks_delivery SET leased_until = %(until)s, next_attempt_at = %(until)s
WHERE agency_id = %(agency)s AND id IN (
    SELECT id FROM webhooks_delivery
    WHERE agency_id = %(agency)s AND endpoint_id = %(endpoint)s AND state = 'pending'
        AND (leased_until IS NULL OR leased_until <= %(now)s)
    ORDER BY id LIMIT %(most)s
    FOR NO KEY UPDATE SKIP LOCKED)
RETURNING id
"""
"""Lease what waits for the endpoint, the oldest first, also what waits for another attempt."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Store the jobs that one e-mail has, or until when the mailbox has to wait. Without either, the endpoint is gone."""

    jobs: tuple[DeliveryJob, ...] = ()
    wait_until: datetime | None = None


def next_turn(*, jobs: Sequence[DeliveryJob], now: datetime, lease: timedelta) -> Turn:
    """Decide about the leased jobs of one e-mail endpoint, of which the first is to be sent next.

    1. Lock the endpoint: two workers decide one after the other.
    2. While it collects, wait.
    3. Reserve one e-mail. If a limit is reached, collect until it allows the next one.
    4. Send the first job, or after collecting everything that waits. Further deliveries are leased for it.

    Opens a transaction in the tenant context of the agency.
    """
    job = jobs[0]
    with context.agency(job.agency_id):
        try:
            endpoint = Endpoint.objects.locked(agency_id=job.agency_id, endpoint_id=job.endpoint_id)
        except Endpoint.DoesNotExist:
            return Turn()
        if endpoint.digest_at and endpoint.digest_at > now:
            return Turn(wait_until=endpoint.digest_at)
        limits = allowances.of_notification(agency_id=job.agency_id, mailbox=addresses.mailbox_of(job.url))
        free_at = allowances.reserve(allowances=limits, now=now)
        if free_at:
            _collect_until(endpoint, free_at, now)
            return Turn(wait_until=free_at)
        if endpoint.digest_at is None:
            return Turn(jobs=(job,))
        return Turn(jobs=_take_all(endpoint, jobs, now, lease))


def _collect_until(endpoint: Endpoint, until: datetime, now: datetime) -> None:
    endpoint.digest_at = until
    endpoint.save(update_fields=["digest_at"])
    params: dict[str, Any] = {
        "agency": endpoint.agency_id,
        "endpoint": endpoint.pk,
        "until": until,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(POSTPONE, params)


def _take_all(
    endpoint: Endpoint, jobs: Sequence[DeliveryJob], now: datetime, lease: timedelta
) -> tuple[DeliveryJob, ...]:
    """Return the jobs with everything else that waits for the endpoint, in the order of the events."""
    most, until = max(MAX_EVENTS - len(jobs), 0), now + lease
    params: dict[str, Any] = {
        "agency": endpoint.agency_id,
        "endpoint": endpoint.pk,
        "until": until,
        "now": now,
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(COLLECT, params)
        leased = [row[0] for row in cursor.fetchall()]
    # Otherwise the rest would be sent one by one.
    endpoint.digest_at = now if len(leased) == most else None
    endpoint.save(update_fields=["digest_at"])
    others = (
        leases.load_jobs(agency_id=endpoint.agency_id, delivery_ids=leased, until=until, now=now)
        if leased
        else ()
    )
    return tuple(sorted([*jobs, *others], key=lambda each: each.delivery_id))
