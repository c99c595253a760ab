"""Mistakes of ours go to Sentry, where SENTRY_DSN names a project: without secrets, bodies, cookies, people and variables."""

from typing import Any, cast

import sentry_sdk
from django.conf import settings
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.types import Event
from structlog.contextvars import get_contextvars

from config.observability.log_redaction import Redactor
from config.observability.logs import secrets_of_settings

SECONDS_TO_STOP = 2
NOT_TOLD = ("data", "cookies", "env", "query_string")


def start() -> None:
    """Listen for mistakes in this process and in those that it forks."""
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        environment=settings.SENTRY_ENVIRONMENT,
        traces_sample_rate=settings.SENTRY_TRACES_SAMPLE_RATE or None,
        integrations=[DjangoIntegration(), CeleryIntegration()],
        auto_enabling_integrations=False,  # nothing is to look at the requests that carry webhooks
        trace_propagation_targets=[],  # nor to add headers to them
        send_default_pii=False,
        max_request_body_size="never",
        include_local_variables=False,
        before_send=_without_secrets,
        before_send_transaction=_without_secrets,
        shutdown_timeout=SECONDS_TO_STOP,
    )


def _without_secrets(event: Event, _: Any) -> Event:
    """Of the request its path is left, and the id that our log has it under."""
    told = cast("dict[str, Any]", event)
    for part in NOT_TOLD:
        (told.get("request") or {}).pop(part, None)
    blanked = Redactor(known=secrets_of_settings()).value(told)
    tags = {name: value for name, value in get_contextvars().items() if name in {"request_id", "task_id"}}
    return cast("Event", blanked | {"tags": (blanked.get("tags") or {}) | tags})
