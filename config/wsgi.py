"""Provide the WSGI application that the web server calls."""

import os

import django

from config.web import gunicorn_errors
from config.web.auth_throttling import DelayFailedAuthentication
from config.web.utf8_requests import Utf8Handler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django.setup(set_prefix=False)
application = DelayFailedAuthentication(Utf8Handler())
gunicorn_errors.install()
