"""Test API4:2023 Unrestricted Resource Consumption: limits of pages, bodies, depth, ranges and archives."""

import gzip
import json
import time

import pytest
from django.conf import LazySettings, settings

from tests import build
from tests.architecture.operations import OPERATIONS
from tests.client import Client

PAGED = [
    each
    for each in OPERATIONS
    if each.method == "GET" and {"limit", "cursor"} <= set(each.parameters) and not each.names
]


@pytest.mark.parametrize("operation", PAGED, ids=str)
@pytest.mark.parametrize("limit", ["201", "1000000", "0", "-1", "1e3", "9" * 5000])
def test_page_has_at_most_200_rows(acme: Client, operation: object, limit: str) -> None:
    assert acme.get(str(operation).partition(" ")[2], {"limit": limit}).status_code == 400


def test_body_size_is_limited(acme: Client) -> None:
    body = b'{"name": "' + b"x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE + b'"}'

    assert acme.generic("POST", "/v1/accounts", body, content_type="application/json").status_code == 413


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 100_000, "[" * 20_000 + "]" * 20_000])
def test_body_depth_is_limited(acme: Client, body: str) -> None:
    assert acme.generic("POST", "/v1/accounts", body, content_type="application/json").status_code == 400


def test_number_length_is_limited(acme: Client) -> None:
    body = '{"metric": "return_rate", "warn_at": ' + "9" * 1_000_000 + "}"
    began = time.thread_time()

    response = acme.generic("PUT", "/v1/thresholds", body, content_type="application/json")

    assert time.thread_time() - began < 0.5
    assert response.status_code == 400
    assert response.json()["detail"] == "JSON parse error - a number has too many digits."


def test_history_range_is_limited(acme: Client, shop: str) -> None:
    params = {"from": "2000-01-01"}

    assert acme.get(f"/v1/accounts/{shop}/metrics/order_defect_rate/history", params).status_code == 409


def test_decompression_bomb_is_refused(acme: Client, shop: str, settings: LazySettings) -> None:
    settings.REPORT_MAX_BYTES = 1024**2
    bomb = gzip.compress(build.orders_file([build.order_row()]) + b"\n" * 50 * 1024**2)

    report = acme.load(shop, bomb)

    assert report["status"] == "rejected"


def test_rows_are_counted_before_parsing(acme: Client, shop: str) -> None:
    rows = [build.defect(order=build.order_id(1))] * (settings.DEFECTS_MAX_ROWS + 1)

    response = acme.generic(
        "POST", f"/v1/accounts/{shop}/defects", json.dumps({"defects": rows}), content_type="application/json"
    )

    assert response.status_code == 400


def test_document_may_not_unpack_to_far_more_than_its_size(acme: Client, shop: str) -> None:
    bomb = gzip.compress(build.orders_file([build.order_row()]) + b"\n" * 17 * 1024**2)

    report = acme.load(shop, bomb)

    assert report["status"] == "rejected"
    assert report["problem"]["type"] == "/problems/compression-ratio"


@pytest.mark.parametrize("row", [{}, {"order_id": "x"}, 1, {"order_id": ["x"]}])
def test_many_invalid_rows_cost_little(acme: Client, shop: str, row: object) -> None:
    body = json.dumps({"defects": [row] * settings.DEFECTS_MAX_ROWS})
    began = time.thread_time()

    response = acme.generic("POST", f"/v1/accounts/{shop}/defects", body, content_type="application/json")

    assert (response.status_code, len(response.json()["errors"])) == (400, 100)
    assert time.thread_time() - began < 0.8


def test_many_unknown_fields_cost_little(acme: Client, shop: str) -> None:
    body = json.dumps({f"field{number}": number for number in range(300_000)})
    began = time.thread_time()

    response = acme.generic("PATCH", f"/v1/accounts/{shop}", body, content_type="application/json")

    assert (response.status_code, len(response.json()["errors"])) == (400, 100)
    assert response.json()["detail"].endswith("and more errors, which are not listed")
    assert time.thread_time() - began < 3


def test_bulk_create_has_at_most_500_rows(acme: Client) -> None:
    assert acme.post("/v1/accounts/bulk", {"accounts": [{}] * 501}, format="json").status_code == 400
