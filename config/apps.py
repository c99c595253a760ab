"""What holds for the whole installation: its checks, and that no request leaves its language behind."""

from django.apps import AppConfig
from django.core.signals import request_finished
from django.utils import translation

from config import checks

__all__ = ["ConfigConfig", "checks"]


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        request_finished.connect(forget_language)


def forget_language(**_: object) -> None:
    """The thread speaks the language of LANGUAGE_CODE again, whatever the request that it answered had asked for."""
    translation.deactivate()
