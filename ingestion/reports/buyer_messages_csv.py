"""Read our CSV of buyer messages, for which Amazon has no report.

A message must be answered within 24 hours, including weekends and holidays (Seller Central help 200549770).
Message texts are not read, whatever other columns a file has.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from accounts.marketplaces import CODE_OF_SALES_CHANNEL, CODES
from ingestion.parsing.rejections import InvalidRow
from ingestion.reports import cells, headers
from ingestion.reports.cells import Row
from ingestion.reports.quoting import quote_value
from ingestion.reports.report_type import (
    OWN_LAYOUT,
    Column,
    ParseContext,
    ReportType,
    RowParser,
)
from metrics.rules.facts import MessageFact

NAME = "buyer_messages"
TIME_TO_ANSWER = timedelta(hours=24)
COLUMNS = (
    Column(name="message_id", meaning="the message ID, up to 64 characters", needed=True),
    Column(name="received_at", meaning="when the message arrived, ISO 8601 with an offset", needed=True),
    Column(
        name="answered_at",
        meaning="when the message was answered; empty if it was not answered; leave the column out if "
        "answers are unknown",
    ),
    Column(
        name="no_response_needed",
        meaning='yes or no: whether the message is marked in Seller Central as "no response needed"',
    ),
    Column(name="order_id", meaning="the order that the message is about, if any"),
    Column(name="marketplace", meaning="the store: DE or Amazon.de; default: the report's marketplace"),
    Column(
        name="updated_at",
        meaning="the time this row describes, ISO 8601 with an offset; default: when the report was received",
    ),
)
EXAMPLE = """\
message_id,received_at,answered_at,no_response_needed,order_id,marketplace
M-1001,2025-07-04T18:20:00+02:00,2025-07-05T09:05:00+02:00,no,302-1234567-1234567,DE
M-1002,2025-07-04T19:00:00+02:00,,yes,,Amazon.de
"""


def build_parser(header: Sequence[str], parse_context: ParseContext) -> RowParser:
    read = cells.build_row_reader(header, COLUMNS, parse_context, report_type=NAME)
    return lambda row: build_fact(read(row))


def build_fact(row: Row) -> MessageFact:
    """Return the message of a row. Raises InvalidRow."""
    received, answered = row.moment("received_at"), row.moment("answered_at")
    message_id = row.text("message_id")
    if not message_id or received is None:
        raise InvalidRow(
            f"`{'received_at' if message_id else 'message_id'}`: the cell is empty; a value is required."
        )
    if answered is not None and answered < received:
        raise InvalidRow("`answered_at` is before `received_at`.", field="answered_at")
    stated_at, as_of = row.statement_time()
    return MessageFact(
        message_id=message_id,
        marketplace=_marketplace(row),
        order_id=row.order_id() if row.text("order_id") else "",
        sent_on=cells.from_time(received, row.parse_context).day,
        needs_answer=not row.flag("no_response_needed"),
        answered_on=cells.from_time(answered, row.parse_context).day if answered else None,
        is_answered_in_time=_is_in_time(
            row, received, answered, as_of.moment or row.parse_context.received_at
        ),
        stated_at=stated_at,
    )


def _is_in_time(row: Row, received: datetime, answered: datetime | None, as_of: datetime) -> bool | None:
    """Return whether the message was answered in time as of `as_of`, or None while this is undecided or
    without the column."""
    # Missing information is unknown (ADR 5): a file without the column says nothing about answers.
    if not row.has_any_column("answered_at"):
        return None
    if answered is not None:
        return answered - received <= TIME_TO_ANSWER
    return False if as_of - received > TIME_TO_ANSWER else None


def _marketplace(row: Row) -> str:
    text = row.texts.get("marketplace", "") or row.parse_context.marketplace
    code = text.upper() if text.upper() in CODES else CODE_OF_SALES_CHANNEL.get(text.lower())
    if code is None:
        raise InvalidRow(
            f"`marketplace`: {quote_value(text)} is not a known Amazon store; expected e.g. DE or Amazon.de.",
            field="marketplace",
        )
    return code


def matches(header: Sequence[str], _first_row: Sequence[str]) -> bool:
    return headers.has_columns(header, "message-id", "received-at")


REPORT_TYPE = ReportType(
    names=(NAME,),
    title="Buyer messages, CSV",
    fact_types=(MessageFact,),
    dialect="csv",
    matches=matches,
    build_parser=build_parser,
    about="States when buyers wrote and when they were answered. Columns with message texts or names "
    "are ignored.",
    columns=COLUMNS,
    example=EXAMPLE,
    source=OWN_LAYOUT,
)
