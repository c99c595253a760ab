"""What the web server calls."""

import os

import django

from config.web import gunicorn_errors
from config.web.auth_throttling import Paced
from config.web.utf8_requests import Handler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django.setup(set_prefix=False)
application = Paced(Handler())
gunicorn_errors.answer_with_problems()
