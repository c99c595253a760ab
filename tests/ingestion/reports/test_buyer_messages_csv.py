from datetime import UTC, date, datetime

import pytest

from ingestion.parsing.rejections import RejectedDocument
from ingestion.reports import buyer_messages_csv
from metrics.rules.facts import MessageFact
from tests import build
from tests.ingestion.parsed_documents import TODAY, parse_document

ROW = {"message_id": "M-1", "received_at": "2025-07-04T18:00:00Z", "answered_at": ""}


def fact_of(*, marketplace: str = "DE", zone: str = "UTC", **cells: str) -> MessageFact:
    (fact,) = parse_document(
        build.table(ROW | cells), marketplace=marketplace, zone=zone, today=TODAY
    ).messages
    return fact


def test_message_is_known_by_its_id_and_stored_without_what_was_written() -> None:
    fact = fact_of(
        answered_at="2025-07-05T09:00:00+02:00",
        no_response_needed="no",
        order_id=build.order_id(1),
        updated_at="2025-07-06T00:00:00Z",
        subject="Where is it",
        buyer="Jane Roe",
    )

    assert fact == (
        *("M-1", "DE", build.order_id(1), date(2025, 7, 4), True, date(2025, 7, 5), True),
        datetime(2025, 7, 6, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("answered_at", "is_in_time"),
    [
        ("2025-07-04T18:00:00Z", True),
        ("2025-07-05T18:00:00Z", True),
        ("2025-07-05T20:00:00+02:00", True),
        ("2025-07-05T18:00:01Z", False),
        ("2025-07-07T09:00:00Z", False),
    ],
)
def test_answer_is_in_time_within_24_hours_weekend_or_not(answered_at: str, is_in_time: bool) -> None:
    assert fact_of(answered_at=answered_at).is_answered_in_time is is_in_time


def test_response_time_is_unaffected_by_daylight_saving() -> None:
    """On 30 March 2025 an hour was missing in Berlin: from noon to noon there were 23."""
    cells = {"received_at": "2025-03-29T12:00:00+01:00", "answered_at": "2025-03-30T13:00:00+02:00"}

    assert fact_of(**cells, zone="Europe/Berlin").is_answered_in_time is True
    assert (
        fact_of(
            **cells | {"answered_at": "2025-03-30T13:00:01+02:00"}, zone="Europe/Berlin"
        ).is_answered_in_time
        is False
    )


@pytest.mark.parametrize(
    ("received_at", "updated_at", "is_in_time"),
    [
        ("2025-07-04T18:00:00Z", "2025-07-05T18:00:00Z", None),
        ("2025-07-04T18:00:00Z", "2025-07-05T18:00:01Z", False),
        ("2026-11-21T12:00:00Z", "", None),
        ("2026-11-21T11:59:59Z", "", False),
    ],
)
def test_unanswered_message_is_late_after_24_hours(
    received_at: str, updated_at: str, is_in_time: bool | None
) -> None:
    assert fact_of(received_at=received_at, updated_at=updated_at).is_answered_in_time is is_in_time


def test_messages_without_answer_column_are_not_late() -> None:
    (fact,) = parse_document(build.table(ROW, columns=["message_id", "received_at"])).messages

    assert (fact.answered_on, fact.is_answered_in_time) == (None, None)


@pytest.mark.parametrize(("text", "needs_answer"), [("yes", False), ("no", True), ("", True), ("1", False)])
def test_message_may_need_no_answer(text: str, needs_answer: bool) -> None:
    assert fact_of(no_response_needed=text).needs_answer is needs_answer


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "DE"), ("FR", "FR"), ("fr", "FR"), ("Amazon.co.uk", "GB"), ("amazon.com", "US"), ("JP", "JP")],
)
def test_store_is_named_by_its_code_or_its_name_or_is_report(text: str, code: str) -> None:
    assert fact_of(marketplace="DE").marketplace == "DE"
    (fact,) = parse_document(build.table(ROW | {"marketplace": text}), marketplace="DE").messages

    assert fact.marketplace == code


def test_message_before_any_order_has_none() -> None:
    assert fact_of(order_id="").order_id == ""
    assert fact_of().order_id == ""


def test_days_are_marketplace() -> None:
    fact = fact_of(
        received_at="2025-07-04T03:00:00Z", answered_at="2025-07-04T08:00:00Z", zone="America/Los_Angeles"
    )

    assert (fact.sent_on, fact.answered_on) == (date(2025, 7, 3), date(2025, 7, 4))


@pytest.mark.parametrize(
    ("cells", "reason_part"),
    [
        ({"message_id": ""}, "`message_id`: the cell is empty"),
        ({"message_id": "x" * 65}, "`message_id`: a text of one word is too long"),
        ({"received_at": ""}, "`received_at`: the cell is empty"),
        (
            {"received_at": "2025-07-04"},
            "`received_at`: '2025-07-04' is not valid; expected an ISO 8601 time with a UTC offset",
        ),
        ({"received_at": "2026-12-01T00:00:00Z"}, "not in the future"),
        ({"answered_at": "2025-07-05"}, "`answered_at`: '2025-07-05' is not valid"),
        ({"answered_at": "2025-07-04T17:59:59Z"}, "`answered_at` is before `received_at`"),
        (
            {"no_response_needed": "perhaps"},
            "`no_response_needed`: 'perhaps' is not valid; expected yes or no",
        ),
        ({"order_id": "1234"}, "'1234' is not a valid Amazon order ID"),
        (
            {"marketplace": "eBay"},
            "`marketplace`: 'eBay' is not a known Amazon store; expected e.g. DE or Amazon.de",
        ),
        ({"updated_at": "today"}, "`updated_at`: 'today'"),
    ],
)
def test_invalid_rows_are_rejected_with_reason(cells: dict[str, str], reason_part: str) -> None:
    columns = [*ROW, *(name for name in cells if name not in ROW)]

    parsed = parse_document(build.table(ROW, ROW | cells, columns=columns), today=TODAY)

    assert [line for line, _ in parsed.lines] == [2]
    assert reason_part in parsed.rejected[3]


@pytest.mark.parametrize("column", ["message_id", "received_at"])
def test_header_without_required_column_is_rejected(column: str) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(
            build.table(ROW, columns=[name for name in ROW if name != column]),
            announced=buyer_messages_csv.NAME,
        )

    assert rejection.value.slug == "columns-missing"
    assert column.replace("_", "-") in rejection.value.detail


def test_message_texts_reach_no_fact_or_reason() -> None:
    rows = [ROW | {"message": "I am Jane Roe"}, ROW | {"message": "I am Jane Roe", "message_id": ""}]

    parsed = parse_document(build.table(*rows))

    assert "Jane" not in f"{parsed.lines} {parsed.rejected}"
