"""The numbers once more, as plainly as their rules can be said: every upload is kept, and every answer is counted anew
from all of them. It shares nothing with the product.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

DAYS, OFFSET = 60, 15
ELSEWHERE = "Non-Amazon"
NEVER = datetime.min.replace(tzinfo=UTC)
FURTHER_AND_FURTHER = ["Pending", "Unshipped", "PartiallyShipped", "Shipped", "Cancelled"]
COUNTING_STATES = {
    "a_to_z_claim": {"pending", "granted", "refunded_by_seller", "order_cancelled"},
    "chargeback": {"service"},
}
KINDS_OF_METRIC = {
    "order_defect_rate": {"feedback", "a_to_z_claim", "chargeback"},
    "negative_feedback_rate": {"feedback"},
    "a_to_z_claim_rate": {"a_to_z_claim"},
    "chargeback_rate": {"chargeback"},
}
PARTS = {
    "negative_feedback": "negative_feedback_rate",
    "a_to_z_claims": "a_to_z_claim_rate",
    "chargebacks": "chargeback_rate",
}


@dataclass(frozen=True)
class OrderRow:
    """One row of an orders report. `store` is the marketplace's code, or ELSEWHERE."""

    order_id: str
    store: str
    channel: str
    status: str
    ordered_at: datetime
    updated_at: datetime

    @property
    def ordered_on(self) -> date:
        return self.ordered_at.astimezone(UTC).date()


@dataclass(frozen=True)
class DefectRow:
    """One statement about a defect. `updated_at` is None where the row does not say when its state became so.

    Who paid is told and decides nothing.
    """

    order_id: str
    kind: str
    reference: str
    state: str
    rating: int | None
    occurred_on: date
    updated_at: datetime | None
    funded_by: str = ""

    @property
    def counts(self) -> bool:
        if self.kind == "feedback":
            return self.state == "posted" and self.rating in {1, 2}
        return self.state in COUNTING_STATES[self.kind]


def feedback(*, order_id: str, rating: int, on: date) -> DefectRow:
    """A row of a feedback report, which speaks of the midnight at which its day began."""
    return DefectRow(order_id, "feedback", "", "posted", rating, on, datetime.combine(on, time.min, UTC))


@dataclass(frozen=True)
class Upload:
    """Rows in the order of their document, the moment it was received, and the moment since which it is known.

    `counts_all`: by then the agency wanted Pending and Cancelled orders counted.
    """

    rows: tuple[OrderRow | DefectRow, ...]
    received_at: datetime
    known_at: datetime
    counts_all: bool = False


class Knowledge:
    """What the uploads known at a moment say: one right statement about each order and each defect."""

    def __init__(self, uploads: Iterable[Upload], *, known_at: datetime) -> None:
        known = [upload for upload in uploads if upload.known_at <= known_at]
        self.orders = _orders(known)
        self.defects = _defects(known)
        newest = max(known, key=lambda upload: upload.known_at, default=None)
        self.left_out = set() if newest and newest.counts_all else {"Pending", "Cancelled"}

    def denominator(self, *, as_of: date, marketplace: str, channel: str) -> dict[str, OrderRow]:
        """The orders of the window that are not left out by their status, or have a counted defect; by their ids."""
        first, last = window(as_of)
        return {
            order.order_id: order
            for order in self.orders.values()
            if (order.store, order.channel) == (marketplace, channel)
            and first <= order.ordered_on <= last
            and (order.status not in self.left_out or self.is_counted(order.order_id, "order_defect_rate"))
        }

    def is_counted(self, order_id: str, metric: str) -> bool:
        """Whether the order is in the metric's numerator."""
        return any(defect.counts and defect.kind in KINDS_OF_METRIC[metric] for defect in self.defects.get(order_id, []))

    def figures(self, *, metric: str, as_of: date, marketplace: str, channel: str) -> tuple[int, int]:
        """Numerator and denominator."""
        orders = self.denominator(as_of=as_of, marketplace=marketplace, channel=channel)
        return sum(self.is_counted(order_id, metric) for order_id in orders), len(orders)

    def parts(self, *, as_of: date, marketplace: str, channel: str) -> dict[str, int]:
        """How many orders have a counted defect of each kind."""
        orders = self.denominator(as_of=as_of, marketplace=marketplace, channel=channel)
        return {part: sum(self.is_counted(each, metric) for each in orders) for part, metric in PARTS.items()}

    def unmatched(self) -> int:
        """How many defects speak of an order that no report has told of."""
        return sum(len(defects) for order_id, defects in self.defects.items() if order_id not in self.orders)


def window(as_of: date) -> tuple[date, date]:
    """The first and the last order day of the window."""
    return as_of - timedelta(days=OFFSET + DAYS - 1), as_of - timedelta(days=OFFSET)


def meets_target(numerator: int, denominator: int) -> bool | None:
    """Strictly under one percent; nothing can be said of nothing."""
    return 100 * numerator < denominator if denominator else None


def _orders(uploads: list[Upload]) -> dict[str, OrderRow]:
    right: dict[str, OrderRow] = {}
    for row in (row for upload in uploads for row in upload.rows if isinstance(row, OrderRow)):
        other = right.get(row.order_id)
        if other is None or _reach(row) > _reach(other):
            right[row.order_id] = row
    return right


def _reach(row: OrderRow) -> tuple[datetime, int]:
    return row.updated_at, FURTHER_AND_FURTHER.index(row.status)


def _defects(uploads: list[Upload]) -> dict[str, list[DefectRow]]:
    """The right statement about each defect, by order: the one of the latest moment, then the one received last."""
    right: dict[tuple[str, str, str], tuple[datetime, DefectRow]] = {}
    for upload in sorted(uploads, key=lambda upload: upload.received_at):
        for row in (row for row in upload.rows if isinstance(row, DefectRow)):
            moment = row.updated_at or upload.received_at
            identity = (row.order_id, row.kind, row.reference)
            if moment >= right.get(identity, (NEVER, row))[0]:
                right[identity] = (moment, row)
    of_orders: dict[str, list[DefectRow]] = {}
    for _, row in right.values():
        of_orders.setdefault(row.order_id, []).append(row)
    return of_orders
