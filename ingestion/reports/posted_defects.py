"""The rows of `POST /v1/accounts/{id}/defects`, kept as the JSON document that was posted."""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from ingestion.parsing.refusals import Refused
from ingestion.reports import claims, defect_row
from ingestion.reports.kind import OWN_LAYOUT, Kind, Parse, Setting
from metrics.rules.facts import DefectFact

REPORT_TYPE = "defects"
EXAMPLE = """\
{"defects": [
  {"order_id": "302-1234567-1234567", "kind": "feedback", "rating": 1, "state": "posted", "occurred_on": "2025-10-20"},
  {"order_id": "302-7654321-7654321", "kind": "a_to_z_claim", "state": "pending", "occurred_on": "2025-10-21"}
]}
"""


def begin(header: Sequence[str], setting: Setting) -> Parse:
    return partial(defect_row.fact, latest=setting.latest)


def rows(document: bytes) -> Iterator[Any]:
    try:
        return iter(json.loads(document)["defects"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Refused("invalid-json", "The document is no list of defects", 'It must read {"defects": […]}.') from None


def recognises(_header: Sequence[str], _first_row: Sequence[str]) -> bool:
    return False


KIND = Kind(
    report_types=(REPORT_TYPE,),
    title="Defects posted as JSON",
    facts=(DefectFact,),
    dialect="json",
    recognises=recognises,
    begin=begin,
    rows=rows,
    is_uploaded=False,
    about="The same rows as the CSV of claims and chargebacks, as JSON. They may include feedback.",
    columns=claims.COLUMNS,
    example=EXAMPLE,
    source=OWN_LAYOUT,
)
