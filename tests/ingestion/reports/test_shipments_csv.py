from datetime import UTC, date, datetime

import pytest

from ingestion.parsing.rejections import RejectedDocument
from ingestion.reports import shipments_csv
from metrics.rules.facts import ShipmentFact
from tests import build
from tests.ingestion.parsed_documents import TODAY, parse_document

ORDER = build.order_id(1)


def fact_of(*, zone: str = "UTC", **cells: str) -> ShipmentFact:
    """Return the fact of a one-row document with just these columns, received at noon of TODAY."""
    (fact,) = parse_document(
        build.table({"order_id": ORDER} | cells), announced="shipments", zone=zone, today=TODAY
    ).shipments
    return fact


def reason_of(**cells: str) -> str:
    """Return why such a row is rejected, next to a valid one."""
    good = dict.fromkeys(cells, "") | {"order_id": build.order_id(2)}
    parsed = parse_document(
        build.table(good, {"order_id": ORDER} | cells, columns=dict.fromkeys(["order_id", *cells])),
        announced="shipments",
        today=TODAY,
    )
    assert [fact.order_id for fact in parsed.shipments] == [build.order_id(2)]
    return parsed.rejected[3]


def test_row_states_all_that_is_known_of_package() -> None:
    fact = fact_of(
        package="P-1",
        tracking_number="1Z999",
        units="3",
        ship_by="2025-07-02",
        shipped_at="2025-07-02T15:10:00+02:00",
        first_scan_at="2025-07-02T19:44:00+02:00",
        deliver_by="2025-07-05",
        delivered_at="2025-07-04",
        business_order="yes",
        invoiced_at="2025-07-03",
        cancelled_by="",
        updated_at="2025-07-06T08:00:00Z",
    )

    assert fact[:3] == (ORDER, "P-1", 3)
    assert (fact.ship_by_on, fact.shipped_on, fact.is_late) == (date(2025, 7, 2), date(2025, 7, 2), False)
    assert (fact.is_scanned, fact.deliver_by_on, fact.delivered_on) == (
        True,
        date(2025, 7, 5),
        date(2025, 7, 4),
    )
    assert (fact.is_on_time, fact.is_invoiced_in_time, fact.cancelled_by) == (True, True, "")
    assert fact.stated_at == datetime(2025, 7, 6, 8, tzinfo=UTC)


def test_missing_cells_stay_unknown() -> None:
    fact = fact_of(cancelled_by="")

    assert fact == (ORDER, "", 1, None, None, None, None, None, None, None, None, "", False, None, "", "")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("spelling", ["ship_by", "ship-by", "Ship By", "SHIP_BY"])
def test_columns_are_in_any_order_and_spelling_and_others_are_ignored(delimiter: str, spelling: str) -> None:
    document = build.table(
        {"buyer_name": "Jane", spelling: "2025-07-02", "Order-ID": ORDER}, delimiter=delimiter
    )

    parsed = parse_document(document)

    assert [(fact.order_id, fact.ship_by_on) for fact in parsed.shipments] == [(ORDER, date(2025, 7, 2))]
    assert "Jane" not in str(parsed.lines)


@pytest.mark.parametrize(
    ("ship_by", "shipped_at", "is_late"),
    [
        ("2025-07-02", "2025-07-02", False),
        ("2025-07-02", "2025-07-01", False),
        ("2025-07-02", "2025-07-03", True),
        ("2025-07-02", "2025-07-02T23:59:59Z", False),
        ("2025-07-02", "2025-07-03T00:00:00Z", True),
        ("2025-07-02T17:00:00Z", "2025-07-02", False),
        ("2025-07-02T17:00:00Z", "2025-07-02T17:00:00Z", False),
        ("2025-07-02T17:00:00Z", "2025-07-02T17:00:01Z", True),
        ("2025-07-02T17:00:00Z", "2025-07-02T18:30:00+02:00", False),
        ("2025-07-02", "", None),
        ("", "2025-07-02", None),
    ],
)
def test_package_is_late_when_it_left_after_its_ship_by(
    ship_by: str, shipped_at: str, is_late: bool | None
) -> None:
    assert fact_of(ship_by=ship_by, shipped_at=shipped_at).is_late is is_late


def test_moment_day_is_its_day_in_marketplace() -> None:
    cells = {"ship_by": "2025-07-02", "shipped_at": "2025-07-03T05:00:00Z"}

    in_utc, in_pacific = fact_of(**cells), fact_of(**cells, zone="America/Los_Angeles")

    assert (in_utc.shipped_on, in_utc.is_late) == (date(2025, 7, 3), True)
    assert (in_pacific.shipped_on, in_pacific.is_late) == (date(2025, 7, 2), False)


@pytest.mark.parametrize(
    ("cells", "is_scanned"),
    [
        ({"shipped_at": "2025-07-02", "first_scan_at": "2025-07-02"}, True),
        ({"shipped_at": "2025-07-02", "first_scan_at": ""}, False),
        ({"shipped_at": "2025-07-02", "first_scan_at": "", "delivered_at": "2025-07-04"}, True),
        ({"shipped_at": "2025-07-02", "delivered_at": "2025-07-04"}, True),
        ({"shipped_at": "2025-07-02", "delivered_at": ""}, False),
        ({"shipped_at": "2025-07-02", "tracking_number": "1Z999"}, None),
        ({"shipped_at": "", "first_scan_at": "2025-07-02"}, None),
        ({"first_scan_at": "2025-07-02"}, None),
    ],
)
def test_package_is_scanned_when_carrier_saw_it(cells: dict[str, str], is_scanned: bool | None) -> None:
    assert fact_of(**cells).is_scanned is is_scanned


@pytest.mark.parametrize(
    ("deliver_by", "delivered_at", "updated_at", "is_on_time"),
    [
        ("2025-07-05", "2025-07-05", "", True),
        ("2025-07-05", "2025-07-06", "", False),
        ("2025-07-05", "2025-07-05T23:59:59Z", "", True),
        ("2025-07-05T12:00:00Z", "2025-07-05T12:00:01Z", "", False),
        ("2025-07-05T12:00:00Z", "2025-07-05", "", True),
        ("2025-07-05", "", "2025-07-05T23:59:59Z", None),
        ("2025-07-05", "", "2025-07-06T00:00:00Z", False),
        ("2025-07-05T12:00:00Z", "", "2025-07-05T12:00:00Z", None),
        ("2025-07-05T12:00:00Z", "", "2025-07-05T12:00:01Z", False),
        ("2026-11-22", "", "", None),
        ("2026-11-21", "", "", False),
        ("2026-11-22T11:59:59Z", "", "", False),
        ("2026-11-22T12:00:00Z", "", "", None),
        ("2027-06-01", "", "", None),
        ("", "2025-07-05", "", None),
    ],
)
def test_package_is_on_time_by_its_promise_and_late_once_that_is_over(
    deliver_by: str, delivered_at: str, updated_at: str, is_on_time: bool | None
) -> None:
    assert (
        fact_of(deliver_by=deliver_by, delivered_at=delivered_at, updated_at=updated_at).is_on_time
        is is_on_time
    )


def test_packages_without_delivery_column_are_not_late() -> None:
    assert fact_of(deliver_by="2025-07-05").is_on_time is None


@pytest.mark.parametrize(
    ("shipped_at", "invoiced_at", "updated_at", "is_in_time"),
    [
        ("2025-07-02", "2025-07-02", "", True),
        ("2025-07-02", "2025-07-03", "", True),
        ("2025-07-02", "2025-07-04", "", False),
        ("2025-07-04", "2025-07-07", "", True),  # a Friday
        ("2025-07-04", "2025-07-08", "", False),
        ("2025-07-05", "2025-07-07", "", True),
        ("2025-07-06", "2025-07-07", "", True),
        ("2025-07-06", "2025-07-08", "", False),
        ("2025-07-02", "2025-07-01", "", True),
        ("2025-07-04", "2025-07-07T23:59:59Z", "", True),
        ("2025-07-04", "", "2025-07-07T23:59:59Z", None),
        ("2025-07-04", "", "2025-07-08T00:00:00Z", False),
        ("2026-11-20", "", "", None),
        ("2026-11-18", "", "", False),
        ("", "2025-07-02", "", None),
    ],
)
def test_business_order_is_invoiced_by_next_business_day(
    shipped_at: str, invoiced_at: str, updated_at: str, is_in_time: bool | None
) -> None:
    fact = fact_of(
        business_order="yes", shipped_at=shipped_at, invoiced_at=invoiced_at, updated_at=updated_at
    )

    assert fact.is_invoiced_in_time is is_in_time


@pytest.mark.parametrize(
    "cells",
    [
        {"business_order": "no", "invoiced_at": ""},
        {"business_order": "", "invoiced_at": ""},
        {"invoiced_at": ""},
        {"business_order": "yes"},
    ],
)
def test_invoices_are_required_only_for_business_orders_with_invoice_column(cells: dict[str, str]) -> None:
    assert fact_of(shipped_at="2025-07-02", **cells).is_invoiced_in_time is None


@pytest.mark.parametrize("who", ["buyer", "seller", "unconfirmed", "amazon", "Seller"])
def test_order_without_package_says_who_cancelled_it(who: str) -> None:
    fact = fact_of(cancelled_by=who)

    assert (fact.package, fact.shipped_on, fact.cancelled_by) == ("", None, who.lower())


@pytest.mark.parametrize(
    ("cells", "package"),
    [
        ({"package": "P-1", "tracking_number": "1Z"}, "P-1"),
        ({"package": "", "tracking_number": "1Z"}, "1Z"),
        ({"tracking_number": "1Z"}, "1Z"),
        ({"package": ""}, ""),
    ],
)
def test_package_is_known_by_its_id_or_else_its_tracking_number(cells: dict[str, str], package: str) -> None:
    assert fact_of(shipped_at="2025-07-02", **cells).package == package


@pytest.mark.parametrize(
    ("cells", "reason_part"),
    [
        ({"order_id": "1234", "ship_by": ""}, "'1234' is not a valid Amazon order ID"),
        (
            {"shipped_at": "02.07.2025"},
            "`shipped_at`: '02.07.2025' is not valid; expected a day (YYYY-MM-DD) or an ISO 8601 time with a "
            "UTC offset",
        ),
        (
            {"shipped_at": "2025-07-02T10:00:00"},
            "`shipped_at`: '2025-07-02T10:00:00' is not valid; expected a day",
        ),
        ({"shipped_at": "2025-02-30"}, "`shipped_at`: '2025-02-30' is not valid; expected a day"),
        ({"shipped_at": "2026-11-25"}, "not in the future"),
        ({"first_scan_at": "2026-12-01"}, "first_scan_at"),
        ({"delivered_at": "2026-12-01"}, "delivered_at"),
        ({"invoiced_at": "2026-12-01", "business_order": "yes"}, "invoiced_at"),
        ({"ship_by": "2028-01-01"}, "`ship_by`: '2028-01-01' is not valid; expected a day"),
        ({"deliver_by": "2028-01-01"}, "at most a year ahead"),
        (
            {"shipped_at": "2025-07-05", "delivered_at": "2025-07-04"},
            "`delivered_at` is a day or more before `shipped_at`",
        ),
        (
            {"units": "0", "ship_by": ""},
            "`units`: '0' is not valid; expected a whole number from 1 to 100000",
        ),
        ({"units": "100001", "ship_by": ""}, "`units`: '100001'"),
        ({"units": "two", "ship_by": ""}, "`units`: 'two'"),
        (
            {"business_order": "maybe", "ship_by": ""},
            "`business_order`: 'maybe' is not valid; expected yes or no",
        ),
        (
            {"cancelled_by": "nobody"},
            "`cancelled_by`: 'nobody' is not valid; expected one of buyer, seller, unconfirmed, amazon",
        ),
        (
            {"updated_at": "2025-07-02", "ship_by": ""},
            "`updated_at`: '2025-07-02' is not valid; expected an ISO 8601 time with a UTC offset",
        ),
        ({"package": "x" * 65, "ship_by": ""}, "`package`: a text of one word is too long"),
        ({"tracking_number": "x" * 65, "ship_by": ""}, "`tracking_number`: a text of one word is too long"),
    ],
)
def test_invalid_rows_are_rejected_with_reason(cells: dict[str, str], reason_part: str) -> None:
    assert reason_part in reason_of(**cells)


@pytest.mark.parametrize(
    ("shipped_at", "delivered_at"),
    [("2025-07-05", "2025-07-05"), ("2025-07-05T12:00:00Z", "2025-07-04T13:00:00Z"), ("", "2025-07-05")],
)
def test_package_confirmed_after_it_left_is_not_flagged(shipped_at: str, delivered_at: str) -> None:
    assert fact_of(shipped_at=shipped_at, delivered_at=delivered_at).delivered_on is not None


@pytest.mark.parametrize(
    "columns", [("order_id",), ("order_id", "package", "units"), ("order_id", "state", "kind")]
)
def test_header_that_tells_nothing_of_shipments_is_rejected(columns: tuple[str, ...]) -> None:
    document = build.table(dict.fromkeys(columns, "") | {"order_id": ORDER})

    with pytest.raises(RejectedDocument) as rejection:
        parse_document(document, announced=shipments_csv.NAME)

    assert rejection.value.slug == "columns-missing"
    assert "at least one of ship-by" in rejection.value.detail


def test_header_without_orders_is_rejected() -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(build.table({"shipped_at": "2025-07-02"}), announced=shipments_csv.NAME)

    assert rejection.value.slug == "columns-missing"
    assert "order-id" in rejection.value.detail


@pytest.mark.parametrize("column", [column.name for column in shipments_csv.COLUMNS])
def test_repeated_column_is_rejected(column: str) -> None:
    columns = [*(column.name for column in shipments_csv.COLUMNS), column]

    with pytest.raises(RejectedDocument) as rejection:
        parse_document(build.table({"order_id": ORDER}, columns=columns))

    assert rejection.value.slug == "columns-repeated"


def test_row_wider_than_header_is_rejected() -> None:
    document = (
        build.table({"order_id": ORDER, "ship_by": "2025-07-02"}) + f"{ORDER},2025-07-02,more\n".encode()
    )

    assert "The row has 3 cells; the header has 2." in parse_document(document).rejected[3]


@pytest.mark.parametrize(
    ("cell", "carrier"),
    [("DHL", "DHL"), (" Royal   Mail ", "Royal Mail"), ("", ""), ("x" * 100, "x" * 40)],
    ids=["name", "blanks", "empty", "long"],
)
def test_carrier_is_stored_as_written_and_never_costs_the_row(cell: str, carrier: str) -> None:
    fact = fact_of(shipped_at="2025-07-02", carrier=cell, carrier_service=cell)

    assert (fact.carrier, fact.service) == (carrier, carrier)
