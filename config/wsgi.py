"""Provide the WSGI application that the web server calls."""

import os
import sys

import django
from django.utils.module_loading import import_string

from config.observability import machines
from config.web import gunicorn_errors
from config.web.auth_throttling import DelayFailedAuthentication
from config.web.utf8_requests import Utf8Handler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# gunicorn gives up at this code. At any other, it would start the process again and again.
BOOT_FAILED = 3


def verify() -> None:
    """End the process with a message if it does not fit its installation."""
    # Models can be imported only now, after `django.setup`.
    try:
        import_string("config.startup.verify")()
    except SystemExit as refusal:
        sys.stderr.write(f"{refusal}\n")
        raise SystemExit(BOOT_FAILED) from None


django.setup(set_prefix=False)
verify()
application = DelayFailedAuthentication(Utf8Handler())
gunicorn_errors.install()
machines.publish_forever()
