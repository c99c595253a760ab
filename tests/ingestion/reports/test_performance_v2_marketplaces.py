"""Test the marketplaces of a V2 report and their snapshots."""

import json
from typing import Any

import pytest

from accounts.marketplaces import MARKETPLACES, Marketplace
from tests import build
from tests.ingestion import health_reports
from tests.ingestion.health_reports import CA, DAY, DE, JP, US, counts, figure
from tests.ingestion.parsed_documents import ParsedDocument, parse_document


def statuses(parsed: ParsedDocument) -> list[tuple[str, str]]:
    return [(fact.marketplace, fact.account_status) for fact in parsed.snapshots]


@pytest.mark.parametrize("store", MARKETPLACES, ids=lambda store: store.code)
def test_marketplaces_are_found_by_amazon_id(store: Marketplace) -> None:
    parsed = health_reports.read_blocks(store.amazon_id, validTrackingRate={"rate": 0.99})

    assert [fact.marketplace for fact in parsed.reported] == [store.code]


def test_marketplaces_have_their_own_figures_and_status() -> None:
    document = health_reports.v2(
        {"marketplaceId": US, "orderDefectRate": {"mfn": health_reports.order_defects()}},
        {
            "marketplaceId": DE,
            "orderDefectRate": {"mfn": health_reports.order_defects(orderCount=900, rate=None)},
        },
        statuses={DE: "AT_RISK", US: "NORMAL"},
    )

    parsed = parse_document(document, today=DAY)

    rates = [fact for fact in parsed.reported if fact.metric == "order_defect_rate"]
    assert [(fact.marketplace, counts(fact)) for fact in rates] == [("US", (7, 1000)), ("DE", (7, 900))]
    assert statuses(parsed) == [("US", "NORMAL"), ("DE", "AT_RISK")]
    assert parsed.reader.read == 4


def test_account_that_has_status_and_no_metrics_is_stored_too() -> None:
    parsed = parse_document(health_reports.v2({"marketplaceId": US}, statuses={JP: "DEACTIVATED"}), today=DAY)

    assert statuses(parsed) == [("US", ""), ("JP", "DEACTIVATED")]
    assert [fact.document for fact in parsed.snapshots] == [f'{{"marketplaceId":"{US}"}}', "{}"]


@pytest.mark.parametrize(
    ("stated", "stored"),
    [
        ("NORMAL", "NORMAL"),
        ("AT RISK", "AT_RISK"),
        ("at_risk", "AT_RISK"),
        ("SUSPENDED", "SUSPENDED"),
        (None, ""),
    ],
)
def test_status_of_account_is_stored_as_stated_in_one_spelling(stated: str | None, stored: str) -> None:
    assert statuses(parse_document(health_reports.v2(statuses={US: stated}), today=DAY)) == [("US", stored)]


@pytest.mark.parametrize("stated", [7, True, [], "x" * 21, "\0"])
def test_status_invalid_rejects_marketplace_as_whole_and_no_figure(stated: object) -> None:
    parsed = parse_document(
        health_reports.v2({"marketplaceId": US, "validTrackingRate": {"rate": 0.99}}, statuses={US: stated}),
        today=DAY,
    )

    assert (statuses(parsed), len(parsed.reported)) == ([], 1)
    assert list(parsed.rejected) == [1]
    assert parsed.rejected[1].startswith("performanceMetrics US: the status ")


@pytest.mark.parametrize("unknown", ["A00000000000", "", "US", "amazon.com", 7, True, [], {}])
def test_marketplace_unknown_rejects_its_own_rows_and_no_others(unknown: Any) -> None:
    blocks = {
        "lateShipmentRate": health_reports.late(),
        "orderDefectRate": {"mfn": health_reports.order_defects()},
    }

    parsed = parse_document(
        health_reports.v2({"marketplaceId": unknown} | blocks, {"marketplaceId": US} | blocks), today=DAY
    )

    assert {fact.marketplace for fact in parsed.reported} == {"US"}
    assert list(parsed.rejected) == [1, 2, 3]
    assert {"is not a" in reason for reason in parsed.rejected.values()} == {True}
    assert parsed.reader.read == 6


def test_status_of_marketplace_unknown_is_rejected_row() -> None:
    parsed = parse_document(
        health_reports.v2({"marketplaceId": US}, statuses={"A1": "NORMAL", US: "NORMAL"}), today=DAY
    )

    assert statuses(parsed) == [("US", "NORMAL")]
    assert parsed.rejected == {
        2: "accountStatuses: `marketplaceId`: 'A1' is not a known marketplace ID of Amazon."
    }


def test_marketplace_that_is_repeated_counts_once() -> None:
    document = health_reports.v2(
        {"marketplaceId": US, "lateShipmentRate": health_reports.late()},
        {
            "marketplaceId": US,
            "lateShipmentRate": health_reports.late(orderCount=60, rate=None),
            "validTrackingRate": {"rate": 0.9},
        },
    )

    parsed = parse_document(document, today=DAY)

    assert counts(figure(parsed, "late_shipment_rate_30d")) == (1, 30)
    assert {fact.metric for fact in parsed.reported} == {"late_shipment_rate_30d"}
    assert [reason.partition(": ")[2] for reason in parsed.rejected.values()] == [
        "US appears twice; the first one is used."
    ] * 3


def test_status_that_is_repeated_counts_once() -> None:
    entry = {"marketplaceId": US, "status": "NORMAL"}
    document = json.dumps({"accountStatuses": [entry, entry | {"status": "AT_RISK"}]}).encode()

    parsed = parse_document(document, today=DAY)

    assert statuses(parsed) == [("US", "NORMAL")]
    assert parsed.rejected == {2: "accountStatuses: US appears twice; the first one is used."}


def test_metrics_without_marketplace_are_of_reports_own_but_not_twice() -> None:
    block = {"lateShipmentRate": health_reports.late()}

    parsed = parse_document(
        health_reports.v2(block, {"marketplaceId": CA} | block, block), marketplace="CA", today=DAY
    )

    assert [fact.marketplace for fact in parsed.reported] == ["CA"]
    assert len(parsed.rejected) == 4


def test_single_object_stands_for_list_of_it() -> None:
    document = {
        "accountStatuses": {"marketplaceId": DE, "status": "NORMAL"},
        "performanceMetrics": {"marketplaceId": DE},
    }

    assert statuses(parse_document(json.dumps(document).encode(), today=DAY)) == [("DE", "NORMAL")]


@pytest.mark.parametrize("entry", [7, "US", True, [], [{}]])
@pytest.mark.parametrize("name", ["accountStatuses", "performanceMetrics"])
def test_entry_that_is_not_object_is_rejected_row(name: str, entry: object) -> None:
    document: dict[str, Any] = {"accountStatuses": [], "performanceMetrics": [{"marketplaceId": US}]}
    document[name].append(entry)

    parsed = parse_document(json.dumps(document).encode(), today=DAY)

    assert statuses(parsed) == [("US", "")]
    assert [reason.partition(": ")[2] for reason in parsed.rejected.values()] == [
        "the entry of a marketplace is not an object."
    ]


@pytest.mark.parametrize("value", [None, [], [None], [None, None]])
def test_null_fields_are_ignored(value: Any) -> None:
    document = {"accountStatuses": value, "performanceMetrics": [None, {"marketplaceId": US}]}

    parsed = parse_document(json.dumps(document).encode(), today=DAY)

    assert (statuses(parsed), parsed.reader.read) == ([("US", "")], 1)


# The marketplace's block as it came.


def test_document_is_marketplaces_block_as_it_came() -> None:
    block = {
        "marketplaceId": US,
        "lateShipmentRate": health_reports.late(),
        "unheardOf": [1, None, {"a": "é"}],
        "warningStates": None,
    }

    (snapshot,) = parse_document(health_reports.v2(block), today=DAY).snapshots

    assert json.loads(snapshot.document) == block
    assert " " not in snapshot.document


def test_snapshot_contains_no_personal_fields() -> None:
    order = {
        "id": build.order_id(1),
        "buyerName": "Jane",
        "shippingAddress": {"city": "Bonn"},
        "Comments": ["late"],
        "count": 1,
    }

    (snapshot,) = parse_document(
        health_reports.v2({"marketplaceId": US, "orders": [order]}), today=DAY
    ).snapshots

    posted = {
        "id": build.order_id(1),
        "buyerName": None,
        "shippingAddress": None,
        "Comments": None,
        "count": 1,
    }
    assert json.loads(snapshot.document)["orders"] == [posted]


@pytest.mark.parametrize(
    "number", ["0.10", "0.0100", "1.0", "-0.0", "1e5", "0.03203973037", "98765432109876543210"]
)
def test_numbers_in_document_are_written_as_they_came(number: str) -> None:
    document = health_reports.v2({"marketplaceId": US, "rate": 777}).replace(b"777", number.encode())

    (snapshot,) = parse_document(document, today=DAY).snapshots

    assert snapshot.document.endswith(f'"rate":{number}}}')


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e99999", "9" * 5_000])
def test_number_unstorable_is_text_in_document(number: str) -> None:
    document = health_reports.v2({"marketplaceId": US, "rate": 777}, statuses={US: "NORMAL"}).replace(
        b"777", number.encode()
    )

    (snapshot,) = parse_document(document, today=DAY).snapshots

    assert json.loads(snapshot.document)["rate"] == number
    assert snapshot.account_status == "NORMAL"


@pytest.mark.parametrize("value", ['"\\u0000"', '"\\ud800"', '{"\\u0000": 1}', "[" * 99 + "]" * 99])
def test_unstorable_text_rejects_snapshot_but_no_figure(value: str) -> None:
    document = health_reports.v2({"marketplaceId": US, "unheardOf": 777, "validTrackingRate": {"rate": 0.99}})

    parsed = parse_document(document.replace(b"777", value.encode()), today=DAY)

    assert (parsed.snapshots, len(parsed.reported)) == ([], 1)
    assert list(parsed.rejected) == [1]
    assert parsed.rejected[1].startswith("performanceMetrics US: ")
