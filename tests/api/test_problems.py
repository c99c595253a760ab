"""Test problems, request IDs and conditional reads."""

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client as Stranger
from pytest_django.fixtures import Settings

from api.version import VERSION
from tests import build
from tests.client import Client

PROBLEM = "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("get", "/nowhere", 404, "/problems/not-found"),
        ("get", "/v1/nowhere", 404, "/problems/not-found"),
        ("get", "/v1/accounts/acct_unknown", 404, "/problems/not-found"),
        ("put", "/v1/accounts", 405, "/problems/method-not-allowed"),
        ("delete", "/v1/breaches", 405, "/problems/method-not-allowed"),
    ],
)
def test_unanswerable_request_is_a_problem(
    acme: Client, method: str, path: str, status: int, kind: str
) -> None:
    response = getattr(acme, method)(path)

    body = response.json()
    assert (response.status_code, response["Content-Type"]) == (status, PROBLEM)
    assert (body["type"], body["status"]) == (kind, status)
    assert body["title"]
    assert body["detail"]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"name": NaN}', "application/json", 400),
        (b"1" * 10_000, "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"null", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"name=x", "application/x-www-form-urlencoded", 415),
        (b"<a/>", "application/xml", 415),
    ],
)
def test_unreadable_body_is_a_problem(acme: Client, body: bytes, content_type: str, status: int) -> None:
    response = acme.generic("POST", "/v1/accounts", body, content_type)

    assert (response.status_code, response["Content-Type"]) == (status, PROBLEM)


def test_unacceptable_response_is_a_problem(acme: Client) -> None:
    response = acme.get("/v1/accounts", HTTP_ACCEPT="application/xml")

    assert response.status_code == 406


def test_request_id_is_set_and_well_formed_one_is_kept(acme: Client) -> None:
    given = acme.get("/v1/me", HTTP_X_REQUEST_ID="trace-1")
    hostile = acme.get("/v1/me", HTTP_X_REQUEST_ID="a b\r\nSet-Cookie: x")
    missing = acme.get("/v1/accounts/acct_unknown")

    assert given["X-Request-Id"] == "trace-1"
    assert hostile["X-Request-Id"].startswith("req_")
    assert missing["X-Request-Id"] == missing.json()["request_id"]


def test_unchanged_response_is_not_sent_again(acme: Client, shop: str) -> None:
    first = acme.get(f"/v1/accounts/{shop}")

    again = acme.get(f"/v1/accounts/{shop}", HTTP_IF_NONE_MATCH=first["ETag"])

    assert (again.status_code, again.content) == (304, b"")


def test_wrong_host_is_a_problem() -> None:
    response = Stranger().get("/v1/me", headers={"host": "evil.example"})

    assert (response.status_code, response["Content-Type"]) == (400, PROBLEM)


def test_server_error_reveals_no_cause(acme: Client, shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    acme.raise_request_exception = False
    monkeypatch.setattr("metrics.pipeline.values.VALUES", "SELECT secret FROM nowhere")

    response = acme.get(f"/v1/accounts/{shop}/metrics")

    assert (response.status_code, response["Content-Type"]) == (500, PROBLEM)
    assert b"nowhere" not in response.content
    assert response.json()["request_id"] == response["X-Request-Id"]


def failing(get_response: Any) -> Any:
    """Raise an error in a middleware."""

    def fail(request: Any) -> Any:
        raise LookupError("a secret of ours")

    return fail


def without_database(get_response: Any) -> Any:
    """Raise a database error in a middleware."""

    def fail(request: Any) -> Any:
        raise OperationalError("connection to server at a secret place failed")

    return fail


@pytest.mark.parametrize(
    ("middleware", "status", "slug", "again"),
    [("failing", 500, "internal", None), ("without_database", 503, "unavailable", "5")],
)
def test_server_error_in_middleware_is_a_problem(
    acme: Client, settings: Settings, middleware: str, status: int, slug: str, again: str | None
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.{middleware}"]
    acme.raise_request_exception = False

    response = acme.get("/v1/me")

    assert (response.status_code, response["Content-Type"], response.get("Retry-After")) == (
        status,
        PROBLEM,
        again,
    )
    assert response.json()["type"] == f"/problems/{slug}"
    assert response.json()["request_id"] == response["X-Request-Id"]
    assert b"secret" not in response.content


def test_aborted_request_is_refused_and_no_server_error(acme: Client) -> None:
    class Broken:
        def read(self, *_: int) -> bytes:
            raise OSError("the line went dead")

        readline = read

    response = acme.generic(
        "POST",
        "/v1/accounts",
        content_type="application/json",
        **{"wsgi.input": Broken(), "CONTENT_LENGTH": "9"},
    )

    assert (response.status_code, response["Content-Type"]) == (400, PROBLEM)


def test_health_needs_no_key(db: None) -> None:
    alive, ready = Stranger().get("/healthz"), Stranger().get("/readyz")

    assert (alive.status_code, alive.json()) == (200, {"status": "ok", "version": VERSION})
    assert (ready.status_code, ready.json()) == (
        200,
        {"database": "ok", "broker": "ok", "keys": "ok", "documents": "ok"},
    )


def test_large_json_body_is_refused(acme: Client, shop: str) -> None:
    rows = [build.defect(order=build.order_id(1), reference="x" * 64)] * 80_000

    response = acme.post(f"/v1/accounts/{shop}/defects", {"defects": rows}, format="json")

    assert (response.status_code, response["Content-Type"]) == (413, PROBLEM)


def test_problem_lists_100_errors_and_counts_the_rest(acme: Client) -> None:
    body = {"url": "https://hooks.example.com/in", "accounts": ["acct_none"] * 103}

    problem = acme.post("/v1/webhook-endpoints", body, format="json").json()

    assert [error["pointer"] for error in problem["errors"]] == [f"/accounts/{place}" for place in range(100)]
    assert problem["detail"].endswith("; and more errors, which are not listed")
