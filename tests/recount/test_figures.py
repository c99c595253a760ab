"""Test what counts into which metric, window and target, with small accounts counted by hand."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from tests.recount.counted_rows import BUILDERS
from tests.recount.figures import METRICS, ODR, OTDR, PCR, Recount, Rule, channels_of, history, rule_of
from tests.recount.small_accounts import DAY, NOON, build_knowledge, placed, recount, upload
from tests.recount.statements import (
    ELSEWHERE,
    DefectRow,
    MessageRow,
    ReturnRow,
    Row,
    ShipmentRow,
    UnconfirmedRow,
)

LSR, VTR, IDR = "late_shipment_rate_10d", "valid_tracking_rate", "invoice_defect_rate"
MESSAGES, RDR, RETURNS = "message_response_rate_24h", "return_dissatisfaction_rate", "return_rate"
NEXT = DAY + timedelta(days=1)
CLAIM = DefectRow("O-1", "a_to_z_claim", "", "granted", None, DAY, None)
LATE = ShipmentRow("O-1", package="P1", ship_by=DAY, shipped_at=NEXT)
PUNCTUAL = ShipmentRow("O-1", package="P2", ship_by=NEXT, shipped_at=DAY)
DELIVERED = replace(PUNCTUAL, deliver_by=NEXT, delivered_at=NEXT, units=5)
BUSINESS = ShipmentRow("O-1", package="P1", shipped_at=DAY, business_order=True, invoiced_at=DAY)
UNINVOICED = replace(BUSINESS, package="P2", shipped_at=NEXT, invoiced_at=None)


def unconfirmed_row(*kinds: str) -> UnconfirmedRow:
    return UnconfirmedRow("O-1", DAY, "mfn", frozenset(kinds))


def counted(metric: str, *rows: Row, store: str = "GB", channel: str = "mfn", **more: Any) -> tuple[int, int]:
    """Return numerator and denominator of a day whose window contains DAY and the day after."""
    as_of = NEXT + timedelta(days=rule_of(metric, store).offset)
    return recount(*rows, **more).figures(metric, store, channel, as_of=as_of)


@pytest.mark.parametrize(
    ("metric", "marketplace", "first", "last"),
    [
        (ODR, "GB", date(2026, 8, 18), date(2026, 10, 16)),
        (LSR, "GB", date(2026, 10, 22), date(2026, 10, 31)),
        ("late_shipment_rate_30d", "GB", date(2026, 10, 2), date(2026, 10, 31)),
        (PCR, "GB", date(2026, 10, 24), date(2026, 10, 30)),
        (VTR, "GB", date(2026, 9, 22), date(2026, 10, 21)),
        (OTDR, "FR", date(2026, 9, 22), date(2026, 10, 21)),
        (OTDR, "GB", date(2026, 10, 11), date(2026, 10, 24)),
        (OTDR, "US", date(2026, 10, 11), date(2026, 10, 24)),
        (IDR, "GB", date(2026, 10, 18), date(2026, 10, 24)),
        (MESSAGES, "GB", date(2026, 10, 2), date(2026, 10, 31)),
        (RDR, "GB", date(2026, 10, 2), date(2026, 10, 31)),
        (RETURNS, "GB", date(2026, 8, 18), date(2026, 10, 16)),
    ],
)
def test_window_of_each_rule_at_the_end_of_october(
    metric: str, marketplace: str, first: date, last: date
) -> None:
    rule = rule_of(metric, marketplace)

    assert rule.window(date(2026, 10, 31)) == (first, last)
    assert rule.leaves_on(first) == date(2026, 11, 1)


@pytest.mark.parametrize(
    ("metric", "marketplace", "numerator", "denominator", "expected"),
    [
        (ODR, "GB", 0, 0, None),
        (ODR, "GB", 1, 100, False),
        (ODR, "GB", 1, 101, True),
        (LSR, "GB", 4, 100, False),
        (LSR, "GB", 3, 99, True),
        (PCR, "GB", 1, 40, False),
        (PCR, "GB", 1, 41, True),
        (VTR, "GB", 95, 100, True),
        (VTR, "GB", 94, 99, False),
        (OTDR, "US", 90, 100, True),
        (OTDR, "US", 89, 99, False),
        (OTDR, "FR", 97, 100, False),
        (OTDR, "FR", 98, 101, True),
        (IDR, "GB", 1, 20, False),
        (IDR, "GB", 1, 21, True),
        (MESSAGES, "GB", 9, 10, True),
        (MESSAGES, "GB", 8, 9, False),
        (RDR, "GB", 1, 10, False),
        (RDR, "GB", 1, 11, True),
        (RETURNS, "GB", 9, 10, None),
    ],
)
def test_target_is_compared_strictly_as_stated(
    metric: str, marketplace: str, numerator: int, denominator: int, expected: bool | None
) -> None:
    assert rule_of(metric, marketplace).is_met(numerator, denominator) is expected


def test_metrics_all_have_lines_a_rule_and_channels() -> None:
    assert set(METRICS) == set(BUILDERS)
    assert {metric for metric in METRICS if channels_of(metric) == ("mfn", "afn")} == {
        *(ODR, "negative_feedback_rate", "a_to_z_claim_rate", "chargeback_rate", RETURNS)
    }
    assert channels_of(MESSAGES) == ("all",)


@pytest.mark.parametrize(
    ("metric", "rows", "expected"),
    [
        (ODR, [placed()], (0, 1)),
        (ODR, [placed(), CLAIM, replace(CLAIM, reference="C-2")], (1, 1)),
        (ODR, [placed(status="Cancelled")], (0, 0)),
        (ODR, [placed(status="Pending"), CLAIM], (1, 1)),
        (ODR, [placed(), unconfirmed_row("late_shipment", "cancellation")], (0, 1)),
        (ODR, [placed(), unconfirmed_row("chargeback")], (1, 1)),
        (ODR, [placed(store=ELSEWHERE), CLAIM], (0, 0)),
        (ODR, [CLAIM], (0, 0)),
        ("chargeback_rate", [placed(status="Pending"), CLAIM], (0, 1)),
        ("a_to_z_claim_rate", [placed(), CLAIM], (1, 1)),
        ("negative_feedback_rate", [placed(), unconfirmed_row("feedback")], (1, 1)),
    ],
)
def test_order_defect_rate_counts_an_order_once(
    metric: str, rows: list[Row], expected: tuple[int, int]
) -> None:
    assert counted(metric, *rows) == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([placed()], (0, 1)),
        ([placed(status="Cancelled")], (0, 0)),
        ([placed(status="Cancelled"), ShipmentRow("O-1", cancelled_by="seller")], (1, 1)),
        ([placed(status="Cancelled"), ShipmentRow("O-1", cancelled_by="unconfirmed")], (1, 1)),
        ([placed(status="Cancelled"), ShipmentRow("O-1", cancelled_by="buyer")], (0, 0)),
        ([placed(status="Cancelled"), ShipmentRow("O-1", cancelled_by="amazon")], (0, 0)),
        ([placed(status="Cancelled"), unconfirmed_row("cancellation")], (1, 1)),
        ([placed(), ShipmentRow("O-1", cancelled_by="seller", shipped_at=DAY)], (0, 1)),
        (
            [
                placed(),
                ShipmentRow("O-1", "P1", cancelled_by="seller"),
                ShipmentRow("O-1", "P2", shipped_at=DAY),
            ],
            (1, 1),
        ),
        ([placed(channel="afn"), ShipmentRow("O-1", cancelled_by="seller")], (0, 0)),
        ([ShipmentRow("O-1", cancelled_by="seller")], (0, 0)),
    ],
)
def test_cancel_rate_counts_cancellations_by_the_seller_before_shipping(
    rows: list[Row], expected: tuple[int, int]
) -> None:
    assert counted(PCR, *rows) == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([placed(status="Cancelled")], 1),
        ([placed(status="Cancelled"), ShipmentRow("O-1", shipped_at=DAY)], 1),
        ([placed(status="Cancelled"), ShipmentRow("O-1", cancelled_by="buyer")], 0),
        ([placed(status="Cancelled"), unconfirmed_row("cancellation")], 0),
        ([placed()], 0),
        ([placed(status="Cancelled", channel="afn")], 0),
        ([placed(status="Cancelled", store="DE")], 0),
    ],
)
def test_cancelled_order_without_canceller_is_unexplained(rows: list[Row], expected: int) -> None:
    assert recount(*rows).unexplained("GB", as_of=NEXT) == expected


@pytest.mark.parametrize(
    ("defective", "orders", "expected"),
    [(0, 0, "no_data"), (0, 10, "healthy"), (1, 100, "breached"), (1, 133, "at_risk"), (1, 134, "healthy")],
)
def test_order_defect_rate_is_at_risk_from_three_quarters_of_a_percent(
    defective: int, orders: int, expected: str
) -> None:
    rows = [placed(f"O-{n}") for n in range(orders)] + [
        replace(CLAIM, order_id=f"O-{n}") for n in range(defective)
    ]

    assert recount(*rows).status(ODR, "GB", "mfn", as_of=DAY + timedelta(days=15)) == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([placed(), PUNCTUAL], (0, 1)),
        ([placed(), LATE, PUNCTUAL], (1, 1)),
        ([placed(), PUNCTUAL, unconfirmed_row("late_shipment")], (1, 1)),
        ([placed(), unconfirmed_row("late_shipment")], (0, 0)),
        ([placed(), replace(LATE, shipped_at=None)], (0, 0)),
        ([placed(), replace(LATE, ship_by=None)], (0, 0)),
        ([placed(status="Cancelled"), LATE], (1, 1)),
        ([placed(channel="afn"), LATE], (0, 0)),
        ([placed(store=ELSEWHERE), LATE], (0, 0)),
        ([LATE], (0, 0)),
    ],
)
def test_late_shipment_rate_counts_orders_with_a_late_package(
    rows: list[Row], expected: tuple[int, int]
) -> None:
    assert counted(LSR, *rows) == expected


def test_late_shipment_rate_uses_the_earliest_ship_by_of_shipped_packages() -> None:
    earliest = replace(LATE, package="P3", ship_by=DAY - timedelta(days=1), shipped_at=None)

    (line,) = recount(placed(), PUNCTUAL, LATE, earliest).listed(LSR, as_of=NEXT)

    assert (line.day, line.order_id, line.reference, line.counted) == (DAY, "O-1", "", True)


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [
        ([placed(), PUNCTUAL, replace(LATE, first_scan_at=NEXT)], {"first_scan_at"}, (1, 2)),
        ([placed(), PUNCTUAL, LATE], {"ship_by"}, (0, 0)),
        ([placed(), replace(LATE, shipped_at=None)], {"first_scan_at"}, (0, 0)),
        ([placed(channel="afn"), PUNCTUAL], {"first_scan_at"}, (0, 0)),
    ],
)
def test_tracking_rate_counts_packages(rows: list[Row], columns: set[str], expected: tuple[int, int]) -> None:
    assert counted(VTR, *rows, columns=frozenset(columns)) == expected


@pytest.mark.parametrize(
    ("store", "rows", "expected"),
    [
        ("FR", [DELIVERED, replace(DELIVERED, package="P1", delivered_at=NEXT + timedelta(days=1))], (1, 2)),
        (
            "US",
            [DELIVERED, replace(DELIVERED, package="P1", delivered_at=NEXT + timedelta(days=1), units=2)],
            (5, 7),
        ),
        ("US", [DELIVERED, replace(DELIVERED, package="P1", units=None)], (6, 6)),
        ("DE", [replace(DELIVERED, delivered_at=None)], (0, 0)),
        ("FR", [replace(DELIVERED, delivered_at=None, first_scan_at=DAY)], (0, 1)),
        ("DE", [replace(DELIVERED, delivered_at=None, first_scan_at=DAY)], (0, 5)),
        ("DE", [replace(DELIVERED, delivered_at=None, first_scan_at=DAY, updated_at=NOON)], (0, 0)),
        ("DE", [replace(DELIVERED, deliver_by=None)], (0, 0)),
        ("DE", [replace(DELIVERED, shipped_at=None)], (0, 0)),
    ],
)
def test_delivery_rate_counts_units_or_packages_by_marketplace(
    store: str, rows: list[Row], expected: tuple[int, int]
) -> None:
    assert counted(OTDR, placed(store=store), *rows, store=store) == expected


@pytest.mark.parametrize(
    ("store", "rows", "expected"),
    [
        ("GB", [BUSINESS], (0, 1)),
        ("GB", [BUSINESS, UNINVOICED], (1, 1)),
        ("GB", [replace(BUSINESS, business_order=False)], (0, 0)),
        ("GB", [replace(BUSINESS, invoiced_at=None, updated_at=NOON)], (0, 0)),
        ("US", [BUSINESS, UNINVOICED], (0, 0)),
    ],
)
def test_invoice_rate_counts_business_orders_in_five_marketplaces(
    store: str, rows: list[Row], expected: tuple[int, int]
) -> None:
    assert counted(IDR, placed(store=store), *rows, store=store) == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (MessageRow("M-1", NOON, "GB", NOON + timedelta(hours=24)), (1, 1)),
        (MessageRow("M-1", NOON, "GB", NOON + timedelta(hours=25)), (0, 1)),
        (MessageRow("M-1", NOON, "GB", None, updated_at=NOON + timedelta(hours=24)), (0, 0)),
        (MessageRow("M-1", NOON, "GB", None, True), (0, 0)),
        (MessageRow("M-1", NOON, "DE", NOON), (0, 0)),
    ],
)
def test_response_rate_counts_messages_of_their_own_marketplace(
    message: MessageRow, expected: tuple[int, int]
) -> None:
    assert counted(MESSAGES, message, channel="all") == expected


def test_message_needs_no_order() -> None:
    first, second = MessageRow("M-1", NOON, "GB", NOON), MessageRow("M-2", NOON, "GB", NOON, order_id="O-9")

    listed = recount(first, second).listed(MESSAGES, as_of=DAY)

    assert [(line.order_id, line.reference, line.channel) for line in listed] == [
        (None, "M-1", "all"),
        ("O-9", "M-2", "all"),
    ]


@pytest.mark.parametrize(
    ("metric", "rows", "expected"),
    [
        (RDR, [ReturnRow("O-1", DAY, "R-1", answered_at=DAY), ReturnRow("O-1", DAY, "R-2")], (1, 2)),
        (RDR, [ReturnRow("O-1", DAY, updated_at=NOON)], (0, 0)),
        (RDR, [ReturnRow("O-1", DAY, state="rejected", wrongly_rejected=True)], (1, 1)),
        (RDR, [ReturnRow("O-9", DAY)], (0, 0)),
        (RETURNS, [ReturnRow("O-1", DAY, "R-1"), ReturnRow("O-1", DAY, "R-2", "denied")], (1, 1)),
        (RETURNS, [ReturnRow("O-1", DAY, "R-2", "denied")], (0, 1)),
        (RETURNS, [ReturnRow("O-9", DAY)], (0, 1)),
    ],
)
def test_returns_count_by_request_or_by_order(
    metric: str, rows: list[Row], expected: tuple[int, int]
) -> None:
    assert counted(metric, placed(), *rows) == expected


def test_returned_order_outside_the_denominator_counts_in_its_own_only() -> None:
    statements: list[Row] = [placed(status="Cancelled", channel="afn"), ReturnRow("O-1", DAY)]

    assert (counted(RETURNS, *statements, channel="afn"), counted(ODR, *statements, channel="afn")) == (
        (1, 1),
        (0, 0),
    )


def test_order_that_moves_takes_its_lines_along() -> None:
    moved = replace(placed(store="DE"), updated_at=NOON + timedelta(days=1))
    statements = upload(placed(), LATE, ReturnRow("O-1", DAY))

    before, after = Recount(build_knowledge(statements)), Recount(build_knowledge(statements, upload(moved)))

    for metric in (LSR, VTR, RDR):
        as_of = NEXT + timedelta(days=rule_of(metric, "GB").offset)
        assert {line.marketplace for line in before.listed(metric, as_of=as_of)} == {"GB"}
        assert {line.marketplace for line in after.listed(metric, as_of=as_of)} == {"DE"}


def test_history_has_the_days_with_data() -> None:
    days = [DAY + timedelta(days=n) for n in range(-5, 20)]

    figures = history(recount(placed(), LATE), LSR, "GB", "mfn", days=days)

    assert figures == {DAY + timedelta(days=n): (1, 1) for n in range(10)}


def test_figure_without_a_target_has_no_verdict() -> None:
    assert Rule(60, 15).is_met(1, 1) is None


def test_order_day_does_not_depend_on_the_zone_of_its_moment() -> None:
    ordered = replace(placed(), ordered_at=datetime.fromisoformat("2026-10-03T08:59:59+09:00"))

    assert ordered.ordered_on == DAY
