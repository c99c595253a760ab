"""Test the rules that all layouts share: cells by name, days, times, numbers."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ingestion.parsing.rejections import InvalidRow, RejectedDocument
from ingestion.reports import cells
from ingestion.reports.cells import Row
from ingestion.reports.quoting import quote_value
from ingestion.reports.report_type import Column, ParseContext
from metrics.rules.day_or_time import DayOrTime
from tests.ingestion.parsed_documents import TODAY

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PACIFIC = ZoneInfo("America/Los_Angeles")
SETTING = ParseContext(marketplace="US", received_at=NOON)
IN_PACIFIC = ParseContext(marketplace="US", received_at=NOON, zone=PACIFIC)
COLUMNS = (
    Column(name="order_id", meaning="the order", needed=True),
    Column(name="kind", meaning="needed too", needed=True),
    Column(name="note", meaning="optional"),
)


def row(**texts: str) -> Row:
    return Row(texts, SETTING)


@pytest.mark.parametrize(
    "header", [["order_id", "kind", "note"], ["Order-ID", "KIND", "Note"], ['"order id"', " kind ", "note"]]
)
def test_cells_are_found_by_name_of_their_column(header: list[str]) -> None:
    parse_document = cells.build_reader(header, COLUMNS, report_type="x")

    assert parse_document(["1", " 2 ", "3"]) == {"order_id": "1", "kind": "2", "note": "3"}


def test_repeated_column_is_left_out_only_if_it_decides_nothing() -> None:
    columns = (*COLUMNS, Column(name="sku", meaning="explains", decides=False))
    header = ["order_id", "kind", "sku"]

    assert cells.build_reader(header, columns, report_type="x")(["1", "2", "3"])["sku"] == "3"
    assert "sku" not in cells.build_reader([*header, "SKU"], columns, report_type="x")(["1", "2", "3", "4"])
    with pytest.raises(RejectedDocument, match="repeated"):
        cells.build_reader([*header, "note", "note"], columns, report_type="x")


def test_optional_column_is_not_there_when_header_has_none_and_empty_when_row_is_short() -> None:
    without = cells.build_reader(["order_id", "kind"], COLUMNS, report_type="x")
    short = cells.build_reader(["kind", "order_id", "note"], COLUMNS, report_type="x")

    assert without(["1", "2"]) == {"order_id": "1", "kind": "2"}
    assert short(["2", "1"]) == {"order_id": "1", "kind": "2", "note": ""}


def test_row_that_ends_before_required_cell_is_rejected() -> None:
    parse_document = cells.build_reader(["order_id", "note", "kind"], COLUMNS, report_type="x")

    with pytest.raises(InvalidRow, match="The row has 2 cells; the header has 3"):
        parse_document(["1", "2"])


def test_blank_cells_beyond_header_do_not_matter() -> None:
    read = cells.build_reader(["order_id", "kind"], COLUMNS, report_type="x")

    assert read(["1", "2", "", " "]) == {"order_id": "1", "kind": "2"}


@pytest.mark.parametrize("reader", [cells.build_reader])
@pytest.mark.parametrize(
    ("header", "slug", "reason_part"),
    [
        (["order_id", "note"], "columns-missing", "kind"),
        (["order_id", "kind", "Order-Id"], "columns-repeated", "order-id"),
        (["order_id", "kind", "note", "Note"], "columns-repeated", "note"),
    ],
)
def test_header_with_column_missing_or_twice_is_rejected(
    reader: object, header: list[str], slug: str, reason_part: str
) -> None:
    assert callable(reader)

    with pytest.raises(RejectedDocument) as rejection:
        reader(header, COLUMNS, report_type="x")

    assert (rejection.value.slug, reason_part in rejection.value.detail) == (slug, True)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("10-Jul-2025", date(2025, 7, 10)),
        ("1-jan-2025", date(2025, 1, 1)),
        ("31-DEC-2024", date(2024, 12, 31)),
        ("29-Feb-2024", date(2024, 2, 29)),
        ("2025-07-10", date(2025, 7, 10)),
        ("2025-07-10T03:00:00Z", date(2025, 7, 9)),
        ("2025-07-10T03:00:00-07:00", date(2025, 7, 10)),
        ("2025-07-10T23:59:59", date(2025, 7, 10)),
        ("2026-11-24", date(2026, 11, 24)),
    ],
)
def test_day_of_amazon_is_read_in_each_form_that_means_one_day_only(text: str, day: date) -> None:
    assert cells.parse_day(text, parse_context=IN_PACIFIC) == day


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "10/07/2025",
            "07/10/2025",
            "10.07.2025",
            "10-07-2025",
            "10-Juli-2025",
            "10-Xyz-2025",
            "10-Jul-25",
            "yesterday",
        ),
        *(
            "31-Feb-2025",
            "0-Jan-2025",
            "2025-13-01",
            "2025-02-29",
            "１0-Jul-2025",
            "10-Jul-2025 12:00",
            "Requested",
        ),
        *(
            "2026-11-25",
            "01-Dec-2026",
            "9999-12-31",
            "30-Jun-1995",
            "0001-01-01",
            "9" * 5000,
            "2025-07-10T25:00:00Z",
        ),
    ],
)
def test_day_that_could_be_another_or_is_invalid_is_rejected(text: str) -> None:
    with pytest.raises(InvalidRow) as bad:
        cells.parse_day(text, parse_context=SETTING)

    assert quote_value(text) in bad.value.reason
    assert repr(text) in bad.value.reason or not text.isascii() or len(text) > 40
    assert len(bad.value.reason) < 300


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-07-10", DayOrTime(date(2025, 7, 10), None)),
        ("2025-07-10T03:00:00+00:00", DayOrTime(date(2025, 7, 9), datetime(2025, 7, 10, 3, tzinfo=UTC))),
        ("2025-07-10 12:00:00-07:00", DayOrTime(date(2025, 7, 10), datetime(2025, 7, 10, 19, tzinfo=UTC))),
    ],
)
def test_moment_day_is_marketplace(text: str, expected: DayOrTime) -> None:
    assert cells.parse_day_or_time(text, parse_context=IN_PACIFIC, latest=IN_PACIFIC.latest) == expected


@pytest.mark.parametrize(
    ("first", "second", "is_after"),
    [
        ("2025-07-10", "2025-07-10", False),
        ("2025-07-11", "2025-07-10", True),
        ("2025-07-10", "2025-07-11", False),
        ("2025-07-10T23:59:59Z", "2025-07-10", False),
        ("2025-07-11T00:00:00Z", "2025-07-10", True),
        ("2025-07-10", "2025-07-10T00:00:00Z", False),
        ("2025-07-10T12:00:01Z", "2025-07-10T12:00:00Z", True),
        ("2025-07-10T12:00:00Z", "2025-07-10T12:00:00Z", False),
        ("2025-07-10T12:00:00+02:00", "2025-07-10T11:00:00Z", False),
        ("2025-07-11T01:00:00+02:00", "2025-07-10T22:00:00Z", True),
    ],
)
def test_moments_are_compared_as_moments_and_anything_else_as_days(
    first: str, second: str, is_after: bool
) -> None:
    one, other = (
        cells.parse_day_or_time(text, parse_context=SETTING, latest=SETTING.latest)
        for text in (first, second)
    )

    assert one.is_after(other) is is_after


@pytest.mark.parametrize(
    ("answered", "is_late"),
    [
        ("2025-07-12T12:00:00Z", False),
        ("2025-07-12T12:00:01Z", True),
        ("2025-07-12", False),
        ("2025-07-13", True),
    ],
)
def test_time_to_do_something_is_hours_between_moments_and_days_between_days(
    answered: str, is_late: bool
) -> None:
    requested = cells.parse_day_or_time("2025-07-10T12:00:00Z", parse_context=SETTING, latest=SETTING.latest)

    assert (
        cells.parse_day_or_time(answered, parse_context=SETTING, latest=SETTING.latest).is_after(
            requested, by=timedelta(hours=48)
        )
        is is_late
    )


def test_first_moment_of_all_is_on_first_day_in_every_zone() -> None:
    parsed = cells.parse_day_or_time(
        "1995-07-01T00:00:00Z", parse_context=IN_PACIFIC, latest=IN_PACIFIC.latest
    )

    assert parsed.day == date(1995, 7, 1)


@pytest.mark.parametrize(
    ("text", "reason_part"),
    [
        *((word, True) for word in ("yes", "Y", "TRUE", "1")),
        *((word, False) for word in ("no", "N", "False", "0")),
    ],
)
def test_yes_and_no_are_known_in_any_case(text: str, reason_part: bool) -> None:
    assert cells.parse_yes_no(text) is reason_part
    assert row(flag=text).flag("flag") is reason_part


@pytest.mark.parametrize("text", ["maybe", "jo", "2", "-1", "x" * 5000])
def test_yes_no_cell_with_another_word_is_rejected(text: str) -> None:
    assert cells.parse_yes_no(text) is None
    with pytest.raises(InvalidRow, match=r"`flag`: .* is not valid; expected yes or no"):
        row(flag=text).flag("flag")


def test_empty_cells_have_defaults() -> None:
    for bare in (row(), row(text="", flag="", units="", by="", on="", at="")):
        assert (bare.text("text"), bare.flag("flag"), bare.whole_number("units", max_value=9)) == (
            "",
            False,
            1,
        )
        assert (bare.choice("by", ["a"]), bare.past("on"), bare.deadline("on"), bare.moment("at")) == (
            "",
            None,
            None,
            None,
        )


@pytest.mark.parametrize("text", ["0", "10", "-1", "1.5", "1e3", "１", "9" * 5000, "many"])
def test_number_out_of_its_range_is_rejected(text: str) -> None:
    with pytest.raises(InvalidRow, match=r"`units`: .* is not valid; expected a whole number from 1 to 9"):
        row(units=text).whole_number("units", max_value=9)


def test_text_longer_than_its_place_is_rejected() -> None:
    assert row(text="x" * 64).text("text") == "x" * 64
    with pytest.raises(
        InvalidRow, match=r"`text`: a text of one word is too long; expected at most 64 characters"
    ) as bad:
        row(text="x" * 65).text("text")

    assert bad.value.field == "text"


def test_choice_cell_ignores_case_and_rejects_other_words() -> None:
    assert row(by="Buyer").choice("by", ["buyer", "seller"]) == "buyer"
    with pytest.raises(InvalidRow, match="`by`: 'nobody' is not valid; expected one of buyer, seller"):
        row(by="nobody").choice("by", ["buyer", "seller"])


@pytest.mark.parametrize(
    "text", ["2026-11-25", "2026-12-01T00:00:00Z", "1995-06-30", "soon", "2025-07-10T12:00:00", "20250710"]
)
def test_past_cell_rejects_future_and_missing_offset(text: str) -> None:
    with pytest.raises(
        InvalidRow,
        match=r"`on`: .* is not valid; expected a day .YYYY-MM-DD. or an ISO 8601 time with a UTC offset, from 1995",
    ):
        row(on=text).past("on")


@pytest.mark.parametrize(
    ("days", "is_read"), [(2, True), (300, True), (368, True), (370, False), (36_000, False)]
)
def test_promise_may_lie_year_ahead(days: int, is_read: bool) -> None:
    text = (TODAY + timedelta(days=days)).isoformat()

    if is_read:
        assert row(on=text).deadline("on") == DayOrTime(TODAY + timedelta(days=days), None)
    else:
        with pytest.raises(InvalidRow, match="at most a year ahead"):
            row(on=text).deadline("on")


@pytest.mark.parametrize("text", ["2025-07-10", "2025-07-10T12:00:00", "noon", "2027-01-01T00:00:00Z"])
def test_moment_has_offset(text: str) -> None:
    with pytest.raises(
        InvalidRow, match=r"`at`: .* is not valid; expected an ISO 8601 time with a UTC offset"
    ):
        row(at=text).moment("at")


def test_required_day_is_not_empty() -> None:
    with pytest.raises(InvalidRow, match="`on`: the cell is empty; expected a day"):
        row(on="").required_past("on")


def test_row_has_time_of_update_or_else_of_receipt() -> None:
    updated = datetime(2025, 7, 10, 8, tzinfo=UTC)

    assert row(updated_at="2025-07-10T10:00:00+02:00").statement_time() == (
        updated,
        DayOrTime(updated.date(), updated),
    )
    assert row().statement_time() == (None, DayOrTime(TODAY, NOON))


@pytest.mark.parametrize(
    ("first", "then", "is_reversed"),
    [
        ("2025-07-10", "2025-07-10", False),
        ("2025-07-10", "2025-07-09", True),
        ("2025-07-10", "2025-07-09T23:00:00Z", True),
        ("2025-07-10T12:00:00Z", "2025-07-09T13:00:00Z", False),
        ("2025-07-10T12:00:00Z", "2025-07-09T12:00:00Z", True),
        ("2025-07-10", "", False),
        ("", "2025-07-10", False),
    ],
)
def test_reversed_times_are_rejected_from_one_day_apart(first: str, then: str, is_reversed: bool) -> None:
    parsed = row(first=first, then=then)
    pairs = (("first", parsed.past("first")), ("then", parsed.past("then")))

    if is_reversed:
        with pytest.raises(InvalidRow, match="`then` is a day or more before `first`"):
            cells.require_order(*pairs)
    else:
        cells.require_order(*pairs)
