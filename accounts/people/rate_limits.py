"""What may be asked for a few times only, whoever asks: mails to one mailbox, secrets that may be guessed."""

from rest_framework.exceptions import Throttled
from rest_framework.request import Request

from accounts.people import allauth_client

LATER = 60  # seconds; the windows are a minute long, most of them


def limit(request: Request, action: str, *, key: str | None = None) -> None:
    """Count one more of these by the caller's address or by `key`, as ACCOUNT_RATE_LIMITS says. Raises Throttled."""
    if not allauth_client.may_go_on(request=request._request, action=action, key=key):  # noqa: SLF001  DRF's way to Django's request
        raise Throttled(wait=LATER)
