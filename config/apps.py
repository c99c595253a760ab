"""What holds for the whole installation: its checks, who is told of mistakes, and that no request leaves its language behind."""

from django.apps import AppConfig
from django.conf import settings
from django.core.signals import request_finished
from django.utils import translation
from django.utils.module_loading import import_string

from config import checks

__all__ = ["ConfigConfig", "checks"]


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        request_finished.connect(forget_language)
        # Neither costs anything where it is not asked for: not even its import.
        if settings.SENTRY_DSN:
            import_string("config.observability.sentry.start")()
        if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
            import_string("config.observability.tracing.start")()


def forget_language(**_: object) -> None:
    """The thread speaks the language of LANGUAGE_CODE again, whatever the request that it answered had asked for."""
    translation.deactivate()
