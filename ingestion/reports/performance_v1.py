"""GET_V1_SELLER_PERFORMANCE_REPORT: the older account health report, XML; the only source of response times.

No schema of it is published: the names of elements are those of Amazon's documentation and of public parsers. It tells every
metric of several time frames; the one nearest to the metric's own window becomes a figure, and all stay in the document.
Source: https://developer-docs.amazon.com/sp-api/docs/report-type-values-performance
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from ingestion.parsing import xml
from ingestion.parsing.rejections import InvalidRow, RejectedDocument
from ingestion.parsing.xml import Record
from ingestion.reports import performance_figures, personal_columns
from ingestion.reports.performance_figures import Figure, Row, Window
from ingestion.reports.report_type import Column, ParseContext, ReportType, quote_value
from metrics.rules.facts import Channel, ReportedFact, SnapshotFact

NAME = "GET_V1_SELLER_PERFORMANCE_REPORT"
DEFECTS, EXPERIENCE, TRACKING = "orderDefectMetrics", "customerExperienceMetrics", "trackingMetrics"
RESPONSES, RETURNS, CHECKLIST = "responseTimeMetrics", "returnDissatisfactionMetrics", "performanceChecklist"
ELEMENTS = (DEFECTS, EXPERIENCE, TRACKING, RESPONSES, RETURNS, CHECKLIST)
MAX_RECORDS = 200
IN_TIME = "responseUnder24Hours"
ANSWERS = (IN_TIME, "responseTimeGreaterThan24Hours", "noResponseForContactsOlderThan24Hours")
PERCENT = re.compile(r"([0-9]{1,3})(?:[.,]([0-9]{1,10}))?\s*%")
START_PATTERN = re.compile(r"<sellerPerformanceReports?[\s/>]")
FEED = 64 * 1024
ANY, SHORT, LONG = range(10**6), range(15), range(15, 10**6)  # days
USUAL = 30  # where a time frame does not tell


class FigureSource(NamedTuple):
    """Where a metric is told: in which element under which name, of which window, and its name in the checklist."""

    metric: str
    element: str
    name: str
    channel: Channel
    days: int
    checked: str = ""
    lengths: range = ANY


FIGURES = (
    FigureSource("order_defect_rate", DEFECTS, "orderWithDefects", Channel.ALL, 60, "orderDefectRate"),
    FigureSource("negative_feedback_rate", DEFECTS, "negativeFeedbacks", Channel.ALL, 60),
    FigureSource("a_to_z_claim_rate", DEFECTS, "a_z_claims", Channel.ALL, 60),
    FigureSource("chargeback_rate", DEFECTS, "chargebacks", Channel.ALL, 60),
    FigureSource("late_shipment_rate_10d", EXPERIENCE, "lateShipment", Channel.MFN, 10, "lateShipmentRate", SHORT),
    FigureSource("late_shipment_rate_30d", EXPERIENCE, "lateShipment", Channel.MFN, 30, "lateShipmentRate", LONG),
    FigureSource(
        "pre_fulfillment_cancel_rate", EXPERIENCE, "preFulfillmentCancellation", Channel.MFN, 7, "orderCancellationRate"
    ),
    FigureSource("valid_tracking_rate", TRACKING, "validTracking", Channel.MFN, 30, "validTrackingRate"),
    FigureSource("on_time_delivery_rate", TRACKING, "onTimeDelivery", Channel.MFN, 30, "onTimeDelivery"),
    FigureSource("message_response_rate_24h", RESPONSES, "", Channel.ALL, 30, "contactResponseTime"),
    FigureSource("return_dissatisfaction_rate", RETURNS, "returnDissatisfaction", Channel.MFN, 30, "returnDissatisfactionRate"),
)
DEFECTIVE = "orderWithDefects"
PARTS = ("negativeFeedbacks", "a_z_claims", "chargebacks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The records of a document with their lines, and what holds for each of them."""

    records: list[tuple[int, Record]]
    checklist: Record
    reported_at: datetime
    parse_context: ParseContext


def read_rows(document: bytes, parse_context: ParseContext) -> Iterator[tuple[int, Row]]:
    """A row for the report as a whole, and one for each metric. Raises Refused for what is no such report."""
    records = _records(document)
    checklists = [record for _, record in records if record[""] == CHECKLIST]
    if not records or len(checklists) > 1:
        raise RejectedDocument(
            "not-one-report",
            "The document is not one performance report",
            "It contains several reports. Upload each one separately."
            if records
            else f"It contains none of {', '.join(ELEMENTS)}.",
        )
    ends = (record["timeFrame/end"] for _, record in records if "timeFrame/end" in record)
    report = Report(
        records=records,
        checklist=checklists[0] if checklists else {},
        reported_at=performance_figures.infer_reported_at(ends, parse_context),
        parse_context=parse_context,
    )
    yield records[0][0], Row("sellerPerformanceReport", partial(_snapshot, report))
    for told in FIGURES:
        for line, record in _find_nearest_record(told, report):
            yield line, Row(told.metric, partial(_figure, told, record, report))


def _records(document: bytes) -> list[tuple[int, Record]]:
    blocks = (document[at : at + FEED] for at in range(0, len(document), FEED))
    records = list[tuple[int, Record]]()
    for found in xml.read_records(blocks, names=ELEMENTS):
        records.append(found)
        if len(records) > MAX_RECORDS:
            raise RejectedDocument("too-many-records", "The report has too many records", f"At most {MAX_RECORDS} are allowed.")
    return records


def _find_nearest_record(told: FigureSource, report: Report) -> list[tuple[int, Record]]:
    """The record whose time frame is most like the metric's window, of two alike the later one; none where none tells it."""
    found = list[tuple[int, int, int, Record]]()
    for line, record in report.records:
        window = _window_or_none(record, report)
        ends = window.last_on.toordinal() if window.last_on else 0
        if record[""] == told.element and _has_figure(record, told) and (window.days or USUAL) in told.lengths:
            found.append((abs(window.days - told.days) if window.days else max(ANY), -ends, line, record))
    return [(line, record) for _, _, line, record in sorted(found, key=lambda each: each[:3])[:1]]


def _has_figure(record: Record, told: FigureSource) -> bool:
    return any(name in record for name in (f"{told.name}/count", f"{told.name}/rate", *(() if told.name else ANSWERS)))


def _snapshot(report: Report) -> list[SnapshotFact]:
    document: dict[str, list[Record]] = {}
    for _, record in report.records:
        told = {
            path: text for path, text in record.items() if path and not any(map(personal_columns.is_personal, path.split("/")))
        }
        document.setdefault(record[""], []).append(told)
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return [SnapshotFact(report.parse_context.marketplace, "", report.reported_at, text)]


def _figure(told: FigureSource, record: Record, report: Report) -> list[ReportedFact]:
    numerator, denominator = _response_counts(record) if told.element == RESPONSES else _counts(told, record)
    flags = (
        performance_figures.check_parts(numerator, [_count(record, f"{part}/count") for part in PARTS])
        if told.name == DEFECTIVE
        else ()
    )
    figure = Figure(
        metric=told.metric,
        channel=told.channel.value,
        numerator=numerator,
        denominator=denominator,
        rate=_parse_percentage(record.get(f"{told.name}/rate")),
        status=performance_figures.normalize_status(report.checklist.get(f"{told.checked}/status")),
        window=_window(record, report),
        flags=tuple(flags),
    )
    return [performance_figures.build_fact(figure, marketplace=report.parse_context.marketplace, reported_at=report.reported_at)]


def _counts(told: FigureSource, record: Record) -> tuple[int | None, int | None]:
    """Of tracking and returns the report does not tell what they are counted in."""
    denominator = _count(record, "orderCount") if told.element in {DEFECTS, EXPERIENCE} else None
    return _count(record, f"{told.name}/count"), denominator


def _response_counts(record: Record) -> tuple[int | None, int | None]:
    """The messages answered in time, and all that needed an answer; unknown where one of the three counts is."""
    counts = [_count(record, name) for name in ANSWERS]
    told = [count for count in counts if count is not None]
    return counts[0], performance_figures.parse_count(str(sum(told)), "number of messages") if len(told) == len(counts) else None


def _count(record: Record, path: str) -> int | None:
    return performance_figures.parse_count(record[path], path) if path in record else None


def _parse_percentage(text: str | None) -> Decimal | None:
    """`0.70%` as the fraction 0.0070; also `0,70 %`."""
    if text is None:
        return None
    percent = PERCENT.fullmatch(text)
    if percent is None:
        raise InvalidRow(f"The rate {quote_value(text)} is not a percentage.")
    return Decimal(f"{percent[1]}.{percent[2] or ''}").scaleb(-2)


def _window(record: Record, report: Report) -> Window:
    return performance_figures.parse_window(
        record.get("timeFrame/start"), record.get("timeFrame/end"), latest=report.parse_context.latest
    )


def _window_or_none(record: Record, report: Report) -> Window:
    """The same, but none where it cannot be used: that is said once the record is the nearest."""
    try:
        return _window(record, report)
    except InvalidRow:
        return Window()


def matches(head: Sequence[str], _rest: Sequence[str]) -> bool:
    return bool(START_PATTERN.search(head[0]))


EXAMPLE = """<?xml version="1.0" encoding="UTF-8"?>
<sellerPerformanceReports>
  <sellerPerformanceReport>
    <performanceChecklist>
      <orderDefectRate><status>Good</status></orderDefectRate>
      <contactResponseTime><status>Fair</status></contactResponseTime>
    </performanceChecklist>
    <orderDefects>
      <orderDefectMetrics>
        <timeFrame><start>2025-07-12T00:00:00Z</start><end>2025-09-09T23:59:59Z</end></timeFrame>
        <orderCount>1000</orderCount>
        <orderWithDefects><count>7</count><rate>0.70%</rate></orderWithDefects>
        <negativeFeedbacks><count>3</count><rate>0.30%</rate></negativeFeedbacks>
        <a_z_claims><count>4</count><rate>0.40%</rate></a_z_claims>
        <chargebacks><count>1</count><rate>0.10%</rate></chargebacks>
      </orderDefectMetrics>
    </orderDefects>
    <buyerSellerContactResponseTimeMetrics>
      <responseTimeMetrics>
        <timeFrame><start>2025-08-26T00:00:00Z</start><end>2025-09-24T23:59:59Z</end></timeFrame>
        <responseUnder24Hours>40</responseUnder24Hours>
        <responseTimeGreaterThan24Hours>2</responseTimeGreaterThan24Hours>
        <noResponseForContactsOlderThan24Hours>1</noResponseForContactsOlderThan24Hours>
      </responseTimeMetrics>
    </buyerSellerContactResponseTimeMetrics>
  </sellerPerformanceReport>
</sellerPerformanceReports>
"""

REPORT_TYPE = ReportType(
    names=(NAME,),
    title="Account health, V1 XML",
    fact_types=(ReportedFact, SnapshotFact),
    dialect="xml",
    elements=ELEMENTS,
    matches=matches,
    build_parser=performance_figures.build_parser,
    read_rows=read_rows,
    max_bytes=16 * 1024**2,
    about=(
        "The older account health report. It covers one marketplace: the one named when it is uploaded. If it has several time "
        "frames, the one closest to the metric's window is used. It has no targets, and its order defects are not separated "
        "by channel."
    ),
    columns=(
        Column(name="timeFrame/start, timeFrame/end", meaning="first and last UTC day of the figures"),
        Column(
            name="orderDefectMetrics",
            meaning="number of orders, and of orders with a defect, negative feedback, claim or chargeback",
        ),
        Column(
            name="customerExperienceMetrics",
            meaning="late shipments and cancellations; a period of up to 14 days is the 10-day late shipment rate",
        ),
        Column(name="trackingMetrics", meaning="valid tracking and on-time delivery"),
        Column(name="responseTimeMetrics", meaning="number of messages answered within 24 hours, later, and never"),
        Column(
            name="returnDissatisfactionMetrics",
            meaning="return requests with negative feedback, late answers or wrong rejections",
        ),
        Column(name="performanceChecklist", meaning="Amazon's status of each metric: Good, Fair or Poor"),
    ),
    example=EXAMPLE,
    source="https://developer-docs.amazon.com/sp-api/docs/report-type-values-performance",
)
