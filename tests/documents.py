"""Build the documents of a plan as bytes."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from tests import build
from tests.recount.statements import (
    ASINS,
    ELSEWHERE,
    DefectRow,
    ListedRow,
    OrderRow,
    Row,
    UnconfirmedRow,
)

STORES = {"US": "Amazon.com", "GB": "Amazon.co.uk", "DE": "Amazon.de", ELSEWHERE: "Non-Amazon"}
FULFILMENT = {"mfn": "Merchant", "afn": "Amazon"}
FULFILLED_BY = {"mfn": "Seller", "afn": "Amazon"}
DAY_FORMATS = {"US": "%m/%d/%y", "GB": "%d/%m/%y", "DE": "%d.%m.%y"}
WITH_OPTIONAL_COLUMNS = ("shipments", "returns", "buyer_messages", "feedback_removals")
DEFECT_COLUMNS = {
    "cancellation": "Pre-fulfillment Cancellation",
    "late_shipment": "Late Shipment",
    "feedback": "Negative Feedback",
    "a_to_z_claim": "A-to-z Guarantee claim",
    "chargeback": "Chargeback claim",
}


LISTS = {
    "late_delivery": "late_deliveries",
    "invalid_tracking": "packages_without_valid_tracking",
    "invoice_defect": "invoice_defects",
}
"""The report type of each of Amazon's lists, by its kind of defect."""


@dataclass(frozen=True)
class Document:
    """Store the rows of one report. Feedback has dates in the format of its store, and can have a period.

    `columns`: the header, for report types with optional columns. `has_invalid_row`: whether one more row is
    invalid. `counts_all`: whether the agency sets Pending and Cancelled orders to be counted before the upload.
    """

    report_type: str
    rows: tuple[Row, ...]
    store: str
    columns: tuple[str, ...] = ()
    period: tuple[date, date] | None = None
    has_invalid_row: bool = False
    counts_all: bool = False

    @property
    def content(self) -> bytes:
        if self.report_type == "orders":
            return build.orders_file(_order_cells(row) for row in self.rows if isinstance(row, OrderRow))
        if self.report_type == "orders_with_defects":
            return _comma_separated(
                [_unconfirmed_cells(row) for row in self.rows if isinstance(row, UnconfirmedRow)]
            )
        if self.report_type in LISTS.values():
            return _comma_separated([_listed_cells(row) for row in self.rows if isinstance(row, ListedRow)])
        if self.report_type in WITH_OPTIONAL_COLUMNS:
            return _comma_separated([_cells(row, self.columns) for row in self.rows])
        defects = [row for row in self.rows if isinstance(row, DefectRow)]
        if self.report_type == "claims":
            return build.claims_file(
                {name: _to_text(cell) for name, cell in json_fields(row).items()} for row in defects
            )
        return build.feedback_file([*map(self._feedback_cells, defects), *self._invalid_cells()])

    @property
    def upload_fields(self) -> dict[str, str]:
        """Return the fields sent with the file."""
        kind = (
            {"report_type": self.report_type}
            if self.report_type in {*WITH_OPTIONAL_COLUMNS, "orders_with_defects"}
            else {}
        )
        days = [day.isoformat() for day in self.period or ()]
        return (
            {"marketplace": self.store} | kind | dict(zip(("period_from", "period_to"), days, strict=False))
        )

    def _feedback_cells(self, row: DefectRow) -> tuple[str, ...]:
        day = row.occurred_on.strftime(DAY_FORMATS[self.store]) if row.occurred_on else ""
        return build.feedback_row(order=row.order_id, on=day, rating=row.rating or 0)

    def _invalid_cells(self) -> Iterable[tuple[str, ...]]:
        invalid_rating = 9
        for row in self.rows[: int(self.has_invalid_row)]:
            if isinstance(row, DefectRow) and row.occurred_on:
                day = row.occurred_on.strftime(DAY_FORMATS[self.store])
                yield build.feedback_row(order=row.order_id, on=day, rating=invalid_rating)


def json_fields(row: Row) -> dict[str, Any]:
    """Return the fields of a row as JSON values, without those that are None."""
    cells = {field.name: getattr(row, field.name) for field in fields(row)}
    return {
        name: cell.isoformat() if isinstance(cell, date) else cell
        for name, cell in cells.items()
        if cell is not None
    }


def _cells(row: Row, columns: Iterable[str]) -> dict[str, str]:
    cells = json_fields(row)
    return {column: _to_text(cells.get(column)) for column in columns}


def _to_text(cell: object) -> str:
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
        sku=row.sku,
        asin=ASINS.get(row.sku, ""),
    )


def _unconfirmed_cells(row: UnconfirmedRow) -> dict[str, str]:
    order = {
        "Order Id": row.order_id,
        "Order Date": row.ordered_on.isoformat(),
        "Fulfilled By": FULFILLED_BY[row.channel],
    }
    return order | {column: "Yes" if kind in row.kinds else "No" for kind, column in DEFECT_COLUMNS.items()}


def _listed_cells(row: ListedRow) -> dict[str, str]:
    order, day = {"Order ID": row.order_id, "Tracking ID": row.tracking_number}, row.on.isoformat()
    return (
        order
        | {
            "late_delivery": {
                "Actual Delivery Date": day,
                "Delivered After Promised Date Without Extension": "YES",
            },
            "invalid_tracking": {"Ship Confirmation Date": day, "No Valid Tracking": "X"},
            "invoice_defect": {"Ship Date UTC": day, "Defect Type": "Missing Invoice"},
        }[row.kind]
    )
