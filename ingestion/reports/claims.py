"""Our own CSV of A-to-z claims and chargebacks, of which Amazon gives no feed
(https://github.com/amzn/selling-partner-api-models/issues/5247).

`order_id,kind,state,occurred_on` and, where known, `reference,updated_at,funded_by,rating`; any order of columns.
"""

from collections.abc import Sequence

from ingestion.refusals import BadRow
from ingestion.reports import defect_row
from ingestion.reports.kind import Kind, Parse, Setting, column_name, positions
from metrics.facts import DefectFact

REPORT_TYPE = "claims_and_chargebacks"
REQUIRED = ("order-id", "kind", "state", "occurred-on")
OPTIONAL = ("reference", "updated-at", "funded-by", "rating")


def begin(header: Sequence[str], setting: Setting) -> Parse:
    columns = [column_name(cell) for cell in header]
    positions(header, [*REQUIRED, *(name for name in OPTIONAL if name in columns)], report_type=REPORT_TYPE)
    names = [column.replace("-", "_") for column in columns]

    def parse(cells: list[str]) -> DefectFact:
        if any(cell.strip() for cell in cells[len(names) :]):
            raise BadRow(f"The row has {len(cells)} cells, the header {len(names)}. Is a comma not enclosed in quotes?")
        return defect_row.fact(dict(zip(names, cells, strict=False)), latest=setting.latest)

    return parse


def recognises(header: Sequence[str], _first_row: Sequence[str]) -> bool:
    return set(REQUIRED) <= {column_name(cell) for cell in header}


KIND = Kind(
    report_types=(REPORT_TYPE,),
    title="A-to-z claims and chargebacks, CSV",
    facts=(DefectFact,),
    dialect="csv",
    recognises=recognises,
    begin=begin,
)
