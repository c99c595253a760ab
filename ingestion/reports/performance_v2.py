"""Read GET_V2_SELLER_PERFORMANCE_REPORT: Amazon's account health figures as JSON, for each marketplace.

The schema's examples spell names differently from its properties, live reports have more blocks than the
schema, and third parties store blocks that Amazon never sent. Therefore names are compared without case, and
each block is a row that can be rejected alone. Source:
https://developer-docs.amazon.com/sp-api/docs/report-type-values-performance
"""

import re
from collections.abc import Callable, Container, Iterator, Sequence
from functools import partial
from typing import Any

from accounts.marketplaces import CODE_OF_AMAZON_ID
from ingestion.parsing.rejections import InvalidRow, RejectedDocument
from ingestion.reports import exact_json, performance_figures, performance_v2_blocks, personal_columns
from ingestion.reports.performance_figures import Row
from ingestion.reports.performance_v2_blocks import (
    COUNTERS,
    LATE_LIST,
    ORDER_DEFECTS,
    RATING,
    USUAL_OFFSETS,
    VIOLATIONS,
    WARNING_STATES,
    MarketplaceBlocks,
)
from ingestion.reports.quoting import quote_value
from ingestion.reports.report_type import Column, ParseContext, ReportType
from metrics.rules.facts import Channel, ReportedFact, SnapshotFact

NAME = "GET_V2_SELLER_PERFORMANCE_REPORT"
REPORT_NAMES = frozenset({"accountstatuses", "performancemetrics"})
WRAPPERS, MAX_WRAPPERS = ("payload", "data", "result", "report", "body", "document"), 4
BLOCK_NAME = re.compile("[A-Za-z]{1,60}")
USED_NAMES = {*COUNTERS, LATE_LIST, ORDER_DEFECTS, RATING, WARNING_STATES, "marketplaceid"}
START_PATTERN = re.compile(r'"(accountStatuses|performanceMetrics)"\s*:', re.IGNORECASE)


def read_rows(document: bytes, parse_context: ParseContext) -> Iterator[tuple[int, Row]]:
    """Return a row for each marketplace, and one for each of its blocks.

    Raises RejectedDocument if it is not such a report.
    """
    report = _report(exact_json.parse_json(document))
    reported_at = performance_figures.infer_reported_at(_find_period_ends(report), parse_context)
    if unused := sorted(_unused_names(report, parse_context)):
        parse_context.warnings.append(performance_figures.unused_warning(unused))
    return enumerate(
        _rows(
            report,
            parse_context,
            partial(MarketplaceBlocks, reported_at=reported_at, latest=parse_context.latest),
        ),
        start=1,
    )


def _unused_names(report: performance_v2_blocks.Block, parse_context: ParseContext) -> set[str]:
    """Return the names of all blocks that no metric reads, as the report spells them."""
    names = set[str]()
    for entry in _as_list(report.get("performancemetrics")):
        if isinstance(entry, dict):
            present = {performance_v2_blocks.normalize_name(name) for name in entry}
            market = MarketplaceBlocks(
                code=_code(entry, parse_context),
                reported_at=parse_context.received_at,
                latest=parse_context.latest,
            )
            used = USED_NAMES | market.rate_blocks(present).keys()
            names |= {
                name
                for name, value in entry.items()
                if value is not None and performance_v2_blocks.normalize_name(name) not in used
            }
    return {name if BLOCK_NAME.fullmatch(name) else "a block with an unusual name" for name in names}


def _report(parsed: Any) -> performance_v2_blocks.Block:
    whole = _unwrap(parsed)
    names = {name.lower() for name in whole} if isinstance(whole, dict) else set()
    # Amazon's schema for this report is easily mistaken for an example of it.
    if {"$schema", "properties"} & names:
        raise RejectedDocument(
            "schema-not-report",
            "The document is a schema, not a report",
            "It describes reports and contains no figures. Request the report itself.",
        )
    if REPORT_NAMES.isdisjoint(names):
        raise RejectedDocument(
            "invalid-json",
            "The JSON is not a report",
            "Expected one object with accountStatuses and performanceMetrics, or a list with one such "
            "object.",
        )
    return performance_v2_blocks.normalize_block(whole)


def _unwrap(value: Any) -> Any:
    """Return the report within a list of one, or within the object in which an API or a program wrapped it."""
    for _ in range(MAX_WRAPPERS):
        inner = value[0] if isinstance(value, list) and len(value) == 1 else value
        names = {name.lower(): name for name in inner} if isinstance(inner, dict) else {}
        wrapper = next((name for name in WRAPPERS if name in names), None)
        if wrapper is None or not REPORT_NAMES.isdisjoint(names):
            return inner
        value = inner[names[wrapper]]
    return value


def _rows(
    report: performance_v2_blocks.Block, parse_context: ParseContext, market: Callable[..., MarketplaceBlocks]
) -> Iterator[Row]:
    entries = _as_list(report.get("performancemetrics"))
    entered = {_code(entry, parse_context) for entry in entries}
    statuses = dict[str, Any]()
    alone = list[Row]()
    for entry in _as_list(report.get("accountstatuses")):
        code = _code(entry, parse_context)
        if error := _find_error(entry, code, statuses):
            # As a row that is rejected, so that the sender sees the reason and
            # the other marketplaces are used.
            alone.append(Row("accountStatuses", partial(_raise_invalid, error)))
            continue
        statuses[code] = performance_v2_blocks.normalize_block(entry).get("status")
        if code not in entered:
            alone.append(
                Row(f"accountStatuses {code}", partial(_snapshot, {}, market(code=code), statuses[code]))
            )
    seen = set[str]()
    for entry in entries:
        code = _code(entry, parse_context)
        error = _find_error(entry, code, seen)
        seen.add(code)
        for row in _marketplace_rows(entry, market(code=code), statuses.get(code)):
            yield Row(f"{row.name} {code}", partial(_raise_invalid, error) if error else row.build)
    yield from alone


def _marketplace_rows(entry: Any, market: MarketplaceBlocks, status: Any) -> Iterator[Row]:
    """Yield the marketplace as a whole, then its blocks, and last the list that may repeat one of them."""
    yield Row("performanceMetrics", partial(_snapshot, entry, market, status))
    blocks = _blocks(entry) if isinstance(entry, dict) else []
    # The list comes last, because an entry that repeats `lateShipmentRate` is recognized by its window.
    # Python's sort keeps the order of all others.
    rate_blocks = market.rate_blocks({name for name, _ in blocks})
    for name, value in sorted(blocks, key=lambda pair: pair[0] == LATE_LIST):
        if name in rate_blocks:
            rate_block = rate_blocks[name]
            yield Row(rate_block.metric, partial(performance_v2_blocks.parse_rate, value, market, rate_block))
        else:
            yield from _block_rows(name, value, market)


def _block_rows(name: str, value: Any, market: MarketplaceBlocks) -> Iterator[Row]:
    """Yield the rows of a block without a rate of its own. An unknown block has none: it is only part of the
    snapshot.
    """
    if name in COUNTERS:
        metric, field = COUNTERS[name]
        yield Row(metric, partial(performance_v2_blocks.parse_counter, value, market, metric, field))
    elif name == RATING:
        yield Row("account_health_rating", partial(performance_v2_blocks.parse_rating, value, market))
    elif name == LATE_LIST:
        yield from (
            Row("late_shipment_rate", partial(performance_v2_blocks.parse_late_shipments, entry, market))
            for entry in _as_list(value)
        )
    elif name == ORDER_DEFECTS:
        yield from _channel_rows(value, market)


def _channel_rows(value: Any, market: MarketplaceBlocks) -> Iterator[Row]:
    if not isinstance(value, dict):
        yield Row("order_defect_rate", partial(_raise_invalid, "the block is not an object."))
        return
    for name, channel_block in performance_v2_blocks.iterate_fields(value):
        if name in {Channel.MFN, Channel.AFN}:
            yield Row(
                f"order_defect_rate {name}",
                partial(performance_v2_blocks.parse_order_defects, channel_block, market, Channel(name)),
            )


def _blocks(entry: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the blocks of a marketplace by name.

    Violations within an object of warning states are moved up.
    """
    blocks = list(performance_v2_blocks.iterate_fields(entry))
    names = {name for name, _ in blocks}
    containers = [value for name, value in blocks if name == WARNING_STATES and isinstance(value, dict)]
    moved = [pair for value in containers for pair in performance_v2_blocks.iterate_fields(value)]
    return blocks + [(name, value) for name, value in moved if name in VIOLATIONS and name not in names]


def _snapshot(entry: Any, market: MarketplaceBlocks, status: Any) -> list[SnapshotFact]:
    # The whole entry is stored for good, so unknown blocks must not bring in personal data.
    document = exact_json.write_json(entry, leaves_out=personal_columns.is_personal)
    return [
        SnapshotFact(market.code, performance_figures.normalize_status(status), market.reported_at, document)
    ]


def _raise_invalid(reason: str) -> list[Any]:
    raise InvalidRow(reason)


def _find_error(entry: Any, code: str, seen: Container[str]) -> str:
    """Return the reason why the entry of a marketplace cannot be used, or an empty text if it can."""
    if not isinstance(entry, dict):
        return "the entry of a marketplace is not an object."
    if not code:
        marketplace_id = performance_v2_blocks.normalize_block(entry).get("marketplaceid")
        if not isinstance(marketplace_id, str):
            return "`marketplaceId` is not a text."
        return f"`marketplaceId`: {quote_value(marketplace_id)} is not a known marketplace ID of Amazon."
    return f"{code} appears twice; the first one is used." if code in seen else ""


def _code(entry: Any, parse_context: ParseContext) -> str:
    """Return the code of an entry's marketplace.

    It is the report's marketplace if the entry names none, and empty if it is unknown.
    """
    marketplace_id = (
        performance_v2_blocks.normalize_block(entry).get("marketplaceid") if isinstance(entry, dict) else ""
    )
    if marketplace_id is None:
        return parse_context.marketplace
    return CODE_OF_AMAZON_ID.get(marketplace_id.strip(), "") if isinstance(marketplace_id, str) else ""


def _as_list(value: Any) -> list[Any]:
    """Return the items of a field. A single object counts as a list of one, as in the official example."""
    if value is None:
        return []
    return [item for item in value if item is not None] if isinstance(value, list) else [value]


def _find_period_ends(report: Any) -> Iterator[tuple[str, int]]:
    """Yield every `reportingDateTo` in the report, at any depth, with the usual offset of its block."""
    # A list instead of recursion, because the document decides how deep it is nested.
    waiting: list[tuple[Any, int]] = [(report, 0)]
    while waiting:
        value, offset = waiting.pop()
        if isinstance(value, dict):
            for name, each in value.items():
                if name.lower() == "reportingdateto" and isinstance(each, str):
                    yield each, offset
                waiting.append((each, USUAL_OFFSETS.get(performance_v2_blocks.normalize_name(name), offset)))
        elif isinstance(value, list):
            waiting.extend((each, offset) for each in value)


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
        "Contains Amazon's own account health figures of each marketplace. A row is either a whole "
        "marketplace or one of its figures. The case of names does not matter, and both spellings of a "
        "name are accepted. A missing figure stays empty. A figure that contradicts itself is stored as "
        "received and flagged."
    ),
    columns=(
        Column(
            name="accountStatuses[].status",
            meaning="NORMAL, AT_RISK, DEACTIVATED or another status, stored as received",
        ),
        Column(
            name="performanceMetrics[].marketplaceId",
            meaning="Amazon's marketplace ID; default: the report's marketplace",
        ),
        Column(
            name="orderDefectRate.mfn, .afn",
            meaning="the order defect rate of each channel with the counts of its parts",
        ),
        Column(name="lateShipmentRate", meaning="the late shipment rate over 30 days"),
        Column(
            name="lateShipmentRateList[]",
            meaning="the late shipment rate over 10 and 30 days, if the report has it",
        ),
        Column(
            name="preFulfillmentCancellationRate",
            meaning="the pre-fulfillment cancellation rate; also spelled prefulfillmentCancelRate",
        ),
        Column(
            name="validTrackingRate",
            meaning=(
                "the valid tracking rate; without shipments the metric has no data, even if Amazon "
                "states a status"
            ),
        ),
        Column(
            name="unitOnTimeDeliveryRate", meaning="the on-time delivery rate in the US, counted in units"
        ),
        Column(name="onTimeDeliveryRate", meaning="the on-time delivery rate elsewhere, counted in packages"),
        Column(name="invoiceDefectRate", meaning="the invoice defect rate"),
        Column(
            name="accountHealthRating", meaning="the rating's status, and its score if the report has one"
        ),
        Column(
            name="listingPolicyViolations and ten other names",
            meaning="the number of open violations or complaints of each kind",
        ),
        Column(name="policyViolationWarnings", meaning="number of warnings"),
        Column(name="reportingDateRange", meaning="first and last UTC day of a figure"),
        Column(
            name="targetValue, targetCondition",
            meaning="Amazon's target for this account; it replaces the default target",
        ),
    ),
    example=EXAMPLE,
    source="https://developer-docs.amazon.com/sp-api/docs/report-type-values-performance",
)
