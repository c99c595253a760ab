"""Test the log of requests: one line at the end, and the request ID in every line."""

import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client as Stranger
from django.test import RequestFactory
from structlog.contextvars import get_contextvars

from config.observability import logs
from config.observability.request_log import RequestLogMiddleware
from tests import build
from tests.client import Client

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class LogBook:
    """Collect the log lines of the product."""

    def __init__(self) -> None:
        self.output = StringIO()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.getvalue().splitlines()]

    @property
    def requests(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["logger"] == "underone.requests"]


@pytest.fixture
def log_book() -> Iterator[LogBook]:
    log_book = LogBook()
    handler = logging.StreamHandler(log_book.output)
    handler.setFormatter(logs.formatter(as_json=True))
    logging.getLogger().addHandler(handler)
    yield log_book
    logging.getLogger().removeHandler(handler)


def test_request_is_logged_in_one_line(log_book: LogBook, acme: Client, shop: str) -> None:
    refused = acme.get(f"/v1/accounts/{shop}", {"token": "verysecret"})
    response = acme.get(f"/v1/accounts/{shop}")

    assert refused.status_code == 400
    line = log_book.requests[-1]
    assert line["event"] == f"GET /v1/accounts/{shop} 200"
    assert line["route"] == "/v1/accounts/{account_id}"
    assert (line["method"], line["path"], line["status"]) == ("GET", f"/v1/accounts/{shop}", 200)
    assert line["bytes"] == len(response.content)
    assert 0 < line["milliseconds"] < 60_000
    assert line["request_id"] == response["X-Request-Id"]
    assert "verysecret" not in log_book.output.getvalue()


def test_line_has_principal(log_book: LogBook, acme: Client) -> None:
    me = acme.read("/v1/me")

    line = log_book.requests[-1]
    assert line["agency"] == acme.agency.public_id == me["agency"]["id"]
    assert line["bearer"].startswith("key_")
    assert acme.key not in log_book.output.getvalue()


def test_line_without_key_has_no_principal(log_book: LogBook, db: None) -> None:
    Stranger().get("/v1/me", headers={"Authorization": "Bearer uo_live_000000000000_verysecret"})

    line = log_book.requests[-1]
    assert line["status"] == 401
    assert not {"bearer", "agency"} & set(line)
    assert "verysecret" not in log_book.output.getvalue()


def test_unknown_path_has_no_route(log_book: LogBook, db: None) -> None:
    Stranger().get("/v1/nothing/here")

    assert (log_book.requests[-1]["route"], log_book.requests[-1]["status"]) == ("", 404)


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/v1/" + "x" * 496, "/v1/" + "x" * 496),
        ("/v1/" + "x" * 497, "/v1/…"),
        ("/v1/" + "x" * 480 + "/eyJhbGciOi.c2VjcmV0.c2VjcmV0", "/v1/" + "x" * 480 + "/…"),
        ("/" + "eyJ-" * 16_000, "/…"),
    ],
    ids=["as long as any", "longer", "secret at the cut", "hostile"],
)
def test_path_is_logged_up_to_a_length(log_book: LogBook, db: None, path: str, logged: str) -> None:
    Stranger().get(path)

    line = log_book.requests[-1]
    assert (line["path"], line["event"]) == (logged, f"GET {logged} 404")
    assert "c2Vj" not in log_book.output.getvalue()


def test_refused_request_is_logged_once(log_book: LogBook, acme: Client) -> None:
    acme.get("/v1/accounts/acct_unknown")

    assert len(log_book.lines) == 1


def test_file_is_logged_with_its_length(log_book: LogBook, acme: Client, shop: str) -> None:
    report = acme.load(shop, build.orders_file([build.order_row()]))

    response = acme.get(f"/v1/reports/{report['id']}/document")

    assert response.streaming
    assert log_book.requests[-1]["bytes"] == len(response.getvalue())
    response.close()


@pytest.mark.parametrize(
    ("traceparent", "trace"),
    [
        (f"00-{TRACE}-00f067aa0ba902b7-01", TRACE),
        (f"cc-{TRACE}-00f067aa0ba902b7-01-what-comes-later", TRACE),
        (f"00-{TRACE.upper()}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE}-00f067aa0ba902b7", None),
        ("x", None),
        ("", None),
    ],
)
def test_trace_of_caller_is_logged(log_book: LogBook, db: None, traceparent: str, trace: str | None) -> None:
    Stranger().get("/healthz", headers={"Traceparent": traceparent})

    assert log_book.requests[-1].get("trace_id") == trace


def answered_by(view: Any, **headers: str) -> Any:
    request = RequestFactory().get("/v1/anything", headers=headers)
    request.META["underone.request_id"] = "req_1"
    return RequestLogMiddleware(view)(request)


def test_lines_during_request_have_its_id(log_book: LogBook) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        logging.getLogger("metrics.tasks").warning("on the way")
        return HttpResponse("x")

    answered_by(view)

    assert [(line["event"], line["request_id"]) for line in log_book.lines] == [
        ("on the way", "req_1"),
        ("GET /v1/anything 200", "req_1"),
    ]


def test_request_context_is_reset_after_response(log_book: LogBook) -> None:
    seen = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(dict(get_contextvars()))
        return HttpResponse("x")

    answered_by(view, Traceparent=f"00-{TRACE}-00f067aa0ba902b7-01")

    assert seen == [{"request_id": "req_1", "trace_id": TRACE}]
    assert get_contextvars() == {}


def test_request_context_is_reset_after_error() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        answered_by(view)

    assert get_contextvars() == {}


def test_streamed_response_is_not_read(log_book: LogBook) -> None:
    response = answered_by(lambda _: StreamingHttpResponse(iter([b"a", b"b"])))

    assert log_book.requests[-1]["bytes"] == 0
    assert response.getvalue() == b"ab"
