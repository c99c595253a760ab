"""Define the rows of documents before they are judged."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from tests.recount.cells import Cell, day_of

ELSEWHERE = "Non-Amazon"
ASINS = {"CUP-1": "B000000001", "CUP-2": "B000000001", "PAD": "B000000002", "MUG": ""}
"""The ASIN of each SKU. Two SKUs may have one, and a report may state none."""
COUNTING_STATES = {
    "a_to_z_claim": {"pending", "granted", "refunded_by_seller", "order_cancelled"},
    "chargeback": {"service"},
}


@dataclass(frozen=True)
class OrderRow:
    """Store one row of an orders report. `store` is the marketplace's code, or ELSEWHERE."""

    order_id: str
    store: str
    channel: str
    status: str
    ordered_at: datetime
    updated_at: datetime
    sku: str = ""

    @property
    def ordered_on(self) -> date:
        return day_of(self.ordered_at)


@dataclass(frozen=True)
class DefectRow:
    """One statement about a defect. `updated_at` is None where the row does not say when its state became so.

    `funded_by` is stated but has no effect.
    """

    order_id: str
    kind: str
    reference: str
    state: str
    rating: int | None
    occurred_on: date | None
    updated_at: datetime | None
    funded_by: str = ""
    reason_code: str = ""

    @property
    def counts(self) -> bool:
        if self.kind == "feedback":
            return self.state == "posted" and self.rating in {1, 2}
        return self.state in COUNTING_STATES[self.kind]


@dataclass(frozen=True)
class RemovalRow:
    """Store the removal of an order's feedback."""

    order_id: str
    removed_on: Cell


@dataclass(frozen=True)
class UnconfirmedRow:
    """Store an order with defects of some kinds, without details."""

    order_id: str
    ordered_on: date
    channel: str
    kinds: frozenset[str]


@dataclass(frozen=True)
class ListedRow:
    """Store a row of one of Amazon's lists of what missed a metric. `tracking_number` may name the package."""

    order_id: str
    kind: str
    on: date
    tracking_number: str = ""


@dataclass(frozen=True)
class ShipmentRow:
    """Store one package, or an order without packages yet. Fields without a value are None or empty."""

    order_id: str
    package: str = ""
    tracking_number: str = ""
    units: int | None = None
    ship_by: Cell | None = None
    shipped_at: Cell | None = None
    first_scan_at: Cell | None = None
    deliver_by: Cell | None = None
    delivered_at: Cell | None = None
    business_order: bool | None = None
    invoiced_at: Cell | None = None
    cancelled_by: str = ""
    updated_at: datetime | None = None
    carrier: str = ""


@dataclass(frozen=True)
class ReturnRow:
    """Store one return request. Fields without a value are None or empty."""

    order_id: str
    requested_at: Cell
    reference: str = ""
    state: str = ""
    answered_at: Cell | None = None
    negative_feedback: bool | None = None
    wrongly_rejected: bool | None = None
    updated_at: datetime | None = None
    sku: str = ""
    reason_code: str = ""


@dataclass(frozen=True)
class MessageRow:
    """Store one message of a buyer, who may not have ordered yet."""

    message_id: str
    received_at: datetime
    marketplace: str
    answered_at: datetime | None = None
    no_response_needed: bool | None = None
    order_id: str = ""
    updated_at: datetime | None = None


Row = OrderRow | DefectRow | RemovalRow | UnconfirmedRow | ListedRow | ShipmentRow | ReturnRow | MessageRow


def feedback(*, order_id: str, rating: int, on: date) -> DefectRow:
    """Build a row of a feedback report, whose time is the beginning of its day."""
    return DefectRow(order_id, "feedback", "", "posted", rating, on, datetime.combine(on, time.min, UTC))


@dataclass(frozen=True)
class Upload:
    """Rows in the order of their document, the moment it was received, and the moment since which it is
    known.

    `columns`: its header. `store`: the marketplace it was sent for. `period`: the days that a feedback report
    says it covers. `rejected`: how many more rows it had that could not be used. `counts_all`: by then the
    agency wanted Pending and Cancelled orders counted.
    """

    rows: tuple[Row, ...]
    received_at: datetime
    known_at: datetime
    counts_all: bool = False
    columns: frozenset[str] = frozenset()
    store: str = ""
    period: tuple[date, date] | None = None
    rejected: int = 0

    @property
    def covered_until(self) -> datetime | None:
        """Return the time until which this feedback report is complete for its period; None if it is not."""
        days = [row.occurred_on for row in self.rows if isinstance(row, DefectRow) and row.occurred_on]
        if (
            not self.period
            or not days
            or self.rejected
            or min(days) < self.period[0]
            or max(days) > self.period[1]
        ):
            return None
        return self.received_at


def end_of(day: date) -> datetime:
    """Return the last second of the day."""
    return datetime.combine(day, time(23, 59, 59), UTC)
