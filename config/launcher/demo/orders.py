"""Build two years of orders of one seller. Pure.

Volumes vary by season and weekday, and recent orders have the statuses of their age.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from config.launcher.demo.products import Product
from config.launcher.demo.sample_accounts import Fulfilment, SampleAccount

DAYS = 730
BY_MONTH = (0.85, 0.8, 0.9, 0.95, 1, 1, 0.95, 0.95, 1, 1.05, 1.35, 1.45)
BY_WEEKDAY = (1.1, 1.05, 1, 0.95, 0.9, 0.95, 1.05)
BY_HOUR = (3, 2, 1, 1, 1, 2, 4, 6, 8, 9, 9, 9, 9, 9, 9, 9, 9, 10, 11, 12, 12, 10, 8, 5)


@dataclass(frozen=True, slots=True)
class Order:
    number: str
    at: datetime
    updated_at: datetime
    marketplace: str
    fulfilment: Fulfilment
    status: str
    items: tuple[tuple[Product, int], ...]
    """Product and quantity."""


def build_orders(*, account: SampleAccount, now: datetime, random: Random) -> Iterator[Order]:
    """Yield the orders of the two years before `now`, oldest first."""
    stores, shares = list(account.stores) or [account.home], list(account.stores.values()) or [1.0]
    for age in range(DAYS, -1, -1):
        midnight = (now - timedelta(days=age)).replace(hour=0, minute=0, second=0, microsecond=0)
        for at in sorted(_order_times(account=account, midnight=midnight, age=age, random=random)):
            if at <= now - timedelta(minutes=40):
                marketplace = random.choices(stores, shares)[0]
                yield _order(account=account, at=at, now=now, marketplace=marketplace, random=random)


def _order_times(*, account: SampleAccount, midnight: datetime, age: int, random: Random) -> list[datetime]:
    growth = 1 - 0.35 * age / DAYS
    expected = account.per_day * growth * BY_MONTH[midnight.month - 1] * BY_WEEKDAY[midnight.weekday()]
    number = int(expected + random.uniform(0, 1) + random.gauss(0, 0.1) * expected)
    hours = random.choices(range(24), BY_HOUR, k=max(0, number))
    return [midnight + timedelta(hours=hour, seconds=random.randrange(3600)) for hour in hours]


def _order(*, account: SampleAccount, at: datetime, now: datetime, marketplace: str, random: Random) -> Order:
    merchant = bool(marketplace) and random.random() < account.merchant_share
    updated = min(at + timedelta(hours=random.uniform(1, 90)), now)
    number = _number(marketplace, random)
    return Order(
        number=number,
        at=at,
        updated_at=updated,
        marketplace=marketplace,
        fulfilment=Fulfilment.MERCHANT if merchant else Fulfilment.AMAZON,
        status=_status(age=now - at, random=random),
        items=tuple(
            (random.choice(account.products), random.choices((1, 2, 3), (88, 9, 3))[0])
            for _ in _items(random)
        ),
    )


def _number(marketplace: str, random: Random) -> str:
    """Return an order ID in Amazon's format. Multi-channel orders that Amazon ships have another one."""
    parts = random.randrange(10**7), random.randrange(10**7)
    if not marketplace:
        return f"S{random.randrange(100):02d}-{parts[0]:07d}-{parts[1]:07d}"
    return f"{random.randrange(100, 999)}-{parts[0]:07d}-{parts[1]:07d}"


def _items(random: Random) -> range:
    return range(random.choices((1, 2, 3), (80, 15, 5))[0])


def _status(*, age: timedelta, random: Random) -> str:
    if random.random() < 0.02:
        return "Cancelled"
    if age < timedelta(hours=12) and random.random() < 0.35:
        return "Pending"
    if age < timedelta(days=2) and random.random() < 0.6:
        return "Unshipped"
    return "Shipped"
