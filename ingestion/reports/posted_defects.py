"""The rows of `POST /v1/accounts/{id}/defects`, kept as the JSON document that was posted."""

from collections.abc import Sequence
from functools import partial

from ingestion.reports import defect_row
from ingestion.reports.kind import Kind, Parse, Setting
from metrics.facts import DefectFact

REPORT_TYPE = "defects"


def begin(header: Sequence[str], setting: Setting) -> Parse:
    return partial(defect_row.fact, latest=setting.latest)


def recognises(_header: Sequence[str], _first_row: Sequence[str]) -> bool:
    return False


KIND = Kind(
    report_types=(REPORT_TYPE,),
    title="Defects posted as JSON",
    fact=DefectFact,
    dialect="json",
    recognises=recognises,
    begin=begin,
)
