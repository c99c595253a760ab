"""Start the installation's checks, error reporting and tracing, and reset the language after requests."""

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
        request_finished.connect(reset_language)
        # Imported only if used: both packages take long to import.
        if settings.SENTRY_DSN:
            import_string("config.observability.sentry.start")()
        if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
            import_string("config.observability.tracing.start")()


def reset_language(**_: object) -> None:
    """Reset the thread's language, so that the next request does not inherit it."""
    translation.deactivate()
