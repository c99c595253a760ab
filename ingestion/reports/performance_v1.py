"""Read GET_V1_SELLER_PERFORMANCE_REPORT: the older account health report in XML, the only source of response
times.

Amazon publishes no schema; the names of elements are from its documentation and public parsers. The report
has every metric for several time frames. The one closest to the metric's window becomes a figure; the
snapshot contains all of them. Source:
https://developer-docs.amazon.com/sp-api/docs/report-type-values-performance
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from operator import itemgetter
from typing import NamedTuple

from ingestion.parsing import xml
from ingestion.parsing.rejections import InvalidRow, RejectedDocument
from ingestion.parsing.xml import Record
from ingestion.reports import performance_figures, personal_columns
from ingestion.reports.performance_figures import Figure, Row, Window
from ingestion.reports.quoting import quote_value
from ingestion.reports.report_type import Column, ParseContext, ReportType
from metrics.rules.facts import Channel, ReportedFact, SnapshotFact

NAME = "GET_V1_SELLER_PERFORMANCE_REPORT"
DEFECTS, EXPERIENCE, TRACKING = "orderDefectMetrics", "customerExperienceMetrics", "trackingMetrics"
RESPONSES, RETURNS, CHECKLIST = "responseTimeMetrics", "returnDissatisfactionMetrics", "performanceChecklist"
# It contains elements with figures.
CONTAINERS = ("buyerSellerContactResponseTimeMetrics",)
ELEMENTS = (DEFECTS, EXPERIENCE, TRACKING, RESPONSES, RETURNS, CHECKLIST)
# The report is read as a whole, and its snapshot contains every record.
MAX_RECORDS = 200
IN_TIME = "responseUnder24Hours"
ANSWERS = (IN_TIME, "responseTimeGreaterThan24Hours", "noResponseForContactsOlderThan24Hours")
PERCENT = re.compile(r"([0-9]{1,3})(?:[.,]([0-9]{1,10}))?\s*%")
START_PATTERN = re.compile(r"<sellerPerformanceReports?[\s/>]")
METRIC_ELEMENT = re.compile(rb"<([A-Za-z]{1,60}Metrics)[\s/>]")
FEED = 64 * 1024
# Lengths of time frames, in days.
ANY, SHORT, LONG = range(10**6), range(15), range(15, 10**6)
# Assumed for a time frame without days.
DEFAULT_DAYS = 30


class FigureSource(NamedTuple):
    """Describe where a metric is: its element and name, its window in days, and its name in the checklist."""

    metric: str
    element: str
    name: str
    channel: Channel
    days: int
    checklist_name: str = ""
    lengths: range = ANY


FIGURES = (
    FigureSource("order_defect_rate", DEFECTS, "orderWithDefects", Channel.ALL, 60, "orderDefectRate"),
    FigureSource("negative_feedback_rate", DEFECTS, "negativeFeedbacks", Channel.ALL, 60),
    FigureSource("a_to_z_claim_rate", DEFECTS, "a_z_claims", Channel.ALL, 60),
    FigureSource("chargeback_rate", DEFECTS, "chargebacks", Channel.ALL, 60),
    FigureSource(
        "late_shipment_rate_10d", EXPERIENCE, "lateShipment", Channel.MFN, 10, "lateShipmentRate", SHORT
    ),
    FigureSource(
        "late_shipment_rate_30d", EXPERIENCE, "lateShipment", Channel.MFN, 30, "lateShipmentRate", LONG
    ),
    FigureSource(
        "pre_fulfillment_cancel_rate",
        EXPERIENCE,
        "preFulfillmentCancellation",
        Channel.MFN,
        7,
        "orderCancellationRate",
    ),
    FigureSource("valid_tracking_rate", TRACKING, "validTracking", Channel.MFN, 30, "validTrackingRate"),
    FigureSource("on_time_delivery_rate", TRACKING, "onTimeDelivery", Channel.MFN, 30, "onTimeDelivery"),
    FigureSource("message_response_rate_24h", RESPONSES, "", Channel.ALL, 30, "contactResponseTime"),
    FigureSource(
        "return_dissatisfaction_rate",
        RETURNS,
        "returnDissatisfaction",
        Channel.MFN,
        30,
        "returnDissatisfactionRate",
    ),
)
DEFECTIVE = "orderWithDefects"
PARTS = ("negativeFeedbacks", "a_z_claims", "chargebacks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Store the records of a document with their lines, and what applies to all of them."""

    records: list[tuple[int, Record]]
    checklist: Record
    reported_at: datetime
    parse_context: ParseContext


def read_rows(document: bytes, parse_context: ParseContext) -> Iterator[tuple[int, Row]]:
    """Yield a row for the report as a whole, and one for each metric.

    Raises RejectedDocument if it is not one report.
    """
    records = _records(document)
    checklists = [record for _, record in records if record[""] == CHECKLIST]
    # Several reports in one file may be of several marketplaces, which the elements do not name.
    if not records or len(checklists) > 1:
        raise RejectedDocument(
            "not-one-report",
            "The document is not one performance report",
            "It contains several reports. Upload each report separately."
            if records
            else f"It must contain one of {', '.join(ELEMENTS)}.",
        )
    ends = ((record["timeFrame/end"], 0) for _, record in records if "timeFrame/end" in record)
    report = Report(
        records=records,
        checklist=checklists[0] if checklists else {},
        reported_at=performance_figures.infer_reported_at(ends, parse_context),
        parse_context=parse_context,
    )
    if unused := _unused_names(document, records):
        parse_context.warnings.append(performance_figures.unused_warning(unused))
    yield records[0][0], Row("sellerPerformanceReport", partial(_snapshot, report))
    for source in FIGURES:
        for line, record in _find_nearest_record(source, report):
            yield line, Row(source.metric, partial(_figure, source, record, report))


def _records(document: bytes) -> list[tuple[int, Record]]:
    blocks = (document[at : at + FEED] for at in range(0, len(document), FEED))
    records = list[tuple[int, Record]]()
    for line_and_record in xml.read_records(blocks, names=ELEMENTS):
        records.append(line_and_record)
        if len(records) > MAX_RECORDS:
            raise RejectedDocument(
                "too-many-records", "The report has too many records", f"At most {MAX_RECORDS} are supported."
            )
    return records


def _unused_names(document: bytes, records: list[tuple[int, Record]]) -> list[str]:
    """Return the names of metrics in the report that are no figure."""
    elements = {name.decode() for name in METRIC_ELEMENT.findall(document)} - {*ELEMENTS, *CONTAINERS}
    names = {
        path.partition("/")[0]
        for _, record in records
        for path in record
        if path.endswith(("/count", "/rate"))
    }
    return sorted(elements | names - {source.name for source in FIGURES})


def _find_nearest_record(source: FigureSource, report: Report) -> list[tuple[int, Record]]:
    """Return the record whose time frame is closest to the metric's window, as a list; empty if no record has
    the metric. Of two equally close records, the later one is used.
    """
    # Amazon repeats each metric for several time frames.
    candidates = list[tuple[int, int, int, Record]]()
    for line, record in report.records:
        window = _window_or_none(record, report)
        ends = window.last_on.toordinal() if window.last_on else 0
        if (
            record[""] == source.element
            and _has_figure(record, source)
            and (window.days or DEFAULT_DAYS) in source.lengths
        ):
            candidates.append(
                (abs(window.days - source.days) if window.days else max(ANY), -ends, line, record)
            )
    return [(line, record) for _, _, line, record in sorted(candidates, key=itemgetter(0, 1, 2))[:1]]


def _has_figure(record: Record, source: FigureSource) -> bool:
    return any(
        name in record
        for name in (f"{source.name}/count", f"{source.name}/rate", *(() if source.name else ANSWERS))
    )


def _snapshot(report: Report) -> list[SnapshotFact]:
    document: dict[str, list[Record]] = {}
    for _, record in report.records:
        texts = {
            path: text
            for path, text in record.items()
            if path and not any(map(personal_columns.is_personal, path.split("/")))
        }
        document.setdefault(record[""], []).append(texts)
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return [SnapshotFact(report.parse_context.marketplace, "", report.reported_at, text)]


def _figure(source: FigureSource, record: Record, report: Report) -> list[ReportedFact]:
    numerator, denominator = (
        _response_counts(record) if source.element == RESPONSES else _counts(source, record)
    )
    flags = (
        performance_figures.check_parts(numerator, [_count(record, f"{part}/count") for part in PARTS])
        if source.name == DEFECTIVE
        else ()
    )
    figure = Figure(
        metric=source.metric,
        channel=source.channel.value,
        numerator=numerator,
        denominator=denominator,
        rate=_parse_percentage(record.get(f"{source.name}/rate")),
        status=performance_figures.normalize_status(report.checklist.get(f"{source.checklist_name}/status")),
        window=_window(record, report),
        flags=tuple(flags),
    )
    return [
        performance_figures.build_fact(
            figure, marketplace=report.parse_context.marketplace, reported_at=report.reported_at
        )
    ]


def _counts(source: FigureSource, record: Record) -> tuple[int | None, int | None]:
    """Return the counts of a metric."""
    # The report has no total for tracking and returns.
    denominator = _count(record, "orderCount") if source.element in {DEFECTS, EXPERIENCE} else None
    return _count(record, f"{source.name}/count"), denominator


def _response_counts(record: Record) -> tuple[int | None, int | None]:
    """Return the messages answered in time, and all that needed an answer; None if one of the three counts is
    missing.
    """
    counts = [_count(record, name) for name in ANSWERS]
    known = [count for count in counts if count is not None]
    return counts[0], performance_figures.parse_count(str(sum(known)), "number of messages") if len(
        known
    ) == len(counts) else None


def _count(record: Record, path: str) -> int | None:
    return performance_figures.parse_count(record[path], path) if path in record else None


def _parse_percentage(text: str | None) -> Decimal | None:
    """Return `0.70%` or `0,70 %` as the fraction 0.0070. Raises InvalidRow."""
    if text is None:
        return None
    percent = PERCENT.fullmatch(text)
    if percent is None:
        raise InvalidRow(f"the rate {quote_value(text)} is not a percentage; expected e.g. 0.70%.")
    return Decimal(f"{percent[1]}.{percent[2] or ''}").scaleb(-2)


def _window(record: Record, report: Report) -> Window:
    return performance_figures.parse_window(
        record.get("timeFrame/start"), record.get("timeFrame/end"), latest=report.parse_context.latest
    )


def _window_or_none(record: Record, report: Report) -> Window:
    """Return the window, or an empty one if it is invalid."""
    # It only helps to choose a record. If the record is used, its figure is rejected with the reason.
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
        "Contains the older form of Amazon's account health figures. The report covers one marketplace, "
        "which you state when you upload it. If it has several time frames, the one closest to the "
        "metric's window is used. It has no targets, and its order defects are not separated by "
        "channel."
    ),
    columns=(
        Column(name="timeFrame/start, timeFrame/end", meaning="first and last UTC day of the figures"),
        Column(
            name="orderDefectMetrics",
            meaning="number of orders, and of orders with a defect, negative feedback, claim or chargeback",
        ),
        Column(
            name="customerExperienceMetrics",
            meaning=(
                "late shipments and cancellations; a period of up to 14 days is the 10-day late shipment rate"
            ),
        ),
        Column(name="trackingMetrics", meaning="valid tracking and on-time delivery"),
        Column(
            name="responseTimeMetrics",
            meaning="number of messages answered within 24 hours, later, and never",
        ),
        Column(
            name="returnDissatisfactionMetrics",
            meaning="return requests with negative feedback, late answers or wrong rejections",
        ),
        Column(name="performanceChecklist", meaning="Amazon's status of each metric: Good, Fair or Poor"),
    ),
    example=EXAMPLE,
    source="https://developer-docs.amazon.com/sp-api/docs/report-type-values-performance",
)
