"""Test that posted rows state what the same rows of our CSV layouts state."""

import json
from typing import Any

import pytest

from ingestion.parsing.rejections import RejectedDocument
from ingestion.reports import posted_facts
from metrics.rules.facts import Fact, OrderFact, OrderStatus
from tests import build
from tests.ingestion.parsed_documents import TODAY, ParsedDocument, parse_document

ORDER = build.order_id(1)
SHIPMENT: dict[str, Any] = {
    "order_id": ORDER,
    "ship_by": "2026-11-03",
    "shipped_at": "2026-11-03T10:00:00+01:00",
    "business_order": True,
    "units": 3.0,
    "carrier": " Deutsche  Post ",
    "updated_at": "2026-11-20T08:00:00Z",
}
MESSAGE: dict[str, Any] = {
    "message_id": "M-1",
    "received_at": "2026-11-18T23:30:00Z",
    "order_id": ORDER,
    "marketplace": "FR",
}
RETURN: dict[str, Any] = {
    "order_id": ORDER,
    "requested_at": "2026-11-10",
    "reference": "R1",
    "quantity": 2,
    "sku": "CUP",
}
PLACED: dict[str, Any] = {
    "order_id": ORDER,
    "channel": "mfn",
    "status": "partially_shipped",
    "ordered_at": "2026-11-01T09:00:00+01:00",
    "updated_at": "2026-11-02T09:00:00Z",
}


def parse(**lists: Any) -> ParsedDocument:
    """Parse these lists as they are stored."""
    document = json.dumps(posted_facts.select_documented(lists)).encode()
    return parse_document(document, announced="facts", marketplace="DE", zone="Europe/Berlin", today=TODAY)


def csv_facts(report_type: str, row: dict[str, Any]) -> list[Fact]:
    """Return the facts of the row as a CSV: null as an empty cell, true as yes."""
    words = {"None": "", "True": "yes", "False": "no", "3.0": "3"}
    cells = {name: words.get(str(value), str(value)) for name, value in row.items()}
    parsed = parse_document(
        build.table(cells), announced=report_type, marketplace="DE", zone="Europe/Berlin", today=TODAY
    )
    assert parsed.rejected == {}
    return [fact for _, fact in parsed.lines]


@pytest.mark.parametrize(
    ("kind", "report_type", "row"),
    [
        ("shipments", "shipments", SHIPMENT),
        ("shipments", "shipments", SHIPMENT | {"first_scan_at": None}),
        ("shipments", "shipments", SHIPMENT | {"deliver_by": "2026-11-05", "delivered_at": None}),
        ("shipments", "shipments", SHIPMENT | {"deliver_by": "2026-11-05"}),
        ("shipments", "shipments", SHIPMENT | {"invoiced_at": None, "units": None, "package": None}),
        ("shipments", "shipments", {"order_id": ORDER, "cancelled_by": "seller", "business_order": None}),
        ("messages", "buyer_messages", MESSAGE),
        ("messages", "buyer_messages", MESSAGE | {"answered_at": None}),
        ("messages", "buyer_messages", MESSAGE | {"no_response_needed": True, "order_id": None}),
        ("returns", "returns", RETURN),
        ("returns", "returns", RETURN | {"negative_feedback": False}),
        ("returns", "returns", RETURN | {"answered_at": None, "wrongly_rejected": None}),
        ("returns", "returns", RETURN | {"wrongly_rejected": True, "reason_code": "CR-DEFECTIVE"}),
    ],
)
def test_posted_row_states_what_the_csv_states(kind: str, report_type: str, row: dict[str, Any]) -> None:
    assert [fact for _, fact in parse(**{kind: [row]}).lines] == csv_facts(report_type, row)


def test_absent_field_is_unknown_and_null_has_not_happened() -> None:
    unknown, unscanned = parse(
        shipments=[SHIPMENT | {"package": "1"}, SHIPMENT | {"package": "2", "first_scan_at": None}]
    ).shipments

    assert (unknown.is_scanned, unscanned.is_scanned) == (None, False)


def test_items_of_posted_order_are_facts_of_one_order() -> None:
    items = [
        {
            "sku": "CUP",
            "asin": "B07K1FNN7M",
            "quantity": 2,
            "status": "shipped",
            "price": "19.80",
            "currency": "EUR",
        },
        {"sku": "POT", "quantity": None, "price": 7.5, "status": "partially_shipped"},
        {"sku": "LID", "price": 12},
    ]

    parsed = parse(
        orders=[PLACED | {"items": items}, PLACED | {"order_id": build.order_id(2), "marketplace": "IT"}]
    )

    cup, pot, lid, bare = parsed.orders
    assert [line for line, _ in parsed.lines] == [1, 1, 1, 2]
    assert len({fact[:6] for fact in (cup, pot, lid)}) == 1
    assert cup[1:4] == ("DE", "mfn", OrderStatus.PARTIALLY_SHIPPED)
    assert cup[6:] == ("CUP", "B07K1FNN7M", 2, OrderStatus.SHIPPED, "19.80", "EUR")
    assert pot[6:] == ("POT", "", None, OrderStatus.PARTIALLY_SHIPPED, "7.5", "")
    assert lid.price == "12"
    assert (bare.marketplace, bare[6:]) == ("IT", OrderFact(*cup[:6])[6:])


def test_posted_rows_are_numbered_through_all_lists() -> None:
    parsed = parse(returns=[RETURN], messages=[MESSAGE], orders=[PLACED], shipments=[SHIPMENT, SHIPMENT])

    assert [line for line, _ in parsed.lines] == [1, 2, 3, 4, 5]
    assert [type(fact).__name__ for _, fact in parsed.lines] == [
        *("OrderFact", "ShipmentFact", "ShipmentFact", "MessageFact", "ReturnFact"),
    ]


def test_document_of_facts_has_documented_fields_only() -> None:
    body = {
        "orders": [PLACED | {"buyer": "Jane", "items": [{"sku": "CUP", "title": "Cup"}]}],
        "shipments": [SHIPMENT | {"ship_to": "Jane"}],
        "messages": [],
        "notes": [1],
    }

    assert posted_facts.select_documented(body) == {
        "orders": [PLACED | {"items": [{"sku": "CUP"}]}],
        "shipments": [SHIPMENT],
    }


@pytest.mark.parametrize(
    "document", [b"{", b"{}", b"[]", b'{"defects": []}', b'{"orders": 1}', b'{"orders": []}']
)
def test_document_without_lists_of_facts_is_rejected(document: bytes) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        list(posted_facts.list_rows(document))

    assert rejection.value.slug == "invalid-json"
