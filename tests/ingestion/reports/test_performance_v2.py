"""Test GET_V2_SELLER_PERFORMANCE_REPORT and its known irregularities."""

import gzip
import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingestion.parsing.rejections import RejectedDocument
from ingestion.reports import performance_v2
from ingestion.reports.performance_v2_blocks import VIOLATIONS
from metrics.rules.facts import ReportedFact
from tests.ingestion import health_reports
from tests.ingestion.health_reports import DAY, ODR_DAYS, counts, figure, flags, limit, read_blocks
from tests.ingestion.parsed_documents import parse_document

SAMPLES = Path(__file__).parents[2] / "samples" / performance_v2.NAME
FIXTURE, ROOT, SINGLE = (
    (SAMPLES / name).read_bytes()
    for name in (
        "1_airbyte_fixture.json",
        "3_schema_examples_root.json",
        "4_schema_example_performanceMetrics.json",
    )
)
SCHEMA = (SAMPLES / "0_json_schema.json").read_bytes()
MADE = datetime(2020, 11, 19, 23, 59, 59, tzinfo=UTC)
EXAMPLE_FIGURES = {
    ("order_defect_rate", "mfn"): (1078, 539000, "0.009", "GOOD", ("lt", 1, 100)),
    ("negative_feedback_rate", "mfn"): (628, 539000, None, "NONE", ("", None, None)),
    ("a_to_z_claim_rate", "mfn"): (442, 539000, None, "NONE", ("", None, None)),
    ("chargeback_rate", "mfn"): (15, 539000, None, "NONE", ("", None, None)),
    ("order_defect_rate", "afn"): (1078, 539000, "0.009", "GOOD", ("lt", 1, 100)),
    ("negative_feedback_rate", "afn"): (628, 539000, None, "NONE", ("", None, None)),
    ("a_to_z_claim_rate", "afn"): (442, 539000, None, "NONE", ("", None, None)),
    ("chargeback_rate", "afn"): (15, 539000, None, "NONE", ("", None, None)),
    ("late_shipment_rate_30d", "mfn"): (27896, 870669, "0.03203973037", "GOOD", ("lt", 1, 25)),
    ("pre_fulfillment_cancel_rate", "mfn"): (551, 17197, "0.005", "GOOD", ("lt", 1, 100)),
    ("valid_tracking_rate", "mfn"): (896462, 878443, "0.9529", "GOOD", ("gt", 19, 20)),
    ("on_time_delivery_rate", "mfn"): (146, 165, "0.8848", "GOOD", ("gt", 9, 10)),
    ("invoice_defect_rate", "mfn"): (315, 9001, "0.03499611", "GOOD", ("lt", 1, 20)),
    ("account_health_rating", "all"): (None, None, None, "WARNED", ("", None, None)),
    ("listing_policy_violations", "all"): (86, 1, None, "BAD", ("eq", 0, 1)),
    ("product_authenticity_customer_complaints", "all"): (212, 1, None, "BAD", ("eq", 0, 1)),
    ("product_condition_customer_complaints", "all"): (337, 1, None, "BAD", ("eq", 0, 1)),
    ("product_safety_customer_complaints", "all"): (165, 1, None, "BAD", ("eq", 0, 1)),
    ("received_intellectual_property_complaints", "all"): (75, 1, None, "BAD", ("eq", 0, 1)),
    ("food_and_product_safety_issues", "all"): (37, 1, None, "BAD", ("eq", 0, 1)),
    ("other_policy_violations", "all"): (86, 1, None, "BAD", ("eq", 0, 1)),
    ("document_requests", "all"): (8, 1, None, "GOOD", ("eq", 0, 1)),
}


def in_germany(document: bytes) -> bytes:
    return document.replace(health_reports.US.encode(), health_reports.DE.encode())


def summarize(
    fact: ReportedFact,
) -> tuple[int | None, int | None, str | None, str, tuple[str, int | None, int | None]]:
    return (
        fact.numerator,
        fact.denominator,
        None if fact.rate is None else str(fact.rate),
        fact.status,
        limit(fact),
    )


@pytest.mark.parametrize("document", [ROOT, SINGLE], ids=["list of one report", "single object of metrics"])
def test_official_example_gives_each_of_its_figures(document: bytes) -> None:
    parsed = parse_document(document, today=DAY)

    assert {(fact.metric, fact.channel): summarize(fact) for fact in parsed.reported} == EXAMPLE_FIGURES
    assert {fact.marketplace for fact in parsed.reported} == {"US"}
    assert (parsed.reader.read, parsed.rejected) == (19, {})
    assert parsed.warnings == ["Not used, because no metric reads it: onTimeDeliveryRate."]
    assert parsed.reader.type_name == performance_v2.NAME


@pytest.mark.parametrize(
    ("metric", "channel", "days"),
    [
        ("order_defect_rate", "mfn", (date(2020, 9, 6), date(2020, 11, 4))),
        ("chargeback_rate", "afn", (date(2020, 9, 6), date(2020, 11, 4))),
        ("late_shipment_rate_30d", "mfn", (date(2020, 10, 21), date(2020, 11, 19))),
        ("pre_fulfillment_cancel_rate", "mfn", (date(2020, 11, 12), date(2020, 11, 18))),
        ("valid_tracking_rate", "mfn", (date(2020, 10, 11), date(2020, 11, 9))),
        ("invoice_defect_rate", "mfn", (date(2020, 10, 21), date(2020, 10, 27))),
        ("account_health_rating", "all", (date(2020, 5, 23), date(2020, 11, 19))),
        ("product_safety_customer_complaints", "all", (date(2020, 5, 22), date(2020, 11, 17))),
        ("document_requests", "all", (None, None)),
    ],
)
def test_example_figures_end_on_their_own_day(
    metric: str, channel: str, days: tuple[date | None, ...]
) -> None:
    fact = figure(parse_document(ROOT, today=DAY), metric, channel)

    assert (fact.first_on, fact.last_on) == days
    assert fact.reported_at == MADE


@pytest.mark.parametrize(
    ("metric", "channel", "expected"),
    [
        ("order_defect_rate", "mfn", ["The rate 0.009 does not match its counts: 1078 of 539000 is 0.0020."]),
        (
            "order_defect_rate",
            "afn",
            [
                "The block of channel afn states channel 'mfn'; afn is used.",
                "The rate 0.009 does not match its counts: 1078 of 539000 is 0.0020.",
            ],
        ),
        (
            "pre_fulfillment_cancel_rate",
            "mfn",
            ["The rate 0.005 does not match its counts: 551 of 17197 is 0.0320."],
        ),
        (
            "valid_tracking_rate",
            "mfn",
            [
                "The count 896462 is greater than the total 878443.",
                "The rate 0.9529 does not match its counts: 896462 of 878443 is 1.0205.",
            ],
        ),
        ("on_time_delivery_rate", "mfn", ["The status is GOOD, but the target is missed."]),
        (
            "document_requests",
            "all",
            [
                "The window ends before it starts (2020-11-21 to 2020-11-19) and was ignored.",
                "The status is GOOD, but the target is missed.",
            ],
        ),
    ],
)
def test_contradictions_of_example_are_flagged(metric: str, channel: str, expected: list[str]) -> None:
    assert flags(figure(parse_document(ROOT, today=DAY), metric, channel)) == expected


def test_other_figures_of_example_contradict_nothing() -> None:
    spoken_for = {
        "order_defect_rate",
        "pre_fulfillment_cancel_rate",
        "valid_tracking_rate",
        "on_time_delivery_rate",
    }

    clean = [fact for fact in parse_document(ROOT, today=DAY).reported if fact.flags == "[]"]

    assert len(clean) == 22 - 6
    assert {fact.metric for fact in clean}.isdisjoint(spoken_for | {"document_requests"})


def test_on_time_delivery_is_of_packages_where_packages_are_judged() -> None:
    in_france = in_germany(ROOT).replace(health_reports.DE.encode(), b"A13V1IB3VIYZZH")
    fact = figure(parse_document(in_france, today=DAY), "on_time_delivery_rate")

    assert fact.marketplace == "FR"
    assert summarize(fact) == (847987, 808046, "0.9529", "GOOD", ("gt", 19, 20))
    assert "The count 847987 is greater than the total 808046." in flags(fact)


@pytest.mark.parametrize(
    ("marketplace_id", "other"),
    [(health_reports.US, "onTimeDeliveryRate"), ("A13V1IB3VIYZZH", "unitOnTimeDeliveryRate")],
)
def test_other_on_time_delivery_stands_in_for_the_usual_one(marketplace_id: str, other: str) -> None:
    usual = {"onTimeDeliveryRate", "unitOnTimeDeliveryRate"} - {other}
    blocks = {other: {"rate": 0.9, "status": "GOOD"}}

    alone = read_blocks(marketplace_id, **blocks)
    both = read_blocks(marketplace_id, **blocks, **{usual.pop(): {"rate": 0.5, "status": "BAD"}})

    assert [fact.rate for fact in (*alone.reported, *both.reported)] == [Decimal("0.9"), Decimal("0.5")]
    assert "only in the unit" in flags(alone.reported[0])[0]
    assert (alone.warnings, both.warnings) == ([], [f"Not used, because no metric reads it: {other}."])


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("buyShippingRate", "buyShippingRate"),
        ("customerServiceDissatisfactionRate", "customerServiceDissatisfactionRate"),
        ("Jane Doe, 1 Main Street", "a block with an unusual name"),
    ],
)
def test_unused_block_is_a_warning_by_name(name: str, named: str) -> None:
    parsed = read_blocks(health_reports.US, **{name: {"rate": 0.9}})

    assert parsed.warnings == [f"Not used, because no metric reads it: {named}."]


def test_fixture_with_words_that_amazon_never_sent_is_read() -> None:
    parsed = parse_document(FIXTURE, today=DAY)

    rating, late = figure(parsed, "account_health_rating", "all"), figure(parsed, "late_shipment_rate_30d")
    assert summarize(rating) == (1000, 1, None, "GREEN", ("", None, None))
    assert summarize(late) == (1, None, "0.01", "NORMAL", ("lt", 1, 25))
    assert summarize(figure(parsed, "listing_policy_violations", "all")) == (
        0,
        1,
        None,
        "NORMAL",
        ("lte", 0, 1),
    )
    assert [(fact.channel, fact.rate) for fact in parsed.reported if fact.metric == "order_defect_rate"] == [
        ("afn", Decimal("0.0")),
        ("mfn", Decimal("0.01")),
    ]
    assert {fact.flags for fact in parsed.reported} == {"[]"}
    assert health_reports.moments(parsed) == {datetime(2026, 7, 24, 23, 59, 59, tzinfo=UTC)}
    assert (parsed.reader.read, parsed.rejected) == (6, {})


def test_metrics_that_name_no_marketplace_are_of_reports_own() -> None:
    parsed = parse_document(FIXTURE, marketplace="DE", today=DAY)

    assert {fact.marketplace for fact in parsed.reported} == {"DE"}
    assert [(fact.marketplace, fact.account_status) for fact in parsed.snapshots] == [
        ("DE", ""),
        ("US", "NORMAL"),
    ]


@pytest.mark.parametrize("announced", ["", performance_v2.NAME])
def test_schema_is_no_report(announced: str) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(SCHEMA, announced=announced, today=DAY)

    assert rejection.value.slug == "schema-not-report"
    assert "Request the report itself" in rejection.value.detail


# The traps of the format, one by one.


@pytest.mark.parametrize(
    "name", ["preFulfillmentCancellationRate", "prefulfillmentCancelRate", "PREFULFILLMENTCANCELRATE"]
)
def test_cancel_rate_is_read_in_either_spelling(name: str) -> None:
    parsed = read_blocks(
        **{name: {"orderCount": 100, "cancellationCount": 2, "rate": 0.02, "status": "GOOD"}}
    )

    assert summarize(figure(parsed, "pre_fulfillment_cancel_rate"))[:4] == (2, 100, "0.02", "GOOD")


@pytest.mark.parametrize("name", ["documentRequests", "documentRequest", "documentrequest"])
def test_document_requests_are_read_in_either_spelling(name: str) -> None:
    assert (
        figure(read_blocks(**{name: health_reports.violations(3)}), "document_requests", "all").numerator == 3
    )


@pytest.mark.parametrize("name", ["warningStates", "warningState"])
def test_violations_among_warning_states_are_read_as_if_they_stood_beside_them(name: str) -> None:
    parsed = read_blocks(
        **{name: {"listingPolicyViolations": health_reports.violations(2), "spam": {"status": "BAD"}}}
    )

    assert counts(figure(parsed, "listing_policy_violations", "all")) == (2, 1)
    assert parsed.reader.read == 2


def test_violations_that_stand_beside_warning_states_are_right() -> None:
    parsed = read_blocks(
        listingPolicyViolations=health_reports.violations(5),
        warningStates={"listingPolicyViolations": health_reports.violations(2)},
    )

    assert counts(figure(parsed, "listing_policy_violations", "all")) == (5, 1)
    assert parsed.rejected == {}


@pytest.mark.parametrize(
    "states", [[{"warningType": "spammingSellerMessaging", "status": "BAD"}], [], {}, "BAD", 1, None]
)
def test_other_warning_states_stay_in_document_only(states: Any) -> None:
    parsed = read_blocks(warningState=states)

    assert (parsed.reported, parsed.rejected) == ([], {})
    assert json.loads(parsed.snapshots[0].document)["warningState"] == states


@pytest.mark.parametrize("name", ["ahrStatus", "accountHealthRatingStatus", "AHRSTATUS"])
@pytest.mark.parametrize("score", [None, 428, 1000, 0])
def test_rating_is_read_in_either_spelling_with_score_it_may_have(name: str, score: int | None) -> None:
    parsed = read_blocks(
        accountHealthRating={
            name: "GREAT",
            "ahrScore": score,
            "targetValue": 200,
            "targetCondition": "EQUALS",
        }
    )

    fact = figure(parsed, "account_health_rating", "all")
    assert summarize(fact) == (score, None if score is None else 1, None, "GREAT", ("", None, None))


@pytest.mark.parametrize("calls_itself", ["mfn", "MFN", "AFN", "afn", None, 7])
def test_key_says_channel_and_not_field(calls_itself: object) -> None:
    parsed = read_blocks(orderDefectRate={"afn": health_reports.order_defects(fulfillmentType=calls_itself)})

    fact = figure(parsed, "order_defect_rate", "afn")
    assert counts(fact) == (7, 1000)
    assert bool(flags(fact)) == (calls_itself not in {"afn", "AFN", None})
    assert {other.channel for other in parsed.reported} == {"afn"}


@pytest.mark.parametrize(
    "day",
    [
        "2026-09-24T23:59Z",
        "2026-09-24T23:59:59Z",
        "2026-09-24T23:59:59.999Z",
        "2026-09-24",
        "2026-09-25T01:59:59+02:00",
    ],
)
def test_days_are_read_as_examples_and_live_reports_write_them(day: str) -> None:
    days = {"reportingDateFrom": "2026-08-26T00:00Z", "reportingDateTo": day}

    fact = figure(
        read_blocks(lateShipmentRate=health_reports.late(reportingDateRange=days)), "late_shipment_rate_30d"
    )

    assert (fact.first_on, fact.last_on) == (date(2026, 8, 26), date(2026, 9, 24))
    assert fact.reported_at == datetime(2026, 9, 24, 23, 59, 59, tzinfo=UTC)


def test_live_extras_that_schema_lacks_are_read() -> None:
    parsed = read_blocks(
        customerProductReviewsPolicyViolations=health_reports.violations(1),
        policyViolationWarnings={
            "warningsCount": 4,
            "status": "BAD",
            "targetValue": 0,
            "targetCondition": "EQUALS",
        },
    )

    assert counts(figure(parsed, "customer_product_reviews_policy_violations", "all")) == (1, 1)
    assert summarize(figure(parsed, "policy_violation_warnings", "all")) == (4, 1, None, "BAD", ("eq", 0, 1))


@pytest.mark.parametrize("name", VIOLATIONS)
def test_violations_have_distinct_metrics(name: str) -> None:
    parsed = read_blocks(**{name: health_reports.violations(3, status="AT RISK")})

    fact = figure(parsed, VIOLATIONS[name], "all")
    assert (fact.metric.replace("_", ""), fact.status, counts(fact)) == (name, "AT_RISK", (3, 1))


@pytest.mark.parametrize("value", [0.01, {"value": 0.01}, {"Value": 0.010}])
def test_target_is_read_as_number_or_within_object(value: object) -> None:
    parsed = read_blocks(orderDefectRate={"mfn": health_reports.order_defects(targetValue=value)})

    assert limit(figure(parsed, "order_defect_rate")) == ("lt", 1, 100)


@pytest.mark.parametrize(
    "value", ["0.01", True, [], {"value": "1%"}, {"value": True}, 5_000_000_000, -1, 1e-30]
)
def test_target_that_is_no_usable_number_is_none_and_flagged(value: object) -> None:
    fact = figure(
        read_blocks(lateShipmentRate=health_reports.late(targetValue=value)), "late_shipment_rate_30d"
    )

    assert (limit(fact), counts(fact)) == (("", None, None), (1, 30))
    assert flags(fact)[0].startswith("The target was ignored")


def test_zero_shipments_mean_no_data_despite_status_good() -> None:
    parsed = read_blocks(
        validTrackingRate={"shipmentCount": 0, "validTrackingCount": 0, "rate": 0, "status": "GOOD"}
    )

    fact = figure(parsed, "valid_tracking_rate")
    assert (counts(fact), fact.rate, fact.status, fact.flags) == ((0, 0), None, "NONE", "[]")


def test_zero_orders_mean_no_data_in_parts() -> None:
    block = health_reports.order_defects(
        orderCount=0, orderWithDefects={"count": 0}, claims={"count": 0, "status": "GOOD"}, rate=0
    )

    parsed = read_blocks(orderDefectRate={"mfn": block | {"chargebacks": None, "negativeFeedback": None}})

    assert [(fact.metric, fact.rate, fact.status) for fact in parsed.reported] == [
        ("order_defect_rate", None, "NONE"),
        ("a_to_z_claim_rate", None, "NONE"),
    ]


def test_status_good_with_missed_target_is_flagged() -> None:
    block = {"shipmentCountWithValidTracking": 7, "onTimeDeliveryCount": 3, "rate": 0.4286, "status": "GOOD"}

    parsed = read_blocks(
        "A13V1IB3VIYZZH", onTimeDeliveryRate=block | {"targetValue": 0.97, "targetCondition": "GREATER_THAN"}
    )

    fact = figure(parsed, "on_time_delivery_rate")
    assert summarize(fact) == (3, 7, "0.4286", "GOOD", ("gt", 97, 100))
    assert flags(fact) == ["The status is GOOD, but the target is missed."]


@pytest.mark.parametrize("missing", [*health_reports.late()])
def test_missing_field_is_nothing_and_never_0(missing: str) -> None:
    parsed = read_blocks(lateShipmentRate=health_reports.late(**{missing: None}))

    fact = figure(parsed, "late_shipment_rate_30d")
    numbers = {
        "reportingDateRange": (fact.first_on, fact.last_on),
        "orderCount": (fact.denominator,),
        "lateShipmentCount": (fact.numerator,),
        "rate": (fact.rate,),
        "targetValue": (fact.limit_numerator, fact.limit_denominator),
        "targetCondition": (fact.limit_numerator, fact.limit_denominator),
        "status": (None if fact.status == "" else fact.status,),
    }[missing]
    assert set(numbers) == {None}
    assert parsed.rejected == {}


@pytest.mark.parametrize(
    "blocks", [{}, {"orderDefectRate": None}, {"orderDefectRate": {}}, {"orderDefectRate": {"mfn": None}}]
)
def test_missing_block_is_not_figure(blocks: dict[str, Any]) -> None:
    parsed = read_blocks(**blocks)

    assert (parsed.reported, parsed.reader.read, parsed.rejected) == ([], 1, {})


def test_empty_block_is_figure_of_which_nothing_is_published() -> None:
    fact = figure(read_blocks(validTrackingRate={}), "valid_tracking_rate")

    assert summarize(fact) == (None, None, None, "", ("", None, None))


@pytest.mark.parametrize("name", ["orderDefectRate", "ORDERDEFECTRATE", "orderdefectrate"])
def test_field_names_ignore_case(name: str) -> None:
    block = {field.upper(): value for field, value in health_reports.order_defects().items()}

    parsed = read_blocks(**{name: {"MFN": block}})

    fact = figure(parsed, "order_defect_rate")
    assert summarize(fact) == (7, 1000, "0.007", "GOOD", ("lt", 1, 100))
    assert (fact.first_on, fact.last_on) == (date(2026, 7, 12), date(2026, 9, 9))


@pytest.mark.parametrize(
    ("name", "block", "metric"),
    [
        ("lateShipmentRate", {"defectsCount": 4, "orderCount": 100}, "late_shipment_rate_30d"),
        (
            "preFulfillmentCancellationRate",
            {"defectsCount": 4, "orderCount": 100},
            "pre_fulfillment_cancel_rate",
        ),
        ("invoiceDefectRate", {"defectsCount": 4, "orderCount": 100}, "invoice_defect_rate"),
        (
            "lateShipmentRate",
            {"lateShipmentCount": 4, "defectsCount": 9, "orderCount": 100},
            "late_shipment_rate_30d",
        ),
    ],
)
def test_count_of_defects_is_numerator_where_its_own_is_not_stated(
    name: str, block: dict[str, Any], metric: str
) -> None:
    assert counts(figure(read_blocks(**{name: block}), metric)) == (4, 100)


def test_count_of_defects_is_not_number_of_valid_tracking_numbers() -> None:
    parsed = read_blocks(validTrackingRate={"defectsCount": 4, "shipmentCount": 100})

    assert counts(figure(parsed, "valid_tracking_rate")) == (None, 100)


def test_orders_with_defects_that_their_parts_contradict_are_flagged() -> None:
    few, many = ({"count": count} for count in (3, 9))

    parsed = read_blocks(
        orderDefectRate={
            "mfn": health_reports.order_defects(orderWithDefects=few, rate=None),
            "afn": health_reports.order_defects(orderWithDefects=many, rate=None),
        }
    )

    assert flags(figure(parsed, "order_defect_rate", "mfn")) == [
        "There are 3 orders with defects, fewer than the 4 with one kind of defect."
    ]
    assert flags(figure(parsed, "order_defect_rate", "afn")) == [
        "There are 9 orders with defects, more than the 8 defects of all kinds."
    ]


# The live list of late shipment windows.

TEN = {"reportingDateFrom": "2026-09-15T00:00:00Z", "reportingDateTo": "2026-09-24T23:59:59Z"}


def test_list_of_windows_gives_ten_and_thirty_days() -> None:
    parsed = read_blocks(
        lateShipmentRateList=[
            health_reports.late(reportingDateRange=TEN, lateShipmentCount=1, orderCount=9, rate=0.1111),
            health_reports.late(),
        ]
    )

    assert [(fact.metric, counts(fact)) for fact in parsed.reported] == [
        ("late_shipment_rate_10d", (1, 9)),
        ("late_shipment_rate_30d", (1, 30)),
    ]


def test_same_window_repeated_is_stored_once() -> None:
    parsed = read_blocks(
        lateShipmentRateList=[health_reports.late(reportingDateRange=TEN), health_reports.late()],
        lateShipmentRate=health_reports.late(),
    )

    assert sorted(fact.metric for fact in parsed.reported) == [
        "late_shipment_rate_10d",
        "late_shipment_rate_30d",
    ]
    assert parsed.rejected == {}


def test_list_stands_in_for_late_shipment_rate_invalid() -> None:
    parsed = read_blocks(
        lateShipmentRate=health_reports.late(orderCount=-1), lateShipmentRateList=[health_reports.late()]
    )

    assert counts(figure(parsed, "late_shipment_rate_30d")) == (1, 30)
    assert list(parsed.rejected) == [2]


def test_third_window_has_no_metric_of_its_own_and_is_rejected() -> None:
    ninety = {"reportingDateFrom": "2026-06-27T00:00:00Z", "reportingDateTo": "2026-09-24T23:59:59Z"}

    parsed = read_blocks(
        lateShipmentRateList=[health_reports.late(), health_reports.late(reportingDateRange=ninety)]
    )

    assert len(parsed.reported) == 1
    assert parsed.rejected == {
        3: "late_shipment_rate US: late_shipment_rate_30d appears twice; the first one is used."
    }


@pytest.mark.parametrize("listed", [7, "30 days", [7], [[]]])
def test_list_of_windows_that_is_invalid_is_rejected_row(listed: object) -> None:
    parsed = read_blocks(lateShipmentRateList=listed)

    assert parsed.rejected == {2: "late_shipment_rate US: the block is not an object."}


# Rows that cannot be used.


@pytest.mark.parametrize(
    "number",
    [
        "-1",
        "0.5",
        "2147483648",
        "1e9999999999",
        "9" * 5_000,
        "NaN",
        "Infinity",
        "-Infinity",
        "true",
        '"7"',
        "[]",
    ],
)
@pytest.mark.parametrize("field", ["orderCount", "lateShipmentCount"])
def test_count_invalid_rejects_its_block_and_nothing_else(number: str, field: str) -> None:
    whole = {
        "marketplaceId": health_reports.US,
        "lateShipmentRate": health_reports.late(**{field: 777}),
        "otherPolicyViolations": health_reports.violations(),
    }

    parsed = parse_document(health_reports.v2(whole).replace(b"777", number.encode()), today=DAY)

    assert [fact.metric for fact in parsed.reported] == ["other_policy_violations"]
    assert parsed.rejected[2].startswith("late_shipment_rate_30d US: ")
    assert max(map(len, parsed.rejected.values())) < 200


@pytest.mark.parametrize("rate", ["-0.01", "NaN", "1e-999", "1e999", "true", '"3 %"', "[]", "0." + "1" * 50])
def test_rate_invalid_rejects_its_block(rate: str) -> None:
    document = health_reports.v2(
        {"marketplaceId": health_reports.US, "lateShipmentRate": health_reports.late(rate=777)}
    )

    parsed = parse_document(document.replace(b"777", rate.encode()), today=DAY)

    assert parsed.reported == []
    assert parsed.rejected[2].startswith("late_shipment_rate_30d US: ")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"status": 1}, "status is not a text"),
        ({"status": "x" * 21}, "at most 20 characters"),
        ({"status": "\0"}, "status is not a text"),
        ({"targetCondition": 7}, "targetCondition is not a text"),
        ({"reportingDateRange": "2026"}, "not an object"),
        ({"reportingDateRange": {"reportingDateTo": 20260924}}, "not a text"),
        ({"reportingDateRange": {"reportingDateTo": "soon"}}, "'soon' is not a valid ISO 8601 time"),
        ({"reportingDateRange": {"reportingDateTo": "2026-10-04"}}, "the day the document was received"),
        (
            {"reportingDateRange": {"reportingDateFrom": "1995-06-30", "reportingDateTo": "2026-09-24"}},
            "1995-07-01",
        ),
    ],
)
def test_field_of_another_type_or_time_rejects_its_block(fields: dict[str, Any], expected: str) -> None:
    parsed = read_blocks(validTrackingRate={"rate": 0.99}, lateShipmentRate=health_reports.late(**fields))

    (reason,) = (
        reason for reason in parsed.rejected.values() if reason.startswith("late_shipment_rate_30d US: ")
    )
    assert expected in reason
    assert [fact.metric for fact in parsed.reported] == ["valid_tracking_rate"]


@pytest.mark.parametrize("value", [7, "GOOD", True, [], [{}]])
@pytest.mark.parametrize(
    "name", ["orderDefectRate", "lateShipmentRate", "accountHealthRating", "otherPolicyViolations"]
)
def test_block_that_is_not_object_is_rejected_row(name: str, value: object) -> None:
    parsed = read_blocks(**{name: value})

    assert parsed.reported == []
    assert [reason.split(": ")[1] for reason in parsed.rejected.values()] == ["the block is not an object."]


def test_part_invalid_rejects_its_channel_only() -> None:
    channels = {
        "mfn": health_reports.order_defects(claims={"count": -1}),
        "afn": health_reports.order_defects(claims=5),
    }

    parsed = read_blocks(orderDefectRate=channels | {"AFN": health_reports.order_defects()})

    assert {(fact.metric, fact.channel) for fact in parsed.reported} == {
        (metric, "afn")
        for metric in ("order_defect_rate", "negative_feedback_rate", "a_to_z_claim_rate", "chargeback_rate")
    }
    assert [reason.split(":")[0] for reason in parsed.rejected.values()] == [
        "order_defect_rate mfn US",
        "order_defect_rate afn US",
    ]


def test_block_in_both_spellings_is_used_once() -> None:
    parsed = read_blocks(
        documentRequests=health_reports.violations(1), documentRequest=health_reports.violations(2)
    )

    assert counts(figure(parsed, "document_requests", "all")) == (1, 1)
    assert parsed.rejected == {
        3: "document_requests US: document_requests appears twice; the first one is used."
    }


def test_field_in_both_spellings_is_read_from_first_that_is_not_null() -> None:
    parsed = read_blocks(
        accountHealthRating={"ahrStatus": None, "accountHealthRatingStatus": "GREAT", "AHRStatus": "WARNED"}
    )

    assert figure(parsed, "account_health_rating", "all").status == "GREAT"


# When the report was made.


def test_facts_of_document_share_one_moment() -> None:
    document = health_reports.v2(
        {"marketplaceId": health_reports.US, "orderDefectRate": {"mfn": health_reports.order_defects()}},
        {
            "marketplaceId": health_reports.DE,
            "unheardOf": {"deep": [{"reportingdateto": "2026-09-26T23:59:59Z"}]},
        },
        statuses={health_reports.CA: "NORMAL"},
    )

    parsed = parse_document(document, today=DAY)

    moments = health_reports.moments(parsed)
    assert moments == {datetime(2026, 9, 26, 23, 59, 59, tzinfo=UTC)}
    assert len(parsed.snapshots) == 3


@pytest.mark.parametrize("last", ["2026-09-30T23:59:59Z", "2026-10-01", None])
def test_report_of_today_was_made_when_it_came(last: str | None) -> None:
    days = None if last is None else ODR_DAYS | {"reportingDateTo": last}

    parsed = read_blocks(lateShipmentRate=health_reports.late(reportingDateRange=days))

    assert health_reports.moments(parsed) == {datetime.combine(DAY, time(12), UTC)}


# Documents as a whole.


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (b"[]", "one object"),
        (b"{}", "one object"),
        (b"null", "one object"),
        (b"7", "one object"),
        (b'"accountStatuses"', "one object"),
        (b'[{"accountStatuses": []}, {"accountStatuses": []}]', "a list with one such object"),
        (b'[[{"accountStatuses": []}]]', "one object"),
        (b'{"reportType": "V2"}', "one object"),
        (b'{"accountStatuses": [', "cut off"),
        (b'{"accountStatuses": [], "performanceMetrics": [{"a": 1, "a": 2}]}', "same name twice"),
        (b'{"accountStatuses": ' + b"[" * 100_000, "too deep"),
        (ROOT.rstrip()[:-1], "cut off"),
        (b"\xff" + ROOT, "cut off"),
        (b"Range exceeded.", "cut off"),
    ],
)
def test_other_json_is_rejected(document: bytes, expected: str) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(document, announced=performance_v2.NAME, today=DAY)

    assert rejection.value.slug == "invalid-json"
    assert expected in rejection.value.detail


def test_document_of_more_than_16_mib_is_rejected_before_it_is_parsed() -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(ROOT + b" " * 16 * 1024**2, today=DAY)

    assert rejection.value.slug == "document-too-large"


@pytest.mark.parametrize(
    "document",
    [
        ROOT.decode().encode("utf-8-sig"),
        ROOT.decode().encode("utf-16"),
        gzip.compress(ROOT),
        b"\r\n  " + ROOT,
        ROOT.replace(b"accountStatuses", b"AccountStatuses"),
        ROOT.replace(b'"accountStatuses"', b'"other"'),
        json.dumps(json.loads(ROOT)[0], separators=(",", ":")).encode(),
        json.dumps(json.loads(ROOT), sort_keys=True, indent=8).encode(),
    ],
    ids=["BOM", "UTF-16", "gzip", "blank lines", "case", "metrics only", "compact", "indented"],
)
def test_report_is_detected_by_its_beginning(document: bytes) -> None:
    parsed = parse_document(document, today=DAY)

    assert parsed.reader.type_name == performance_v2.NAME
    assert len(parsed.reported) == 22


@pytest.mark.parametrize(
    "document", [b'{"reportType": "V2"}', b'{"defects": []}', b"[[]]", b'{"x": "accountStatuses"}']
)
def test_other_json_is_not_detected_as_performance_report(document: bytes) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(document, today=DAY)

    assert rejection.value.slug == "unknown-document"


def test_report_of_nothing_gives_warning() -> None:
    parsed = parse_document(b'{"accountStatuses": [], "performanceMetrics": []}', today=DAY)

    assert (parsed.lines, parsed.reader.read, len(parsed.warnings)) == ([], 0, 1)


def test_report_of_which_no_row_can_be_used_is_rejected() -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(
            health_reports.v2({"marketplaceId": "?", "lateShipmentRate": health_reports.late()}), today=DAY
        )

    assert rejection.value.slug == "no-usable-row"


def test_example_of_documentation_is_read_whole_and_contradicts_nothing() -> None:
    parsed = parse_document(performance_v2.EXAMPLE.encode(), today=DAY)

    assert (parsed.rejected, parsed.warnings, len(parsed.reported), len(parsed.snapshots)) == ({}, [], 7, 1)
    assert {fact.flags for fact in parsed.reported} == {"[]"}


def test_documentation_describes_every_block() -> None:
    kind = performance_v2.REPORT_TYPE

    names = " ".join(column.name for column in kind.columns)

    assert [block for block in json.loads(kind.example)["performanceMetrics"][0] if block not in names] == []
    assert all((kind.about, kind.source, *(column.meaning for column in kind.columns)))


def test_report_may_be_read_again() -> None:
    parsed = parse_document(ROOT, today=DAY)

    again = list(parsed.reader.facts())

    assert again == parsed.lines
