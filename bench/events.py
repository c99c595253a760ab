"""Publish events for benchmarks to send. Import this module after Django is set up."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Max
from django.utils import timezone

from accounts.agencies import lifecycle as agencies
from accounts.models import SellerAccount
from accounts.tenancy import context
from webhooks.endpoints import secrets as endpoint_secrets
from webhooks.events import publishing
from webhooks.events.catalogue import TYPES
from webhooks.models import Delivery, Endpoint

BREACH = TYPES["breach.opened"]


def published(urls: Sequence[str], *, events: int) -> UUID:
    """Create an agency with an endpoint at each URL, and publish `events` events to all of them."""
    account = create_endpoint_for_all(urls)
    with context.agency(account.agency_id):
        for n in range(events):
            publish(account, n)
    return account.agency_id


def create_endpoint_for_all(urls: Sequence[str]) -> SellerAccount:
    """Create an account of a new agency with an endpoint at each URL."""
    now = timezone.now()
    agency, _ = agencies.create_agency(name="Bench", now=now)
    with context.agency(agency.pk):
        account = agencies.create_account(
            agency=agency,
            name="Bench",
            selling_partner_id="B",
            home_marketplace="US",
            external_id=None,
            now=now,
        )
        for url in urls:
            endpoint = Endpoint.objects.create(agency=agency, url=url, event_types=["*"], created_at=now)
            endpoint_secrets.create(endpoint=endpoint, now=now)
    return account


def publish(account: SellerAccount, n: int) -> str:
    """Publish the n-th event, in one of fifty series, and return its ID."""
    event = publishing.publish(
        account=account,
        type_=BREACH.type,
        data=BREACH.example,
        now=timezone.now(),
        series=f"odr:{n % 50}:mfn",
    )
    return event.public_id


def settled(agency_id: UUID) -> float:
    """Return when the last delivery of the agency finished. Raises RuntimeError if one was not delivered."""
    with context.agency(agency_id):
        if (left := Delivery.objects.exclude(state=Delivery.State.DELIVERED).count()) > 0:
            raise RuntimeError(f"{left} deliveries did not arrive.")
        last = Delivery.objects.aggregate(last=Max("finished_at"))["last"]
    return float(last.timestamp())


def delivered_at(url: str) -> tuple[str, str]:
    """Create an agency that receives status changes at the URL, and return the ID of its account and its API
    key."""

    now = timezone.now()
    agency, key = agencies.create_agency(name="Bench", now=now)
    with context.agency(agency.pk):
        account = agencies.create_account(
            agency=agency,
            name="Bench",
            selling_partner_id="B",
            home_marketplace="US",
            external_id=None,
            now=now,
        )
        endpoint = Endpoint.objects.create(
            agency=agency, url=url, event_types=["account.status_changed"], created_at=now
        )
        endpoint_secrets.create(endpoint=endpoint, now=now)
    return account.public_id, key
