"""Provide the WSGI application that the web server calls."""

import os
import sys

import django
from django.utils.module_loading import import_string

from config.web import gunicorn_errors
from config.web.auth_throttling import DelayFailedAuthentication
from config.web.utf8_requests import Utf8Handler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# gunicorn gives up at this code. At any other, it would start the process again and again.
BOOT_FAILED = 3


def verify_encryption_keys() -> None:
    """End the process with a message if SECRETS_KEYS does not fit the database."""
    # Models can be imported only now, after `django.setup`.
    try:
        import_string("config.encryption.keys.verify_at_start")()
    except SystemExit as refusal:
        sys.stderr.write(f"{refusal}\n")
        raise SystemExit(BOOT_FAILED) from None


django.setup(set_prefix=False)
verify_encryption_keys()
application = DelayFailedAuthentication(Utf8Handler())
gunicorn_errors.install()
