"""Traces go to a collector where OTEL_EXPORTER_OTLP_ENDPOINT names one: a request and the tasks it sends are one trace."""

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

SECONDS_TO_SEND = 3  # of a batch, every try included: a collector that is gone holds up nobody, and a stop no longer than this
ASKED = ("http.target", "http.url", "url.query", "url.full")
"""Attributes that may hold what follows a question mark."""


def start() -> None:
    """Trace this process and those that it forks."""
    provider = TracerProvider(resource=Resource.create({"service.name": settings.OTEL_SERVICE_NAME}))
    provider.add_span_processor(BatchSpanProcessor(WithoutSecrets(OTLPSpanExporter(timeout=SECONDS_TO_SEND))))
    trace.set_tracer_provider(provider)
    for instrumentor in (DjangoInstrumentor(), CeleryInstrumentor(), PsycopgInstrumentor()):  # type: ignore[no-untyped-call]
        instrumentor.instrument()

    def send_the_rest(**_: Any) -> None:
        provider.force_flush(SECONDS_TO_SEND * 1000)

    worker_process_shutdown.connect(send_the_rest, weak=False)  # these end without further ado


class WithoutSecrets(SpanExporter):
    """Hands spans on, blanked."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._redactor = Redactor(known=secrets_of_settings())

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([self._blanked(span) for span in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = SECONDS_TO_SEND * 1000) -> bool:
        return self._exporter.force_flush(timeout_millis)

    def _blanked(self, span: ReadableSpan) -> ReadableSpan:
        said = span.status.description
        return ReadableSpan(
            name=self._redactor.text(span.name),
            context=span.context,
            parent=span.parent,
            resource=span.resource,
            attributes=self._attributes(span.attributes),
            events=[Event(each.name, self._attributes(each.attributes), each.timestamp) for each in span.events],
            links=span.links,
            kind=span.kind,
            instrumentation_scope=span.instrumentation_scope,
            status=Status(span.status.status_code, self._redactor.text(said) if said else None),
            start_time=span.start_time,
            end_time=span.end_time,
        )

    def _attributes(self, attributes: Any) -> dict[str, Any]:
        kept = {name: value for name, value in (attributes or {}).items() if name != "url.query"}
        return self._redactor.value(  # type: ignore[no-any-return]
            {name: value.partition("?")[0] if name in ASKED and isinstance(value, str) else value for name, value in kept.items()}
        )
