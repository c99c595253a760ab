"""Test headers of responses: ETags and 304, rate limits, and caching."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client as Stranger
from limits import parse
from pytest_django.fixtures import Settings

from accounts.models import ApiKey
from accounts.requests import rate_limit_store
from accounts.tenancy import context
from tests import build
from tests.client import Client
from tests.conftest import NOON


@pytest.fixture
def limited(settings: Settings) -> Settings:
    rate_limit_store.Outage.until = 0.0
    settings.RATE_LIMIT_BEARER, settings.RATE_LIMIT_AGENCY = parse("4/minute"), parse("100/minute")
    settings.RATE_LIMIT_FAILURES = parse("3/minute")
    return settings


def test_response_has_remaining_quota(acme: Client, limited: Settings) -> None:
    responses = [acme.get(path) for path in ("/v1/me", "/v1/accounts/acct_unknown")] + [
        acme.put("/v1/accounts")
    ]

    assert [answer.status_code for answer in responses] == [200, 404, 405]
    assert {answer["RateLimit-Policy"] for answer in responses} == {'"bearer";q=4;w=60, "agency";q=100;w=60'}
    assert [answer["RateLimit"].partition(";t=")[0] for answer in responses] == [
        '"bearer";r=3',
        '"bearer";r=2',
        '"bearer";r=1',
    ]


def test_rate_limited_response_has_retry_after(acme: Client, rival: Client, limited: Settings) -> None:
    responses = [acme.get("/v1/me") for _ in range(6)]

    assert [answer.status_code for answer in responses] == [200] * 4 + [429] * 2
    refused = responses[-1]
    assert (refused["Content-Type"], refused.json()["type"]) == (
        "application/problem+json",
        "/problems/throttled",
    )
    assert 0 < int(refused["Retry-After"]) <= 76
    assert '"bearer";r=0;t=' in refused["RateLimit"]
    assert rival.get("/v1/me").status_code == 200


@pytest.mark.parametrize(
    ("path", "cost"),
    [
        ("/v1/me", 1),
        ("/v1/portfolio", 5),
        ("/v1/accounts/{account}/metrics", 1),
        ("/v1/accounts/{account}/unmatched-defects", 2),
        ("/v1/accounts/{account}/metrics/order_defect_rate/orders", 2),
        ("/v1/accounts/{account}/metrics/order_defect_rate/history", 1),
        ("/v1/accounts/{account}/metrics/order_defect_rate/history?from=2026-01-01&to=2026-03-31", 1),
        ("/v1/accounts/{account}/metrics/order_defect_rate/history?from=2026-01-01&to=2026-04-01", 2),
        ("/v1/accounts/{account}/metrics/order_defect_rate/history?from=2025-04-02&to=2026-04-01", 5),
        ("/v1/accounts/{account}/metrics/order_defect_rate/history?from=2023-04-02&to=2026-04-01", 13),
        # Refused.
        ("/v1/accounts/{account}/metrics/order_defect_rate/history?from=1023-04-02&to=2026-04-01", 1),
        ("/v1/accounts/{account}/metrics/order_defect_rate/history?from=2026-04-01&to=2026-01-01", 1),
        ("/v1/accounts/{account}/metrics/order_defect_rate/history?from=yesterday", 1),
        ("/v1/exports", 1),
    ],
)
def test_remaining_quota_falls_by_the_cost_of_a_request(
    acme: Client, limited: Settings, path: str, cost: int
) -> None:
    account = acme.take_on()
    limited.RATE_LIMIT_BEARER = parse("100/hour")

    response = acme.get(path.format(account=account))

    assert f'"bearer";r={100 - cost};t=' in response["RateLimit"]


def test_rate_limit_counts_uploads_and_writes(acme: Client, limited: Settings) -> None:
    shop = acme.take_on()
    acme.patch(f"/v1/accounts/{shop}", {"name": "New"}, format="json")
    acme.send(shop, build.orders_file([build.order_row()]))
    acme.send(shop, b"nothing")

    assert acme.delete(f"/v1/accounts/{shop}").status_code == 429


def test_response_without_limits_or_key_has_no_quota(acme: Client) -> None:
    responses = [acme.get("/v1/me"), Stranger().get("/v1/me"), Stranger().get("/healthz")]

    assert not any("RateLimit" in answer or "RateLimit-Policy" in answer for answer in responses)


def test_requests_are_served_without_rate_limit_store(acme: Client, limited: Settings) -> None:
    limited.CACHE_URL = "redis://127.0.0.1:1/0"

    responses = [acme.get("/v1/me") for _ in range(8)]
    rate_limit_store.Outage.until = 0.0

    assert [answer.status_code for answer in responses] == [200] * 8
    assert "RateLimit" not in responses[0]


def wrong(address: str, text: str = "uo_live_" + "x" * 12 + "_" + "y" * 43) -> Any:
    return Stranger().get("/v1/me", headers={"authorization": f"Bearer {text}"}, REMOTE_ADDR=address)


def test_address_with_many_invalid_keys_is_refused_except_valid_key(acme: Client, limited: Settings) -> None:
    address = f"198.51.100.{time.time_ns() % 250}"
    limited.RATE_LIMIT_BEARER = None
    tried = [wrong(address) for _ in range(5)]

    right = acme.get("/v1/me", REMOTE_ADDR=address)
    elsewhere = wrong("203.0.113.77")

    assert [answer.status_code for answer in tried] == [401, 401, 401, 429, 429]
    assert tried[-1]["Retry-After"] == "31"
    assert (right.status_code, elsewhere.status_code) == (200, 401)


def test_request_without_key_is_no_failure(limited: Settings, db: None) -> None:
    responses = [Stranger().get("/v1/me", REMOTE_ADDR="198.51.100.251") for _ in range(6)]

    assert {answer.status_code for answer in responses} == {401}


@pytest.mark.parametrize("method", ["get", "head"])
def test_known_etag_returns_304(acme: Client, shop: str, method: str) -> None:
    path = f"/v1/accounts/{shop}"
    first = acme.get(path)

    again = getattr(acme, method)(path, HTTP_IF_NONE_MATCH=first["ETag"])
    changed = acme.patch(path, {"name": "New"}, format="json") and getattr(acme, method)(
        path, HTTP_IF_NONE_MATCH=first["ETag"]
    )

    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert (again["Vary"], again["Cache-Control"]) == (first["Vary"], first["Cache-Control"])
    assert (changed.status_code, changed["ETag"] != first["ETag"]) == (200, True)


@pytest.mark.parametrize("tag", ['"x", {}', "W/{}", "*", '"x",{} , "y"'])
def test_etag_is_found_in_list(acme: Client, shop: str, tag: str) -> None:
    first = acme.get(f"/v1/accounts/{shop}")["ETag"]

    assert acme.get(f"/v1/accounts/{shop}", HTTP_IF_NONE_MATCH=tag.format(first)).status_code == 304


@pytest.mark.parametrize("tag", ["", '"x"', "x", "W/", ","])
def test_other_etag_returns_response(acme: Client, shop: str, tag: str) -> None:
    assert acme.get(f"/v1/accounts/{shop}", HTTP_IF_NONE_MATCH=tag).status_code == 200


def test_etag_differs_by_format_and_language(acme: Client, shop: str) -> None:
    acme.load(shop, build.orders_file(build.orders_on(build.days_ago(30), count=5)))
    path = f"/v1/accounts/{shop}/metrics"

    english, chinese = acme.get(path), acme.get(path, HTTP_ACCEPT_LANGUAGE="zh-hans")
    table, rows = acme.get("/v1/accounts", HTTP_ACCEPT="text/csv"), acme.get("/v1/accounts")

    assert english["ETag"] != chinese["ETag"]
    assert table["ETag"] != rows["ETag"]
    assert {"Accept", "Accept-Language", "Accept-Encoding", "Authorization"} <= set(table["Vary"].split(", "))


def test_head_equals_get_without_body(acme: Client, shop: str) -> None:
    for path in ("/v1/accounts", f"/v1/accounts/{shop}", "/v1/me", "/healthz"):
        get, head = acme.get(path), acme.head(path)

        assert (head.status_code, head.content) == (200, b"")
        assert {name: head[name] for name in ("ETag", "Content-Type", "Vary")} == {
            name: get[name] for name in ("ETag", "Content-Type", "Vary")
        }


def test_document_has_etag_until_deleted(acme: Client, shop: str) -> None:
    report = acme.load(shop, build.orders_file([build.order_row()]))
    path = f"/v1/reports/{report['id']}/document"

    first = acme.get(path)
    document = first.getvalue()

    assert acme.get(path, HTTP_IF_NONE_MATCH=first["ETag"]).status_code == 304
    assert acme.get(path, HTTP_IF_NONE_MATCH='"x"').getvalue() == document


def test_reads_are_cacheable_privately_and_writes_are_not(acme: Client, shop: str) -> None:
    reads = [acme.get("/v1/me"), acme.get(f"/v1/accounts/{shop}")]
    created = acme.post("/v1/webhook-endpoints", {"url": "https://hooks.example.com/in"}, format="json")
    refused = [acme.get("/v1/accounts/acct_unknown"), Stranger().get("/v1/me"), Stranger().get("/nowhere")]

    assert {answer["Cache-Control"] for answer in reads} == {"private, no-cache"}
    assert {answer["Cache-Control"] for answer in (created, *refused)} == {"no-store"}


@pytest.mark.parametrize(
    ("ask", "status"),
    [
        (lambda client: client.get("/v1/accounts/acct_unknown"), 404),
        (lambda client: client.post("/v1/accounts", {}, format="json"), 400),
        (lambda client: client.put("/v1/accounts"), 405),
    ],
)
def test_refused_request_uses_rate_limit(acme: Client, ask: Callable[[Client], Any], status: int) -> None:
    with context.agency(acme.agency.pk):
        ApiKey.objects.update(last_used_at=NOON)

    response = ask(acme)

    with context.agency(acme.agency.pk):
        (used,) = ApiKey.objects.values_list("last_used_at", flat=True)
    assert response.status_code == status
    assert used is not None
    assert used > NOON
