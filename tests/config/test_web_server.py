"""Test a web server process: requests that it refuses itself, and responses without a database."""

import json
from collections.abc import Iterator

import pytest

from tests.web_servers import Address, ask, get, web_server

PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def web(django_db_setup: None) -> Iterator[Address]:
    with web_server() as address:
        yield address


@pytest.mark.parametrize(
    ("request_", "status", "slug"),
    [
        (b"nonsense\r\n\r\n", 400, "bad-request"),
        (b"GET / HTTP/9.9\r\n\r\n", 400, "bad-request"),
        (b"GET /v1/me HTTP/1.1\r\nno header\r\n\r\n", 400, "bad-request"),
        (b"GET /v1/me HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", 400, "bad-request"),
        (get("/" + "x" * 2 * 1024**2), 414, "uri-too-long"),
        (get("/v1/me", more="X-Long: " + "x" * 9000 + "\r\n"), 431, "headers-too-large"),
        (get("/v1/me", more="X-Long: " + "x" * 2 * 1024**2), 431, "headers-too-large"),
        (
            get("/v1/me", more="".join(f"X-{number}: x\r\n" for number in range(200))),
            431,
            "headers-too-large",
        ),
        (get("/v1/me", method="POST", more="Transfer-Encoding: nonsense\r\n"), 501, "not-implemented"),
    ],
    ids=["no request", "version", "no header", "length", "path", "header", "endless", "headers", "encoding"],
)
def test_refusal_by_server_is_a_problem(web: Address, request_: bytes, status: int, slug: str) -> None:
    actual, headers, body = ask(web, request_)

    problem = json.loads(body)
    assert (actual, headers["content-type"], problem["type"]) == (status, PROBLEM, f"/problems/{slug}")
    assert problem["request_id"] == headers["x-request-id"]
    assert problem["title"]
    assert problem["detail"]


def test_refusal_by_server_does_not_repeat_the_request(web: Address) -> None:
    _, _, body = ask(web, b"GET /v1/me HTTP/1.1\r\nAuthorization uo_live_secret\r\n\r\n")

    assert b"secret" not in body


def test_head_has_no_body(web: Address) -> None:
    status, headers, body = ask(web, get("/healthz", method="HEAD"))

    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 0


def test_compressed_responses_are_complete(web: Address) -> None:
    plain = ask(web, get("/v1/openapi.json"))
    status, headers, body = ask(web, get("/v1/openapi.json", more="Accept-Encoding: br\r\n"))

    assert (status, headers["content-encoding"], int(headers["content-length"])) == (200, "br", len(body))
    assert len(body) < len(plain[2]) / 5
    assert headers["etag"] == "W/" + plain[1]["etag"]


def test_missing_database_is_unavailable_problem(django_db_setup: None) -> None:
    with web_server(DATABASE_URL="postgresql://nobody:x@127.0.0.1:1/nowhere") as address:
        responses = [
            ask(address, get("/v1/me", more=f"Authorization: Bearer uo_live_{'x' * 12}_{'y' * 43}\r\n")),
            ask(
                address,
                get(
                    "/v1/accounts/acct_x/reports",
                    more=f"Authorization: Bearer uo_live_{'x' * 12}_{'y' * 43}\r\n",
                ),
            ),
        ]
        alive = ask(address, get("/healthz"))

    for status, headers, body in responses:
        problem = json.loads(body)
        assert (status, headers["content-type"], problem["type"]) == (503, PROBLEM, "/problems/unavailable")
        assert headers["retry-after"] == "5"
        assert problem["request_id"] == headers["x-request-id"]
        assert b"127.0.0.1" not in body
    assert alive[0] == 200
