"""How the web server is set beside its command line: `gunicorn --config=python:config.web.gunicorn_settings`."""

import os

from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

worker_class = "gthread"
workers, threads = settings.WEB_WORKERS, settings.WEB_THREADS
limit_request_line = 0  # up to a megabyte is read, and the API says what is too long in it
control_socket_disable = True  # its place is the user's home folder, which two installations would share
logconfig_dict = settings.LOGGING
accesslog = None  # every request is told of by config/observability/request_log.py
