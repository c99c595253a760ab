"""Read our CSV of return requests, which states how they were handled; Amazon's reports do not.

A request counts as dissatisfied after negative feedback, a wrong rejection, or an answer after more than 48
hours (https://amazowl.com/?p=8493). The first of these is the reason.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from ingestion.reports import cells, headers, items, return_request
from ingestion.reports.cells import Row
from ingestion.reports.report_type import (
    OWN_LAYOUT,
    Column,
    ParseContext,
    ReportType,
    RowParser,
)
from metrics.rules.day_or_time import DayOrTime
from metrics.rules.facts import ReturnFact

NAME = "returns"
TIME_TO_ANSWER = timedelta(hours=48)
HANDLING_COLUMNS = ("answered_at", "negative_feedback", "wrongly_rejected")
COLUMNS = (
    Column(name="order_id", meaning="Amazon's order ID", needed=True),
    Column(name="requested_at", meaning="day or time of the request", needed=True),
    Column(name="reference", meaning="distinguishes several requests of one order, such as the RMA ID"),
    Column(name="state", meaning="cancelled, declined, denied and rejected requests do not count as returns"),
    Column(name="answered_at", meaning="day or time of the answer; up to 48 hours, or two days, is in time"),
    Column(
        name="negative_feedback", meaning="yes or no: whether the buyer left negative feedback on the return"
    ),
    Column(
        name="wrongly_rejected",
        meaning="yes or no: whether the request was rejected although it was within the policy",
    ),
    items.SKU_COLUMN,
    items.ASIN_COLUMN,
    items.QUANTITY_COLUMN,
    replace(items.REASON_COLUMN, name="reason_code"),
    Column(
        name="updated_at",
        meaning="the time this row describes, ISO 8601 with an offset; default: when the report was received",
    ),
)
EXAMPLE = """\
order_id,requested_at,reference,state,answered_at,negative_feedback,wrongly_rejected
302-1234567-1234567,2025-07-10T12:44:00+02:00,Dx1Yz2Ab3RRMA,approved,2025-07-11T08:00:00+02:00,no,no
302-7654321-7654321,2025-07-12,Dq9Wr8Ty7RRMA,approved,2025-07-16,no,no
"""


def build_parser(header: Sequence[str], parse_context: ParseContext) -> RowParser:
    read = cells.build_row_reader(header, COLUMNS, parse_context, report_type=NAME)
    return lambda row: build_fact(read(row))


def build_fact(row: Row) -> ReturnFact:
    """Return the return request of a row. Raises InvalidRow."""
    order, requested, answered = row.order_id(), row.required_past("requested_at"), row.past("answered_at")
    cells.require_order(("requested_at", requested), ("answered_at", answered))
    stated_at, as_of = row.statement_time()
    is_dissatisfied, reason = _judged(row, requested, answered, as_of)
    return ReturnFact(
        order_id=order,
        reference=row.text("reference"),
        requested_on=requested.day,
        state=cells.normalize_state(row.text("state")),
        is_return=return_request.is_return(row.text("state")),
        is_dissatisfied=is_dissatisfied,
        reason=reason,
        stated_at=stated_at,
        **items.parse_returned(
            sku=row.texts.get("sku", ""),
            asin=row.texts.get("asin", ""),
            quantity=row.texts.get("quantity", ""),
            reason=row.texts.get("reason_code", ""),
        ),
    )


def _judged(
    row: Row, requested: DayOrTime, answered: DayOrTime | None, as_of: DayOrTime
) -> tuple[bool | None, str]:
    """Return whether the buyer is dissatisfied, and the reason.

    None if the file has no column about it, or if the request may still be answered in time.
    """
    is_negative, is_wrong = row.flag("negative_feedback"), row.flag("wrongly_rejected")
    if is_negative or is_wrong:
        return True, "negative_feedback" if is_negative else "wrong_rejection"
    if not row.has_any_column(*HANDLING_COLUMNS):
        return None, ""
    if not row.has_any_column("answered_at"):
        return False, ""
    if (answered or as_of).is_after(requested, by=TIME_TO_ANSWER):
        return True, "late_answer"
    return (None if answered is None else False), ""


def matches(header: Sequence[str], _first_row: Sequence[str]) -> bool:
    return headers.has_columns(header, "order-id", "requested-at")


REPORT_TYPE = ReportType(
    names=(NAME,),
    title="Return requests, CSV",
    fact_types=(ReturnFact,),
    dialect="csv",
    matches=matches,
    build_parser=build_parser,
    about="Lists return requests and how they were handled. The report provides the data for the return "
    "dissatisfaction rate.",
    columns=COLUMNS,
    example=EXAMPLE,
    source=OWN_LAYOUT,
    tell_apart={
        ReturnFact: "`reference`: an earlier row of this order has no reference either, and states something else; "
        "tell requests apart with `reference`, or order the rows by `updated_at`."
    },
)
