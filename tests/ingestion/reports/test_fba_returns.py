import random
from datetime import date

import pytest

from ingestion.parsing.rejections import RejectedDocument
from ingestion.reports import fba_returns
from tests import build
from tests.ingestion.parsed_documents import parse_document

COLUMNS = tuple(
    """
    return-date order-id sku asin fnsku product-name quantity fulfillment-center-id detailed-disposition reason status
    license-plate-number customer-comments
    """.split()  # noqa: SIM905  they read better as text
)
ROW = {
    "return-date": "2025-06-05T15:31:40+00:00",
    "order-id": build.order_id(1),
    "sku": "PAD-12",
    "product-name": 'Pad 12" "soft"',
    "quantity": "1",
    "fulfillment-center-id": "LEX1",
    "status": "Unit returned to inventory",
    "license-plate-number": "LPNNC5N165ZVR",
    "customer-comments": "Jane says it's broken",
}


def report(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> bytes:
    return build.table(*(ROW | row for row in rows), columns=columns, delimiter="\t")


def test_unit_that_came_back_is_return_of_its_order() -> None:
    (fact,) = parse_document(report({})).returns

    assert fact[:8] == (
        build.order_id(1),
        "LPNNC5N165ZVR",
        date(2025, 6, 5),
        "unit returned to inv",
        True,
        None,
        "",
        None,
    )


@pytest.mark.parametrize("order", ["S01-1234567-1234567", "CONSUMER-20260910-1", "#1001", "100234"])
def test_units_of_multi_channel_orders_are_set_apart(order: str) -> None:
    parsed = parse_document(report({}, {"order-id": order}))

    assert [fact.order_id for fact in parsed.returns] == [build.order_id(1)]
    assert (parsed.rejected, parsed.reader.set_apart) == ({}, 1)


def test_columns_are_found_by_name_in_any_order() -> None:
    for seed in range(5):
        columns = tuple(random.Random(seed).sample(COLUMNS, len(COLUMNS)))

        assert [fact.reference for fact in parse_document(report({}, columns=columns)).returns] == [
            "LPNNC5N165ZVR"
        ]


@pytest.mark.parametrize(
    ("text", "zone", "day"),
    [
        ("2025-06-05T15:31:40+00:00", "UTC", date(2025, 6, 5)),
        ("2025-06-05T03:31:40+00:00", "America/Los_Angeles", date(2025, 6, 4)),
        ("2025-06-05T20:31:40-07:00", "America/Los_Angeles", date(2025, 6, 5)),
        ("2025-06-05T20:31:40-07:00", "UTC", date(2025, 6, 6)),
        ("2025-06-05", "America/Los_Angeles", date(2025, 6, 5)),
    ],
)
def test_day_is_marketplace(text: str, zone: str, day: date) -> None:
    (fact,) = parse_document(report({"return-date": text}), zone=zone).returns

    assert fact.requested_on == day


@pytest.mark.parametrize(
    "columns", [COLUMNS, tuple(name for name in COLUMNS if name != "license-plate-number")]
)
def test_units_without_license_plate_are_distinguished_by_sku_and_time(columns: tuple[str, ...]) -> None:
    rows = ({"license-plate-number": "", "sku": sku} for sku in ("PAD-12", "PAD-18", "S" * 90))

    parsed = parse_document(report(*rows, columns=columns))

    assert [fact.reference for fact in parsed.returns] == [
        "PAD-12 2025-06-05T15:31:40+00:00",
        "PAD-18 2025-06-05T15:31:40+00:00",
        f"{'S' * 38} 2025-06-05T15:31:40+00:00",
    ]
    assert max(len(fact.reference) for fact in parsed.returns) == 64


def test_same_moment_in_another_offset_is_same_unit() -> None:
    plain = {"license-plate-number": ""}

    parsed = parse_document(report(plain, plain | {"return-date": "2025-06-05T08:31:40.000-07:00"}))

    assert len({fact.reference for fact in parsed.returns}) == 1


def test_report_that_spreadsheet_saved_with_commas_is_read_too() -> None:
    rows = [ROW | {"product-name": '"Pad 12"" ""soft"", blue"', "customer-comments": '"Where, how"'}]

    parsed = parse_document(build.table(*rows, columns=COLUMNS))

    assert parsed.returns == parse_document(report({})).returns


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"order-id": ""}, "'' is not a valid Amazon order ID"),
        ({"order-id": "112-000001-0000001"}, "is not a valid Amazon order ID"),
        ({"order-id": "consumer"}, "is not a valid Amazon order ID"),
        ({"return-date": ""}, "`return-date`: '' is not a valid ISO 8601 time"),
        ({"return-date": "2025-06-05T15:31:40"}, "has no UTC offset"),
        ({"return-date": "2025-02-29"}, "is not a valid day"),
        ({"return-date": "06/05/2025"}, "is not a valid ISO 8601 time"),
        ({"return-date": "2099-01-01T00:00:00Z"}, "is out of range"),
        ({"license-plate-number": "L" * 65}, "`license-plate-number`: a text of one word is too long"),
    ],
)
def test_invalid_rows_are_rejected_with_reason(cells: dict[str, str], expected: str) -> None:
    parsed = parse_document(report({"order-id": build.order_id(2)}, cells))

    assert [fact.order_id for fact in parsed.returns] == [build.order_id(2)]
    assert expected in parsed.rejected[3]


def test_buyer_comments_reach_no_fact_or_reason() -> None:
    parsed = parse_document(report({}, {"order-id": "none"}))

    assert "Jane" not in f"{parsed.lines} {parsed.rejected}"


@pytest.mark.parametrize("column", ["return-date", "order-id"])
def test_header_without_required_column_is_rejected(column: str) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(
            report({}, columns=tuple(name for name in COLUMNS if name != column)), announced=fba_returns.NAME
        )

    assert rejection.value.slug == "columns-missing"
    assert column in rejection.value.detail


def test_report_of_headers_alone_has_no_rows() -> None:
    header = report({}).splitlines(keepends=True)[0]

    parsed = parse_document(header * 3)

    assert (parsed.reader.read, parsed.lines, parsed.rejected) == (0, [], {})
    assert parsed.warnings == [
        "The header is repeated in 2 lines, the first of them line 2. These lines were skipped.",
        "The document has no rows.",
    ]


def test_rows_without_their_header_are_stated_apart_from_another_document() -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(report({}).splitlines(keepends=True)[1])

    assert rejection.value.slug == "no-header"
