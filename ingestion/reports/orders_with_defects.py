"""Read Seller Central's download of orders with defects: one row for each order, one column for each
category.

The page of the order defect rate shows the columns Order Id, Order Date, Fulfilled By, Pre-fulfillment
Cancellation, Late Shipment, Negative Feedback, A-to-z Guarantee claim, Chargeback claim. The exact format is
not documented, so any delimiter, spelling and word for yes is accepted. The download states only that a
defect exists.
"""

import re
from collections.abc import Sequence
from datetime import date

from ingestion.parsing.rejections import InvalidRow, RejectedDocument
from ingestion.reports import a_to_z_claims_page, cells, headers, listed_days
from ingestion.reports.quoting import quote_value
from ingestion.reports.report_type import Column, ParseContext, ReportType, RowParser, parse_order_id
from metrics.rules import defects
from metrics.rules.facts import DefectFact, DefectKind, Fact

NAME = "orders_with_defects"
REFERENCE = "orders-with-defects"
CATEGORIES = {
    "Pre-fulfillment Cancellation": DefectKind.CANCELLATION,
    "Late Shipment": DefectKind.LATE_SHIPMENT,
    "Negative Feedback": DefectKind.FEEDBACK,
    "A-to-z Guarantee claim": DefectKind.A_TO_Z_CLAIM,
    "Chargeback claim": DefectKind.CHARGEBACK,
}
RETURNS = ("requested-at", "return-request-date", "return-date")
MARKS, NO_MARKS = ("x", "✓", "✔"), ("", "-", "n/a", "none")
COUNT = re.compile("[0-9]{1,6}")
# With a currency, or it is a number that could be anything.
AMOUNT = re.compile(r"(?:[$€£¥₹]|[A-Z]{3}) ?-?[0-9][0-9.,]{0,14}|-?[0-9][0-9.,]{0,14} ?(?:[$€£¥₹]|[A-Z]{3})")
WORDS_OF = dict.fromkeys(CATEGORIES, "yes, y, true, x, ✓ or a count") | {
    "Negative Feedback": "yes, y, true, x, ✓, or 1 or 2 stars",
    "A-to-z Guarantee claim": "yes, y, true, x, ✓, a count, an amount, or the state of a claim that counts, such as "
    "Granted,",
    "Chargeback claim": "yes, y, true, x, ✓, a count or an amount",
}
COLUMNS = (
    Column(name="Order Id", meaning="Amazon's order ID", needed=True),
    Column(
        name="Order Date",
        meaning="the day of the order: 2025-07-01, 01-Jul-2025 or Jul 1, 2025; other formats are ignored",
    ),
    *(
        Column(
            name=name,
            meaning=f"{WORDS_OF[name]} if the order has this defect; at least one of the five columns is required",
        )
        for name in CATEGORIES
    ),
)
EXAMPLE = (
    "Order Id,Order Date,Fulfilled By,Pre-fulfillment Cancellation,Late Shipment,Negative Feedback,A-to-z "
    "Guarantee claim,"
    "Chargeback claim\n"
    "112-1234567-1234567,2025-07-01,Seller,No,Yes,Yes,No,No\n"
    "112-7654321-7654321,2025-07-03,Seller,No,No,No,Yes,No\n"
)


def build_parser(header: Sequence[str], parse_context: ParseContext) -> RowParser:
    if not matches(header, ()):
        raise RejectedDocument(
            "columns-missing",
            "Columns are missing",
            f"A {NAME} report needs the column Order Id and at least one of {', '.join(CATEGORIES)}, and no "
            "return date.",
        )
    read = cells.build_reader(header, COLUMNS, report_type=NAME)

    def parse(row: list[str]) -> list[Fact]:
        texts = read(row)
        order, on = (
            parse_order_id(texts["Order Id"], column="Order Id"),
            _day(texts.get("Order Date", ""), parse_context),
        )
        return [
            _as_list(order, kind, on)
            for name, kind in CATEGORIES.items()
            if _is_marked(name, texts.get(name, ""))
        ]

    return parse


WORDS_EXPECTED = dict.fromkeys(CATEGORIES.values(), "yes, no, x or a count") | {
    DefectKind.A_TO_Z_CLAIM: "yes, no, x, a count, an amount, Granted, Denied, Withdrawn or Pending",
    DefectKind.CHARGEBACK: "yes, no, x, a count or an amount",
}


def _is_marked(name: str, text: str) -> bool:
    word = text.lower()
    if word in NO_MARKS or word in cells.NO:
        return False
    if word in MARKS or word in cells.YES:
        return True
    kind = CATEGORIES[name]
    if kind is DefectKind.FEEDBACK:
        # A number is the stars of the feedback, and only 1 and 2 are negative. As a count, 5 would be a defect.
        if word == "2":
            return True
        raise InvalidRow(f"`{name}`: {quote_value(text)} is not valid; expected yes, no, 1 or 2.")
    if COUNT.fullmatch(word):
        return int(word) > 0
    if kind is DefectKind.A_TO_Z_CLAIM and (state := a_to_z_claims_page.find_state(text)):
        return defects.ruling(kind=kind, state=state, rating=None).counts
    if kind in {DefectKind.A_TO_Z_CLAIM, DefectKind.CHARGEBACK} and AMOUNT.fullmatch(text):
        return any(digit in "123456789" for digit in text)
    raise InvalidRow(f"`{name}`: {quote_value(text)} is not valid; expected {WORDS_EXPECTED[kind]}.")


def _day(text: str, parse_context: ParseContext) -> date | None:
    # The format of this column is not documented, and the order itself decides the day that counts.
    return listed_days.parse(text, parse_context=parse_context)


def _as_list(order: str, kind: DefectKind, on: date | None) -> DefectFact:
    return DefectFact(
        order_id=order,
        kind=kind,
        reference=REFERENCE,
        state=defects.LISTED,
        rating=None,
        occurred_on=on,
        stated_at=None,
        funded_by="",
        counts=defects.ruling(kind=kind, state=defects.LISTED, rating=None).counts,
    )


def matches(header: Sequence[str], _first_row: Sequence[str]) -> bool:
    """Return whether there is an order ID and a category, but no return date."""
    # Reports of returns have a column for claims as well, but also a return date.
    return (
        headers.has_columns(header, "order-id")
        and headers.has_any_column(header, CATEGORIES)
        and not headers.has_any_column(header, RETURNS)
    )


REPORT_TYPE = ReportType(
    names=(NAME,),
    title="Orders with defects, Seller Central's download",
    fact_types=(DefectFact,),
    dialect="csv",
    matches=matches,
    build_parser=build_parser,
    about=(
        "Lists the orders that Amazon counts as defective, with the categories of their defects. A "
        "report with details about a defect takes precedence."
    ),
    columns=COLUMNS,
    example=EXAMPLE,
    source="Seller Central: Account Health, Order Defect Rate, Orders with defects",
)
