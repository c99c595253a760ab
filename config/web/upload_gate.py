"""Tell whether the sender of a large body is known, before the web server stores the body."""

import io
from typing import Any

from django.db import DatabaseError, close_old_connections, transaction
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.settings import api_settings

from config.web.utf8_requests import Utf8Request


def is_authenticated(environ: dict[str, Any]) -> bool:
    """Return whether the request has a valid key, token or session.

    Counts nothing. The application authenticates the request again, and answers if it is not valid. Opens a
    transaction.
    """
    close_old_connections()
    try:
        request = Utf8Request(environ | {"wsgi.input": io.BytesIO(), "CONTENT_LENGTH": "0"})
        with transaction.atomic():
            authenticators = [each() for each in api_settings.DEFAULT_AUTHENTICATION_CLASSES]  # type: ignore[operator]
            return Request(request, authenticators=authenticators).auth is not None
    except (APIException, DatabaseError):
        return False
    finally:
        close_old_connections()
