"""Read our CSV of feedback that Amazon removed or struck through.

The feedback report only stops listing it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, time

from ingestion.reports import cells, headers
from ingestion.reports.cells import Row
from ingestion.reports.report_type import (
    OWN_LAYOUT,
    Column,
    ParseContext,
    ReportType,
    RowParser,
)
from metrics.rules import defects
from metrics.rules.day_or_time import DayOrTime
from metrics.rules.facts import DefectFact, DefectKind

NAME = "feedback_removals"
REMOVED = "removed"
END_OF_DAY = time(23, 59, 59)
COLUMNS = (
    Column(name="order_id", meaning="the order whose feedback was removed", needed=True),
    Column(
        name="removed_on",
        meaning="day or time of the removal; a day without a time means the end of that day",
        needed=True,
    ),
)
EXAMPLE = """\
order_id,removed_on
302-1234567-1234567,2025-07-14
302-7654321-7654321,2025-07-15T10:30:00+02:00
"""


def build_parser(header: Sequence[str], parse_context: ParseContext) -> RowParser:
    read = cells.build_row_reader(header, COLUMNS, parse_context, report_type=NAME)
    return lambda row: build_fact(read(row))


def build_fact(row: Row) -> DefectFact:
    """Return the removed feedback of a row. Raises InvalidRow."""
    order, removed = row.order_id(), row.required_past("removed_on")
    return DefectFact(
        order_id=order,
        kind=DefectKind.FEEDBACK,
        reference="",
        state=REMOVED,
        rating=None,
        occurred_on=removed.day,
        stated_at=_end(removed, row.parse_context),
        funded_by="",
        counts=defects.ruling(kind=DefectKind.FEEDBACK, state=REMOVED, rating=None).counts,
    )


def _end(removed: DayOrTime, parse_context: ParseContext) -> datetime:
    """Return the moment of the removal."""
    if removed.moment is not None:
        return removed.moment
    # A day means its last second, because the removal follows feedback that was posted on the same day. It is
    # never later than the receipt, because nobody knows a removal of the future.
    end = datetime.combine(removed.day, END_OF_DAY, parse_context.zone)
    return min(end, parse_context.received_at).astimezone(UTC)


def matches(header: Sequence[str], _first_row: Sequence[str]) -> bool:
    return headers.has_columns(header, "order-id", "removed-on")


REPORT_TYPE = ReportType(
    names=(NAME,),
    title="Feedback removals, CSV",
    fact_types=(DefectFact,),
    dialect="csv",
    matches=matches,
    build_parser=build_parser,
    about="Lists the orders whose feedback Amazon removed or struck through. That feedback no longer counts.",
    columns=COLUMNS,
    example=EXAMPLE,
    source=OWN_LAYOUT,
)
