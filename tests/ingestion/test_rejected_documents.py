"""Test rejected documents over HTTP: the problem is clear, nothing changes, and a corrected document
loads."""

import gzip
from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings

from ingestion import tasks
from ingestion.parsing import cpu_time
from tests import build, clock
from tests.client import Client
from tests.ingestion.database_state import contents

ORDERED = clock.NOON - timedelta(days=30)
FED_BACK = (ORDERED + timedelta(days=5)).strftime("%m/%d/%y")

orders = build.orders_file(build.orders_on(ORDERED, count=20, first=101))
feedback = build.feedback_file(build.feedback_row(order=build.order_id(n), on=FED_BACK) for n in (1, 2, 3))
claims = build.claims_file(build.claim(order=build.order_id(n), reference=f"C{n}") for n in (1, 2, 3))


def dated(text: str) -> bytes:
    return feedback.replace(FED_BACK.encode(), text.encode(), 1)


def headless(document: bytes) -> bytes:
    return b"".join(document.splitlines(keepends=True)[1:])


@pytest.mark.parametrize(
    ("document", "fields", "slug", "reason_part", "corrected"),
    [
        pytest.param(
            headless(orders), {}, "no-header", "Upload the report with its header", orders, id="no header"
        ),
        pytest.param(
            headless(feedback),
            {"report_type": "GET_SELLER_FEEDBACK_DATA"},
            "no-header",
            "Upload the report with its header",
            feedback,
            id="announced, no header",
        ),
        pytest.param(
            b"day\tsessions\tunits\n2026-10-01\t7\t1\n",
            {},
            "unknown-document",
            "Supported report types",
            orders,
            id="unknown columns",
        ),
        pytest.param(b'{"reportType": "GET_V2"}\n', {}, "unknown-document", "JSON", orders, id="JSON"),
        pytest.param(
            b'{"reportType": "GET_V2"}\n',
            {"report_type": "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"},
            "unknown-document",
            "It is JSON, not a table.",
            orders,
            id="JSON announced as orders",
        ),
        pytest.param(
            b'<?xml version="1.0"?>\n<AmazonEnvelope/>\n', {}, "unknown-document", "XML", orders, id="XML"
        ),
        pytest.param(b"", {}, "empty-document", "Request the report again", orders, id="empty"),
        pytest.param(
            b"\r\n \n\t\n\n", {}, "empty-document", "Request the report again", orders, id="blank lines"
        ),
        pytest.param(
            b"Date range exceeded. Report can be requested only upto 30 days",
            {},
            "unknown-document",
            "Request the report for at most 30 days at a time.",
            orders,
            id="Amazon's error as a body",
        ),
        pytest.param(
            dated("24.12.25"),
            {},
            "dates-contradict-marketplace",
            "State the marketplace",
            feedback,
            id="German dates",
        ),
        pytest.param(
            dated("24/9/26"),
            {},
            "dates-contradict-marketplace",
            "State the marketplace",
            feedback,
            id="British dates",
        ),
        pytest.param(
            feedback,
            {"marketplace": "SE"},
            "dates-contradict-marketplace",
            "State the marketplace",
            feedback + b"\n",
            id="another marketplace named",
        ),
        pytest.param(
            dated((clock.NOW + timedelta(days=4)).strftime("%m/%d/%y")),
            {},
            "dates-contradict-marketplace",
            "not a past date",
            feedback,
            id="dates of the future",
        ),
        pytest.param(
            orders.replace(b"101-", b"1O1-"),
            {},
            "no-usable-row",
            "expected e.g. 123-1234567-1234567",
            orders,
            id="no order ids",
        ),
        pytest.param(
            orders[:-60], {}, "document-cut-off", "Download the document again", orders, id="cut in a row"
        ),
        pytest.param(
            feedback + f"{FED_BACK}\t1\tzu spät".encode()[:-2],
            {},
            "document-cut-off",
            "Download the document again",
            feedback,
            id="cut in a character",
        ),
        pytest.param(
            claims + b'101-0000001-0000009,"a_to',
            {},
            "invalid-csv",
            "quote that is not closed",
            claims,
            id="cut in quotes",
        ),
        pytest.param(
            b"\x1f\x8b" + orders, {}, "invalid-gzip", "Compress the document again", orders, id="no gzip"
        ),
        pytest.param(
            gzip.compress(orders)[:-30],
            {},
            "invalid-gzip",
            "Compress the document again",
            orders,
            id="cut gzip",
        ),
        pytest.param(
            orders.replace(b"Pillow", b"Pil\0ow"), {}, "not-text", "as it was downloaded", orders, id="NUL"
        ),
        pytest.param(
            ("\ufeff" + orders.decode()).replace("Pillow", "Pil\0ow").encode(),
            {},
            "not-text",
            "as it was downloaded",
            orders,
            id="NUL after a byte-order mark",
        ),
        pytest.param(
            orders.replace(b"Pillow", b"x" * 2_000_000, 1),
            {},
            "line-too-long",
            "as it was downloaded",
            orders,
            id="long line",
        ),
        pytest.param(
            orders.replace(b"order-channel", b"order-channel" + b"\tbuyer-name" * 1000),
            {},
            "too-many-columns",
            "at most 1000 are supported",
            orders,
            id="wide header",
        ),
        pytest.param(
            orders.replace(b"order-channel", b"order-status"),
            {},
            "columns-repeated",
            "Remove the repeated columns",
            orders,
            id="repeated columns",
        ),
        pytest.param(
            claims.replace(b"funded_by", b"reference"),
            {},
            "columns-repeated",
            "Remove the repeated columns",
            claims,
            id="repeated reference",
        ),
        pytest.param(
            orders,
            {"report_type": "GET_SELLER_FEEDBACK_DATA"},
            "columns-missing",
            "expected 6",
            orders + b"\n",
            id="orders announced as feedback",
        ),
        pytest.param(
            feedback,
            {"report_type": "claims_and_chargebacks"},
            "columns-missing",
            "needs the columns kind, state, occurred-on",
            feedback + b"\n",
            id="feedback announced as claims",
        ),
    ],
)
def test_rejected_document_says_why_changes_nothing_and_is_taken_once_corrected(
    nord: Client,
    store: str,
    document: bytes,
    fields: dict[str, str],
    slug: str,
    reason_part: str,
    corrected: bytes,
) -> None:
    before = contents(nord)

    refused = nord.load(store, document, **fields)

    assert (refused["status"], refused["loaded_at"]) == ("rejected", None)
    assert refused["problem"]["type"] == f"/problems/{slug}"
    assert refused["problem"]["title"]
    assert reason_part in refused["problem"]["detail"]
    assert contents(nord) == before

    loaded = nord.load(store, corrected)

    assert (loaded["status"], loaded["problem"], loaded["rows"]["rejected"]) == ("loaded", None, 0)
    assert loaded["rows"]["new"] > 0
    assert contents(nord) != before


def test_document_that_unpacks_beyond_limit_is_rejected(nord: Client, store: str, settings: Settings) -> None:
    settings.REPORT_MAX_BYTES = 200_000
    bomb = gzip.compress(orders + b"\n" * 50_000_000)
    before = contents(nord)

    refused = nord.load(store, bomb)

    assert len(bomb) < 200_000
    assert refused["problem"]["type"] == "/problems/document-too-large"
    assert "Split it by date" in refused["problem"]["detail"]
    assert contents(nord) == before
    assert nord.load(store, gzip.compress(orders))["status"] == "loaded"


def test_rejected_document_sent_again_under_its_right_name_is_queued_again(nord: Client, store: str) -> None:
    refused = nord.load(store, orders, report_type="claims_and_chargebacks")

    loaded = nord.load(store, orders)

    assert (refused["status"], loaded["status"]) == ("rejected", "loaded")
    assert loaded["id"] == refused["id"]


def test_row_without_order_id_is_rejected_with_its_line_and_blank_row_is_none(
    nord: Client, store: str
) -> None:
    lines = orders.splitlines(keepends=True)
    lines[3] = lines[3].replace(b"101-", b"1O1-")
    lines[7] = b"\t".join([b""] * 32) + b"\r\n"

    report = nord.load(store, b"".join(lines))

    rejected = nord.read(f"/v1/reports/{report['id']}/rejected-rows")["data"]
    assert report["status"] == "loaded"
    assert report["rows"] == {
        "read": 19,
        "new": 18,
        "changed": 0,
        "unchanged": 0,
        "rejected": 1,
        "set_apart": 0,
    }
    assert [row["line"] for row in rejected] == [4]
    assert "'1O1-0000001-0000103' is not a valid Amazon order ID" in rejected[0]["reason"]


def test_rejected_rows_are_listed_if_all_are_rejected(nord: Client, store: str) -> None:
    report = nord.load(store, claims.replace(b"granted", b"gone"))

    rejected = nord.read(f"/v1/reports/{report['id']}/rejected-rows")["data"]
    assert report["status"] == "rejected"
    assert report["rows"] == {
        "read": 3,
        "new": 0,
        "changed": 0,
        "unchanged": 0,
        "rejected": 3,
        "set_apart": 0,
    }
    assert [row["line"] for row in rejected] == [2, 3, 4]
    assert all("`state`: 'gone' is not valid; expected one of" in row["reason"] for row in rejected)


@pytest.mark.parametrize(
    "cells",
    [
        {"purchase_date": "0001-01-01T00:00:00+14:00"},
        {"purchase_date": "9999-12-31T23:59:59-12:00"},
        {"last_updated_date": "0001-01-01T00:00:00Z"},
        {"amazon_order_id": "\x01", "sales_channel": "Amazon.com"},
    ],
)
def test_row_that_database_could_not_keep_is_rejected_and_never_breaks_worker(
    nord: Client, store: str, cells: dict[str, str]
) -> None:
    row = build.order_row(amazon_order_id=build.order_id(500)) | build.order_row(**cells)

    report = nord.load(store, orders + build.orders_file([row]).splitlines(keepends=True)[1])

    assert (report["status"], report["rows"]["new"], report["rows"]["rejected"]) == ("loaded", 20, 1)


@pytest.mark.parametrize("offset", ["+23:59", "-23:59", "+00:00:30.5"])
def test_time_in_offset_that_database_does_not_take_is_converted(
    nord: Client, store: str, offset: str
) -> None:
    row = build.order_row(
        amazon_order_id=build.order_id(500), purchase_date=ORDERED.replace(tzinfo=None).isoformat() + offset
    )

    report = nord.load(store, build.orders_file([row]))

    assert (report["status"], report["rows"]["new"]) == ("loaded", 1)


def test_document_that_takes_too_long_is_rejected_and_not_tried_again(
    nord: Client, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(nord)
    with monkeypatch.context() as patch:
        patch.setattr(cpu_time, "ALWAYS_ALLOWED", -1)
        patch.setattr(cpu_time, "ALLOWED_PER_MB", 0)
        refused = nord.load(store, orders)

    tasks.load_report()

    assert refused["problem"]["type"] == "/problems/document-too-slow"
    assert "split it by date" in refused["problem"]["detail"]
    assert nord.read(f"/v1/reports/{refused['id']}")["status"] == "rejected"
    assert contents(nord) == before
    assert nord.load(store, orders)["status"] == "loaded"


def test_largest_cpu_time_of_a_document_is_a_setting(nord: Client, store: str, settings: Settings) -> None:
    settings.REPORT_MAX_CPU_SECONDS = 0

    refused = nord.load(store, orders)

    assert refused["problem"]["type"] == "/problems/document-too-slow"
