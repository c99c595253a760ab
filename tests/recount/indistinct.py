"""Find the rows of a document that cannot be told apart, of which only the first is used."""

from collections.abc import Hashable
from datetime import datetime

from tests.documents import Document
from tests.recount import judgement
from tests.recount.cells import day_of
from tests.recount.statements import ReturnRow, Row, ShipmentRow


def kept_rows(document: Document, *, received_at: datetime) -> tuple[Row, ...]:
    """Return the rows of a document without those that contradict an earlier one and have no name or time."""
    first: dict[Hashable, Hashable] = {}
    kept = []
    for row in document.rows:
        meaning = _meaning(row, frozenset(document.columns), received_at)
        if meaning is None or first.setdefault((row.order_id, row.updated_at), meaning) == meaning:  # type: ignore[union-attr]
            kept.append(row)
    return tuple(kept)


def _meaning(row: Row, columns: frozenset[str], received_at: datetime) -> Hashable:
    """Return what a row without a name states; None for any other row."""
    if isinstance(row, ShipmentRow) and not judgement.name_of(row):
        delivered_on = day_of(row.delivered_at) if row.delivered_at else None
        return judgement.package(row, columns=columns, at=row.updated_at or received_at), delivered_on
    if isinstance(row, ReturnRow) and not row.reference:
        judged = judgement.returned(row, columns=columns, at=row.updated_at or received_at)
        return (
            judged,
            row.state,
            bool(row.negative_feedback),
            bool(row.negative_feedback or row.wrongly_rejected),
        )
    return None
