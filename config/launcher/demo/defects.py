"""Build the defects of a seller's orders: feedback, claims and chargebacks at the scenario's rates. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from random import Random

from config.launcher.demo.orders import Order
from config.launcher.demo.sample_accounts import Fulfilment, SampleAccount

# Days. Amazon's window of the order defect rate ends OFFSET days ago.
OFFSET, WINDOW = 15, 60
FEEDBACK, CLAIM, CHARGEBACK = "feedback", "a_to_z_claim", "chargeback"
COUNTING = (
    (FEEDBACK, ""),
    (CLAIM, "granted"),
    (CLAIM, "refunded_by_seller"),
    (CLAIM, "pending"),
    (CHARGEBACK, "service"),
)
HARMLESS = (
    (FEEDBACK, "neutral"),
    (CLAIM, "denied"),
    (CLAIM, "withdrawn"),
    (CLAIM, "amazon_funded"),
    (CHARGEBACK, "fraud"),
)
DECISIONS = ("denied", "withdrawn", "amazon_funded", "granted")


@dataclass(frozen=True, slots=True)
class Defect:
    order: str
    marketplace: str
    kind: str
    state: str
    stars: int
    on: date
    reference: str = ""
    reason: str = ""

    @property
    def is_counting(self) -> bool:
        """Return whether the defect makes its order defective."""
        return self.stars < 3 if self.kind == FEEDBACK else (self.kind, self.state) in COUNTING


def build_defects(
    *, account: SampleAccount, orders: Iterable[Order], now: datetime, random: Random
) -> Iterator[Defect]:
    """Yield the defects of `orders`, counted and not, so that each window has the rate in the seller's
    scenario."""

    shipped = sorted(
        (order for order in orders if order.status == "Shipped" and order.marketplace), key=_series
    )
    for (marketplace, fulfilment), series in groupby(shipped, key=_series):
        for span, members in groupby(series, key=lambda order: _span(order, now)):
            placed = list(members)
            counting = _how_many(
                account,
                home=marketplace == account.home,
                fulfilment=fulfilment,
                span=span,
                placed=len(placed),
            )
            chosen = random.sample(placed, k=min(len(placed), counting + round(0.006 * len(placed))))
            for position, order in enumerate(chosen):
                yield _build_defect(
                    account=account,
                    order=order,
                    counts=position < counting,
                    span=span,
                    now=now,
                    random=random,
                )


def decide_claims(*, defects: Iterable[Defect]) -> list[Defect]:
    """Return the pending claims as Amazon decided them: three of four in favor of the seller."""
    pending = [defect for defect in defects if defect.state == "pending"]
    return [replace(defect, state=DECISIONS[index % 4]) for index, defect in enumerate(pending)]


def _series(order: Order) -> tuple[str, str]:
    return order.marketplace, order.fulfilment


def _span(order: Order, now: datetime) -> int:
    """Return 0 for the current window, 1 and more for earlier windows, and -1 for the days after it."""
    return ((now.date() - order.at.date()).days - OFFSET) // WINDOW


def _how_many(account: SampleAccount, *, home: bool, fulfilment: str, span: int, placed: int) -> int:
    """Return the number of the `placed` orders that are defective."""
    rates = account.current_rates if span == 0 and home else account.earlier_rates
    rate = rates[0 if fulfilment == Fulfilment.MERCHANT else 1]
    # Rounded down, so that a rate below the target stays below it with few orders.
    return int(placed * (rate * 0.4 if span < 0 else rate))


def _build_defect(
    *, account: SampleAccount, order: Order, counts: bool, span: int, now: datetime, random: Random
) -> Defect:
    kind, state = random.choices(COUNTING if counts else HARMLESS, (55, 15, 10, 10, 10))[0]
    if counts and account.recovers and span == 0:
        kind, state = CLAIM, "pending"
    elif state == "pending" and span > 0:
        # Amazon has decided old claims.
        state = "granted"
    stars = 3 if state == "neutral" else random.choice((1, 1, 2))
    on = min(order.at + timedelta(days=random.randrange(4, 30)), now).date()
    reference = "" if kind == FEEDBACK else f"{random.randrange(10**10):010d}"
    return Defect(order.number, order.marketplace, kind, state, stars, on, reference)
