"""Test the figures of account health reports and their contradictions."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.parsing.rejections import InvalidRow
from ingestion.reports import performance_figures
from ingestion.reports.performance_figures import MAX_INTEGER, Figure, Row, Window
from ingestion.reports.report_type import ParseContext
from metrics.rules.facts import ReportedFact
from metrics.rules.judgement import Comparator, Limit

NOON = datetime(2026, 9, 30, 12, tzinfo=UTC)
LATEST = datetime(2026, 10, 3, tzinfo=UTC)
SETTING = ParseContext(marketplace="US", received_at=NOON)


def stated(**fields: Any) -> ReportedFact:
    usual: dict[str, Any] = {
        "metric": "order_defect_rate",
        "channel": "mfn",
        "numerator": 7,
        "denominator": 1000,
    }
    figure = Figure(**usual | fields)
    return performance_figures.build_fact(figure, marketplace="US", reported_at=NOON)


def flags(**fields: Any) -> list[str]:
    result = json.loads(stated(**fields).flags)
    assert isinstance(result, list)
    return result


@pytest.mark.parametrize(
    ("value", "limit"),
    [
        ("0.01", (1, 100)),
        ("0.0100", (1, 100)),
        ("0.025", (1, 40)),
        ("0.04", (1, 25)),
        ("0", (0, 1)),
        ("0.0", (0, 1)),
        ("1", (1, 1)),
        ("0.97", (97, 100)),
        ("0.000000001", (1, 1_000_000_000)),
        ("2147483647", (MAX_INTEGER, 1)),
        ("1e2", (100, 1)),
    ],
)
def test_target_is_exact_fraction_of_its_decimal(value: str, limit: tuple[int, int]) -> None:
    result = performance_figures.build_target(performance_figures.parse_decimal(value, "target"), "LESS_THAN")

    assert result == (Limit(Comparator.LT, *limit), ())


@given(st.integers(0, 10**6), st.integers(0, 6))
def test_short_decimals_become_exact_fractions(digits: int, places: int) -> None:
    value = Decimal(digits).scaleb(-places)

    result = performance_figures.build_target(value, "LESS_THAN").limit

    assert result is not None
    assert Fraction(result.numerator, result.denominator) == Fraction(value)


@pytest.mark.parametrize(
    ("condition", "comparator"),
    [
        ("LESS_THAN", "lt"),
        ("LESS_THAN_OR_EQUAL", "lte"),
        ("GREATER_THAN", "gt"),
        ("GREATER_THAN_OR_EQUAL", "gte"),
        ("EQUALS", "eq"),
    ],
)
def test_conditions_become_comparators(condition: str, comparator: str) -> None:
    result = performance_figures.build_target(Decimal("0.5"), condition).limit

    assert result == Limit(Comparator(comparator), 1, 2)


@pytest.mark.parametrize(
    ("value", "condition", "expected"),
    [
        ("0.01", "BELOW", "its condition is 'BELOW'"),
        ("0.01", "", "its value or condition is missing"),
        (None, "LESS_THAN", "its value or condition is missing"),
        ("-0.01", "LESS_THAN", "-0.01 is out of range"),
        ("2147483648", "LESS_THAN", "is out of range"),
        ("0.0000000001", "LESS_THAN", "is out of range"),
        ("0.3333333333333333", "LESS_THAN", "is out of range"),
    ],
)
def test_target_invalid_is_none_and_flagged(value: str | None, condition: str, expected: str) -> None:
    result = performance_figures.build_target(None if value is None else Decimal(value), condition)

    assert result.limit is None
    (flag,) = result.flags
    assert flag.startswith("The target was ignored: ")
    assert expected in flag


def test_missing_target_is_not_flagged() -> None:
    assert performance_figures.build_target(None, "") == (None, ())


@pytest.mark.parametrize(
    ("rate", "numerator", "denominator"),
    [
        ("0.007", 7, 1000),
        ("0.0070", 7, 1000),
        ("0.03203973037", 27896, 870669),
        ("0.03499611", 315, 9001),
        ("0.0333", 1, 30),
        ("0.033", 1, 30),
        ("0.03", 1, 30),
        ("0.4286", 3, 7),
        ("0.42857", 3, 7),
        ("0.42858", 3, 7),  # ten thousandths and finer are nobody's business
        ("0.001", 2, 1936),
        ("0", 2, 1000),
        ("0.0", 2, 1000),
        ("1", 999, 1000),
        ("1.0", 1000, 1000),
        ("0.1", 1, 12),
    ],
)
def test_rate_within_its_rounding_is_not_flagged(rate: str, numerator: int, denominator: int) -> None:
    assert flags(rate=Decimal(rate), numerator=numerator, denominator=denominator) == []


@pytest.mark.parametrize(
    ("rate", "numerator", "denominator", "expected"),
    [
        ("0.009", 1078, 539000, "The rate 0.009 does not match its counts: 1078 of 539000 is 0.0020."),
        ("0.005", 551, 17197, "The rate 0.005 does not match its counts: 551 of 17197 is 0.0320."),
        ("0.0334", 1, 30, "1 of 30 is 0.0333"),
        ("0.007", 76, 10000, "76 of 10000 is 0.0076"),
        ("0", 1, 100, "1 of 100 is 0.0100"),
        ("0.0", 1, 62, "1 of 62 is 0.0161"),
        ("1", 99, 100, "99 of 100 is 0.9900"),
        ("0.01", 0, 100, "0 of 100 is 0.0000"),
    ],
)
def test_rate_beyond_its_rounding_is_flagged(
    rate: str, numerator: int, denominator: int, expected: str
) -> None:
    result = flags(rate=Decimal(rate), numerator=numerator, denominator=denominator)

    assert len(result) == 1
    assert expected in result[0]


def test_rounding_tolerance_is_half_a_unit_of_last_decimal() -> None:
    at_half = flags(rate=Decimal("0.007"), numerator=75, denominator=10_000)
    over_half = flags(rate=Decimal("0.007"), numerator=76, denominator=10_000)

    assert (len(at_half), len(over_half)) == (0, 1)


def test_rate_of_more_than_all_is_ignored_and_flagged() -> None:
    fact = stated(rate=Decimal("95.29"), numerator=None, denominator=None)

    assert fact.rate is None
    assert json.loads(fact.flags) == ["The rate 95.29 is greater than 1 and was ignored."]


def test_count_beyond_what_it_is_counted_in_is_flagged_and_stored() -> None:
    fact = stated(numerator=847987, denominator=808046)

    assert (fact.numerator, fact.denominator) == (847987, 808046)
    assert json.loads(fact.flags) == ["The count 847987 is greater than the total 808046."]


def test_counter_is_no_share_of_its_one() -> None:
    assert flags(numerator=86, denominator=1, is_share=False) == []


@pytest.mark.parametrize("status", ["GOOD", "BAD", ""])
def test_figure_without_denominator_has_no_rate_or_status(status: str) -> None:
    limit = performance_figures.build_target(Decimal("0.95"), "GREATER_THAN")

    fact = stated(numerator=0, denominator=0, rate=Decimal(0), status=status, target=limit)

    assert (fact.numerator, fact.denominator, fact.rate, fact.status) == (0, 0, None, "NONE")
    assert json.loads(fact.flags) == []


@pytest.mark.parametrize(
    ("status", "rate", "condition", "value", "expected"),
    [
        ("GOOD", "0.4286", "GREATER_THAN", "0.97", "The status is GOOD, but the target is missed."),
        ("GOOD", "0.01", "LESS_THAN", "0.01", "The status is GOOD, but the target is missed."),
        ("BAD", "0.01", "LESS_THAN_OR_EQUAL", "0.01", "The status is BAD, but the target is met."),
        ("BAD", "0.002", "LESS_THAN", "0.01", "The status is BAD, but the target is met."),
        ("GOOD", "0.0099", "LESS_THAN", "0.01", ""),
        ("BAD", "0.01", "LESS_THAN", "0.01", ""),
        ("AT_RISK", "0.5", "LESS_THAN", "0.01", ""),
        ("NONE", "0.5", "LESS_THAN", "0.01", ""),
        ("", "0.5", "LESS_THAN", "0.01", ""),
    ],
)
def test_status_that_target_contradicts_is_flagged(
    status: str, rate: str, condition: str, value: str, expected: str
) -> None:
    target = performance_figures.build_target(Decimal(value), condition)

    result = flags(rate=Decimal(rate), numerator=None, denominator=None, status=status, target=target)

    assert result == ([expected] if expected else [])


def test_target_is_checked_by_counts_without_rate() -> None:
    target = performance_figures.build_target(Decimal(0), "EQUALS")

    missed = flags(numerator=8, denominator=1, status="GOOD", target=target, is_share=False)
    met = flags(numerator=0, denominator=1, status="GOOD", target=target, is_share=False)

    assert (missed, met) == (["The status is GOOD, but the target is missed."], [])


@pytest.mark.parametrize("numerator", [None, 8])
def test_missing_values_are_not_flagged(numerator: int | None) -> None:
    fact = stated(
        numerator=numerator,
        denominator=None,
        status="BAD",
        target=performance_figures.build_target(Decimal(1), "LESS_THAN"),
    )

    assert (fact.rate, fact.numerator, fact.denominator, json.loads(fact.flags)) == (
        None,
        numerator,
        None,
        [],
    )


@pytest.mark.parametrize(
    ("whole", "parts", "expected"),
    [
        (1078, (442, 15, 628), ""),
        (7, (3, 4, 1), ""),
        (8, (3, 4, 1), ""),
        (9, (3, 4, 1), "There are 9 orders with defects, more than the 8 defects of all kinds."),
        (3, (3, 4, 1), "There are 3 orders with defects, fewer than the 4 with one kind of defect."),
        (9, (3, 4, None), ""),
        (3, (None, 4, None), "There are 3 orders with defects, fewer than the 4 with one kind of defect."),
        (0, (0, 0, 0), ""),
        (None, (3, 4, 1), ""),
        (7, (None, None, None), ""),
    ],
)
def test_order_with_defects_counts_once_and_has_at_least_one(
    whole: int | None, parts: tuple[int | None, ...], expected: str
) -> None:
    assert list(performance_figures.check_parts(whole, parts)) == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2020-10-21T00:00Z", "2020-11-19T23:59Z", 30),
        ("2026-08-26T00:00:00Z", "2026-09-24T23:59:59Z", 30),
        ("2026-09-15T00:00:00.000Z", "2026-09-24T23:59:59.999Z", 10),
        ("2026-09-15T00:00:00.123456789Z", "2026-09-24T23:59:59.999999999Z", 10),
        ("2026-09-15", "2026-09-24", 10),
        ("2026-09-15T02:00:00+02:00", "2026-09-25T01:59:59+02:00", 10),
        ("2026-09-24T17:00:00-07:00", "2026-09-25T16:59:59-07:00", 1),
        ("2026-09-24T00:00:00Z", "2026-09-24T23:59:59Z", 1),
    ],
)
def test_window_is_of_utc_days_however_its_ends_are_written(start: str, end: str, days: int) -> None:
    assert performance_figures.parse_window(start, end, latest=LATEST).days == days


def test_window_without_end_has_no_length() -> None:
    result = performance_figures.parse_window("2026-09-15", None, latest=LATEST)

    assert (result, result.days) == ((date(2026, 9, 15), None, ()), None)
    assert performance_figures.parse_window(None, "", latest=LATEST) == Window()


def test_window_that_runs_backwards_is_ignored_and_flagged() -> None:
    result = performance_figures.parse_window("2020-11-21T00:00Z", "2020-11-19T23:59Z", latest=LATEST)

    assert result[:2] == (None, None)
    assert result.flags == ("The window ends before it starts (2020-11-21 to 2020-11-19) and was ignored.",)


@pytest.mark.parametrize(
    "end",
    [
        "yesterday",
        "2026-13-01",
        "2026-10-04",
        "2099-01-01T00:00:00Z",
        "1995-06-30",
        "0001-01-01T00:00:00+14:00",
        "24.09.26",
    ],
)
def test_window_that_ends_in_future_or_never_is_invalid_row(end: str) -> None:
    with pytest.raises(InvalidRow):
        performance_figures.parse_window("2026-09-01", end, latest=LATEST)


@pytest.mark.parametrize(
    ("ends", "made"),
    [
        (["2026-09-24T23:59:59Z", "2026-09-09T23:59:59Z"], datetime(2026, 9, 24, 23, 59, 59, tzinfo=UTC)),
        (["2020-11-19T23:59Z"], datetime(2020, 11, 19, 23, 59, 59, tzinfo=UTC)),
        (["2026-09-29"], datetime(2026, 9, 29, 23, 59, 59, tzinfo=UTC)),
        (["2026-09-24T23:59:59Z", "2099-01-01", "never", ""], datetime(2026, 9, 24, 23, 59, 59, tzinfo=UTC)),
        (["2026-09-30T00:00:00Z"], NOON),
        (["2026-10-01T23:59:59Z"], NOON),
        (["never"], NOON),
        ([], NOON),
    ],
)
def test_report_was_made_at_end_of_its_latest_day_but_not_after_it_came(
    ends: list[str], made: datetime
) -> None:
    assert performance_figures.infer_reported_at([(end, 0) for end in ends], SETTING) == made


@pytest.mark.parametrize(
    ("ends", "made"),
    [
        ([("2026-09-01", 15)], datetime(2026, 9, 16, 23, 59, 59, tzinfo=UTC)),
        ([("2026-09-01", 15), ("2026-09-10", 7)], datetime(2026, 9, 17, 23, 59, 59, tzinfo=UTC)),
        # a figure that ends with the report is exact
        ([("2026-09-01", 15), ("2026-09-11", 0)], datetime(2026, 9, 11, 23, 59, 59, tzinfo=UTC)),
        ([("2026-09-20", 15)], NOON),
    ],
)
def test_report_of_figures_that_end_earlier_was_made_the_usual_days_later(
    ends: list[tuple[str, int]], made: datetime
) -> None:
    assert performance_figures.infer_reported_at(ends, SETTING) == made


@pytest.mark.parametrize(
    ("stated", "stored"),
    [
        ("GOOD", "GOOD"),
        ("AT RISK", "AT_RISK"),
        (" at  risk ", "AT_RISK"),
        ("Fair", "FAIR"),
        ("SUSPENDED", "SUSPENDED"),
        ("GREEN", "GREEN"),
        ("", ""),
        (None, ""),
        ("x" * 20, "X" * 20),
    ],
)
def test_status_is_stored_as_stated_in_one_spelling(stated: str | None, stored: str) -> None:
    assert performance_figures.normalize_status(stated) == stored


@pytest.mark.parametrize("stated", [1, True, [], {}, "x" * 21, "ß" * 11, "G\0OD", "\ud800"])
def test_status_that_is_invalid_is_invalid_row(stated: object) -> None:
    with pytest.raises(InvalidRow):
        performance_figures.normalize_status(stated)


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("7", 7), ("7.0", 7), ("1e3", 1000), ("-0", 0), (str(MAX_INTEGER), MAX_INTEGER)],
)
def test_count_is_whole_number_however_it_is_written(text: str, number: int) -> None:
    assert performance_figures.parse_count(text, "orderCount") == number


@pytest.mark.parametrize(
    "text",
    [
        "-1",
        "0.5",
        str(MAX_INTEGER + 1),
        "1e30",
        "1e999999999",
        "1e-5",
        "NaN",
        "Infinity",
        "-Infinity",
        "9" * 5000,
        "",
        " 1",
        "1_0",
        "١",
        "0x1",
    ],
)
def test_count_unstorable_is_invalid_row(text: str) -> None:
    with pytest.raises(InvalidRow) as bad:
        performance_figures.parse_count(text, "orderCount")

    assert "orderCount" in bad.value.reason
    assert len(bad.value.reason) < 120


def test_reason_begins_with_block_that_it_is_about() -> None:
    def state() -> list[Any]:
        raise InvalidRow("the count is not a number.")

    parse = performance_figures.build_parser((), SETTING)

    with pytest.raises(InvalidRow) as bad:
        parse(Row("order_defect_rate US", state))
    assert bad.value.reason == "order_defect_rate US: the count is not a number."
