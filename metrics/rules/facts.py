"""What a report says of an order, a message or an account, free of any report's format.

Facts are NamedTuples: immutable, and cheap enough for a million of them in one report. Field order is the order of the
columns of the table they are staged in (metrics/pipeline/recording.py).
"""

from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import NamedTuple


class Channel(StrEnum):
    """Who fulfils. `all` is for figures that Amazon itself does not part."""

    MFN = "mfn"
    AFN = "afn"
    ALL = "all"


class OrderStatus(IntEnum):
    """How far an order got. Of two statements with the same `last-updated-date` the further one is right."""

    PENDING = 1
    UNSHIPPED = 2
    PARTIALLY_SHIPPED = 3
    SHIPPED = 4
    CANCELLED = 5


class DefectKind(StrEnum):
    FEEDBACK = "feedback"
    A_TO_Z_CLAIM = "a_to_z_claim"
    CHARGEBACK = "chargeback"
    LATE_SHIPMENT = "late_shipment"
    CANCELLATION = "cancellation"


class Canceller(StrEnum):
    """Who cancelled. `unconfirmed`: Amazon did, because the seller had not confirmed the shipment in time."""

    BUYER = "buyer"
    SELLER = "seller"
    UNCONFIRMED = "unconfirmed"
    AMAZON = "amazon"


class OrderFact(NamedTuple):
    """One statement of a report about one order."""

    order_id: str
    marketplace: str
    channel: str
    status: int
    ordered_at: datetime
    last_updated_at: datetime


class DefectFact(NamedTuple):
    """One statement about one defect of an order; (order_id, kind, reference) says which defect.

    `stated_at` is the moment that the source speaks of, where it tells one; otherwise the later received statement is right.
    """

    order_id: str
    kind: str
    reference: str
    state: str
    rating: int | None
    occurred_on: date | None
    stated_at: datetime | None
    funded_by: str
    counts: bool


class ShipmentFact(NamedTuple):
    """One statement about one package of an order, or about an order that has none yet; (order_id, package) says which.

    None is "not known" or "cannot be said yet", never no: an undelivered package before its promised day is neither on time nor
    late.
    `units` are the items in the package. Days are those of the moments in the zone of the report's marketplace.
    """

    order_id: str
    package: str
    units: int
    ship_by_on: date | None
    shipped_on: date | None
    is_late: bool | None
    is_scanned: bool | None
    deliver_by_on: date | None
    delivered_on: date | None
    is_on_time: bool | None
    is_invoiced_in_time: bool | None
    cancelled_by: str
    stated_at: datetime | None


class ReturnFact(NamedTuple):
    """One statement about one return request; (order_id, reference) says which.

    `is_return`: not cancelled, declined or rejected. `is_dissatisfied` is None where nothing tells how the request was handled.
    `reason` is `negative_feedback`, `late_answer` or `wrong_rejection` where the buyer is dissatisfied, else empty.
    """

    order_id: str
    reference: str
    requested_on: date
    state: str
    is_return: bool
    is_dissatisfied: bool | None
    reason: str
    stated_at: datetime | None


class MessageFact(NamedTuple):
    """One statement about one buyer message, known by its id. `is_answered_in_time` is None while its 24 hours last.

    `order_id` is empty where the buyer asked before ordering. Nothing of what was written is kept.
    """

    message_id: str
    marketplace: str
    order_id: str
    sent_on: date
    needs_answer: bool
    answered_on: date | None
    is_answered_in_time: bool | None
    stated_at: datetime | None


class SnapshotFact(NamedTuple):
    """What Amazon's own report says of one marketplace, whole.

    `document` is JSON text, `account_status` is empty where it is not told.
    """

    marketplace: str
    account_status: str
    reported_at: datetime
    document: str


class ReportedFact(NamedTuple):
    """One figure of Amazon's own report. What the report does not tell is None or empty, never 0.

    `rate` is Amazon's, a fraction of 1; numerator and denominator are Amazon's counts. A policy counter is a count per 1.
    `flags` are the contradictions found in it, as JSON text: a list of sentences. `reported_at` is the snapshot's.
    """

    marketplace: str
    metric: str
    channel: str
    first_on: date | None
    last_on: date | None
    numerator: int | None
    denominator: int | None
    rate: Decimal | None
    status: str
    comparator: str
    limit_numerator: int | None
    limit_denominator: int | None
    flags: str
    reported_at: datetime


Fact = OrderFact | DefectFact | ShipmentFact | ReturnFact | MessageFact | SnapshotFact | ReportedFact
