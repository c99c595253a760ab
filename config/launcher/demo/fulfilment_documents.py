"""Build the documents of fulfillment and service: shipments, messages, returns, and Amazon's list of defects. Pure."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from random import Random

from config.launcher.demo.buyers import Message, Return
from config.launcher.demo.order_documents import lines, stamp
from config.launcher.demo.sample_accounts import Fulfilment
from config.launcher.demo.shipments import Package

SHIPMENTS: Mapping[str, Callable[[Package], str]] = {
    "order_id": lambda package: package.order,
    "package": lambda package: package.package,
    "tracking_number": lambda package: package.tracking,
    "carrier": lambda package: package.carrier,
    "units": lambda package: str(package.units),
    "ship_by": lambda package: package.ship_by.isoformat(),
    "shipped_at": lambda package: _stamp_or_empty(package.shipped_at),
    "first_scan_at": lambda package: _stamp_or_empty(package.scanned_at),
    "deliver_by": lambda package: package.deliver_by.isoformat(),
    "delivered_at": lambda package: _stamp_or_empty(package.delivered_at),
    "cancelled_by": lambda package: package.cancelled_by,
}
INVOICES: Mapping[str, Callable[[Package], str]] = {
    "business_order": lambda package: _yes_or_no(package.is_business),
    "invoiced_at": lambda package: _stamp_or_empty(package.invoiced_at if package.is_business else None),
}
MESSAGE_COLUMNS = (
    "message_id",
    "received_at",
    "answered_at",
    "no_response_needed",
    "order_id",
    "marketplace",
    "updated_at",
)
RETURN_COLUMNS = (
    *(
        "order_id",
        "requested_at",
        "reference",
        "state",
        "answered_at",
        "negative_feedback",
        "wrongly_rejected",
    ),
    *("sku", "asin", "quantity", "reason_code", "updated_at"),
)
MFN_RETURN_COLUMNS = (
    *(
        "Order ID",
        "Order date",
        "Return request date",
        "Return request status",
        "Amazon RMA ID",
        "Merchant RMA ID",
    ),
    *(
        "Label type",
        "A-to-Z Claim",
        "Is prime",
        "ASIN",
        "Merchant SKU",
        "Item Name",
        "Return quantity",
        "Return Reason",
    ),
    *("In policy", "Return type", "Resolution"),
)
FBA_RETURN_COLUMNS = (
    *("return-date", "order-id", "sku", "asin", "fnsku", "product-name", "quantity", "fulfillment-center-id"),
    *("detailed-disposition", "reason", "status", "license-plate-number", "customer-comments"),
)
DEFECT_COLUMNS = (
    *(
        "Order Id",
        "Order Date",
        "Fulfilled By",
        "Pre-fulfillment Cancellation",
        "Late Shipment",
        "Negative Feedback",
    ),
    *("A-to-z Guarantee claim", "Chargeback claim"),
)
# Only reports of seller-fulfilled returns write it before a reason.
PREFIX = "CR-"


def shipments_file(*, packages: Iterable[Package], with_invoices: bool, updated_at: datetime) -> bytes:
    """Build our CSV of shipments. It has the columns about invoices only in stores that require invoices."""
    columns = {**SHIPMENTS, **INVOICES} if with_invoices else SHIPMENTS
    updated = updated_at.isoformat()
    rows = ([*(cell(package) for cell in columns.values()), updated] for package in packages)
    return lines(",", [[*columns, "updated_at"], *rows]).encode()


def messages_file(*, messages: Iterable[Message], updated_at: datetime) -> bytes:
    """Build our CSV of buyer messages."""
    rows = [
        (
            message.number,
            _stamp_or_empty(message.received_at),
            _stamp_or_empty(message.answered_at),
            _yes_or_no(not message.needs_answer),
            message.order,
            message.marketplace,
            updated_at.isoformat(),
        )
        for message in messages
    ]
    return lines(",", [MESSAGE_COLUMNS, *rows]).encode()


def returns_file(*, returns: Iterable[Return], updated_at: datetime) -> bytes:
    """Build our CSV of return requests, which states how they were handled."""
    rows = [[*_return_cells(request), updated_at.isoformat()] for request in returns]
    return lines(",", [RETURN_COLUMNS, *rows]).encode()


def mfn_returns_report(*, returns: Iterable[Return], claimed: set[str]) -> bytes:
    """Build GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE. `claimed` are the orders with an A-to-z claim."""
    rows = [_mfn_return_cells(request, is_claimed=request.order.number in claimed) for request in returns]
    return lines("\t", [MFN_RETURN_COLUMNS, *rows]).encode()


def fba_returns_report(*, returns: Iterable[Return], random: Random) -> bytes:
    """Build GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA."""
    rows = [_fba_return_cells(request, random) for request in returns]
    return lines("\t", [FBA_RETURN_COLUMNS, *rows]).encode()


def defects_list(*, defects: Mapping[str, tuple[datetime, set[str]]]) -> bytes:
    """Build Seller Central's download of orders with defects.

    `defects` are the time and categories of each order; categories are names of columns.
    """

    rows = [
        (
            number,
            at.date().isoformat(),
            "Seller",
            *(("No", "Yes")[column in categories] for column in DEFECT_COLUMNS[3:]),
        )
        for number, (at, categories) in defects.items()
    ]
    return lines(",", [DEFECT_COLUMNS, *rows]).encode()


def select_returns(returns: Iterable[Return], fulfilment: Fulfilment) -> list[Return]:
    """Return the returns of orders with this fulfillment."""
    return [request for request in returns if request.order.fulfilment == fulfilment]


def _return_cells(request: Return) -> list[str]:
    product, quantity = request.order.items[0]
    return [
        request.order.number,
        _stamp_or_empty(request.requested_at),
        request.reference,
        request.state.lower(),
        _stamp_or_empty(request.answered_at),
        _yes_or_no(request.complaint == "negative_feedback"),
        _yes_or_no(request.complaint == "wrong_rejection"),
        product.sku,
        product.asin,
        str(quantity),
        request.reason,
    ]


def _mfn_return_cells(request: Return, *, is_claimed: bool) -> list[str]:
    product, quantity = request.order.items[0]
    cells = {
        "Order ID": request.order.number,
        "Order date": f"{request.order.at:%d-%b-%Y}",
        "Return request date": f"{request.requested_at:%d-%b-%Y}",
        "Return request status": request.state,
        "Amazon RMA ID": request.reference,
        "Label type": "AmazonPrePaidLabel",
        "A-to-Z Claim": "Y" if is_claimed else "N",
        "Is prime": "N",
        "ASIN": product.asin,
        "Merchant SKU": product.sku,
        "Item Name": product.title,
        "Return quantity": str(quantity),
        "Return Reason": f"{PREFIX}{request.reason}",
        "In policy": "Y",
        "Return type": "C-Returns",
        "Resolution": "StandardRefund",
    }
    return [cells.get(column, "") for column in MFN_RETURN_COLUMNS]


def _fba_return_cells(request: Return, random: Random) -> list[str]:
    product, _ = request.order.items[0]
    is_sellable = random.random() < 0.7
    cells = {
        "return-date": stamp(request.requested_at),
        "order-id": request.order.number,
        "sku": product.sku,
        "asin": product.asin,
        "fnsku": f"X00{product.asin[3:]}",
        "product-name": product.title,
        "quantity": "1",
        "fulfillment-center-id": random.choice(("LEX1", "LTN4", "MUC3", "YYZ1", "NRT5")),
        "detailed-disposition": "SELLABLE" if is_sellable else "CUSTOMER_DAMAGED",
        "reason": request.reason,
        "status": "Unit returned to inventory" if is_sellable else "Reimbursed",
        "license-plate-number": request.reference,
    }
    return [cells.get(column, "") for column in FBA_RETURN_COLUMNS]


def _stamp_or_empty(at: datetime | None) -> str:
    return stamp(at) if at else ""


def _yes_or_no(value: bool) -> str:  # noqa: FBT001
    return "yes" if value else "no"
