"""Read GET_SELLER_FEEDBACK_DATA: negative and neutral feedback, columns by position.

The order of the columns is constant, but the header is in the language of the seller account
(https://github.com/airbytehq/airbyte/pull/9212). The legacy layout has three more columns before the order
ID. Dates have the marketplace's order of day, month and year.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from ingestion.parsing.rejections import InvalidRow, RejectedDocument
from ingestion.parsing.tabular import clean_cell
from ingestion.reports import headers
from ingestion.reports.cells import row_is_short
from ingestion.reports.quoting import quote_value
from ingestion.reports.report_type import (
    FIRST_DAY,
    ORDER_ID,
    Column,
    ParseContext,
    ReportType,
    RowParser,
    parse_order_id,
)
from metrics.rules import defects
from metrics.rules.facts import DefectFact, DefectKind

NAME = "GET_SELLER_FEEDBACK_DATA"
ORDER_ID_AT = {6: 4, 9: 7, 10: 7}
"""The position of the order ID by the number of columns: six in the SP-API, nine or ten in the legacy
layout."""

# The header may be in any language, so the columns that are not in it do not matter, as long as most are.
PLACES = {"date": 0, "rating": 1, "comments": 2, "your-response": 3}
MIN_KNOWN, ALL_KNOWN = 3, 6
MAIL = re.compile(r"e-?mail|correo|メール|邮件|郵件|邮箱|posta|بريد", re.IGNORECASE)
COLUMNS = (
    Column(name="Date", meaning="the day, in the date format of the report's marketplace", needed=True),
    Column(name="Rating", meaning="1 to 5 stars; 1 and 2 are negative", needed=True),
    Column(name="Comments", meaning="not stored", needed=True),
    Column(name="Your Response", meaning="not stored", needed=True),
    Column(name="Order ID", meaning="Amazon's order ID", needed=True),
    Column(name="Rater Email", meaning="not stored", needed=True),
)
EXAMPLE = (
    "Date\tRating\tComments\tYour Response\tOrder ID\tRater Email\n"
    "7/14/25\t1\tnever arrived\t\t112-1234567-1234567\tx1y2z3@marketplace.amazon.com\n"
    "7/15/25\t3\tlate\tSorry!\t112-7654321-7654321\tq9w8e7@marketplace.amazon.com\n"
)

DAY_FIRST = ("day", "month", "year")
ORDERS_OF_DATE = {
    "US": ("/", ("month", "day", "year")),
    "JP": ("/", ("year", "month", "day")),
    "DE": (".", DAY_FIRST),
    "SE": ("-", ("year", "month", "day")),
}
SLASHED = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4}|[0-9]{2})")
DATE_LIKE = re.compile(r"(\d{1,4})([/.\-])(\d{1,2})\2(\d{1,4})")


def build_parser(header: Sequence[str], parse_context: ParseContext) -> RowParser:
    order_at = ORDER_ID_AT.get(len(header))
    if order_at is None:
        raise RejectedDocument(
            "columns-missing",
            "The number of columns is wrong",
            f"The header has {len(header)} columns; expected 6 (or 9 or 10 in the legacy layout).",
        )
    if _count_known(header) < ALL_KNOWN:
        parse_context.warnings.append("The language of the header is unknown. Columns were read by position.")

    def parse(cells: list[str]) -> DefectFact:
        if len(cells) <= order_at:
            raise row_is_short(cells, header)
        order = parse_order_id(clean_cell(cells[order_at]), column="Order ID")
        rating = _stars(clean_cell(cells[1]))
        return _build_fact(order, rating, clean_cell(cells[0]), parse_context)

    return parse


def _build_fact(order: str, rating: int, date_text: str, parse_context: ParseContext) -> DefectFact:
    on = _day(date_text, parse_context)
    month_first_on, day_first_on = _readings(date_text, parse_context) or (None, None)
    return DefectFact(
        order_id=order,
        kind=DefectKind.FEEDBACK,
        reference="",
        state=defects.POSTED,
        rating=rating,
        occurred_on=on,
        # The report has days only. The start of the day lets a removal on the same day win.
        stated_at=datetime.combine(on, time.min, UTC),
        funded_by="",
        counts=defects.ruling(kind=DefectKind.FEEDBACK, state=defects.POSTED, rating=rating).counts,
        month_first_on=month_first_on,
        day_first_on=day_first_on,
        date_order=_date_order(parse_context),
    )


def _stars(text: str) -> int:
    if text not in {"1", "2", "3", "4", "5"}:
        raise InvalidRow(f"`Rating`: {quote_value(text)} is not valid; expected 1 to 5.")
    return int(text)


def _day(text: str, parse_context: ParseContext) -> date:
    """Parse a date in the marketplace's format.

    Raises InvalidRow, or RejectedDocument if the date contradicts the format.
    """
    numbers = DATE_LIKE.fullmatch(text)
    if numbers is None:
        raise InvalidRow(f"`Date`: {quote_value(text)} is not a valid date.")
    separator, order = ORDERS_OF_DATE.get(parse_context.marketplace, ("/", DAY_FIRST))
    part = dict(zip(order, numbers.group(1, 3, 4), strict=True))
    try:
        year = int(part["year"]) if len(part["year"]) == 4 else 2000 + int(part["year"])
        on = date(year, int(part["month"]), int(part["day"]))
    except ValueError:
        # No such day: the check below then rejects it like a day in the future.
        on = date.max
    # The format is never guessed, and one date that contradicts it rejects the whole report. A wrong guess
    # would go unnoticed for the first twelve days of each month.
    if numbers[2] != separator or not FIRST_DAY <= on <= parse_context.received_on + timedelta(days=2):
        raise RejectedDocument(
            "dates-contradict-marketplace",
            "The dates are not in the marketplace's format",
            f"{quote_value(text)} is not a past date in the format {separator.join(order)} of "
            f"{parse_context.marketplace}. "
            "State the marketplace of the report with `marketplace`.",
        )
    return on


def _count_known(header: Sequence[str]) -> int:
    """Return how many of the six columns that all layouts have are in their places, in any language."""
    order_at = ORDER_ID_AT[len(header)]
    places = PLACES | {"order-id": order_at}
    is_mail = MAIL.search(header[order_at + 1]) is not None
    return sum(headers.canonical(header[at]) == name for name, at in places.items()) + is_mail


def _readings(text: str, parse_context: ParseContext) -> tuple[date, date] | None:
    """Return the date with the month first and with the day first, or None unless it can be both."""
    # Only with a slash: dates with dots or dashes have the same order everywhere.
    numbers = SLASHED.fullmatch(text)
    if numbers is None:
        return None
    first, second, year = (int(number) for number in numbers.groups())
    year += 2000 if year < 100 else 0
    try:
        readings = date(year, first, second), date(year, second, first)
    except ValueError:
        return None
    latest = parse_context.received_on + timedelta(days=2)
    return readings if all(FIRST_DAY <= day <= latest for day in readings) else None


def _date_order(parse_context: ParseContext) -> str:
    """Return how the dates are to be read, as facts name it."""
    if not parse_context.is_marketplace_stated:
        return "assumed"
    _, order = ORDERS_OF_DATE.get(parse_context.marketplace, ("/", DAY_FIRST))
    return {"day": "day_first", "month": "month_first"}.get(order[0], "fixed")


def describe_order(marketplace: str) -> str:
    """Return the order of a marketplace's dates as a text, such as month/day/year."""
    separator, order = ORDERS_OF_DATE.get(marketplace, ("/", DAY_FIRST))
    return separator.join(order)


def matches(header: Sequence[str], first_row: Sequence[str]) -> bool:
    """Return whether the header is known, or the first row has an order ID and a rating in the right
    columns."""
    order_at = ORDER_ID_AT.get(len(header))
    if order_at is None:
        return False
    # The cell of an order ID may not be one, or the first line is a row.
    if _count_known(header) >= MIN_KNOWN and not ORDER_ID.fullmatch(clean_cell(header[order_at])):
        return True
    # The header may be in any language, so the cells below it have to prove what they are.
    in_place = len(first_row) > order_at and ORDER_ID.fullmatch(clean_cell(first_row[order_at]))
    return (
        bool(in_place)
        and clean_cell(first_row[1]).isdecimal()
        and not ORDER_ID.fullmatch(clean_cell(header[order_at]))
    )


REPORT_TYPE = ReportType(
    names=(NAME,),
    title="Seller feedback",
    fact_types=(DefectFact,),
    dialect="tsv_or_csv",
    matches=matches,
    build_parser=build_parser,
    about="Lists negative and neutral feedback. Columns are read by position, because the header is in "
    "the seller's language. Dates are in the format of the marketplace. If a date has another "
    "format, the whole report is rejected.",
    columns=COLUMNS,
    example=EXAMPLE,
    source="https://developer-docs.amazon.com/sp-api/docs/report-type-values-performance",
    uses_period=True,
)
