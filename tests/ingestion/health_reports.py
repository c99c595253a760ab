"""Build account health reports as Amazon writes them, and read their figures."""

import json
from datetime import date, datetime
from typing import Any

from ingestion.reports import performance_v1
from metrics.rules.facts import ReportedFact
from tests.ingestion.parsed_documents import ParsedDocument, parse_document

DAY = date(2026, 9, 30)
"""On which these documents are received."""
US, CA, DE, JP = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2", "A1PA6795UKMFR9", "A1VC38T7YXB528"
ODR_DAYS = {"reportingDateFrom": "2026-07-12T00:00:00Z", "reportingDateTo": "2026-09-09T23:59:59Z"}
LATE_DAYS = {"reportingDateFrom": "2026-08-26T00:00:00Z", "reportingDateTo": "2026-09-24T23:59:59Z"}


def order_defects(**fields: Any) -> dict[str, Any]:
    """Return one channel of `orderDefectRate`. Name the fields that differ; None leaves one out."""
    block = {
        "reportingDateRange": ODR_DAYS,
        "orderCount": 1000,
        "orderWithDefects": {"count": 7, "status": "GOOD"},
        "claims": {"count": 4, "status": "NONE"},
        "chargebacks": {"count": 1, "status": "NONE"},
        "negativeFeedback": {"count": 3, "status": "NONE"},
        "status": "GOOD",
        "rate": 0.007,
        "targetValue": 0.01,
        "targetCondition": "LESS_THAN",
    }
    return without_none(block | fields)


def late(**fields: Any) -> dict[str, Any]:
    """Return `lateShipmentRate` as live reports have it."""
    block = {
        "reportingDateRange": LATE_DAYS,
        "orderCount": 30,
        "lateShipmentCount": 1,
        "status": "BAD",
        "rate": 0.0333,
        "targetValue": 0.02,
        "targetCondition": "LESS_THAN",
    }
    return without_none(block | fields)


def violations(count: int | None = 0, **fields: Any) -> dict[str, Any]:
    block = {"defectsCount": count, "status": "GOOD", "targetValue": 0, "targetCondition": "EQUALS"}
    return without_none(block | fields)


def without_none(block: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in block.items() if value is not None}


def v2(*metrics: dict[str, Any], statuses: dict[str, Any] | None = None) -> bytes:
    """Return a V2 report of these marketplaces, each a dict of blocks."""
    account_statuses = [
        {"marketplaceId": each, "status": status} for each, status in (statuses or {}).items()
    ]
    return json.dumps({"accountStatuses": account_statuses, "performanceMetrics": metrics}).encode()


def read_blocks(marketplace_id: Any = US, **blocks: Any) -> ParsedDocument:
    """Parse a V2 report of one marketplace with these blocks."""
    return parse_document(v2({"marketplaceId": marketplace_id} | blocks), today=DAY)


def record(element: str, days: tuple[str, str], **elements: str) -> str:
    """Return a V1 metrics element. `late_shipment__count="5"` is a count in `late_shipment`."""
    texts = "".join(
        f"<{name}>{text}</{name}>"
        if "__" not in name
        else "<{0}><{1}>{2}</{1}></{0}>".format(*name.split("__"), text)
        for name, text in elements.items()
    )
    start, end = days
    return f"<{element}><timeFrame><start>{start}</start><end>{end}</end></timeFrame>{texts}</{element}>"


def v1(*records: str, checklist: str = "") -> bytes:
    """Return a V1 report of these elements."""
    checked = f"<performanceChecklist>{checklist}</performanceChecklist>" if checklist else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<sellerPerformanceReports><sellerPerformanceReport>\n'
        f"{checked}\n" + "\n".join(records) + "\n</sellerPerformanceReport></sellerPerformanceReports>"
    ).encode()


def read_v1(*records: str, checklist: str = "", marketplace: str = "US") -> ParsedDocument:
    announced = performance_v1.NAME
    return parse_document(
        v1(*records, checklist=checklist), announced=announced, today=DAY, marketplace=marketplace
    )


def moments(parsed: ParsedDocument) -> set[datetime]:
    """Return when the report was made according to each of its facts."""
    return {fact.reported_at for fact in parsed.reported} | {fact.reported_at for fact in parsed.snapshots}


def figure(parsed: ParsedDocument, metric: str, channel: str = "mfn") -> ReportedFact:
    """Return the one figure of a metric."""
    (fact,) = [fact for fact in parsed.reported if (fact.metric, fact.channel) == (metric, channel)]
    return fact


def counts(fact: ReportedFact) -> tuple[int | None, int | None]:
    return fact.numerator, fact.denominator


def limit(fact: ReportedFact) -> tuple[str, int | None, int | None]:
    return fact.comparator, fact.limit_numerator, fact.limit_denominator


def flags(fact: ReportedFact) -> list[str]:
    flag_list = json.loads(fact.flags)
    assert isinstance(flag_list, list)
    return flag_list
