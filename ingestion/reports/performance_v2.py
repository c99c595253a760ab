"""GET_V2_SELLER_PERFORMANCE_REPORT: what Amazon says of account health, as JSON, of each marketplace by itself.

Its schema's examples spell names otherwise than its properties, live reports hold more than it tells of, and third parties
store what Amazon never sent: names are compared without case, and each block is a row that can be rejected alone.
Source: https://developer-docs.amazon.com/sp-api/docs/report-type-values-performance
"""

import re
from collections.abc import Callable, Container, Iterator, Sequence
from functools import partial
from typing import Any

from accounts.marketplaces import CODE_OF_AMAZON_ID
from ingestion.parsing.rejections import InvalidRow, RejectedDocument
from ingestion.reports import exact_json, health_blocks, performance_figures, personal_columns
from ingestion.reports.health_blocks import VIOLATIONS, MarketplaceBlocks
from ingestion.reports.performance_figures import Row
from ingestion.reports.report_type import Column, ParseContext, ReportType, quote_value
from metrics.rules.facts import Channel, ReportedFact, SnapshotFact

NAME = "GET_V2_SELLER_PERFORMANCE_REPORT"
ORDER_DEFECTS, LATE_LIST, WARNING_STATES = "orderdefectrate", "lateshipmentratelist", "warningstates"
COUNTERS = {name: (metric, "defectscount") for name, metric in VIOLATIONS.items()} | {
    "policyviolationwarnings": ("policy_violation_warnings", "warningscount")
}
"""The metric that each block of a counter tells, and the field with its count."""
START_PATTERN = re.compile(r'"(accountStatuses|performanceMetrics)"\s*:', re.IGNORECASE)


def read_rows(document: bytes, parse_context: ParseContext) -> Iterator[tuple[int, Row]]:
    """A row for each marketplace as a whole, and one for each of its blocks. Raises Refused for what is no such report."""
    report = _report(exact_json.parse_json(document))
    reported_at = performance_figures.infer_reported_at(_find_period_ends(report), parse_context)
    return enumerate(
        _rows(report, parse_context, partial(MarketplaceBlocks, reported_at=reported_at, latest=parse_context.latest)), start=1
    )


def _report(parsed: Any) -> health_blocks.Block:
    whole = parsed[0] if isinstance(parsed, list) and len(parsed) == 1 else parsed
    told = {name.lower() for name in whole} if isinstance(whole, dict) else set()
    if {"$schema", "properties"} & told:
        raise RejectedDocument(
            "schema-not-report",
            "The document is the schema of a report, not a report",
            "It describes reports and contains no figures. Request the report itself.",
        )
    if not {"accountstatuses", "performancemetrics"} & told:
        raise RejectedDocument(
            "invalid-json",
            "The JSON is not a report",
            "It must be one object with accountStatuses and performanceMetrics, or a list of that one.",
        )
    return health_blocks.normalize_block(whole)


def _rows(report: health_blocks.Block, parse_context: ParseContext, market: Callable[..., MarketplaceBlocks]) -> Iterator[Row]:
    entries = _as_list(report.get("performancemetrics"))
    entered = {_code(entry, parse_context) for entry in entries}
    statuses = dict[str, Any]()
    alone = list[Row]()
    for entry in _as_list(report.get("accountstatuses")):
        code = _code(entry, parse_context)
        if wrong := _find_fault(entry, code, statuses):
            alone.append(Row("accountStatuses", partial(_rejected, wrong)))
            continue
        statuses[code] = health_blocks.normalize_block(entry).get("status")
        if code not in entered:
            alone.append(Row(f"accountStatuses {code}", partial(_snapshot, {}, market(code=code), statuses[code])))
    seen = set[str]()
    for entry in entries:
        code = _code(entry, parse_context)
        wrong = _find_fault(entry, code, seen)
        seen.add(code)
        for row in _marketplace_rows(entry, market(code=code), statuses.get(code)):
            yield Row(f"{row.name} {code}", partial(_rejected, wrong) if wrong else row.state)
    yield from alone


def _marketplace_rows(entry: Any, market: MarketplaceBlocks, status: Any) -> Iterator[Row]:
    """The marketplace as a whole, then its blocks, and last the list that may repeat one of them."""
    yield Row("performanceMetrics", partial(_snapshot, entry, market, status))
    told = _blocks(entry) if isinstance(entry, dict) else []
    for name, value in sorted(told, key=lambda pair: pair[0] == LATE_LIST):
        yield from _block_rows(name, value, market)


def _block_rows(name: str, value: Any, market: MarketplaceBlocks) -> Iterator[Row]:
    """The rows that a block is; none where it is no figure of ours: it then stays in the marketplace's document only."""
    if name in market.shares:
        share = market.shares[name]
        yield Row(share.metric, partial(health_blocks.parse_rate, value, market, share))
    elif name in COUNTERS:
        metric, field = COUNTERS[name]
        yield Row(metric, partial(health_blocks.parse_counter, value, market, metric, field))
    elif name == "accounthealthrating":
        yield Row("account_health_rating", partial(health_blocks.parse_rating, value, market))
    elif name == LATE_LIST:
        yield from (
            Row("late_shipment_rate", partial(health_blocks.parse_late_shipments, each, market)) for each in _as_list(value)
        )
    elif name == ORDER_DEFECTS:
        yield from _channel_rows(value, market)


def _channel_rows(value: Any, market: MarketplaceBlocks) -> Iterator[Row]:
    if not isinstance(value, dict):
        yield Row("order_defect_rate", partial(_rejected, "The block is not an object."))
        return
    for name, told in health_blocks.iterate_fields(value):
        if name in {Channel.MFN, Channel.AFN}:
            yield Row(f"order_defect_rate {name}", partial(health_blocks.parse_order_defects, told, market, Channel(name)))


def _blocks(entry: dict[str, Any]) -> list[tuple[str, Any]]:
    """The blocks of a marketplace by name; violations that stand in an object of warning states as if beside it."""
    told = list(health_blocks.iterate_fields(entry))
    names = {name for name, _ in told}
    within = [value for name, value in told if name == WARNING_STATES and isinstance(value, dict)]
    moved = [pair for value in within for pair in health_blocks.iterate_fields(value)]
    return told + [(name, value) for name, value in moved if name in VIOLATIONS and name not in names]


def _snapshot(entry: Any, market: MarketplaceBlocks, status: Any) -> list[SnapshotFact]:
    document = exact_json.write_json(entry, leaves_out=personal_columns.is_personal)
    return [SnapshotFact(market.code, performance_figures.normalize_status(status), market.reported_at, document)]


def _rejected(reason: str) -> list[Any]:
    raise InvalidRow(reason)


def _find_fault(entry: Any, code: str, seen: Container[str]) -> str:
    """Why nothing of this entry can be used; empty if it can."""
    if not isinstance(entry, dict):
        return "The entry of a marketplace is not an object."
    if not code:
        told = health_blocks.normalize_block(entry).get("marketplaceid")
        given = quote_value(told) if isinstance(told, str) else "is not a string and"
        return f"marketplaceId {given} is not a known Amazon marketplace ID."
    return f"{code} appears twice; the first one is used." if code in seen else ""


def _code(entry: Any, parse_context: ParseContext) -> str:
    """Our code of the marketplace that an entry names; of one that names none the report's; empty if it is unknown."""
    told = health_blocks.normalize_block(entry).get("marketplaceid") if isinstance(entry, dict) else ""
    if told is None:
        return parse_context.marketplace
    return CODE_OF_AMAZON_ID.get(told.strip(), "") if isinstance(told, str) else ""


def _as_list(value: Any) -> list[Any]:
    """What a field lists: a single object stands for a list of it, as in the official example."""
    if value is None:
        return []
    return [each for each in value if each is not None] if isinstance(value, list) else [value]


def _find_period_ends(report: Any) -> Iterator[str]:
    """Every `reportingDateTo` in the report, however deep."""
    waiting = [report]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield from (end for name, end in value.items() if name.lower() == "reportingdateto" and isinstance(end, str))
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def matches(head: Sequence[str], _rest: Sequence[str]) -> bool:
    return bool(START_PATTERN.search(head[0]))


EXAMPLE = """{
  "accountStatuses": [{"marketplaceId": "ATVPDKIKX0DER", "status": "NORMAL"}],
  "performanceMetrics": [
    {
      "marketplaceId": "ATVPDKIKX0DER",
      "orderDefectRate": {
        "mfn": {
          "reportingDateRange": {"reportingDateFrom": "2025-07-12T00:00:00Z", "reportingDateTo": "2025-09-09T23:59:59Z"},
          "orderCount": 1936,
          "orderWithDefects": {"count": 2, "status": "GOOD"},
          "claims": {"count": 1, "status": "NONE"},
          "chargebacks": {"count": 0, "status": "NONE"},
          "negativeFeedback": {"count": 1, "status": "NONE"},
          "fulfillmentType": "mfn",
          "status": "GOOD",
          "rate": 0.001,
          "targetValue": 0.01,
          "targetCondition": "LESS_THAN"
        }
      },
      "lateShipmentRate": {
        "reportingDateRange": {"reportingDateFrom": "2025-08-26T00:00:00Z", "reportingDateTo": "2025-09-24T23:59:59Z"},
        "orderCount": 30,
        "lateShipmentCount": 1,
        "status": "BAD",
        "rate": 0.0333,
        "targetValue": 0.02,
        "targetCondition": "LESS_THAN"
      },
      "listingPolicyViolations": {"defectsCount": 0, "status": "GOOD", "targetValue": 0, "targetCondition": "EQUALS"},
      "accountHealthRating": {"ahrStatus": "GREAT", "ahrScore": 428}
    }
  ]
}
"""

REPORT_TYPE = ReportType(
    names=(NAME,),
    title="Account health, V2 JSON",
    fact_types=(ReportedFact, SnapshotFact),
    dialect="json",
    matches=matches,
    build_parser=performance_figures.build_parser,
    read_rows=read_rows,
    max_bytes=16 * 1024**2,
    about=(
        "Amazon's own account health figures of each marketplace. A row is either a whole marketplace or one figure of it. "
        "Names may have any case and either spelling. A missing figure stays empty. A figure that contradicts itself is "
        "stored as received and flagged."
    ),
    columns=(
        Column(name="accountStatuses[].status", meaning="NORMAL, AT_RISK, DEACTIVATED or another status, stored as received"),
        Column(name="performanceMetrics[].marketplaceId", meaning="Amazon's marketplace ID; default: the report's marketplace"),
        Column(name="orderDefectRate.mfn, .afn", meaning="the order defect rate of each channel with the counts of its parts"),
        Column(name="lateShipmentRate", meaning="the late shipment rate over 30 days"),
        Column(name="lateShipmentRateList[]", meaning="the late shipment rate over 10 and 30 days, if the report has it"),
        Column(
            name="preFulfillmentCancellationRate",
            meaning="the pre-fulfillment cancellation rate; also spelled prefulfillmentCancelRate",
        ),
        Column(
            name="validTrackingRate",
            meaning="the valid tracking rate; without shipments the metric has no data, whatever status Amazon gives",
        ),
        Column(name="unitOnTimeDeliveryRate", meaning="the on-time delivery rate in the US, counted in units"),
        Column(name="onTimeDeliveryRate", meaning="the on-time delivery rate elsewhere, counted in packages"),
        Column(name="invoiceDefectRate", meaning="the invoice defect rate"),
        Column(name="accountHealthRating", meaning="the rating's status, and its score if the report has one"),
        Column(name="listingPolicyViolations and ten more", meaning="number of open violations or complaints of each kind"),
        Column(name="policyViolationWarnings", meaning="number of warnings"),
        Column(name="reportingDateRange", meaning="first and last UTC day of a figure"),
        Column(name="targetValue, targetCondition", meaning="Amazon's target for this account; it replaces the default target"),
    ),
    example=EXAMPLE,
    source="https://developer-docs.amazon.com/sp-api/docs/report-type-values-performance",
)
