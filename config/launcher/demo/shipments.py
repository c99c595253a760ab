"""Build the packages of the orders that a seller ships, and the cancellations. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from config.launcher.demo.faults import RECENT, Candidate, Fault, choose_faulty
from config.launcher.demo.orders import Order
from config.launcher.demo.sample_accounts import INVOICED, Fulfilment, SampleAccount

DAYS_TO_SHIP, DAYS_TO_ARRIVE, LATE_INVOICE = 2, 5, 4
RECENT_LATE_PERIOD = timedelta(days=21)
LATE = Fault(share=0.012, window=10, allowed=0.03)
UNSCANNED = Fault(share=0.012, window=30, allowed=0.0375)
DELIVERED_LATE = Fault(share=0.008, window=14, allowed=0.0225)
INVOICED_LATE = Fault(share=0.015, window=7, allowed=0.0375)
CANCELLED_BY_SELLER = Fault(share=0.15, window=7, allowed=0.01875)
UNEXPLAINED = Fault(share=0.12, window=7, allowed=0.0125)
CARRIERS = {
    "US": ("UPS", "USPS", "FedEx"),
    "CA": ("Canada Post", "Purolator", "UPS"),
    "GB": ("Royal Mail", "Evri", "DPD"),
    "DE": ("DHL", "GLS", "DPD"),
    "FR": ("Colissimo", "Chronopost", "DPD"),
    "JP": ("Yamato", "Sagawa", "Japan Post"),
}
"""The carriers of each store. DPD carries most packages that are not scanned or late."""
BAD_CARRIER = "DPD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """Store one package of an order, or an order without packages yet. Times of events to come are None."""

    order: str
    marketplace: str
    ship_by: date
    deliver_by: date
    package: str = ""
    tracking: str = ""
    units: int = 1
    shipped_at: datetime | None = None
    scanned_at: datetime | None = None
    delivered_at: datetime | None = None
    is_business: bool = False
    invoiced_at: datetime | None = None
    cancelled_by: str = ""

    @property
    def carrier(self) -> str:
        carriers = CARRIERS.get(self.marketplace, ())
        if not self.tracking or not carriers:
            return ""
        digit, is_missed = int(self.tracking[-1]), bool(self.delivered_at) and not self.is_on_time
        if BAD_CARRIER in carriers and (is_missed or not self.is_scanned) and digit < 9:
            return BAD_CARRIER
        return carriers[digit % len(carriers)]

    @property
    def is_late(self) -> bool:
        return self.shipped_at is not None and self.shipped_at.date() > self.ship_by

    @property
    def is_scanned(self) -> bool:
        return self.scanned_at is not None or self.delivered_at is not None

    @property
    def is_invoiced_late(self) -> bool:
        """Return whether the invoice came more than a weekend after the shipment.

        In the demo, late invoices are never late by less.
        """

        return (
            self.invoiced_at is None
            or self.shipped_at is None
            or (self.invoiced_at - self.shipped_at).days >= LATE_INVOICE
        )

    @property
    def is_on_time(self) -> bool:
        return self.delivered_at is not None and self.delivered_at.date() <= self.deliver_by


@dataclass(frozen=True, slots=True)
class ShipmentOutcomes:
    """Store the orders that have a fault."""

    late: set[str]
    unscanned: set[str]
    delivered_late: set[str]
    invoiced_late: set[str]
    cancelled_by_seller: set[str]
    unexplained: set[str]


def build_packages(
    *, account: SampleAccount, orders: Iterable[Order], now: datetime, random: Random
) -> Iterator[Package]:
    """Yield the packages of the last hundred days' orders that the seller ships, without pending orders."""
    own = [order for order in orders if order.fulfilment == Fulfilment.MERCHANT and order.at > now - RECENT]
    outcomes = _choose_outcomes(account=account, own=own, now=now, random=random)
    for order in own:
        if order.status == "Cancelled" and order.number not in outcomes.unexplained:
            yield _cancelled(order, outcomes, random)
        elif order.status == "Unshipped":
            yield _unshipped(order)
        elif order.status == "Shipped":
            yield from _shipped(order, outcomes, now, random)


def is_business(order: Order) -> bool:
    """Return whether the order is an Amazon Business order, which needs an invoice.

    About one in eight orders is one.
    """
    return (
        order.marketplace in INVOICED
        and order.fulfilment == Fulfilment.MERCHANT
        and int(order.number[-7:]) % 8 == 0
    )


def _choose_outcomes(
    *, account: SampleAccount, own: Sequence[Order], now: datetime, random: Random
) -> ShipmentOutcomes:
    every = [_candidate(order) for order in own]
    settled = [
        _candidate(order) for order in own if order.status == "Shipped" and order.at < now - timedelta(days=4)
    ]
    cancelled = [_candidate(order) for order in own if order.status == "Cancelled"]
    business = [_candidate(order) for order in own if is_business(order) and order.status == "Shipped"]
    earlier = [
        candidate
        for candidate in settled
        if not account.recent_late_share or candidate.at < now - RECENT_LATE_PERIOD
    ]
    recent = [
        candidate
        for candidate in settled
        if account.recent_late_share and candidate.at >= now - RECENT_LATE_PERIOD
    ]
    recent_fault = Fault(share=account.recent_late_share, window=10, allowed=1)
    late = choose_faulty(earlier, fault=LATE, now=now, random=random) | choose_faulty(
        recent, fault=recent_fault, now=now, random=random
    )
    cancelled_by_seller = choose_faulty(
        cancelled, fault=CANCELLED_BY_SELLER, now=now, random=random, among=every
    )
    return ShipmentOutcomes(
        late=late,
        unscanned=choose_faulty(settled, fault=UNSCANNED, now=now, random=random),
        delivered_late=choose_faulty(settled, fault=DELIVERED_LATE, now=now, random=random) - late,
        invoiced_late=choose_faulty(business, fault=INVOICED_LATE, now=now, random=random),
        cancelled_by_seller=cancelled_by_seller,
        unexplained=choose_faulty(cancelled, fault=UNEXPLAINED, now=now, random=random, among=every)
        - cancelled_by_seller,
    )


def _candidate(order: Order) -> Candidate:
    return Candidate(order.marketplace, order.at, order.number)


def _unshipped(order: Order) -> Package:
    ship_by = order.at.date() + timedelta(days=DAYS_TO_SHIP)
    return Package(
        order=order.number,
        marketplace=order.marketplace,
        ship_by=ship_by,
        deliver_by=ship_by + timedelta(days=DAYS_TO_ARRIVE),
        units=sum(quantity for _, quantity in order.items),
        is_business=is_business(order),
    )


def _cancelled(order: Order, outcomes: ShipmentOutcomes, random: Random) -> Package:
    sellers, others = (
        ("seller", "seller", "seller", "unconfirmed"),
        ("buyer", "buyer", "buyer", "buyer", "amazon"),
    )
    ship_by = order.at.date() + timedelta(days=DAYS_TO_SHIP)
    return Package(
        order=order.number,
        marketplace=order.marketplace,
        ship_by=ship_by,
        deliver_by=ship_by + timedelta(days=DAYS_TO_ARRIVE),
        cancelled_by=random.choice(sellers if order.number in outcomes.cancelled_by_seller else others),
    )


def _shipped(order: Order, outcomes: ShipmentOutcomes, now: datetime, random: Random) -> Iterator[Package]:
    """Yield the packages of an order: one, or sometimes two for several items. Only the first has faults."""
    plan = _unshipped(order)
    parts = (
        [plan.units // 2, plan.units - plan.units // 2]
        if plan.units > 1 and random.random() < 0.3
        else [plan.units]
    )
    shipped = _when_shipped(order, plan, is_late=order.number in outcomes.late, now=now, random=random)
    for position, units in enumerate(parts):
        is_first = position == 0
        is_scanned = not (is_first and order.number in outcomes.unscanned)
        arrives = shipped + timedelta(hours=random.uniform(22, 70))
        if is_first and order.number in outcomes.delivered_late:
            arrives = _time_on(plan.deliver_by + timedelta(days=random.randrange(1, 3)), random)
        yield Package(
            order=order.number,
            marketplace=order.marketplace,
            ship_by=plan.ship_by,
            deliver_by=plan.deliver_by,
            package=str(position + 1) if len(parts) > 1 else "",
            tracking=f"{'1Z' if order.marketplace in {'US', 'CA'} else '00'}{random.randrange(10**14):014d}",
            units=units,
            shipped_at=shipped,
            scanned_at=_if_past(shipped + timedelta(hours=random.uniform(0.5, 8)), now)
            if is_scanned
            else None,
            delivered_at=_if_past(arrives, now) if is_scanned else None,
            is_business=plan.is_business,
            invoiced_at=_when_invoiced(
                shipped, is_late=order.number in outcomes.invoiced_late, now=now, random=random
            ),
        )


def _when_shipped(order: Order, plan: Package, *, is_late: bool, now: datetime, random: Random) -> datetime:
    if is_late:
        return _time_on(plan.ship_by + timedelta(days=1), random)
    planned = order.at + timedelta(hours=random.uniform(3, 40))
    return planned if planned < now else order.at + (now - order.at) * random.uniform(0.3, 0.9)


def _when_invoiced(shipped: datetime, *, is_late: bool, now: datetime, random: Random) -> datetime | None:
    """Return when the package was invoiced: within minutes, or late by some days including weekends."""
    wait = timedelta(days=random.uniform(5, 8)) if is_late else timedelta(minutes=random.uniform(1, 50))
    return _if_past(shipped + wait, now)


def _time_on(day: date, random: Random) -> datetime:
    return datetime.combine(day, time(8), UTC) + timedelta(minutes=random.randrange(600))


def _if_past(at: datetime, now: datetime) -> datetime | None:
    return at if at <= now else None
