"""Build a small account that can be counted by hand: orders of one day, and rows about them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.recount.figures import Recount
from tests.recount.knowledge import Knowledge
from tests.recount.statements import OrderRow, Row, Upload

NOON = datetime(2026, 10, 2, 12, tzinfo=UTC)  # a Friday
DAY = NOON.date()
RECEIVED = datetime(2026, 11, 20, tzinfo=UTC)
ALL_COLUMNS = frozenset(
    {"first_scan_at", "delivered_at", "invoiced_at", "answered_at", "updated_at", "carrier"}
)
MAX_TIME = datetime.max.replace(tzinfo=UTC)


def placed(
    order_id: str = "O-1", *, store: str = "GB", channel: str = "mfn", status: str = "Shipped"
) -> OrderRow:
    """Build an order of NOON."""
    return OrderRow(order_id, store, channel, status, NOON, NOON)


def upload(*rows: Row, minutes: int = 0, **more: Any) -> Upload:
    """Build a document known when received, `minutes` after the first."""
    received_at = RECEIVED + timedelta(minutes=minutes)
    usual: dict[str, Any] = {"columns": ALL_COLUMNS, "store": "GB"}
    return Upload(rows, received_at, received_at, **usual | more)


def build_knowledge(*uploads: Upload) -> Knowledge:
    return Knowledge(uploads, known_at=MAX_TIME)


def recount(*rows: Row, **more: Any) -> Recount:
    """Return the recount of an account with these rows in one document."""
    return Recount(build_knowledge(upload(*rows, **more)))
