"""Every request is counted and told of in one line, and whatever is logged on its way carries its id."""

import logging
import re
import time
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from structlog.contextvars import bound_contextvars

from api import identifiers
from config.observability import meters

log = logging.getLogger("underone.requests")

TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")  # https://www.w3.org/TR/trace-context/
LONGEST_PATH = 500
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


class ObserveRequests:
    """Comes right after the middleware that gives each request its id."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        with bound_contextvars(**context_of(request)):
            response = self.get_response(request)
            seconds = time.perf_counter() - began
            tell(request=request, response=response, seconds=seconds)
        method, route = request.method or "", route_of(request)
        meters.count_request(method=method, route=route, status=response.status_code, seconds=seconds)
        return response


def context_of(request: HttpRequest) -> dict[str, str]:
    """What every line says that is written in the course of the request."""
    traced = TRACEPARENT.fullmatch(request.headers.get("Traceparent", ""))
    trace = {"trace_id": traced[1]} if traced else {}
    return {"request_id": request.META["underone.request_id"]} | trace


def route_of(request: HttpRequest) -> str:
    """The path as the document writes it, `/v1/accounts/{account_id}`; nothing where no path matched."""
    matched = request.resolver_match
    return "/" + PARAMETER.sub(r"{\1}", matched.route) if matched else ""


def told_path(path: str) -> str:
    """The path, cut between two of its parts where it is longer than any of ours: half a secret would not be known as one."""
    return path if len(path) <= LONGEST_PATH else path[:LONGEST_PATH].rpartition("/")[0] + "/…"


def tell(*, request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
    """Log the request. What follows a question mark is not told: people put all sorts of things there."""
    path = told_path(request.path)
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
