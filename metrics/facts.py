"""What a report says of an order, free of any report's format.

Facts are NamedTuples: immutable, and cheap enough for a million of them in one report. Field order is the order of the
columns of the table they are staged in (metrics/recording.py).
"""

from datetime import date, datetime
from enum import IntEnum, StrEnum
from typing import NamedTuple


class Channel(StrEnum):
    MFN = "mfn"
    AFN = "afn"


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


Fact = OrderFact | DefectFact
