"""Serve the metrics of the installation for Prometheus at `GET /metrics`, in its text format."""

import hmac
import time
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from api.openapi.operations import public_problem
from config.observability import machines, operational_figures, prometheus_gauges
from config.observability.health import UnauthenticatedView

EXAMPLE = """\
# HELP underone_accounts Seller accounts.
# TYPE underone_accounts gauge
underone_accounts 8.0
"""


EXPOSITION = {"type": "string", "maxLength": 1024**2}


class PlainText(BaseRenderer):
    media_type = "text/plain"
    format = "txt"
    charset = "utf-8"

    def render(
        self, data: Any, media_type: str | None = None, context: Mapping[str, Any] | None = None
    ) -> bytes:
        return bytes(data)


class AlwaysPlainText(DefaultContentNegotiation):
    """Respond with the text format for every `Accept` header, because every scraper reads it."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], CONTENT_TYPE_PLAIN_0_0_4


class PrometheusView(UnauthenticatedView):
    renderer_classes = (PlainText,)
    content_negotiation_class = AlwaysPlainText

    @extend_schema(
        operation_id="getOperationalMetrics",
        summary="Get operational metrics",
        description="Returns counts, durations and ages of the installation for Prometheus. If "
        "METRICS_TOKEN is set, send `Authorization: Bearer <METRICS_TOKEN>`. With HTTPS the path is closed "
        "until it is set.",
        tags=["Health"],
        responses={
            (200, "text/plain"): OpenApiResponse(
                EXPOSITION, examples=[OpenApiExample("Metrics", value=EXAMPLE)]
            ),
            **public_problem(401),
        },
    )
    def get(self, request: Request) -> Response:
        self._check_token(request)
        figures = operational_figures.reader.read(now=timezone.now())
        registry = CollectorRegistry()
        now = time.time()
        registry.register(
            prometheus_gauges.InstallationCollector(
                figures=figures, snapshots=machines.others(now=now), now=now
            )
        )
        return Response(
            generate_latest(registry),
            content_type=CONTENT_TYPE_PLAIN_0_0_4,
            headers={"Cache-Control": "no-store"},
        )

    def get_authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="metrics"'

    def _check_token(self, request: Request) -> None:
        """Raise AuthenticationFailed unless the request has METRICS_TOKEN.

        Without the setting nobody can read metrics over HTTPS, where strangers reach the server, and everybody
        otherwise.
        """
        if settings.HTTPS and not settings.METRICS_TOKEN:
            raise AuthenticationFailed("Metrics are closed until METRICS_TOKEN is set on the server.")
        # A header may hold any bytes. compare_digest takes texts only if they are ASCII,
        # and compares in constant time.
        sent = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        expected = f"Bearer {settings.METRICS_TOKEN}".encode()
        if settings.METRICS_TOKEN and not hmac.compare_digest(sent, expected):
            raise AuthenticationFailed("Send METRICS_TOKEN as `Authorization: Bearer …`.")
