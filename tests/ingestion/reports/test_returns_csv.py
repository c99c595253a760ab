from datetime import UTC, date, datetime

import pytest

from ingestion.parsing.rejections import RejectedDocument
from ingestion.reports import returns_csv
from metrics.rules.facts import ReturnFact
from tests import build
from tests.ingestion.parsed_documents import TODAY, parse_document

ORDER = build.order_id(1)
ROW = {"order_id": ORDER, "requested_at": "2025-07-10T12:00:00Z"}


def fact_of(*, zone: str = "UTC", **cells: str) -> ReturnFact:
    """Return the fact of a one-row document with just these columns, received at noon of TODAY."""
    (fact,) = parse_document(build.table(ROW | cells), zone=zone, today=TODAY).returns
    return fact


def test_request_is_published_with_how_it_was_handled() -> None:
    fact = fact_of(
        reference="Dx1Yz2Ab3RRMA",
        state="Approved",
        answered_at="2025-07-11T08:00:00Z",
        negative_feedback="no",
        wrongly_rejected="no",
        updated_at="2025-07-13T00:00:00Z",
        sku="PAD-12",
        asin="B07K1FNN7M",
        quantity="2",
        reason_code="CR-DEFECTIVE",
    )

    assert fact == (
        *(ORDER, "Dx1Yz2Ab3RRMA", date(2025, 7, 10), "approved", True, False, ""),
        datetime(2025, 7, 13, tzinfo=UTC),
        *("PAD-12", "B07K1FNN7M", 2, "DEFECTIVE"),
    )


@pytest.mark.parametrize(
    ("requested_at", "answered_at", "is_late"),
    [
        ("2025-07-10T12:00:00Z", "2025-07-12T12:00:00Z", False),
        ("2025-07-10T12:00:00Z", "2025-07-12T12:00:01Z", True),
        ("2025-07-10T12:00:00Z", "2025-07-12T14:00:00+02:00", False),
        ("2025-07-10T12:00:00Z", "2025-07-12", False),
        ("2025-07-10T12:00:00Z", "2025-07-13", True),
        ("2025-07-10", "2025-07-12", False),
        ("2025-07-10", "2025-07-12T23:59:59Z", False),
        ("2025-07-10", "2025-07-13", True),
        ("2025-07-10", "2025-07-10", False),
    ],
)
def test_answer_after_48_hours_dissatisfies_and_of_days_after_two(
    requested_at: str, answered_at: str, is_late: bool
) -> None:
    fact = fact_of(requested_at=requested_at, answered_at=answered_at)

    assert (fact.is_dissatisfied, fact.reason) == (is_late, "late_answer" if is_late else "")


@pytest.mark.parametrize(
    ("requested_at", "updated_at", "is_dissatisfied"),
    [
        ("2025-07-10T12:00:00Z", "2025-07-12T12:00:00Z", None),
        ("2025-07-10T12:00:00Z", "2025-07-12T12:00:01Z", True),
        ("2025-07-10", "2025-07-12T23:59:59Z", None),
        ("2025-07-10", "2025-07-13T00:00:00Z", True),
        ("2026-11-20T12:00:00Z", "", None),
        ("2026-11-20T11:59:59Z", "", True),
        ("2026-11-20", "", None),
        ("2026-11-19", "", True),
    ],
)
def test_unanswered_request_dissatisfies_after_48_hours(
    requested_at: str, updated_at: str, is_dissatisfied: bool | None
) -> None:
    fact = fact_of(requested_at=requested_at, updated_at=updated_at, answered_at="")

    assert (fact.is_dissatisfied, fact.reason) == (is_dissatisfied, "late_answer" if is_dissatisfied else "")


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"negative_feedback": "yes"}, "negative_feedback"),
        ({"wrongly_rejected": "yes"}, "wrong_rejection"),
        ({"negative_feedback": "yes", "wrongly_rejected": "yes"}, "negative_feedback"),
        ({"negative_feedback": "yes", "answered_at": "2025-07-20"}, "negative_feedback"),
        ({"wrongly_rejected": "yes", "answered_at": "2025-07-20"}, "wrong_rejection"),
        ({"wrongly_rejected": "yes", "answered_at": ""}, "wrong_rejection"),
        ({"negative_feedback": "no", "wrongly_rejected": "no", "answered_at": "2025-07-20"}, "late_answer"),
    ],
)
def test_negative_feedback_comes_before_wrong_rejection_and_that_before_late_answer(
    cells: dict[str, str], reason: str
) -> None:
    fact = fact_of(**cells)

    assert (fact.is_dissatisfied, fact.reason) == (True, reason)


@pytest.mark.parametrize(
    ("cells", "is_dissatisfied"),
    [
        ({}, None),
        ({"state": "approved", "reference": "R"}, None),
        ({"negative_feedback": "no"}, False),
        ({"negative_feedback": ""}, False),
        ({"wrongly_rejected": "no"}, False),
    ],
)
def test_document_that_tells_nothing_of_answers_holds_none_against_seller(
    cells: dict[str, str], is_dissatisfied: bool | None
) -> None:
    assert fact_of(**cells).is_dissatisfied is is_dissatisfied


@pytest.mark.parametrize(
    ("state", "is_return"),
    [
        ("", True),
        ("approved", True),
        ("Closed", True),
        ("cancelled", False),
        ("Declined", False),
        ("closed without refund", False),
    ],
)
def test_request_that_was_taken_back_or_rejected_is_no_return(state: str, is_return: bool) -> None:
    fact = fact_of(state=state)

    assert (fact.is_return, fact.state) == (is_return, state.lower()[:20])


def test_day_is_marketplace() -> None:
    assert fact_of(requested_at="2025-07-10T03:00:00Z", zone="America/Los_Angeles").requested_on == date(
        2025, 7, 9
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_columns_are_in_any_order_and_others_are_ignored(delimiter: str) -> None:
    document = build.table(
        {"reason": "Jane", "Requested At": "2025-07-10", "Order-Id": ORDER}, delimiter=delimiter
    )

    parsed = parse_document(document)

    assert [(fact.order_id, fact.requested_on) for fact in parsed.returns] == [(ORDER, date(2025, 7, 10))]
    assert "Jane" not in str(parsed.lines)


@pytest.mark.parametrize(
    ("cells", "reason_part"),
    [
        ({"order_id": "1234"}, "'1234' is not a valid Amazon order ID"),
        ({"requested_at": ""}, "`requested_at`: the cell is empty; expected a day"),
        (
            {"requested_at": "10/07/2025"},
            "`requested_at`: '10/07/2025' is not valid; expected a day (YYYY-MM-DD)",
        ),
        ({"requested_at": "2026-11-25"}, "not in the future"),
        ({"answered_at": "soon"}, "`answered_at`: 'soon' is not valid; expected a day"),
        ({"answered_at": "2025-07-09"}, "`answered_at` is a day or more before `requested_at`"),
        ({"negative_feedback": "4"}, "`negative_feedback`: '4' is not valid; expected yes or no"),
        ({"wrongly_rejected": "?"}, "`wrongly_rejected`: '?' is not valid; expected yes or no"),
        ({"reference": "x" * 65}, "`reference`: a text of one word is too long"),
        ({"state": "x" * 65}, "`state`: a text of one word is too long"),
        (
            {"updated_at": "2025-07-10"},
            "`updated_at`: '2025-07-10' is not valid; expected an ISO 8601 time with a UTC offset",
        ),
    ],
)
def test_invalid_rows_are_rejected_with_reason(cells: dict[str, str], reason_part: str) -> None:
    good = ROW | {"order_id": build.order_id(2)}
    columns = [*ROW, *(name for name in cells if name not in ROW)]

    parsed = parse_document(build.table(good, ROW | cells, columns=columns), today=TODAY)

    assert [fact.order_id for fact in parsed.returns] == [build.order_id(2)]
    assert reason_part in parsed.rejected[3]


@pytest.mark.parametrize("column", ["order_id", "requested_at"])
def test_header_without_required_column_is_rejected(column: str) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(build.table(ROW).replace(column.encode(), b"other"), announced=returns_csv.NAME)

    assert rejection.value.slug == "columns-missing"
    assert column.replace("_", "-") in rejection.value.detail
