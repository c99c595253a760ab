"""Our own CSV of feedback that Amazon removed or struck through. The feedback report shows it only by leaving it out."""

from collections.abc import Sequence
from datetime import UTC, datetime, time

from ingestion.reports import cells
from ingestion.reports.cells import Row, When
from ingestion.reports.kind import OWN_LAYOUT, Column, Kind, Parse, Setting, column_name
from metrics.rules import defects
from metrics.rules.facts import DefectFact, DefectKind

REPORT_TYPE = "feedback_removals"
REMOVED = "removed"
END_OF_DAY = time(23, 59, 59)
COLUMNS = (
    Column(name="order_id", meaning="the order whose feedback was removed", needed=True),
    Column(name="removed_on", meaning="day or time of the removal; a day means its end", needed=True),
)
EXAMPLE = """\
order_id,removed_on
302-1234567-1234567,2025-07-14
302-7654321-7654321,2025-07-15T10:30:00+02:00
"""


def begin(header: Sequence[str], setting: Setting) -> Parse:
    read = cells.rows(header, COLUMNS, setting, report_type=REPORT_TYPE)
    return lambda row: statement(read(row))


def statement(row: Row) -> DefectFact:
    """The removal that a row states. Raises BadRow."""
    order, removed = row.order_id(), row.known_past("removed_on")
    return DefectFact(
        order_id=order,
        kind=DefectKind.FEEDBACK,
        reference="",
        state=REMOVED,
        rating=None,
        occurred_on=removed.day,
        stated_at=_end(removed, row.setting),
        funded_by="",
        counts=defects.ruling(kind=DefectKind.FEEDBACK, state=REMOVED, rating=None).counts,
    )


def _end(removed: When, setting: Setting) -> datetime:
    """Its moment; of a day the last that may have been: removal follows what was posted on that day."""
    if removed.moment is not None:
        return removed.moment
    end = datetime.combine(removed.day, END_OF_DAY, setting.zone)
    return min(end, setting.received_at).astimezone(UTC)


def recognises(header: Sequence[str], _first_row: Sequence[str]) -> bool:
    return {"order-id", "removed-on"} <= {column_name(cell) for cell in header}


KIND = Kind(
    report_types=(REPORT_TYPE,),
    title="Feedback removals, CSV",
    facts=(DefectFact,),
    dialect="csv",
    recognises=recognises,
    begin=begin,
    about="Orders whose feedback Amazon removed or struck through. That feedback no longer counts.",
    columns=COLUMNS,
    example=EXAMPLE,
    source=OWN_LAYOUT,
)
