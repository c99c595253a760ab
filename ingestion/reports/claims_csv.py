"""Read our CSV of A-to-z claims and chargebacks, for which Amazon has no feed.

Source: https://github.com/amzn/selling-partner-api-models/issues/5247
"""

from collections.abc import Sequence

from ingestion.reports import cells, defect_row, headers
from ingestion.reports.report_type import (
    OWN_LAYOUT,
    Column,
    ParseContext,
    ReportType,
    RowParser,
)
from metrics.rules.facts import DefectFact

NAME = "claims_and_chargebacks"
COLUMNS = (
    Column(name="order_id", meaning="Amazon's order ID", needed=True),
    Column(name="kind", meaning="`a_to_z_claim`, `chargeback` or `feedback`", needed=True),
    Column(
        name="state", meaning="the state of the defect; the states of each kind are listed above", needed=True
    ),
    Column(
        name="occurred_on", meaning="the day of the claim, chargeback or feedback, YYYY-MM-DD", needed=True
    ),
    Column(
        name="reference", meaning="distinguishes several defects of one kind on one order, such as a claim ID"
    ),
    Column(
        name="updated_at",
        meaning="when the state was reached, ISO 8601; default: when the report was received",
    ),
    Column(
        name="funded_by",
        meaning="the party that paid, `seller` or `amazon`; it does not affect whether the defect counts",
    ),
    Column(name="rating", meaning="1 to 5 stars; feedback only"),
    Column(
        name="reason_code",
        meaning="a code of the reason, such as NEVER_ARRIVED; at most 40 characters",
        decides=False,
    ),
)
EXAMPLE = """\
order_id,kind,state,occurred_on,reference
302-1234567-1234567,a_to_z_claim,pending,2025-10-20,CLAIM-1
302-7654321-7654321,chargeback,service,2025-10-21,
"""


def build_parser(header: Sequence[str], parse_context: ParseContext) -> RowParser:
    read = cells.build_reader(header, COLUMNS, report_type=NAME)
    return lambda row: defect_row.build_fact(read(row), latest=parse_context.latest)


def matches(header: Sequence[str], _first_row: Sequence[str]) -> bool:
    return headers.has_columns(header, "order-id", "kind", "state", "occurred-on")


REPORT_TYPE = ReportType(
    names=(NAME,),
    title="A-to-z claims and chargebacks, CSV",
    fact_types=(DefectFact,),
    dialect="csv",
    matches=matches,
    build_parser=build_parser,
    about=(
        "Lists A-to-z claims and chargebacks, each with its state. A later row with the same order, "
        "kind and reference updates the state."
    ),
    columns=COLUMNS,
    example=EXAMPLE,
    source=OWN_LAYOUT,
)
