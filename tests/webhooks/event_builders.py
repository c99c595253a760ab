"""Publish events, and record results of their deliveries without a worker."""

from datetime import datetime, timedelta
from typing import Any

from accounts.models import SellerAccount
from accounts.tenancy import context
from api import identifiers
from tests.client import Client
from tests.clock import NOW
from webhooks.events import publishing
from webhooks.events.catalogue import TYPES
from webhooks.models import Attempt, Delivery, Endpoint, Event

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SERIES = "order_defect_rate:DE:mfn"


def publish_event(
    client: Client,
    account: str | None,
    type_: str = "breach.opened",
    *,
    at: datetime = NOW,
    series: str = SERIES,
) -> str:
    """Publish an event of an account, or of none, and return its ID."""
    with context.agency(client.agency.pk):
        owner = SellerAccount.objects.get(pk=identifiers.private("acct", account)) if account else None
        event = publishing.publish(
            account=owner,
            type_=type_,
            data=TYPES[type_].example,
            now=at,
            agency_id=client.agency.pk,
            series=series,
        )
        return event.public_id


def list_deliveries(client: Client, endpoint: str, **params: Any) -> list[dict[str, Any]]:
    """Return the deliveries to an endpoint as the API lists them, newest first."""
    return list(client.read(f"/v1/webhook-endpoints/{endpoint}/deliveries", **params)["data"])


def finish_delivery(
    client: Client,
    delivery: str,
    state: str = "delivered",
    *,
    at: datetime = NOW,
    tries: int = 1,
    **attempt: Any,
) -> None:
    """Record attempts and finish the delivery, as a worker does."""
    with context.agency(client.agency.pk):
        deliveries = Delivery.objects.filter(pk=identifiers.private("dlv", delivery))
        deliveries.update(state=state, tries=tries, next_attempt_at=None, leased_until=None, finished_at=at)
        for _ in range(tries):
            made: dict[str, Any] = {"attempted_at": at, "duration_ms": 12, "status": 200} | attempt
            Attempt.objects.create(agency=client.agency, delivery=deliveries.get(), **made)


def lease_delivery(client: Client, delivery: str, *, until: datetime) -> None:
    with context.agency(client.agency.pk):
        Delivery.objects.filter(pk=identifiers.private("dlv", delivery)).update(leased_until=until)


def disable(client: Client, endpoint: str) -> None:
    change(client, endpoint, enabled=False)


def change(client: Client, endpoint: str, **fields: Any) -> dict[str, Any]:
    """Update an endpoint, and return it."""
    response = client.patch(f"/v1/webhook-endpoints/{endpoint}", fields, format="json")
    assert response.status_code == 200, response.content
    return dict(response.json())


def confirm_mailbox(client: Client, endpoint: str) -> str:
    """Let the owner of the mailbox agree, and return the ID of the endpoint."""
    with context.agency(client.agency.pk):
        Endpoint.objects.filter(pk=identifiers.private("ep", endpoint)).update(confirmed_at=NOW)
    return endpoint


def create_mailbox(client: Client, name: str = "on-call") -> str:
    """Create a confirmed e-mail endpoint, and return its ID."""
    url = f"mailto:{name}@agency.example"
    return confirm_mailbox(client, str(client.listen(kind="email", url=url)["id"]))


def events(client: Client) -> list[str]:
    """Return the IDs of all events of an agency, newest first."""
    with context.agency(client.agency.pk):
        return [event.public_id for event in Event.objects.order_by("-pk")]


def list_audit_entries(client: Client, **params: str) -> list[tuple[str, str]]:
    """Return the audit entries of endpoints and deliveries as (action, subject), newest first."""
    entries = client.read("/v1/audit-log", **params)["data"]
    return [
        (each["what"], each["about"]) for each in entries if each["about"].partition("_")[0] in {"ep", "dlv"}
    ]
