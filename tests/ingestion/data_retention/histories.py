"""Generate more than eighteen months of reports of one account, from Amazon's API and uploaded by hand."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from django.utils import timezone

from accounts.tenancy import context
from api import identifiers
from ingestion.models import Report
from ingestion.models.reports import Report as StoredReport
from tests import build
from tests.client import Client
from tests.clock import clock

DAY = timedelta(days=1)
STEP = 63
STEPS = 10
"""Uploads every nine weeks: 21 months of reports, more than the eighteen that are stored."""
Source = StoredReport.Source
SHIPMENT = (
    "order_id",
    "package",
    "units",
    "ship_by",
    "shipped_at",
    "first_scan_at",
    "deliver_by",
    "delivered_at",
)
V2_CODE = "ATVPDKIKX0DER"


@dataclass(frozen=True)
class Sent:
    """Store a document and how it is said to have come."""

    document: bytes
    source: str


def load(client: Client, account: str, sent: Sent, **fields: str) -> str:
    """Load a document that came from this source. Return the ID of its report."""
    report = str(client.send(account, sent.document, **fields).json()["id"])
    with context.agency(client.agency.pk):
        Report.objects.filter(pk=identifiers.private("rpt", report)).update(source=sent.source)
    loaded = client._worked(report)  # noqa: SLF001  the tests' own client
    assert loaded["status"] == "loaded", loaded
    return report


def load_history(client: Client, account: str, *, seed: int = 16) -> None:
    """Load STEPS months of reports, each at its time. The clock ends where it began."""
    chance = Random(seed)
    clock.advance(-STEPS * STEP * DAY)
    for step in range(STEPS):
        clock.advance(STEP * DAY)
        for sent in build_month(step, timezone.now(), chance):
            load(client, account, sent)


def build_month(step: int, now: datetime, chance: Random) -> Iterator[Sent]:
    """Build the documents that arrive at the end of a month: some from the API, some by hand."""
    days = [now - (STEP - n) * DAY for n in range(STEP - 1)]
    numbers = {day: range(step * 200 + 3 * n, step * 200 + 3 * n + 3) for n, day in enumerate(days)}
    orders = [order for day, some in numbers.items() for order in _orders(day, some, chance)]
    by_hand = [order for order in orders if chance.random() < 0.3]
    yield Sent(build.orders_file(orders), Source.SP_API)
    # What the hand upload states later replaces what the API stated.
    changed = [
        row | {"order-status": "Cancelled", "last-updated-date": now.isoformat()} for row in by_hand[::4]
    ]
    yield Sent(build.orders_file([*by_hand, *changed]), Source.UPLOAD)
    placed = {build.order_id(number): day for day, some in numbers.items() for number in some}
    sources = chance.sample((Source.SP_API, Source.UPLOAD) * 3, 5)
    yield Sent(_shipments(placed, chance), sources[0])
    yield Sent(_returns(step, placed, now, chance), sources[1])
    yield Sent(_claims(placed, chance), sources[2])
    yield Sent(_messages(step, days, chance), sources[3])
    yield Sent(_performance(now, chance), sources[4])


def _orders(day: datetime, numbers: range, chance: Random) -> Iterator[dict[str, str]]:
    for number in numbers:
        yield build.order_row(
            amazon_order_id=build.order_id(number),
            purchase_date=day.isoformat(),
            last_updated_date=(day + timedelta(hours=20)).isoformat(),
            order_status=chance.choice(("Shipped", "Shipped", "Shipped", "Cancelled", "Pending")),
            fulfillment_channel=chance.choice(("Merchant", "Merchant", "Amazon")),
        )


def _shipments(placed: dict[str, datetime], chance: Random) -> bytes:
    """Build packages, some of which have to arrive weeks later, on days that stay after their order ended."""
    rows = [
        {
            "order_id": order,
            "package": "P1",
            "units": str(chance.randint(1, 3)),
            "ship_by": f"{day + 2 * DAY:%Y-%m-%d}",
            "shipped_at": f"{day + chance.randint(1, 4) * DAY:%Y-%m-%d}",
            "first_scan_at": f"{day + 4 * DAY:%Y-%m-%d}",
            "deliver_by": f"{day + chance.choice((8, 40, 70)) * DAY:%Y-%m-%d}",
            "delivered_at": f"{day + chance.randint(5, 12) * DAY:%Y-%m-%d}",
        }
        for order, day in placed.items()
        if chance.random() < 0.5 and day < max(placed.values()) - 12 * DAY
    ]
    return build.table(*rows, columns=SHIPMENT)


def _returns(step: int, placed: dict[str, datetime], now: datetime, chance: Random) -> bytes:
    """Build return requests of orders of this month and of three months ago."""
    earlier = [build.order_id((step - 2) * 200 + n) for n in range(0, 180, 11)] if step >= 2 else []
    rows = [
        {
            "order_id": order,
            "requested_at": f"{now - chance.randint(1, 10) * DAY:%Y-%m-%d}",
            "reference": f"R{step}",
            "negative_feedback": chance.choice(("yes", "no")),
        }
        for order in [*earlier, *[order for order, day in placed.items() if day < now - 15 * DAY][::5]]
    ]
    return build.table(*rows)


def _claims(placed: dict[str, datetime], chance: Random) -> bytes:
    rows = [
        build.claim(order=order, occurred_on=f"{day + 3 * DAY:%Y-%m-%d}", reference="C1")
        for order, day in placed.items()
        if chance.random() < 0.06 and day < max(placed.values()) - 4 * DAY
    ] or [build.claim(order=next(iter(placed)), occurred_on=f"{min(placed.values()):%Y-%m-%d}")]
    return build.claims_file(rows)


def _messages(step: int, days: list[datetime], chance: Random) -> bytes:
    return build.table(
        *(
            {
                "message_id": f"M{step}-{n}",
                "received_at": day.isoformat(),
                "answered_at": (day + timedelta(hours=chance.choice((2, 30)))).isoformat(),
            }
            for n, day in enumerate(days[:-2])
        )
    )


def _performance(now: datetime, chance: Random) -> bytes:
    figures = {
        "marketplaceId": V2_CODE,
        "otherPolicyViolations": {"defectsCount": chance.randint(0, 2), "status": "GOOD"},
        "accountHealthRating": {
            "reportingDateRange": {
                "reportingDateFrom": f"{now - 30 * DAY:%Y-%m-%d}T00:00:00Z",
                "reportingDateTo": f"{now - DAY:%Y-%m-%d}T23:59:59Z",
            },
            "accountHealthRatingStatus": "GREAT",
        },
    }
    status = [{"marketplaceId": V2_CODE, "status": "NORMAL"}]
    return json.dumps({"accountStatuses": status, "performanceMetrics": [figures]}).encode()


def account_uuid(account: str) -> UUID:
    found = identifiers.private("acct", account)
    assert isinstance(found, UUID)
    return found
