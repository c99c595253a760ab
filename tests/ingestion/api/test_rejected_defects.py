"""Test that invalid defects are pointed at and that no row is loaded then."""

import json
from typing import Any

import pytest
from django.conf import settings

from accounts.tenancy import context
from metrics.models import Defect, PastDefect
from tests import build
from tests.client import Client
from tests.ingestion.database_state import contents, pointers, reports_of

GOOD = {
    "order_id": build.order_id(7),
    "kind": "a_to_z_claim",
    "state": "pending",
    "occurred_on": "2026-10-20",
}
POSTED = GOOD | {"kind": "feedback", "state": "posted", "rating": 1}
HUGE = int("9" * 4_000)


@pytest.mark.parametrize(
    ("row", "pointer"),
    [
        (GOOD | {"order_id": "1234"}, "/order_id"),
        (GOOD | {"order_id": ""}, "/order_id"),
        (GOOD | {"order_id": None}, "/order_id"),
        (GOOD | {"order_id": 17}, "/order_id"),
        (GOOD | {"order_id": [build.order_id(7)]}, "/order_id"),
        (GOOD | {"order_id": {"id": build.order_id(7)}}, "/order_id"),
        (GOOD | {"order_id": f" {build.order_id(7)}"}, "/order_id"),
        (GOOD | {"order_id": f"{build.order_id(7)}\n"}, "/order_id"),
        (GOOD | {"reference": "r" * 64 + " "}, "/reference"),
        (GOOD | {"order_id": "１01-0000001-0000001"}, "/order_id"),
        ({name: GOOD[name] for name in ("kind", "state", "occurred_on")}, "/order_id"),
        (GOOD | {"kind": "return"}, "/kind"),
        (GOOD | {"kind": True}, "/kind"),
        (GOOD | {"kind": "x" * 200}, "/kind"),
        ({name: GOOD[name] for name in ("order_id", "state", "occurred_on")}, "/kind"),
        (GOOD | {"state": "service"}, "/state"),
        (GOOD | {"state": "posted"}, "/state"),
        (GOOD | {"state": None}, "/state"),
        (GOOD | {"kind": "chargeback", "state": "pending"}, "/state"),
        ({name: GOOD[name] for name in ("order_id", "kind", "occurred_on")}, "/state"),
        (GOOD | {"updated_at": "2099-01-01T00:00:00Z"}, "/updated_at"),
        (GOOD | {"occurred_on": "20.10.2026"}, "/occurred_on"),
        (GOOD | {"occurred_on": "2026-02-30"}, "/occurred_on"),
        (GOOD | {"occurred_on": "0001-01-01"}, "/occurred_on"),
        (GOOD | {"occurred_on": 20261020}, "/occurred_on"),
        (GOOD | {"occurred_on": None}, "/occurred_on"),
        ({name: GOOD[name] for name in ("order_id", "kind", "state")}, "/occurred_on"),
        (GOOD | {"rating": 9}, "/rating"),
        (POSTED | {"rating": None}, "/rating"),
        (POSTED | {"rating": 0}, "/rating"),
        (POSTED | {"rating": -1}, "/rating"),
        (POSTED | {"rating": 1.5}, "/rating"),
        (POSTED | {"rating": True}, "/rating"),
        (POSTED | {"rating": "five"}, "/rating"),
        (POSTED | {"rating": [1]}, "/rating"),
        (POSTED | {"rating": HUGE}, "/rating"),
        (POSTED | {"rating": -HUGE}, "/rating"),
        (POSTED | {"rating": 1e308}, "/rating"),
        ({name: POSTED[name] for name in GOOD}, "/rating"),
        (GOOD | {"updated_at": "soon"}, "/updated_at"),
        (GOOD | {"updated_at": 1_790_000_000}, "/updated_at"),
        (GOOD | {"updated_at": "0001-01-01T00:00:00+14:00"}, "/updated_at"),
        (GOOD | {"updated_at": "9999-12-31T23:59:59-12:00"}, "/updated_at"),
        (GOOD | {"reference": "x" * 65}, "/reference"),
        (GOOD | {"reference": 7}, "/reference"),
        (GOOD | {"reference": "a\0b"}, "/reference"),
        (GOOD | {"reference": "\ud800"}, "/reference"),
        (GOOD | {"funded_by": "buyer"}, "/funded_by"),
        (GOOD | {"funded_by": {}}, "/funded_by"),
        (GOOD | {"reason_code": ""}, "/reason_code"),
        (GOOD | {"reason_code": "it broke"}, "/reason_code"),
        (GOOD | {"reason_code": "CR-"}, "/reason_code"),
        (GOOD | {"reason_code": "A--B"}, "/reason_code"),
        (GOOD | {"reason_code": "x" * 41}, "/reason_code"),
        (GOOD | {"reason_code": 7.5}, "/reason_code"),
        ("junk", ""),
        (None, ""),
        (7, ""),
        ([], ""),
        ([[[[[GOOD]]]]], ""),
    ],
)
def test_wrong_row_is_pointed_at_and_no_row_is_loaded(
    acme: Client, shop: str, row: Any, pointer: str
) -> None:
    before = contents(acme), reports_of(acme, shop)
    body = json.dumps({"defects": [GOOD, GOOD, GOOD, row, GOOD]})

    response = acme.generic("POST", f"/v1/accounts/{shop}/defects", body, content_type="application/json")

    assert pointers(response) == [f"/defects/3{pointer}"]
    assert (contents(acme), reports_of(acme, shop)) == before


def test_whole_number_of_stars_may_be_written_with_point(acme: Client, shop: str) -> None:
    report = acme.post_defects(shop, POSTED | {"rating": 2.0})

    assert (report["status"], report["rows"]["new"], report["rows"]["rejected"]) == ("loaded", 1, 0)


def test_reason_code_is_stored_and_its_change_is_a_change(acme: Client, shop: str) -> None:
    counts = []
    for reason in ("CR-never_arrived", "NEVER_ARRIVED", None, "x-1" + "2" * 37):
        rows = acme.post_defects(shop, GOOD | {"reason_code": reason})["rows"]
        counts.append((rows["new"], rows["changed"], rows["unchanged"]))

    assert counts == [(1, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 0)]
    with context.agency(acme.agency.pk):
        assert Defect.objects.get().reason_code == "X-1" + "2" * 37
        past = PastDefect.objects.order_by("recorded_at").values_list("reason_code", flat=True)
        assert list(past) == ["NEVER_ARRIVED", ""]


def test_row_that_says_nothing_lacks_everything(acme: Client, shop: str) -> None:
    response = acme.post(f"/v1/accounts/{shop}/defects", {"defects": [GOOD, {}]}, format="json")

    assert pointers(response) == [
        f"/defects/1/{name}" for name in ("order_id", "kind", "occurred_on", "state")
    ]


def test_invalid_defect_rows_are_all_pointed_at(acme: Client, shop: str) -> None:
    rows = [GOOD, GOOD | {"state": "lost"}, "junk", GOOD | {"order_id": ""}]

    response = acme.post(f"/v1/accounts/{shop}/defects", {"defects": rows}, format="json")

    assert pointers(response) == ["/defects/1/state", "/defects/2", "/defects/3/order_id"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        [GOOD],
        "defects",
        None,
        7,
        {"defects": None},
        {"defects": {}},
        {"defects": []},
        {"defects": "x"},
        GOOD,
    ],
)
def test_body_that_is_no_list_of_defects_is_pointed_at(acme: Client, shop: str, body: Any) -> None:
    response = acme.generic(
        "POST", f"/v1/accounts/{shop}/defects", json.dumps(body), content_type="application/json"
    )

    assert pointers(response) == ["/defects"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"defects": [NaN]}',
        b'{"defects": [{"rating": Infinity}]}',
        b'{"defects": [{"rating": ' + b"9" * 5_000 + b"}]}",
        b'{"defects": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b'{"defects": [' + b'{"order_id":' * 5_000,
        b'{"defects": [{"order_id": "\xff"}]}',
        b"\x00\x01\x02",
    ],
    ids=[
        "empty",
        "open",
        "NaN",
        "Infinity",
        "huge number",
        "nested lists",
        "nested objects",
        "no UTF-8",
        "binary",
    ],
)
def test_body_that_is_no_json_is_rejected(acme: Client, shop: str, body: bytes) -> None:
    before = contents(acme), reports_of(acme, shop)

    response = acme.generic("POST", f"/v1/accounts/{shop}/defects", body, content_type="application/json")

    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
    assert (contents(acme), reports_of(acme, shop)) == before


def test_defect_rows_are_limited_to_ten_thousand(acme: Client, shop: str) -> None:
    rows = [GOOD | {"order_id": build.order_id(n)} for n in range(10_001)]
    before = reports_of(acme, shop)

    refused = acme.post(f"/v1/accounts/{shop}/defects", {"defects": rows}, format="json")

    assert pointers(refused) == ["/defects"]
    assert reports_of(acme, shop) == before

    report = acme.post_defects(shop, *rows[1:])

    assert (report["status"], report["rows"]["read"]) == ("loaded", 10_000)


def test_body_of_many_megabytes_is_rejected(acme: Client, shop: str) -> None:
    body = b'{"defects": [' + b" " * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1) + b"]}"

    response = acme.generic("POST", f"/v1/accounts/{shop}/defects", body, content_type="application/json")

    assert (response.status_code, response["Content-Type"]) == (413, "application/problem+json")


def test_unknown_fields_are_not_stored(acme: Client, shop: str) -> None:
    report = acme.post_defects(shop, GOOD | {"buyer_name": "Jane Roe", "rating": None})

    document = acme.get(f"/v1/reports/{report['id']}/document").getvalue()
    assert json.loads(document) == {"defects": [GOOD | {"rating": None}]}
