"""Test that reasons and problems quote no personal data."""

import time

import pytest

from ingestion.parsing.rejections import InvalidRow, RejectedDocument, mask_email_addresses
from ingestion.reports.quoting import quote_value
from ingestion.reports.report_type import parse_order_id
from tests import build
from tests.client import Client
from tests.ingestion.parsed_documents import parse_document

ADDRESS = "jane.o'doe+shop@marketplace.amazon.co.uk"
COMMENT = "it never arrived and the box was wet and torn"
DAY = "10/20/23"
FEEDBACK = build.feedback_file([build.feedback_row(order=build.order_id(1), on=DAY)])


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (ADDRESS, "[e-mail address]"),
        (f"'{ADDRESS}' is not a valid date.", "'[e-mail address]' is not a valid date."),
        (f"Write to {ADDRESS}, please", "Write to [e-mail address], please"),
        ("<jane@doe.example>", "<[e-mail address]>"),
        ("a@b c@d", "[e-mail address] [e-mail address]"),
        ("jane@", "[e-mail address]"),
        ("@doe.example", "[e-mail address]"),
        ("jane＠doe.example", "[e-mail address]"),
        ("müller@exämple.de", "[e-mail address]"),
        ("`order-status`: 'Lost' is not a known status.", "`order-status`: 'Lost' is not a known status."),
        ("", ""),
        ("Write to 'a@b'c@d' or ''a@b''", "Write to '[e-mail address]' or ''[e-mail address]''"),
        ("jane@@doe@example", "[e-mail address]"),
        ("the order " + "x" * 3985 + " jane.doe@doe.example", "the order " + "x" * 3985),
        ("the order " + "x" * 3988 + "@doe.example", "the order"),
        ("x" * 5000, "x" * 4000),
    ],
)
def test_email_addresses_are_masked(text: str, left: str) -> None:
    assert mask_email_addresses(text) == left


def test_rejected_rows_cost_no_more_than_their_length() -> None:
    rows = [build.order_row()] + [build.order_row(amazon_order_id="@ " + "x" * 1000)] * 1000
    document = build.orders_file(rows)
    began = time.thread_time()

    parsed = parse_document(document)

    assert len(parsed.rejected) == 1000
    assert time.thread_time() - began < 1.5


@pytest.mark.parametrize("cell", ["pendin " * 140, "x" * 1000, "0-" * 500, "a@b " * 250, "1," * 500])
def test_only_the_beginning_of_a_long_value_is_looked_at(cell: str) -> None:
    began = time.thread_time()

    for _ in range(500):
        quote_value(cell, ("pending", "granted", "refunded_by_seller", "order_cancelled"))

    assert time.thread_time() - began < 1


def test_reason_and_rejection_contain_no_addresses() -> None:
    reason, refused = (
        InvalidRow(f"{ADDRESS} is no date."),
        RejectedDocument("slug", "Title", f"It begins with {ADDRESS}, as it seems."),
    )

    assert (reason.reason, str(reason)) == ("[e-mail address] is no date.",) * 2
    assert refused.problem()["detail"] == str(refused) == "It begins with [e-mail address], as it seems."


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("Shipped - Delivered to Buyer", "'Shipped - Delivered to Buyer'"),
        ("Delivered to Jane", "a text of several words"),
        ("Jane", "a text of one word"),
        ("Elmstreet7", "a text of one word"),
        ("555-0100", "a long number"),
        ("+49 (0)170 1234567", "a long number"),
        ("00491701234567", "a long number"),
        ("$12.99", "'$12.99'"),
        ("Sep 10, 2026", "'Sep 10, 2026'"),
        ("11/20/2026", "'11/20/2026'"),
        ("2026-09-10 08:04:21 UTC", "'2026-09-10 08:04:21 UTC'"),
        ("Jane Doe", "a text of several words"),
        ("12 Main Street", "a text of several words"),
        ("2025-07-10 08:00:00", "'2025-07-10 08:00:00'"),
        ("Lost", "'Lost'"),
        ("x" * 100, "a text of one word"),
        ("302-1234567-123456", "'302-1234567-123456'"),
        (ADDRESS, "'[e-mail address]'"),
        ("x" * 38 + "@doe.example", "'[e-mail address]'"),
        ("x" * 50 + "@doe.example", "'[e-mail address]'"),
        (COMMENT, "a text of several words"),
        ("x" * 2_000_000 + "@", "a text of one word"),
    ],
)
def test_value_is_shown_without_addresses_or_sentences(cell: str, expected: str) -> None:
    assert quote_value(cell) == expected


def test_order_id_is_flagged_to_be_none_without_sentence_that_stands_there() -> None:
    with pytest.raises(
        InvalidRow, match=r"^`order_id`: a text of several words is not a valid Amazon order ID"
    ):
        parse_order_id(COMMENT)


@pytest.mark.parametrize("cell", [ADDRESS, COMMENT, f"mail {ADDRESS}"])
@pytest.mark.parametrize("at", range(6))
def test_reason_does_not_quote_shifted_cells(cell: str, at: int) -> None:
    row = list(build.feedback_row(order=build.order_id(2), on=DAY))
    row[at] = cell

    reasons = " ".join(parse_document(FEEDBACK + ("\t".join(row) + "\n").encode()).rejected.values())

    assert "jane" not in reasons
    assert "arrived" not in reasons
    assert "@" not in reasons


@pytest.mark.parametrize("cell", [ADDRESS, COMMENT])
@pytest.mark.parametrize(
    "column", ["amazon-order-id", "purchase-date", "last-updated-date", "order-status", "sales-channel"]
)
def test_reason_of_order_does_not_quote_misplaced_text(cell: str, column: str) -> None:
    document = build.orders_file([build.order_row(), build.order_row() | {column: cell}])

    (reason,) = parse_document(document).rejected.values()

    assert "jane" not in reason
    assert "arrived" not in reason
    assert "@" not in reason


@pytest.mark.parametrize(
    "field", ["order_id", "kind", "state", "occurred_on", "updated_at", "funded_by", "rating", "reference"]
)
def test_reason_of_claim_does_not_quote_misplaced_text(field: str) -> None:
    bad = build.claim(order=build.order_id(1)) | {field: f"{ADDRESS} {COMMENT} " * 2}

    (reason,) = parse_document(
        build.claims_file([build.claim(order=build.order_id(1)), bad])
    ).rejected.values()

    assert "jane" not in reason
    assert "arrived" not in reason
    assert "@" not in reason


@pytest.mark.parametrize(
    ("line", "hidden"),
    [
        (f"Jane;{ADDRESS};x", ["jane", "@", "amazon.co"]),
        ("Jane Doe;12 Main Street;Seattle;A-to-z Guarantee Claim", ["Jane", "Doe", "12", "Main", "Seattle"]),
        ("Jane;+49 (0)170 1234567;x", ["170", "1234567"]),
        ("Jane;555-0100-123;x", ["0100"]),
        ("Jane;123.456.789-00;x", ["456"]),
        ("x" * 95 + ADDRESS, ["jane", "@"]),
    ],
)
def test_first_line_of_unknown_document_is_not_quoted(
    nord: Client, shelf: str, line: str, hidden: list[str]
) -> None:
    report = nord.load(shelf, line.encode())

    assert report["problem"]["type"] == "/problems/unknown-document"
    assert [word for word in hidden if word in report["problem"]["detail"]] == []


def test_first_line_of_unknown_document_is_quoted_where_it_is_known_column(nord: Client, shelf: str) -> None:
    report = nord.load(shelf, b"Order ID;Jane Roe;Rating\n")

    assert "the columns `Order ID`, `Rating` and 1 that are not known." in report["problem"]["detail"]


def test_rejected_rows_of_agency_that_keeps_documents_as_they_come_show_no_address(
    nord: Client, shelf: str
) -> None:
    nord.patch("/v1/agency", {"keeps_personal_columns": True}, format="json")
    orders = build.orders_file([build.order_row(), build.order_row(amazon_order_id=ADDRESS)])

    report = nord.load(shelf, orders)

    (row,) = nord.read(f"/v1/reports/{report['id']}/rejected-rows")["data"]
    assert row["reason"].startswith("`amazon-order-id`: '[e-mail address]' is not a valid Amazon order ID")
