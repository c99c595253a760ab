"""Limit actions that send e-mails or check guessable secrets, whoever performs them."""

from rest_framework.exceptions import Throttled
from rest_framework.request import Request

from accounts.people import allauth_client

# Most windows of ACCOUNT_RATE_LIMITS are a minute long.
RETRY_AFTER_SECONDS = 60


def limit(request: Request, action: str, *, key: str | None = None) -> None:
    """Count one action by client address or `key`, within ACCOUNT_RATE_LIMITS. Raises Throttled."""
    django_request = request._request  # noqa: SLF001  DRF's way to Django's request
    if not allauth_client.is_within_limit(request=django_request, action=action, key=key):
        raise Throttled(wait=RETRY_AFTER_SECONDS)
