"""Define facts: the statements of a report about an order, a package, a return, a message or an account.

Facts do not depend on the format of a report. They are NamedTuples, which are immutable and cheap enough for
a million of them in one report. The order of the fields is that of the columns of their staging table
(metrics/pipeline/staging.py).
"""

from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import NamedTuple


class Channel(StrEnum):
    """Name the channels: the merchant or Amazon ships. `all` is for figures that Amazon does not separate."""

    MFN = "mfn"
    AFN = "afn"
    ALL = "all"


class OrderStatus(IntEnum):
    """Order the states of an order.

    Of two facts with the same `last-updated-date`, the one with the later state is right.
    """

    PENDING = 1
    UNSHIPPED = 2
    PARTIALLY_SHIPPED = 3
    SHIPPED = 4
    CANCELLED = 5


class DefectKind(StrEnum):
    """Name the kinds of defects. Only the first three count towards the order defect rate.

    The others come from Amazon's lists of the orders that missed a metric, and count into that metric.
    """

    FEEDBACK = "feedback"
    A_TO_Z_CLAIM = "a_to_z_claim"
    CHARGEBACK = "chargeback"
    LATE_SHIPMENT = "late_shipment"
    CANCELLATION = "cancellation"
    LATE_DELIVERY = "late_delivery"
    INVALID_TRACKING = "invalid_tracking"
    INVOICE_DEFECT = "invoice_defect"


class Canceller(StrEnum):
    """Name the parties that cancel an order.

    `unconfirmed` is Amazon, because the seller did not confirm the shipment in time.
    """

    BUYER = "buyer"
    SELLER = "seller"
    UNCONFIRMED = "unconfirmed"
    AMAZON = "amazon"


class OrderFact(NamedTuple):
    """State one order and, if the row of the report names one, an item of it.

    The item is identified by `sku`; an empty one states no item. A `quantity` of None says only that the order has the
    item. `price` is that of all its units, in whole units of `currency`, as a decimal text.
    """

    order_id: str
    marketplace: str
    channel: str
    status: int
    ordered_at: datetime
    last_updated_at: datetime
    sku: str = ""
    asin: str = ""
    quantity: int | None = None
    item_status: int | None = None
    price: str | None = None
    currency: str = ""


class DefectFact(NamedTuple):
    """State one defect of an order, identified by (order_id, kind, reference).

    `stated_at` is the moment that the report describes, or None if it names none: then the fact received
    later is right.

    Feedback has the date of a report in which day and month have the order of a store. `month_first_on` and
    `day_first_on` are both readings of a date that has two. `date_order` says how the report is to be read:
    `day_first` or `month_first` if its sender stated the marketplace, `assumed` if not, `fixed` if its dates
    have another form; it is empty for all other defects.

    `reason_code` is the reason of a claim, refund or feedback, as an upper-case code, or empty.
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
    month_first_on: date | None = None
    day_first_on: date | None = None
    date_order: str = ""
    reason_code: str = ""


class ShipmentFact(NamedTuple):
    """State one package of an order, or an order without packages, identified by (order_id, package).

    None means unknown or undecided, never "no": an undelivered package before its promised day is neither on
    time nor late. `units` are the items in the package. Days are in the time zone of the report's
    marketplace. `carrier` and `service` are words of the report, or empty.
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
    is_business: bool
    stated_at: datetime | None
    carrier: str = ""
    service: str = ""


class ReturnFact(NamedTuple):
    """State one return request, identified by (order_id, reference), and an item of it, if the report names one.

    `is_return` is false for a cancelled, declined or rejected request. `is_dissatisfied` is None if it is not
    known how the request was handled. `reason` is `negative_feedback`, `late_answer` or `wrong_rejection` if
    the buyer is dissatisfied, else empty. The item is identified by `sku`; `reason_code` is why it is returned
    (metrics/rules/return_reasons.py).
    """

    order_id: str
    reference: str
    requested_on: date
    state: str
    is_return: bool
    is_dissatisfied: bool | None
    reason: str
    stated_at: datetime | None
    sku: str = ""
    asin: str = ""
    quantity: int | None = None
    reason_code: str = ""


class MessageFact(NamedTuple):
    """State one buyer message, identified by its ID. The text of the message is not stored.

    `is_answered_in_time` is None until the 24 hours are over. `order_id` is empty if the buyer asked before
    ordering.
    """

    message_id: str
    marketplace: str
    order_id: str
    sent_on: date
    needs_answer: bool
    answered_on: date | None
    is_answered_in_time: bool | None
    stated_at: datetime | None


class ListingFact(NamedTuple):
    """State one listing: what the seller offers in a store under a SKU. What is unknown is None or empty.

    It is identified by (marketplace, sku, source), because `source`, the report of all listings or that of Amazon's
    warehouses, knows only a part of it.

    `title` is the name of the product. `quantity` is the number of units that can be sold. `price` is that of one unit,
    in whole units of the store's currency. `status` is a word of the report, in lower case.
    """

    marketplace: str
    sku: str
    source: str
    channel: str
    asin: str
    title: str
    quantity: int | None
    price: Decimal | None
    status: str
    stated_at: datetime | None


class SnapshotFact(NamedTuple):
    """State one marketplace's part of Amazon's account health report.

    `document` is that part as JSON text. `account_status` is empty if the report states none.
    """

    marketplace: str
    account_status: str
    reported_at: datetime
    document: str


class ReportedFact(NamedTuple):
    """State one figure of Amazon's account health report. What it does not state is None or empty, never 0.

    `rate` is Amazon's, a fraction of 1; numerator and denominator are Amazon's counts. A policy counter has
    the denominator 1. `flags` is a JSON list of sentences, one for each contradiction in the figure.
    `reported_at` is the snapshot's.
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


Fact = (
    OrderFact
    | DefectFact
    | ShipmentFact
    | ReturnFact
    | MessageFact
    | ListingFact
    | SnapshotFact
    | ReportedFact
)
