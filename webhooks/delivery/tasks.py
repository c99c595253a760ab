"""What wakes couriers and stops them, and clock-driven work on events."""

import asyncio
import mmap

from celery import shared_task
from celery.signals import worker_shutting_down
from django.conf import settings
from django.utils import timezone

from accounts.tenancy import context
from webhooks.channels import http_client
from webhooks.channels.http_client import Egress
from webhooks.delivery import concurrency, leases, retention
from webhooks.delivery.worker import Courier
from webhooks.events import wakeup

stopping = mmap.mmap(-1, 1)
"""One byte that a worker's processes share: they are forked after this, and only the first of them hears that it shall stop."""


@worker_shutting_down.connect
def stop(**_: object) -> None:
    """Let couriers finish what they have in hand and take nothing more."""
    stopping[0] = 1


@shared_task(expires=wakeup.KEPT_SECONDS)
def deliver() -> None:
    """Send what is due, if a courier is free. Woken for nothing, it costs one look."""
    if not leases.is_due(now=timezone.now()) or stopping[0]:
        return
    with concurrency.one_of(settings.WEBHOOK_COURIERS) as is_free:
        if is_free:
            asyncio.run(_deliver())
    if is_free and leases.is_due(now=timezone.now()) and not stopping[0]:
        # Who was woken while the slots were taken went away again: it is on us to look once more after giving ours back.
        wakeup.at_once()


@shared_task
def delete_old_deliveries() -> None:
    """Delete the deliveries whose days are over; the events stay."""
    for agency_id in (*context.open_agency_ids(), *context.closed_agency_ids()):
        retention.delete(agency_id=agency_id, now=timezone.now())


async def _deliver() -> None:
    sender = Egress(limits=http_client.limits(), trust=http_client.trust())
    await Courier(egress=sender, clock=timezone.now, is_stopping=lambda: bool(stopping[0])).run()
