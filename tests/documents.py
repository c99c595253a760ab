"""Build the documents of a plan as bytes."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from tests import build
from tests.recount.statements import ELSEWHERE, DefectRow, HearsayRow, OrderRow, Row

STORES = {"US": "Amazon.com", "GB": "Amazon.co.uk", "DE": "Amazon.de", ELSEWHERE: "Non-Amazon"}
FULFILMENT = {"mfn": "Merchant", "afn": "Amazon"}
FULFILLED_BY = {"mfn": "Seller", "afn": "Amazon"}
DAY_WRITTEN = {"US": "%m/%d/%y", "GB": "%d/%m/%y", "DE": "%d.%m.%y"}
WRITTEN_BY_COLUMN = ("shipments", "returns", "buyer_messages", "feedback_removals")
KINDS_HEARD_OF = {
    "cancellation": "Pre-fulfillment Cancellation",
    "late_shipment": "Late Shipment",
    "feedback": "Negative Feedback",
    "a_to_z_claim": "A-to-z Guarantee claim",
    "chargeback": "Chargeback claim",
}


@dataclass(frozen=True)
class Document:
    """Rows for one door. Feedback is written as its store writes dates, and may say which days it covers.

    `columns`: the header, for the doors that let it be chosen. `spoiled`: one row more, which cannot be used.
    `counts_all`: before, the agency asks for Pending and Cancelled orders to be counted.
    """

    door: str
    rows: tuple[Row, ...]
    store: str
    columns: tuple[str, ...] = ()
    period: tuple[date, date] | None = None
    spoiled: bool = False
    counts_all: bool = False

    @property
    def content(self) -> bytes:
        if self.door == "orders":
            return build.orders_file(_order_cells(row) for row in self.rows if isinstance(row, OrderRow))
        if self.door == "orders_with_defects":
            return _comma_separated([_hearsay_cells(row) for row in self.rows if isinstance(row, HearsayRow)])
        if self.door in WRITTEN_BY_COLUMN:
            return _comma_separated([_cells(row, self.columns) for row in self.rows])
        defects = [row for row in self.rows if isinstance(row, DefectRow)]
        if self.door == "claims":
            return build.claims_file(
                {name: _written(cell) for name, cell in told(row).items()} for row in defects
            )
        return build.feedback_file([*map(self._feedback_cells, defects), *self._spoiled_cells()])

    @property
    def asked(self) -> dict[str, str]:
        """Return the fields sent with the file."""
        kind = {"report_type": self.door} if self.door in {*WRITTEN_BY_COLUMN, "orders_with_defects"} else {}
        days = [day.isoformat() for day in self.period or ()]
        return (
            {"marketplace": self.store} | kind | dict(zip(("period_from", "period_to"), days, strict=False))
        )

    def _feedback_cells(self, row: DefectRow) -> tuple[str, ...]:
        day = row.occurred_on.strftime(DAY_WRITTEN[self.store]) if row.occurred_on else ""
        return build.feedback_row(order=row.order_id, on=day, rating=row.rating or 0)

    def _spoiled_cells(self) -> Iterable[tuple[str, ...]]:
        stars_there_are_none_of = 9
        for row in self.rows[: int(self.spoiled)]:
            if isinstance(row, DefectRow) and row.occurred_on:
                day = row.occurred_on.strftime(DAY_WRITTEN[self.store])
                yield build.feedback_row(order=row.order_id, on=day, rating=stars_there_are_none_of)


def told(row: Row) -> dict[str, Any]:
    """Return the fields of a row as JSON values, without those that are None."""
    cells = {field.name: getattr(row, field.name) for field in fields(row)}
    return {
        name: cell.isoformat() if isinstance(cell, date) else cell
        for name, cell in cells.items()
        if cell is not None
    }


def _cells(row: Row, columns: Iterable[str]) -> dict[str, str]:
    cells = told(row)
    return {column: _written(cells.get(column)) for column in columns}


def _written(cell: object) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return "" if cell is None else str(cell)


def _comma_separated(rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _order_cells(row: OrderRow) -> Mapping[str, str]:
    return build.order_row(
        amazon_order_id=row.order_id,
        purchase_date=row.ordered_at.isoformat(),
        last_updated_date=row.updated_at.isoformat(),
        order_status=row.status,
        fulfillment_channel=FULFILMENT[row.channel],
        sales_channel=STORES[row.store],
    )


def _hearsay_cells(row: HearsayRow) -> dict[str, str]:
    order = {
        "Order Id": row.order_id,
        "Order Date": row.ordered_on.isoformat(),
        "Fulfilled By": FULFILLED_BY[row.channel],
    }
    return order | {column: "Yes" if kind in row.kinds else "No" for kind, column in KINDS_HEARD_OF.items()}
