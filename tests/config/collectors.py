"""Serve as Sentry and as a collector of traces, and store what is sent."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import brotli
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

UNPACK = {"gzip": gzip.decompress, "br": brotli.decompress, "": bytes}


class Collector(ThreadingHTTPServer):
    """Store what was sent, by path, decompressed."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.came: list[tuple[str, bytes]] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def everything(self) -> str:
        return "".join(body.decode(errors="replace") for _, body in self.came)

    def events(self) -> list[dict[str, Any]]:
        """Return the errors sent to Sentry. An envelope has a line of its own, then a header and a body for each
        item."""

        lines = [
            line for path, body in self.came if path.endswith("/envelope/") for line in body.splitlines()
        ]
        return [
            event for line in lines if line.startswith(b"{") and "exception" in (event := json.loads(line))
        ]

    def spans(self) -> list[Span]:
        requests = [
            ExportTraceServiceRequest.FromString(body) for path, body in self.came if path == "/v1/traces"
        ]
        return [
            span
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


class Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        chunked = self.headers.get("Transfer-Encoding") == "chunked"
        body = b"" if chunked else self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.came.append((self.path, UNPACK[self.headers.get("Content-Encoding", "")](body)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


@contextmanager
def collecting() -> Iterator[Collector]:
    """Serve until the block ends."""
    with Collector() as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        yield collector
        collector.shutdown()
