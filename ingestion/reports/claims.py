"""Our own CSV of A-to-z claims and chargebacks, of which Amazon gives no feed
(https://github.com/amzn/selling-partner-api-models/issues/5247).
"""

from collections.abc import Sequence

from ingestion.reports import cells, defect_row
from ingestion.reports.kind import OWN_LAYOUT, Column, Kind, Parse, Setting, column_name
from metrics.facts import DefectFact

REPORT_TYPE = "claims_and_chargebacks"
COLUMNS = (
    Column(name="order_id", meaning="the order", needed=True),
    Column(name="kind", meaning="a_to_z_claim, chargeback or feedback", needed=True),
    Column(name="state", meaning="how it stands; each kind has states of its own", needed=True),
    Column(name="occurred_on", meaning="the day, YYYY-MM-DD", needed=True),
    Column(name="reference", meaning="tells several defects of one kind on one order apart"),
    Column(name="updated_at", meaning="when it became so, ISO 8601; without it the moment we received it"),
    Column(name="funded_by", meaning="seller or amazon: who paid, which never decides what counts"),
    Column(name="rating", meaning="stars from 1 to 5, of feedback"),
)
EXAMPLE = """\
order_id,kind,state,occurred_on,reference
302-1234567-1234567,a_to_z_claim,pending,2025-10-20,CLAIM-1
302-7654321-7654321,chargeback,service,2025-10-21,
"""


def begin(header: Sequence[str], setting: Setting) -> Parse:
    read = cells.layout_reader(header, COLUMNS, report_type=REPORT_TYPE)
    return lambda row: defect_row.fact(read(row), latest=setting.latest)


def recognises(header: Sequence[str], _first_row: Sequence[str]) -> bool:
    return {"order-id", "kind", "state", "occurred-on"} <= {column_name(cell) for cell in header}


KIND = Kind(
    report_types=(REPORT_TYPE,),
    title="A-to-z claims and chargebacks, CSV",
    facts=(DefectFact,),
    dialect="csv",
    recognises=recognises,
    begin=begin,
    about="A-to-z claims and chargebacks, each with its state. A later row of the same order, kind and reference changes it.",
    columns=COLUMNS,
    example=EXAMPLE,
    source=OWN_LAYOUT,
)
