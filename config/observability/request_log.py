"""Log and count every request, and add its ID to every line that is logged during it."""

import logging
import re
import time
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from structlog.contextvars import bound_contextvars

from api import identifiers
from config.observability import prometheus_counters

log = logging.getLogger("underone.requests")

# https://www.w3.org/TR/trace-context/
TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
MAX_PATH_LENGTH = 500
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


class RequestLogMiddleware:
    """Log and count requests. Must follow the middleware that gives each request its ID."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        with bound_contextvars(**context_of(request)):
            response = self.get_response(request)
            seconds = time.perf_counter() - began
            log_request(request=request, response=response, seconds=seconds)
        method, route = request.method or "", route_of(request)
        prometheus_counters.count_request(
            method=method, route=route, status=response.status_code, seconds=seconds
        )
        return response


def context_of(request: HttpRequest) -> dict[str, str]:
    """Return the fields of every line that is logged during the request."""
    traceparent = TRACEPARENT.fullmatch(request.headers.get("Traceparent", ""))
    trace = {"trace_id": traceparent[1]} if traceparent else {}
    return {"request_id": request.META["underone.request_id"]} | trace


def route_of(request: HttpRequest) -> str:
    """Return the path template, such as `/v1/accounts/{account_id}`; "" if no path matched."""
    matched = request.resolver_match
    return "/" + PARAMETER.sub(r"{\1}", matched.route) if matched else ""


def truncate_path(path: str) -> str:
    """Return the path, truncated at a slash if it is too long.

    Half of a secret could not be detected and redacted.
    """
    return path if len(path) <= MAX_PATH_LENGTH else path[:MAX_PATH_LENGTH].rpartition("/")[0] + "/…"


def log_request(*, request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
    """Log the request, without its query string, which may contain secrets."""
    path = truncate_path(request.path)
    fields: dict[str, Any] = {
        "method": request.method,
        "path": path,
        "route": route_of(request),
        "status": response.status_code,
        "milliseconds": round(seconds * 1000, 1),
        "bytes": len(getattr(response, "content", b"")) or int(response.headers.get("Content-Length", 0)),
    }
    if (principal := getattr(request, "auth", None)) is not None:
        fields |= {"bearer": principal.public_id, "agency": identifiers.public("agcy", principal.agency_id)}
    log.info("%s %s %s", request.method, path, response.status_code, extra=fields)
