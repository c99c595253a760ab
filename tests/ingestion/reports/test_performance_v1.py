"""Test GET_V1_SELLER_PERFORMANCE_REPORT, the older report with several time frames."""

import gzip
import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingestion.parsing.rejections import RejectedDocument
from ingestion.reports import all_orders_xml, performance_v1
from ingestion.reports.performance_v1 import MAX_RECORDS
from tests import build
from tests.ingestion import health_reports
from tests.ingestion.health_reports import DAY, counts, figure, flags, read_v1, record
from tests.ingestion.parsed_documents import parse_document

SAMPLES = Path(__file__).parents[2] / "samples" / performance_v1.NAME
SAMPLE = (SAMPLES / "1_RECONSTRUCTED.xml").read_bytes()
MADE = datetime(2025, 3, 1, 23, 59, 59, tzinfo=UTC)
SIXTY = ("2026-07-12T00:00:00Z", "2026-09-09T23:59:59Z")
THIRTY = ("2026-08-26T00:00:00Z", "2026-09-24T23:59:59Z")
TEN = ("2026-09-15T00:00:00Z", "2026-09-24T23:59:59Z")
WEEK = ("2026-09-18T00:00:00Z", "2026-09-24T23:59:59Z")
NINETY = ("2026-06-27T00:00:00Z", "2026-09-24T23:59:59Z")


def late(days: tuple[str, str], count: str = "5", rate: str = "1.00%", orders: str = "500") -> str:
    elements = {"orderCount": orders, "lateShipment__count": count, "lateShipment__rate": rate}
    return record("customerExperienceMetrics", days, **elements)


def answered(days: tuple[str, str] = THIRTY, **texts: str) -> str:
    names = {"in_time": "responseUnder24Hours", "late": "responseTimeGreaterThan24Hours"}
    never = "noResponseForContactsOlderThan24Hours"
    return record(
        "responseTimeMetrics", days, **{names.get(name, never): text for name, text in texts.items()}
    )


@pytest.mark.parametrize(
    ("metric", "channel", "expected"),
    [
        ("order_defect_rate", "all", (7, 1000, Decimal("0.0070"), "GOOD")),
        ("negative_feedback_rate", "all", (3, 1000, Decimal("0.0030"), "")),
        ("a_to_z_claim_rate", "all", (4, 1000, Decimal("0.0040"), "")),
        ("chargeback_rate", "all", (1, 1000, Decimal("0.0010"), "")),
        ("late_shipment_rate_30d", "mfn", (5, 500, Decimal("0.0100"), "GOOD")),
        ("pre_fulfillment_cancel_rate", "mfn", (2, 500, Decimal("0.0040"), "GOOD")),
        ("valid_tracking_rate", "mfn", (480, None, Decimal("0.9700"), "GOOD")),
        ("on_time_delivery_rate", "mfn", (470, None, Decimal("0.9600"), "GOOD")),
        ("message_response_rate_24h", "all", (40, 43, None, "FAIR")),
        ("return_dissatisfaction_rate", "mfn", (1, None, Decimal("0.0200"), "GOOD")),
    ],
)
def test_sample_gives_each_of_its_figures(metric: str, channel: str, expected: tuple[object, ...]) -> None:
    parsed = parse_document(SAMPLE, today=DAY)

    fact = figure(parsed, metric, channel)
    assert (fact.numerator, fact.denominator, fact.rate, fact.status) == expected
    assert (fact.marketplace, fact.comparator, fact.flags, fact.reported_at) == ("US", "", "[]", MADE)
    assert (len(parsed.reported), parsed.reader.read, parsed.rejected) == (10, 11, {})


@pytest.mark.parametrize(
    ("metric", "channel", "first", "last"),
    [
        ("order_defect_rate", "all", date(2025, 1, 1), date(2025, 3, 1)),
        ("valid_tracking_rate", "mfn", date(2025, 1, 20), date(2025, 2, 18)),
        ("message_response_rate_24h", "all", date(2025, 2, 22), date(2025, 3, 1)),
    ],
)
def test_sample_figures_have_days_of_their_time_frame(
    metric: str, channel: str, first: date, last: date
) -> None:
    fact = figure(parse_document(SAMPLE, today=DAY), metric, channel)

    assert (fact.first_on, fact.last_on) == (first, last)


def test_sample_is_stored_whole_as_it_came() -> None:
    (snapshot,) = parse_document(SAMPLE, today=DAY).snapshots

    document = json.loads(snapshot.document)
    assert (snapshot.marketplace, snapshot.account_status, snapshot.reported_at) == ("US", "", MADE)
    assert document["performanceChecklist"][0]["contactResponseTime/status"] == "Fair"
    assert document["customerExperienceMetrics"][0]["refunds/rate"] == "2.00%"
    assert document["responseTimeMetrics"][0]["averageResponseTimeInHours"] == "6.2"
    assert len(document) == len(performance_v1.ELEMENTS)


def test_snapshot_contains_no_personal_elements() -> None:
    person = (
        "<buyer><name>Jane</name></buyer><comments>too slow</comments><refunds><count>2</count></refunds>"
    )
    document = SAMPLE.replace(b"<orderCount>", person.encode() + b"<orderCount>", 1)

    (snapshot,) = parse_document(document, today=DAY).snapshots

    assert "refunds/count" in snapshot.document
    assert "Jane" not in snapshot.document
    assert "too slow" not in snapshot.document


def test_figures_stand_on_lines_of_their_elements() -> None:
    lines = {line for line, _ in parse_document(SAMPLE, today=DAY).lines}

    assert lines == {8, 24, 34, 43, 50, 59}


def test_report_is_of_marketplace_that_it_is_sent_for() -> None:
    parsed = parse_document(SAMPLE, marketplace="JP", today=DAY)

    assert (
        {fact.marketplace for fact in parsed.reported}
        == {fact.marketplace for fact in parsed.snapshots}
        == {"JP"}
    )


@pytest.mark.parametrize(
    "document",
    [
        SAMPLE,
        gzip.compress(SAMPLE),
        SAMPLE.decode().encode("utf-8-sig"),
        SAMPLE.replace(b"UTF-8", b"UTF-16").decode().encode("utf-16"),
        SAMPLE.replace(b"\n", b""),
        SAMPLE.replace(
            b"<sellerPerformanceReports>", b'<sellerPerformanceReports xmlns="http://example.com/schema">'
        ),
        SAMPLE.replace(b"sellerPerformanceReports>", b"reports>"),
    ],
    ids=["plain", "gzip", "BOM", "UTF-16", "one line", "namespace", "another envelope"],
)
def test_report_is_detected_by_its_beginning(document: bytes) -> None:
    parsed = parse_document(document, today=DAY)

    assert parsed.reader.type_name == performance_v1.NAME
    assert len(parsed.reported) == 10


def test_other_xml_is_not_detected_as_performance_report() -> None:
    assert parse_document(build.orders_xml(build.message())).reader.type_name == all_orders_xml.NAME
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(
            b"<?xml version='1.0'?><sellerPerformance><sellerPerformanceReporting/></sellerPerformance>",
            today=DAY,
        )
    assert rejection.value.slug == "unknown-document"


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("0.70%", "0.0070"),
        ("0,70 %", "0.0070"),
        ("0,70\u00a0%", "0.0070"),
        (" 0.70% ", "0.0070"),
        ("0%", "0.00"),
        ("7%", "0.07"),
        ("100%", "1.00"),
        ("97.00%", "0.9700"),
        ("0.0123456789%", "0.000123456789"),
    ],
)
def test_percentage_is_fraction_with_all_of_its_digits(text: str, rate: str) -> None:
    fact = figure(read_v1(record("trackingMetrics", THIRTY, validTracking__rate=text)), "valid_tracking_rate")

    assert str(fact.rate) == rate


@pytest.mark.parametrize(
    "text", ["0.70", "%", "-1%", "1e2%", "0.7.0%", "٧%", "NaN%", "1000%", "9" * 5_000 + "%", "less than 1%"]
)
def test_invalid_percentage_rejects_only_its_figure(text: str) -> None:
    parsed = read_v1(
        late(THIRTY), record("trackingMetrics", THIRTY, validTracking__rate=text, onTimeDelivery__rate="97%")
    )

    assert {fact.metric for fact in parsed.reported} == {"late_shipment_rate_30d", "on_time_delivery_rate"}
    ((line, reason),) = parsed.rejected.items()
    assert line == 5
    assert reason.startswith("valid_tracking_rate: the rate ")
    assert len(reason) < 120


@pytest.mark.parametrize("text", ["-1", "0.5", "1,000", "many", "2147483648", "1e99", "٧"])
def test_invalid_count_rejects_only_its_figure(text: str) -> None:
    parsed = read_v1(late(THIRTY, count=text), record("trackingMetrics", THIRTY, onTimeDelivery__rate="97%"))

    assert [fact.metric for fact in parsed.reported] == ["on_time_delivery_rate"]
    assert [reason.split(":")[0] for reason in parsed.rejected.values()] == ["late_shipment_rate_30d"]


@pytest.mark.parametrize(
    "days",
    [
        ("soon", "2026-09-24"),
        ("2026-09-01", "2027-09-24"),
        ("1990-01-01", "2026-09-24"),
        ("24.09.2026", "2026-09-24"),
    ],
)
def test_time_frame_invalid_rejects_its_figures(days: tuple[str, str]) -> None:
    parsed = read_v1(late(days), record("trackingMetrics", THIRTY, onTimeDelivery__rate="97%"))

    assert [fact.metric for fact in parsed.reported] == ["on_time_delivery_rate"]
    assert [reason.split(":")[0] for reason in parsed.rejected.values()] == ["late_shipment_rate_30d"]


# Which time frame is a metric's own.


@pytest.mark.parametrize(
    ("days", "metric"),
    [
        (WEEK, "late_shipment_rate_10d"),
        (TEN, "late_shipment_rate_10d"),
        (("2026-09-11", "2026-09-24"), "late_shipment_rate_10d"),
        (("2026-09-10", "2026-09-24"), "late_shipment_rate_30d"),
        (THIRTY, "late_shipment_rate_30d"),
        (NINETY, "late_shipment_rate_30d"),
    ],
)
def test_late_shipments_of_up_to_14_days_are_short_rate(days: tuple[str, str], metric: str) -> None:
    assert [fact.metric for fact in read_v1(late(days)).reported] == [metric]


def test_time_frame_nearest_to_window_becomes_figure() -> None:
    parsed = read_v1(late(NINETY, "9"), late(WEEK, "1"), late(TEN, "2"), late(THIRTY, "3"))

    assert [(fact.metric, fact.numerator) for fact in parsed.reported] == [
        ("late_shipment_rate_10d", 2),
        ("late_shipment_rate_30d", 3),
    ]
    assert len(json.loads(parsed.snapshots[0].document)["customerExperienceMetrics"]) == 4
    assert parsed.reader.read == 3


def test_orders_with_defects_are_of_60_days_where_report_has_them() -> None:
    records = [
        record("orderDefectMetrics", days, orderCount="1000", orderWithDefects__count=count)
        for days, count in ((WEEK, "1"), (THIRTY, "3"), (SIXTY, "6"), (NINETY, "9"))
    ]

    fact = figure(read_v1(*records), "order_defect_rate", "all")

    assert (fact.numerator, fact.first_on, fact.last_on) == (6, date(2026, 7, 12), date(2026, 9, 9))


def test_later_of_two_equal_time_frames_becomes_figure() -> None:
    earlier = ("2026-07-26T00:00:00Z", "2026-08-24T23:59:59Z")

    fact = figure(
        read_v1(late(earlier, "1"), late(THIRTY, "2"), late(earlier, "3")), "late_shipment_rate_30d"
    )

    assert fact.numerator == 2


def test_time_frame_invalid_gives_way_to_one_that_can() -> None:
    parsed = read_v1(late(("soon", "later"), "1"), late(NINETY, "2"))

    assert figure(parsed, "late_shipment_rate_30d").numerator == 2
    assert parsed.rejected == {}


def test_time_frame_is_not_taken_from_element_that_lacks_metric() -> None:
    other = record(
        "customerExperienceMetrics", THIRTY, orderCount="500", preFulfillmentCancellation__count="1"
    )

    parsed = read_v1(other, late(NINETY, "2"))

    assert {fact.metric: fact.numerator for fact in parsed.reported} == {
        "late_shipment_rate_30d": 2,
        "pre_fulfillment_cancel_rate": 1,
    }


def test_time_frame_that_runs_backwards_is_ignored_and_flagged() -> None:
    fact = figure(read_v1(late((THIRTY[1], THIRTY[0]))), "late_shipment_rate_30d")

    assert (fact.first_on, fact.last_on, fact.numerator) == (None, None, 5)
    assert "ends before it starts" in flags(fact)[0]


# What figures say.


def test_answers_in_time_are_of_all_that_required_one() -> None:
    fact = figure(read_v1(answered(in_time="90", late="7", never="3")), "message_response_rate_24h", "all")

    assert (counts(fact), fact.rate) == ((90, 100), None)


@pytest.mark.parametrize(
    ("elements", "counted"),
    [
        ({"in_time": "90", "late": "7"}, (90, None)),
        ({"late": "7", "never": "3"}, (None, None)),
        ({"in_time": "0", "late": "0", "never": "0"}, (0, 0)),
    ],
)
def test_count_of_answers_that_is_missing_is_not_0(
    elements: dict[str, Any], counted: tuple[int | None, int | None]
) -> None:
    fact = figure(read_v1(answered(**elements)), "message_response_rate_24h", "all")

    assert counts(fact) == counted
    assert fact.status == ("NONE" if counted == (0, 0) else "")


def test_zero_orders_mean_no_data() -> None:
    fact = figure(read_v1(late(THIRTY, "0", "0.00%", "0")), "late_shipment_rate_30d")

    assert (counts(fact), fact.rate, fact.status, fact.flags) == ((0, 0), None, "NONE", "[]")


def test_missing_count_is_nothing_and_never_0() -> None:
    fact = figure(
        read_v1(record("orderDefectMetrics", SIXTY, orderWithDefects__rate="0.70%")),
        "order_defect_rate",
        "all",
    )

    assert (counts(fact), fact.rate) == ((None, None), Decimal("0.0070"))


@pytest.mark.parametrize(
    ("count", "rate", "expected"),
    [
        ("5", "3.00%", "The rate 0.0300 does not match its counts: 5 of 500 is 0.0100."),
        ("5", "1.01%", "The rate 0.0101 does not match its counts: 5 of 500 is 0.0100."),
        ("501", "100.20%", "The count 501 is greater than the total 500."),
        ("5", "101%", "The rate 1.01 is greater than 1 and was ignored."),
    ],
)
def test_contradictions_of_figure_are_flagged(count: str, rate: str, expected: str) -> None:
    assert expected in flags(figure(read_v1(late(THIRTY, count, rate)), "late_shipment_rate_30d"))


def test_orders_with_defects_that_their_parts_contradict_are_flagged() -> None:
    parts = {"negativeFeedbacks__count": "3", "a_z_claims__count": "4", "chargebacks__count": "1"}

    parsed = read_v1(
        record("orderDefectMetrics", SIXTY, orderCount="1000", orderWithDefects__count="3", **parts)
    )

    assert flags(figure(parsed, "order_defect_rate", "all")) == [
        "There are 3 orders with defects, fewer than the 4 with one kind of defect."
    ]


@pytest.mark.parametrize(
    ("stated", "stored"),
    [("Good", "GOOD"), ("Fair", "FAIR"), ("Poor", "POOR"), ("Not Available", "NOT_AVAILABLE")],
)
def test_checklist_tells_status_wherever_it_stands(stated: str, stored: str) -> None:
    checklist = f"<lateShipmentRate><status>{stated}</status></lateShipmentRate>"
    first = health_reports.v1(late(THIRTY), checklist=checklist)
    last = health_reports.v1(late(THIRTY), f"<performanceChecklist>{checklist}</performanceChecklist>")

    statuses = [
        figure(parse_document(document, today=DAY), "late_shipment_rate_30d").status
        for document in (first, last)
    ]

    assert statuses == [stored, stored]


def test_status_that_is_too_long_rejects_its_figures() -> None:
    parsed = read_v1(
        late(THIRTY), late(TEN), checklist=f"<lateShipmentRate><status>{'x' * 21}</status></lateShipmentRate>"
    )

    assert parsed.reported == []
    assert len(parsed.rejected) == 2


@pytest.mark.parametrize("last", ["2026-09-30T23:59:59Z", "2026-10-01T23:59:59Z"])
def test_report_of_today_was_made_when_it_came(last: str) -> None:
    parsed = read_v1(late((THIRTY[0], last)))

    assert health_reports.moments(parsed) == {datetime.combine(DAY, time(12), UTC)}


# Documents as a whole.


@pytest.mark.parametrize("cut", [1, 2, 20, 200, 2000])
def test_report_that_is_cut_off_is_rejected(cut: int) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(SAMPLE.rstrip()[:-cut], today=DAY)

    assert rejection.value.slug == "invalid-xml"


BOMB = b'<!DOCTYPE b [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = b'<!DOCTYPE b [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("doctype", [BOMB, OUTSIDE, b"<!DOCTYPE sellerPerformanceReports>"])
def test_report_with_entities_is_rejected_unread(doctype: bytes) -> None:
    document = SAMPLE.replace(b"<sellerPerformanceReports>", doctype + b"<sellerPerformanceReports>").replace(
        b"Fair", b"&a;"
    )

    with pytest.raises(RejectedDocument) as rejection:
        parse_document(document, today=DAY)

    assert rejection.value.slug == "document-type"


@pytest.mark.parametrize(
    ("inside", "slug"),
    [
        (b"<a>" * 100 + b"</a>" * 100, "nested-too-deep"),
        (b"".join(b"<n%d/>" % number for number in range(2000)), "too-many-names"),
        (b"<%s/>" % (b"n" * 1000), "too-many-names"),
        (b"<orderDefectMetrics>" + b"x" * 2 * 1024**2 + b"</orderDefectMetrics>", "line-too-long"),
        (b"<a b='" + b"x" * 6 * 1024**2 + b"'/>", "line-too-long"),
        (b"x" * 17 * 1024**2, "document-too-large"),
        (b"&unknown;", "invalid-xml"),
        (b"\0", "invalid-xml"),
    ],
    ids=["deep", "names", "long name", "long element", "long tag", "large", "entity", "NUL"],
)
def test_report_that_no_memory_should_hold_is_rejected(inside: bytes, slug: str) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(
            SAMPLE.replace(b"</sellerPerformanceReport>", inside + b"</sellerPerformanceReport>"), today=DAY
        )

    assert rejection.value.slug == slug


@pytest.mark.parametrize(("count", "is_read"), [(MAX_RECORDS, True), (MAX_RECORDS + 1, False)])
def test_report_of_more_records_than_any_has_is_rejected(count: int, is_read: bool) -> None:
    document = health_reports.v1(*[late(THIRTY)] * count)

    if is_read:
        assert len(parse_document(document, today=DAY).reported) == 1
        return
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(document, today=DAY)
    assert rejection.value.slug == "too-many-records"


def test_document_with_several_reports_is_rejected() -> None:
    checklist = "<performanceChecklist><lateShipmentRate><status>Good</status></lateShipmentRate></performanceChecklist>"

    with pytest.raises(RejectedDocument) as rejection:
        read_v1(checklist, late(THIRTY), checklist, late(THIRTY, "6"))

    assert rejection.value.slug == "not-one-report"
    assert "several reports" in rejection.value.detail


@pytest.mark.parametrize(
    "document",
    [health_reports.v1(), SAMPLE.replace(b"Metrics>", b"Numbers>").replace(b"Checklist>", b"List>")],
)
def test_report_without_any_figure_is_rejected(document: bytes) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(document, announced=performance_v1.NAME, today=DAY)

    assert rejection.value.slug == "not-one-report"
    assert "orderDefectMetrics" in rejection.value.detail


def test_checklist_alone_is_stored() -> None:
    parsed = read_v1(checklist="<policyViolation><status>Good</status></policyViolation>")

    assert [json.loads(fact.document) for fact in parsed.snapshots] == [
        {"performanceChecklist": [{"policyViolation/status": "Good"}]}
    ]
    assert parsed.reported == []


def test_example_of_documentation_is_read_whole_and_contradicts_nothing() -> None:
    parsed = parse_document(performance_v1.EXAMPLE.encode(), today=DAY)

    assert (parsed.rejected, parsed.warnings, len(parsed.reported), len(parsed.snapshots)) == ({}, [], 5, 1)
    assert {fact.flags for fact in parsed.reported} == {"[]"}


def test_documentation_describes_every_element() -> None:
    kind = performance_v1.REPORT_TYPE

    names = " ".join(column.name for column in kind.columns)

    assert [element for element in kind.elements if element not in names] == []
    assert all((kind.about, kind.source, *(column.meaning for column in kind.columns)))


def test_report_may_be_read_again() -> None:
    parsed = parse_document(SAMPLE, today=DAY)

    assert list(parsed.reader.facts()) == parsed.lines
