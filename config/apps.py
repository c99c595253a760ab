"""Makes the checks of the whole installation known to `manage.py check`."""

from django.apps import AppConfig

from config import checks

__all__ = ["ConfigConfig", "checks"]


class ConfigConfig(AppConfig):
    name = "config"
