"""Configure the web server: `gunicorn --config=python:config.web.gunicorn_settings`."""

import os

from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

worker_class = "gthread"
workers, threads = settings.WEB_WORKERS, settings.WEB_THREADS
# No limit here: up to a megabyte is read, and the API answers which parameter is too long.
limit_request_line = 0
# The control socket lives in the user's home folder, which two installations would share.
control_socket_disable = True
logconfig_dict = settings.LOGGING
# config/observability/request_log.py logs every request.
accesslog = None
