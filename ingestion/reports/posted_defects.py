"""Read the rows of `POST /v1/accounts/{account_id}/defects`, which are stored as a JSON document."""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from ingestion.parsing.rejections import RejectedDocument
from ingestion.reports import claims_csv, defect_row
from ingestion.reports.report_type import OWN_LAYOUT, ParseContext, ReportType, RowParser
from metrics.rules.facts import DefectFact

NAME = "defects"
EXAMPLE = """\
{"defects": [
  {"order_id": "302-1234567-1234567", "kind": "feedback", "rating": 1, "state": "posted", "occurred_on": "2025-10-20"},
  {"order_id": "302-7654321-7654321", "kind": "a_to_z_claim", "state": "pending", "occurred_on": "2025-10-21"}
]}
"""


def build_parser(header: Sequence[str], parse_context: ParseContext) -> RowParser:
    return partial(defect_row.build_fact, latest=parse_context.latest)


def list_rows(document: bytes) -> Iterator[Any]:
    try:
        return iter(json.loads(document)["defects"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise RejectedDocument(
            "invalid-json", "The JSON is not a list of defects", 'Expected {"defects": […]}.'
        ) from None


def matches(_header: Sequence[str], _first_row: Sequence[str]) -> bool:
    return False


REPORT_TYPE = ReportType(
    names=(NAME,),
    title="Defects posted as JSON",
    fact_types=(DefectFact,),
    dialect="json",
    matches=matches,
    build_parser=build_parser,
    list_rows=list_rows,
    is_uploaded=False,
    about="Contains the same rows as the CSV of claims and chargebacks, as JSON. The rows may include "
    "feedback.",
    columns=claims_csv.COLUMNS,
    example=EXAMPLE,
    source=OWN_LAYOUT,
)
