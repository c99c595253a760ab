"""How the web server is set beside its command line: `gunicorn --config=python:config.gunicorn`."""

import os

from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

logconfig_dict = settings.LOGGING
accesslog = None  # every request is told of by config/observing.py
