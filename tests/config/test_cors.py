"""Test which web pages may send requests and read responses."""

from typing import Any

import pytest
from django.test import Client as Stranger

from accounts.agencies import lifecycle as agencies
from accounts.tenancy import context
from tests.client import Client
from tests.conftest import NOON

MINE, THEIRS, UNKNOWN = "https://app.acme.example", "https://app.rival.example", "https://evil.example"
ALLOWED = "Access-Control-Allow-Origin"


@pytest.fixture
def agencies_with_origins(acme: Client, rival: Client) -> None:
    for client, origin in ((acme, MINE), (rival, THEIRS)):
        assert client.patch("/v1/agency", {"allowed_origins": [origin]}, format="json").status_code == 200
    context.set_agency(None)


def preflight(path: str, origin: str, method: str = "GET") -> Any:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization",
    }
    return Stranger().options(path, headers=headers)


@pytest.mark.usefixtures("agencies_with_origins")
@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (MINE, True),
        (THEIRS, True),
        (UNKNOWN, False),
        ("http://app.acme.example", False),
        ("https://app.acme.example:8443", False),
        ("https://app.acme.example.evil.example", False),
        ("https://evil.example/https://app.acme.example", False),
        ("null", False),
        ("*", False),
        ("https://[", False),
        ("x" * 5000, False),
    ],
)
@pytest.mark.parametrize("path", ["/v1/accounts", "/v1/tokens", "/v1/accounts/acct_x/reports"])
def test_preflight_allows_origin_of_any_agency(path: str, origin: str, allowed: bool) -> None:
    response = preflight(path, origin, "POST")

    assert response.status_code == 200
    assert response.headers.get(ALLOWED) == (origin if allowed else None)
    assert "Access-Control-Allow-Credentials" not in response.headers
    assert "origin" in response["Vary"].lower()
    if allowed:
        assert {"authorization", "idempotency-key", "if-none-match"} <= set(
            response["Access-Control-Allow-Headers"].split(", ")
        )
        assert {"GET", "POST", "PATCH", "PUT", "DELETE"} <= set(
            response["Access-Control-Allow-Methods"].split(", ")
        )
        assert response["Access-Control-Max-Age"] == "600"


@pytest.mark.usefixtures("agencies_with_origins")
@pytest.mark.parametrize(
    ("origin", "allowed"), [(MINE, True), (THEIRS, False), (UNKNOWN, False), ("null", False)]
)
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        *(
            ("get", "/v1/accounts", 200),
            ("get", "/v1/accounts/acct_x", 404),
            ("get", "/v1/accounts?limit=x", 400),
        ),
        *(("put", "/v1/accounts", 405), ("post", "/v1/tokens", 201)),
    ],
)
def test_response_allows_origins_of_own_agency_only(
    acme: Client, origin: str, allowed: bool, method: str, path: str, status: int
) -> None:
    response = getattr(acme, method)(path, headers={"Origin": origin})

    assert response.status_code == status
    assert response.headers.get(ALLOWED) == (origin if allowed else None)
    if allowed:
        assert {"X-Request-Id", "ETag", "Link", "Location", "Retry-After"} <= set(
            response["Access-Control-Expose-Headers"].split(", ")
        )


@pytest.mark.usefixtures("agencies_with_origins")
def test_response_to_token_allows_origin_like_its_key(acme: Client) -> None:
    browser = Client(acme.agency, acme.post("/v1/tokens", {}, format="json").json()["token"])

    responses = [browser.get("/v1/accounts", headers={"Origin": origin}) for origin in (MINE, THEIRS)]
    refused = browser.get("/v1/api-keys", headers={"Origin": MINE})

    assert [answer.headers.get(ALLOWED) for answer in responses] == [MINE, None]
    assert (refused.status_code, refused.headers.get(ALLOWED)) == (403, MINE)


@pytest.mark.usefixtures("agencies_with_origins")
@pytest.mark.parametrize(("origin", "allowed"), [(MINE, True), (THEIRS, True), (UNKNOWN, False)])
def test_refusal_of_key_is_readable_by_page(origin: str, allowed: bool) -> None:
    response = Stranger().get(
        "/v1/accounts", headers={"Origin": origin, "Authorization": "Bearer uo_tok_nonsense"}
    )

    assert response.status_code == 401
    assert response.headers.get(ALLOWED) == (origin if allowed else None)


@pytest.mark.usefixtures("agencies_with_origins")
def test_removed_origin_is_not_allowed(acme: Client) -> None:
    acme.patch("/v1/agency", {"allowed_origins": []}, format="json")
    context.set_agency(None)

    assert ALLOWED not in preflight("/v1/accounts", MINE).headers
    assert ALLOWED not in acme.get("/v1/accounts", headers={"Origin": MINE}).headers


@pytest.mark.usefixtures("agencies_with_origins")
def test_origins_of_closed_agency_are_refused_until_reopened(acme: Client) -> None:
    closed = acme.delete("/v1/agency", {"confirm": "close Acme"}, format="json")
    context.set_agency(None)
    allowed = {origin: preflight("/v1/accounts", origin).headers.get(ALLOWED) for origin in (MINE, THEIRS)}
    with context.agency(acme.agency.pk):
        agencies.reopen(agency=acme.agency, now=NOON)

    assert closed.status_code == 202
    assert allowed == {MINE: None, THEIRS: THEIRS}
    assert preflight("/v1/accounts", MINE).headers.get(ALLOWED) == MINE


@pytest.mark.parametrize("path", ["/v1/openapi.json", "/docs"])
def test_openapi_document_allows_every_origin(db: None, path: str) -> None:
    response = Stranger().get(path, headers={"Origin": UNKNOWN})

    assert (response.status_code, response[ALLOWED]) == (200, UNKNOWN)


def test_request_without_origin_has_no_cors_headers(acme: Client) -> None:
    response = acme.get("/v1/accounts")

    assert ALLOWED not in response.headers


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_endpoints_have_no_cors_headers(db: None, path: str) -> None:
    assert ALLOWED not in Stranger().get(path, headers={"Origin": MINE}).headers


def test_origin_function_reveals_no_agency(acme: Client) -> None:
    acme.patch("/v1/agency", {"allowed_origins": [MINE]}, format="json")
    context.set_agency(None)

    assert [context.origin_is_allowed(origin) for origin in (MINE, UNKNOWN, "", "%", MINE.upper())] == [
        *(True, False, False, False, False)
    ]
