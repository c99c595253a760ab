"""Test that a request and its task are one trace with OTEL_EXPORTER_OTLP_ENDPOINT, without secrets."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import connection
from django.utils import timezone
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Status, StatusCode

from accounts.agencies import lifecycle as agencies
from config.observability.log_redaction import BLANK
from config.observability.tracing import RedactingExporter
from tests import build
from tests.config.collectors import Collector, collecting
from tests.config.failing_views import KEY, URL
from tests.installation import Installation, installed, wait_until

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARTS = {
    "POST v1/accounts/<str:account_id>/reports",
    "INSERT",
    "apply_async/ingestion.tasks.load_report",
    "run/ingestion.tasks.load_report",
}


@dataclass
class Traced:
    installation: Installation
    collector: Collector
    key: str

    def call(self, method: str, path: str, **content: Any) -> Any:
        headers = {
            "Host": "localhost",
            "Authorization": f"Bearer {self.key}",
            "Traceparent": f"00-{TRACE}-00f067aa0ba902b7-01",
        }
        response = httpx.request(
            method, f"http://127.0.0.1:{self.installation.port}{path}", headers=headers, **content
        )
        assert response.status_code < 300, response.text
        return response.json()

    def names(self) -> set[str]:
        """Return the names of the spans of this trace."""
        return {span.name for span in self.collector.spans() if span.trace_id.hex() == TRACE}


@pytest.fixture
def traced(committed_db: None, real_clock: None, tmp_path: Path) -> Iterator[Traced]:
    _, key = agencies.create_agency(name="Traced", now=timezone.now())
    connection.close()
    with collecting() as collector:
        endpoint = f"http://127.0.0.1:{collector.port}"
        with installed(
            place=tmp_path / "home", OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_BSP_SCHEDULE_DELAY="200"
        ) as installation:
            yield Traced(installation, collector, key)


def test_trace_has_request_statements_and_task_without_secrets(traced: Traced) -> None:
    body = {"name": "Shop", "selling_partner_id": "A1SHOP", "home_marketplace": "US"}
    account = traced.call("POST", "/v1/accounts", json=body)["id"]
    traced.call("GET", "/v1/accounts?search=verysecret")
    document = build.orders_file([build.order_row()])
    traced.call("POST", f"/v1/accounts/{account}/reports", files={"file": ("orders.txt", document)})

    wait_until(lambda: PARTS.issubset(traced.names()))  # each process hands on its own in its own time

    for secret in (traced.key, traced.key[8:20], "verysecret"):
        assert secret not in traced.collector.everything


def test_spans_are_exported_redacted() -> None:
    memory = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(RedactingExporter(memory)))
    with provider.get_tracer("test").start_as_current_span(f"called {URL}") as span:
        span.set_attributes(
            {"http.target": "/v1/me?token=verysecret", "url.query": "verysecret", "http.status_code": 200}
        )
        span.set_attributes({"db.statement": f"SELECT '{KEY}'", "ids": ["a", f"Bearer {KEY}"]})
        span.set_attribute("http.request.header.authorization", "x")
        span.record_exception(ValueError(f"password={KEY}"))
        span.set_status(Status(StatusCode.ERROR, f"password={KEY}"))

    (finished,) = memory.get_finished_spans()

    assert finished.name == f"called https://hooks.slack.com/{BLANK}"
    assert dict(finished.attributes or {}) == {
        "http.target": "/v1/me",
        "http.status_code": 200,
        "db.statement": f"SELECT 'uo_live_{BLANK}'",
        "ids": ["a", f"Bearer uo_live_{BLANK}"],
        "http.request.header.authorization": BLANK,
    }
    assert finished.status.description == f"password={BLANK}"
    assert "sKq7" not in finished.to_json()
    assert finished.context.span_id
