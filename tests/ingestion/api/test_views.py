"""Test the API of reports: shapes, pages, documents, posted rows and other agencies."""

import gzip
import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from ingestion.loading import PERIOD_INCOMPLETE
from tests import build, clock
from tests.client import Client
from tests.clock import NOW

ORDERED = clock.NOON - timedelta(days=30)
DOCUMENT = build.orders_file(build.orders_on(ORDERED, count=3))
ALL_ORDERS = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"
NOTHING_MORE: dict[str, Any] = {
    "blanked_columns": [],
    "document_deleted_at": None,
    "period_from": None,
    "period_to": None,
}
NO_ROWS = {"read": 0, "new": 0, "changed": 0, "unchanged": 0, "rejected": 0, "set_apart": 0}


def moments_of(report: dict[str, Any], *names: str) -> list[datetime]:
    return [datetime.fromisoformat(report.pop(name)) for name in names]


def pages(client: Client, path: str, **params: Any) -> list[list[Any]]:
    """Return the rows of a list by page."""
    page = client.read(path, **params)
    seen = [page["data"]]
    while page["next_cursor"]:
        page = client.read(path, **params, cursor=page["next_cursor"])
        seen.append(page["data"])
    return seen


def test_upload_is_answered_as_contract_says(acme: Client, shop: str) -> None:
    before = timezone.now()

    response = acme.send(shop, DOCUMENT)

    report = response.json()
    report_id, (received_at,) = report.pop("id"), moments_of(report, "received_at")
    assert (response.status_code, response["Location"]) == (202, f"/v1/reports/{report_id}")
    assert report_id.startswith("rpt_")
    assert before <= received_at <= timezone.now()
    assert report == {
        "account": shop,
        "report_type": None,
        "marketplace": "US",
        "source": "upload",
        "status": "queued",
        "rows": NO_ROWS,
        "problem": None,
        "warnings": [],
        "encoding": None,
        "encoding_reason": None,
        "sha256": hashlib.sha256(DOCUMENT).hexdigest(),
        "size": len(DOCUMENT),
        **NOTHING_MORE,
        "loaded_at": None,
        "duplicate": False,
    }


def test_loaded_report_is_answered_as_contract_says(acme: Client, shop: str) -> None:
    report = acme.load(shop, DOCUMENT)

    received_at, loaded_at = moments_of(report, "received_at", "loaded_at")
    assert received_at < loaded_at
    assert report.pop("id").startswith("rpt_")
    assert report == {
        "account": shop,
        "report_type": ALL_ORDERS,
        "marketplace": "US",
        "source": "upload",
        "status": "loaded",
        "rows": NO_ROWS | {"read": 3, "new": 3},
        "problem": None,
        "warnings": [],
        "encoding": "utf-8",
        "encoding_reason": "Every byte of the document is valid UTF-8.",
        "sha256": hashlib.sha256(DOCUMENT).hexdigest(),
        "size": len(DOCUMENT),
        **NOTHING_MORE,
        "duplicate": False,
    }


def test_rejected_report_says_why_as_problem(nord: Client, shelf: str) -> None:
    report = nord.load(shelf, b"")

    assert (report["status"], report["loaded_at"], report["rows"]) == ("rejected", None, NO_ROWS)
    assert set(report["problem"]) == {"type", "title", "detail"}
    assert report["problem"]["type"] == "/problems/empty-document"


def test_same_bytes_again_answer_first_report_as_it_is_now(acme: Client, shop: str) -> None:
    loaded = acme.load(shop, DOCUMENT)

    again = acme.send(shop, DOCUMENT)

    assert (again.status_code, again["Location"]) == (200, f"/v1/reports/{loaded['id']}")
    assert again.json() == loaded | {"duplicate": True}
    assert acme.read(f"/v1/reports/{loaded['id']}") == loaded


@pytest.mark.parametrize(
    ("fields", "marketplace", "report_type"),
    [
        ({}, "GB", None),
        ({"marketplace": "DE"}, "DE", None),
        ({"report_type": ALL_ORDERS}, "GB", ALL_ORDERS),
        ({"report_type": "claims_and_chargebacks", "marketplace": "JP"}, "JP", "claims_and_chargebacks"),
    ],
)
def test_stated_type_and_marketplace_are_stored(
    acme: Client, fields: dict[str, str], marketplace: str, report_type: str | None
) -> None:
    british = acme.take_on(home="GB")

    report = acme.send(british, DOCUMENT, **fields).json()

    assert (report["marketplace"], report["report_type"]) == (marketplace, report_type)


def test_rows_posted_are_report_of_their_own(acme: Client, shop: str) -> None:
    rows = [build.defect(order=build.order_id(n)) for n in (1, 2)]

    response = acme.post(f"/v1/accounts/{shop}/defects", {"defects": rows}, format="json")

    report = response.json()
    assert (response.status_code, response["Location"]) == (202, f"/v1/reports/{report['id']}")
    assert (report["source"], report["report_type"], report["status"]) == ("json", "defects", "queued")
    assert (report["account"], report["duplicate"], report["rows"]) == (shop, False, NO_ROWS)


def test_later_row_changes_state_of_same_defect(acme: Client, shop: str) -> None:
    acme.load(shop, DOCUMENT)
    claim = {"kind": "a_to_z_claim", "reference": "C1"}
    first = acme.post_defects(shop, build.defect(order=build.order_id(1), state="pending", **claim))
    counted = acme.odr(shop)["numerator"]

    second = acme.post_defects(shop, build.defect(order=build.order_id(1), state="withdrawn", **claim))

    assert first["rows"] == NO_ROWS | {"read": 1, "new": 1}
    assert second["rows"] == NO_ROWS | {"read": 1, "changed": 1}
    assert (counted, acme.odr(shop)["numerator"]) == (1, 0)


def test_reports_are_listed_newest_first_page_by_page(acme: Client, shop: str) -> None:
    sent = [acme.send(shop, bytes([n])).json()["id"] for n in range(5)]
    acme.send(acme.take_on(partner="A2OTHER"), DOCUMENT)

    listed = pages(acme, f"/v1/accounts/{shop}/reports", limit=2)

    assert [[report["id"] for report in page] for page in listed] == [sent[:2:-1], sent[2:0:-1], sent[:1]]


def test_listed_report_is_report(acme: Client, shop: str) -> None:
    loaded = acme.load(shop, DOCUMENT)

    assert acme.read(f"/v1/accounts/{shop}/reports") == {"data": [loaded], "next_cursor": None}


def test_report_that_arrives_between_two_pages_moves_none(acme: Client, shop: str) -> None:
    sent = [acme.send(shop, bytes([n])).json()["id"] for n in range(4)]
    path = f"/v1/accounts/{shop}/reports"
    first = acme.read(path, limit=2)
    acme.send(shop, DOCUMENT)

    second = acme.read(path, limit=2, cursor=first["next_cursor"])

    assert [report["id"] for report in first["data"] + second["data"]] == sent[::-1]


def test_rejected_rows_are_listed_by_line_page_by_page(acme: Client, shop: str) -> None:
    rows = build.orders_on(ORDERED, count=9)
    bad = [row | {"order-status": "Lost"} if n % 2 else row for n, row in enumerate(rows)]
    report = acme.load(shop, build.orders_file(bad))

    listed = pages(acme, f"/v1/reports/{report['id']}/rejected-rows", limit=3)

    assert [[row["line"] for row in page] for page in listed] == [[3, 5, 7], [9]]
    assert listed[1] == [
        {
            "line": 9,
            "reason": "`order-status`: 'Lost' is not a known status; expected one of "
            "Pending, Unshipped, Shipping, Shipped, Complete, Cancelled.",
        }
    ]


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(DOCUMENT, id="a report"),
        pytest.param(gzip.compress(DOCUMENT), id="gzip"),
        pytest.param(DOCUMENT.replace(b"\r\n", b"\r"), id="old line ends"),
        pytest.param(bytes(range(256)) * 1000, id="any bytes"),
        pytest.param(b"", id="none"),
    ],
)
def test_document_is_downloaded_byte_for_byte(acme: Client, shop: str, document: bytes) -> None:
    report = acme.load(shop, document)

    response = acme.get(f"/v1/reports/{report['id']}/document")

    assert b"".join(response.streaming_content) == document  # type: ignore[attr-defined]
    assert (response.status_code, response["Content-Type"]) == (200, "application/octet-stream")
    assert response["Content-Disposition"] == f'attachment; filename="{report["id"]}"'
    assert response["Content-Length"] == str(len(document))
    assert "Content-Encoding" not in response


def test_posted_rows_are_downloaded_as_json(acme: Client, shop: str) -> None:
    row = build.defect(order=build.order_id(1), reference="Ω", funded_by="amazon")
    report = acme.post_defects(shop, row)

    response = acme.get(f"/v1/reports/{report['id']}/document")

    assert json.loads(b"".join(response.streaming_content)) == {"defects": [row]}  # type: ignore[attr-defined]


@pytest.fixture
def owned(acme: Client, shop: str) -> dict[str, str]:
    """Return an account of acme and its report."""
    return {"account": shop, "report": acme.send(shop, DOCUMENT).json()["id"]}


@pytest.mark.parametrize("whose", ["acme's", "nobody's"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/v1/accounts/{account}/reports"),
        ("post", "/v1/accounts/{account}/reports"),
        ("post", "/v1/accounts/{account}/defects"),
        ("get", "/v1/reports/{report}"),
        ("get", "/v1/reports/{report}/rejected-rows"),
        ("get", "/v1/reports/{report}/document"),
    ],
)
def test_report_of_other_agency_is_not_found(
    rival: Client, owned: dict[str, str], whose: str, method: str, path: str
) -> None:
    nobody_s = {"account": f"acct_{'a' * 32}", "report": f"rpt_{'a' * 32}"}

    response = getattr(rival, method)(path.format(**owned if whose == "acme's" else nobody_s))

    resource = "report" if "{report}" in path else "account"
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")
    assert response.json()["detail"] == f"No {resource} has this ID."


def test_reports_of_deleted_account_are_not_found(acme: Client, shop: str) -> None:
    report = acme.load(shop, DOCUMENT)
    acme.delete(f"/v1/accounts/{shop}")

    statuses = [
        acme.get(f"/v1/reports/{report['id']}{path}").status_code
        for path in ("", "/document", "/rejected-rows")
    ]

    assert statuses == [404, 404, 404]
    assert acme.send(shop, DOCUMENT).status_code == 404


FEEDBACK = build.feedback_file(
    [build.feedback_row(order=build.order_id(1), on=f"{NOW - timedelta(days=9):%m/%d/%y}")]
)
TODAY = NOW.date()


def days(first: int, last: int) -> dict[str, str]:
    """Return a period between these numbers of days ago."""
    return {"period_from": str(TODAY - timedelta(days=first)), "period_to": str(TODAY - timedelta(days=last))}


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_comments_and_addresses_are_redacted_in_what_is_downloaded(
    acme: Client, shop: str, pack: Any
) -> None:
    document = pack(FEEDBACK)
    report = acme.load(shop, document)

    response = acme.get(f"/v1/reports/{report['id']}/document")

    content = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    plain = gzip.decompress(content) if pack is gzip.compress else content
    assert plain == FEEDBACK.replace(b"never arrived", b"").replace(b"x1y2z3@marketplace.amazon.com", b"")
    assert (report["status"], report["rows"]["new"]) == ("loaded", 1)
    assert report["blanked_columns"] == ["Comments", "Your Response", "Rater Email"]
    assert report["sha256"] == hashlib.sha256(document).hexdigest()
    assert report["size"] == len(document)


def test_agency_may_choose_to_keep_documents_as_they_are_received(acme: Client, shop: str) -> None:
    acme.patch("/v1/agency", {"keeps_personal_columns": True}, format="json")

    report = acme.load(shop, FEEDBACK)

    response = acme.get(f"/v1/reports/{report['id']}/document")
    assert b"".join(response.streaming_content) == FEEDBACK  # type: ignore[attr-defined]
    assert report["blanked_columns"] == []


@pytest.mark.parametrize(
    ("period", "used"),
    [(days(30, 1), True), (days(0, 0), False), (days(0, -1), False), (days(3 * 366 - 1, 0), True)],
)
def test_period_is_shown_as_it_was_stated(
    acme: Client, shop: str, period: dict[str, str], used: bool
) -> None:
    report = acme.load(shop, FEEDBACK, **period)

    assert {name: report[name] for name in period} == period
    assert (report["status"], report["warnings"][:-1]) == (
        "loaded",
        [] if used else [PERIOD_INCOMPLETE],
    )
    assert "orders in this document are not loaded" in report["warnings"][-1]


@pytest.mark.parametrize(
    ("period", "pointer"),
    [
        ({"period_from": str(TODAY)}, "/period_to"),
        ({"period_to": str(TODAY)}, "/period_from"),
        (days(1, 2), "/period_to"),
        (days(1, -3), "/period_to"),
        (days(3 * 366, 0), "/period_from"),
        ({"period_from": "10/01/2026", "period_to": str(TODAY)}, "/period_from"),
        ({"period_from": "2026-02-30", "period_to": str(TODAY)}, "/period_from"),
    ],
)
def test_wrong_period_is_pointed_at(nord: Client, shelf: str, period: dict[str, str], pointer: str) -> None:
    response = nord.send(shelf, FEEDBACK, **period)

    assert response.status_code in {400, 409}
    assert response.json()["errors"][0]["pointer"] == pointer
    assert nord.read(f"/v1/accounts/{shelf}/reports")["data"] == []


def test_period_means_nothing_for_other_documents_and_their_report_says_so(acme: Client, shop: str) -> None:
    report = acme.load(shop, DOCUMENT, **days(30, 1))

    assert report["warnings"] == ["The period was ignored: this report type does not use one."]


def test_document_is_loaded_again_once_its_period_is_published(acme: Client, shop: str) -> None:
    first = acme.load(shop, FEEDBACK)

    again = acme.load(shop, FEEDBACK, **days(30, 1))

    assert (again["id"], again["status"], again["rows"]["read"]) == (first["id"], "loaded", 1)
    assert {name: again[name] for name in days(30, 1)} == days(30, 1)
    assert acme.send(shop, FEEDBACK, **days(20, 1)).json() == again | {"duplicate": True}
