"""Limit actions that send e-mails or check guessable secrets, whoever performs them.

Attempts at a mailbox are counted by client address, by mailbox and client address together, and by mailbox
alone (`ACCOUNT_RATE_LIMITS`: …_by_address, …_by_pair, …_by_mailbox). One address can never use up the limit of
a mailbox, because the limit of the pair is narrower. Many addresses can: from then on only addresses from
which the user has signed in before are admitted. So nobody can keep users out of their usual places, and
nobody can guess without bound.
"""

import hashlib
from contextlib import suppress
from datetime import timedelta

from django.core.cache import cache
from django.http import HttpRequest
from redis.exceptions import RedisError
from rest_framework.exceptions import Throttled
from rest_framework.request import Request

from accounts.people import allauth_client
from accounts.people.allauth_client import Attempt
from accounts.requests.rate_limits import client_address

# Most windows of ACCOUNT_RATE_LIMITS are a minute long.
RETRY_AFTER_SECONDS = 60
ADDRESS_REMEMBERED_FOR = timedelta(days=90)


def limit(request: Request, action: str, *, key: str | None = None) -> None:
    """Count one action by client address or `key`, within ACCOUNT_RATE_LIMITS. Raises Throttled."""
    django_request = request._request  # noqa: SLF001  DRF's way to Django's request
    if not allauth_client.is_within_limit(request=django_request, action=action, key=key):
        raise Throttled(wait=RETRY_AFTER_SECONDS)


def limit_mailbox(request: Request, kind: str, *, mailbox: str) -> None:
    """Count one action that concerns a mailbox. Raises Throttled."""
    django_request = request._request  # noqa: SLF001  DRF's way to Django's request
    if count_attempt(request=django_request, kind=kind, mailbox=mailbox) is None:
        raise Throttled(wait=RETRY_AFTER_SECONDS)


def count_attempt(*, request: HttpRequest, kind: str, mailbox: str) -> Attempt | None:
    """Count one attempt at a mailbox before its outcome is known.

    1. by client address, 2. by mailbox and client address, 3. by mailbox, unless the address is known.

    None if a limit is reached, or attempts cannot be counted.
    """
    mailbox, address = mailbox.lower(), client_address(request.META)
    keys = {f"{kind}_by_address": None, f"{kind}_by_pair": f"{mailbox} {address}"}
    if not _is_known(mailbox, address):
        keys[f"{kind}_by_mailbox"] = mailbox
    attempt = Attempt(())
    # In this order: a refused attempt must not count for the mailbox, or one address could use up its limit.
    for action, key in keys.items():
        counted = allauth_client.count_attempt(request=request, action=action, key=key)
        if counted is None:
            return None
        attempt = Attempt((*attempt.usages, *counted.usages))
    return attempt


def remember_address(*, request: HttpRequest, mailbox: str) -> None:
    """Remember that the owner of a mailbox has signed in from this client address."""
    key = _known_key(mailbox.lower(), client_address(request.META))
    # The sign-in has succeeded; an outage of the store must not fail it.
    with suppress(RedisError):
        cache.set(key, 1, ADDRESS_REMEMBERED_FOR.total_seconds())


def forgive_address(*, request: HttpRequest, mailbox: str) -> None:
    """Uncount the failed passwords from this client address, because the owner has set a new one."""
    mailbox, address = mailbox.lower(), client_address(request.META)
    allauth_client.clear_attempts(request=request, action="password_by_pair", key=f"{mailbox} {address}")


def _is_known(mailbox: str, address: str) -> bool:
    try:
        return bool(cache.get(_known_key(mailbox, address)))
    except RedisError:
        return False


def _known_key(mailbox: str, address: str) -> str:
    # A digest, because the store needs neither mailboxes nor addresses in the clear.
    return "known-address:" + hashlib.sha256(f"{mailbox} {address}".encode()).hexdigest()
