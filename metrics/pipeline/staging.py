"""Define the temporary tables in which a transaction stages facts before it records them."""

from dataclasses import dataclass

from metrics.rules.facts import (
    DefectFact,
    Fact,
    ListingFact,
    MessageFact,
    OrderFact,
    ReportedFact,
    ReturnFact,
    ShipmentFact,
    SnapshotFact,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Staging:
    """Describe the staging table of one type of fact: PostgreSQL types in the order of its fields.

    The first column is the line of the report.
    """

    table: str
    columns: dict[str, str]


STATED = {"stated_at": "timestamptz"}
ITEM = {"sku": "text", "asin": "text", "quantity": "int4"}
STAGED: dict[type[Fact], Staging] = {
    OrderFact: Staging(
        table="staged_orders",
        columns={
            "order_id": "text",
            "marketplace": "text",
            "channel": "text",
            "status": "int2",
            "ordered_at": "timestamptz",
            "last_updated_at": "timestamptz",
        }
        | ITEM
        # Prices are converted by PostgreSQL: a numeric is written in text many times as fast as in binary.
        | {"item_status": "int2", "price": "text", "currency": "text"},
    ),
    DefectFact: Staging(
        table="staged_defects",
        columns={
            "order_id": "text",
            "kind": "text",
            "reference": "text",
            "state": "text",
            "rating": "int2",
            "occurred_on": "date",
        }
        | STATED
        | {"funded_by": "text", "counts": "bool"}
        | {"month_first_on": "date", "day_first_on": "date", "date_order": "text", "reason_code": "text"},
    ),
    ShipmentFact: Staging(
        table="staged_shipments",
        columns={
            "order_id": "text",
            "package": "text",
            "units": "int4",
            "ship_by_on": "date",
            "shipped_on": "date",
        }
        | {
            "is_late": "bool",
            "is_scanned": "bool",
            "deliver_by_on": "date",
            "delivered_on": "date",
            "is_on_time": "bool",
        }
        | {"is_invoiced_in_time": "bool", "cancelled_by": "text", "is_business": "bool"}
        | STATED
        | {"carrier": "text", "service": "text"},
    ),
    ReturnFact: Staging(
        table="staged_returns",
        columns={
            "order_id": "text",
            "reference": "text",
            "requested_on": "date",
            "state": "text",
            "is_return": "bool",
        }
        | {"is_dissatisfied": "bool", "reason": "text"}
        | STATED
        | ITEM
        | {"reason_code": "text"},
    ),
    MessageFact: Staging(
        table="staged_messages",
        columns={
            "message_id": "text",
            "marketplace": "text",
            "order_id": "text",
            "sent_on": "date",
            "needs_answer": "bool",
        }
        | {"answered_on": "date", "is_answered_in_time": "bool"}
        | STATED,
    ),
    ListingFact: Staging(
        table="staged_listings",
        columns={
            "marketplace": "text",
            "sku": "text",
            "source": "text",
            "channel": "text",
            "asin": "text",
            "title": "text",
            "quantity": "int4",
            "price": "numeric",
            "status": "text",
        }
        | STATED,
    ),
    SnapshotFact: Staging(
        table="staged_snapshots",
        columns={
            "marketplace": "text",
            "account_status": "text",
            "reported_at": "timestamptz",
            "document": "text",
        },
    ),
    ReportedFact: Staging(
        table="staged_reported",
        columns={
            "marketplace": "text",
            "metric": "text",
            "channel": "text",
            "first_on": "date",
            "last_on": "date",
        }
        | {
            "numerator": "int4",
            "denominator": "int4",
            "rate": "numeric",
            "status": "text",
            "comparator": "text",
        }
        | {
            "limit_numerator": "int4",
            "limit_denominator": "int4",
            "flags": "text",
            "reported_at": "timestamptz",
        },
    ),
}
