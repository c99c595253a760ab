"""Report errors to Sentry if SENTRY_DSN is set, without secrets, bodies, cookies, users and variables."""

from typing import Any, cast

import sentry_sdk
from django.conf import settings
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.types import Event
from structlog.contextvars import get_contextvars

from config.observability.log_redaction import Redactor
from config.observability.logs import secrets_of_settings

SHUTDOWN_SECONDS = 2
REMOVED = ("data", "cookies", "env", "query_string")


def start() -> None:
    """Start reporting in this process and in those that it forks."""
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        environment=settings.SENTRY_ENVIRONMENT,
        traces_sample_rate=settings.SENTRY_TRACES_SAMPLE_RATE or None,
        integrations=[DjangoIntegration(), CeleryIntegration()],
        # Other integrations would instrument the HTTP client that sends webhooks, and add headers to its
        # requests.
        auto_enabling_integrations=False,
        trace_propagation_targets=[],
        send_default_pii=False,
        max_request_body_size="never",
        include_local_variables=False,
        before_send=_without_secrets,
        before_send_transaction=_without_secrets,
        shutdown_timeout=SHUTDOWN_SECONDS,
    )


def _without_secrets(event: Event, _: Any) -> Event:
    """Return the event with the path of the request, its ID and the task ID, and without the rest of the
    request."""

    content = cast("dict[str, Any]", event)
    for part in REMOVED:
        (content.get("request") or {}).pop(part, None)
    redacted = Redactor(known=secrets_of_settings()).value(content)
    tags = {name: value for name, value in get_contextvars().items() if name in {"request_id", "task_id"}}
    return cast("Event", redacted | {"tags": (redacted.get("tags") or {}) | tags})
