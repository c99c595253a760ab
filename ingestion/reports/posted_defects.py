"""The rows of `POST /v1/accounts/{id}/defects`, kept as the JSON document that was posted."""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from ingestion.refusals import Refused
from ingestion.reports import defect_row
from ingestion.reports.kind import Kind, Parse, Setting
from metrics.facts import DefectFact

REPORT_TYPE = "defects"


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
)
