"""Define the Celery tasks that run a delivery worker and delete old deliveries.

Publishing (webhooks/events/wakeup.py) and the scheduler queue `deliver`.
"""

import asyncio
import mmap

from celery import shared_task
from celery.signals import worker_shutting_down
from django.conf import settings
from django.utils import timezone

from accounts.tenancy import context
from webhooks.channels import http_client
from webhooks.channels.http_client import HttpClient
from webhooks.delivery import concurrency, leases, retention
from webhooks.delivery.worker import DeliveryWorker
from webhooks.events import wakeup

# One byte of shared memory: Celery tells only its main process of a shutdown, and the pool processes, which
# run the tasks, are forked from it after this module is imported.
shutting_down = mmap.mmap(-1, 1)


@worker_shutting_down.connect
def stop(**_: object) -> None:
    """Tell delivery workers to finish the jobs they have and to lease no more."""
    shutting_down[0] = 1


@shared_task(expires=wakeup.EXPIRES_SECONDS)
def deliver() -> None:
    """Run a delivery worker if a delivery is due and fewer than WEBHOOK_COURIERS workers run."""
    if not leases.is_due(now=timezone.now()) or shutting_down[0]:
        return
    # The messages of publishing and of the scheduler may arrive together; the extra ones end here.
    with concurrency.limited_to(settings.WEBHOOK_COURIERS) as slot:
        if slot is not None:
            asyncio.run(_deliver(slot))
    # A task that started while all slots were taken has ended without sending, so this one must check again
    # after releasing its slot.
    if slot is not None and leases.is_due(now=timezone.now()) and not shutting_down[0]:
        wakeup.wake_worker()


@shared_task
def delete_old_deliveries() -> None:
    """Delete deliveries that are older than DELIVERIES_KEPT_DAYS. Their events stay."""
    # A closed agency keeps its data for a while and may be reopened: retention applies to it as well.
    for agency_id in (*context.open_agency_ids(), *context.closed_agency_ids()):
        retention.delete(agency_id=agency_id, now=timezone.now())


async def _deliver(slot: concurrency.Slot) -> None:
    await DeliveryWorker(
        client=HttpClient(policy=http_client.installation_policy(), ssl_context=http_client.ssl_context()),
        clock=timezone.now,
        # A worker whose slot another one has taken would be one too many.
        is_stopping=lambda: bool(shutting_down[0]) or slot.is_lost,
        heartbeat=slot.renew,
    ).run()
