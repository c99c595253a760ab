"""Send traces to a collector if OTEL_EXPORTER_OTLP_ENDPOINT is set. A request and the tasks it sends are one
trace."""

from collections.abc import Sequence
from typing import Any

from celery.signals import worker_process_shutdown
from django.conf import settings
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Status

from config.observability.log_redaction import Redactor
from config.observability.logs import secrets_of_settings

# For a batch with its retries. A process that stops waits this long at most for a collector that is away.
SEND_SECONDS = 3
# Attributes that may contain a query string.
URL_ATTRIBUTES = ("http.target", "http.url", "url.query", "url.full")


def start() -> None:
    """Trace this process and those that it forks."""
    provider = TracerProvider(resource=Resource.create({"service.name": settings.OTEL_SERVICE_NAME}))
    provider.add_span_processor(BatchSpanProcessor(RedactingExporter(OTLPSpanExporter(timeout=SEND_SECONDS))))
    trace.set_tracer_provider(provider)
    for instrumentor in (DjangoInstrumentor(), CeleryInstrumentor(), PsycopgInstrumentor()):  # type: ignore[no-untyped-call]
        instrumentor.instrument()

    def flush(**_: Any) -> None:
        provider.force_flush(SEND_SECONDS * 1000)

    # Pool processes of a worker end without running exit handlers.
    worker_process_shutdown.connect(flush, weak=False)


class RedactingExporter(SpanExporter):
    """Redact spans, and pass them to another exporter."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._redactor = Redactor(known=secrets_of_settings())

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([self._redact(span) for span in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = SEND_SECONDS * 1000) -> bool:
        return self._exporter.force_flush(timeout_millis)

    def _redact(self, span: ReadableSpan) -> ReadableSpan:
        description = span.status.description
        return ReadableSpan(
            name=self._redactor.text(span.name),
            context=span.context,
            parent=span.parent,
            resource=span.resource,
            attributes=self._attributes(span.attributes),
            events=[
                Event(each.name, self._attributes(each.attributes), each.timestamp) for each in span.events
            ],
            links=span.links,
            kind=span.kind,
            instrumentation_scope=span.instrumentation_scope,
            status=Status(span.status.status_code, self._redactor.text(description) if description else None),
            start_time=span.start_time,
            end_time=span.end_time,
        )

    def _attributes(self, attributes: Any) -> dict[str, Any]:
        exported = {name: value for name, value in (attributes or {}).items() if name != "url.query"}
        without_query = {
            name: value.partition("?")[0] if name in URL_ATTRIBUTES and isinstance(value, str) else value
            for name, value in exported.items()
        }
        return self._redactor.value(without_query)  # type: ignore[no-any-return]
