"""Configure the web server: `gunicorn --config=python:config.web.gunicorn_settings`."""

import os

from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

worker_class = "config.web.worker.BufferingWorker"
workers, threads = settings.WEB_WORKERS, settings.WEB_THREADS
# Open connections of a process. Each may have two more files, for its body and its response, and most systems
# allow 1024 files. Beyond the limit, the one that has waited longest is closed.
worker_connections = 300
# Seconds for the next request: longer than the proxy in docker/nginx.conf keeps its connections, which must
# not send a request while this side closes. They occupy no thread.
keepalive = 75
# No limit here: up to a megabyte is read (config/web/connections.py), and the API answers which parameter is too
# long.
limit_request_line = 0
# The control socket lives in the user's home folder, which two installations would share.
control_socket_disable = True
logconfig_dict = settings.LOGGING
# config/observability/request_log.py logs every request.
accesslog = None
