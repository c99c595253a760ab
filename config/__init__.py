"""The composition root: settings, the whole API on one screen, every clock-driven job, and the launcher for
one machine."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
